"""How notices are made of words that somebody types in the console: tried out, filled in for a mail that nobody sent."""

from __future__ import annotations

import secrets
import time
from base64 import b64encode
from collections.abc import Callable, Sequence

from gateway.domain.address import normal_domain
from gateway.domain.phrase import phrase
from gateway.flow.own_mail import OwnMail
from gateway.flow.text_ports import Fault, Sample, TextKind, Texts
from gateway.languages.language import known, language
from gateway.mail_texts import MailTexts
from gateway.relay.compose import desk_name
from gateway.relay.letter import Desk
from gateway.relay.notice_letter import NoticeTemplates, compose_notice, sample_notice
from gateway.relay.signer import Signer
from gateway.relay.template_parts import Sources, TemplateFault
from gateway.settings import Settings

_PARTS = {"subject.txt": "subject", "body.txt": "text", "body.html": "html"}


class NoticeWorkshop:
    """Implements `flow.text_ports.Workshop` for notices."""

    def __init__(
        self, texts: Callable[[], MailTexts], desk: Desk, settings: Settings, signer: Signer | None = None
    ) -> None:
        """texts: the shipped words, and the operator's, as they were last read."""
        self._texts = texts
        self._desk = desk
        self._settings = settings
        self._signer = signer

    def languages(self) -> Sequence[str]:
        """Return the languages that notices are written in."""
        return known()

    def shipped(self, tag: str) -> Texts:
        """Return the shipped texts, or those of the operator's folder. Raises KeyError."""
        if tag not in known():
            raise KeyError(tag)
        return self._texts().sources(tag, TextKind.NOTICE)

    def try_out(self, scope: str, tag: str, texts: Texts) -> Sample | Sequence[Fault]:
        """Fill in the sample, or tell every fault that was found."""
        faults = [fault_of(one) for one in self._texts().notice(tag).faults(_sources(texts))]
        if texts.from_line:
            faults.append(Fault("from_line", 0, phrase("a notice has no other author than a digest")))
        if faults:
            return faults
        try:
            templates = self._texts().notice_with(tag, texts)
        except TemplateFault as fault:
            return [fault_of(fault)]
        domain = self._domain(scope)
        mail = self._written(templates, tag, f"jo@{domain}", domain)
        filled = templates.sample()
        name = desk_name("", self._desk.name(domain), language(tag))
        sender = f"{name} <{self._desk.address(domain)}>"
        pictures = {
            name: f"data:image/{subtype};base64,{b64encode(octets).decode()}"
            for name, (subtype, octets) in templates.named(filled.html).items()
        }
        return Sample(filled.subject, filled.text, filled.html, sender, len(mail.content), pictures)

    def sample_mail(self, scope: str, tag: str, texts: Texts, to: str) -> OwnMail:
        """Write the notice of a mail that nobody sent, to an address that wants to see it. Raises TemplateFault."""
        return self._written(self._texts().notice_with(tag, texts), tag, to, self._domain(scope))

    def _written(self, templates: NoticeTemplates, tag: str, to: str, domain: str) -> OwnMail:
        message_id = f"<{secrets.token_hex(16)}@{self._settings.smtp.hostname}>"
        letter = sample_notice(to, domain, tag)
        return compose_notice(templates, letter, self._desk, time.time(), message_id, self._signer)

    def _domain(self, scope: str) -> str:
        return scope.removeprefix("@") or normal_domain(self._settings.domains.names[0])


def fault_of(fault: TemplateFault) -> Fault:
    """Return a template's fault as the pages tell it."""
    return Fault(_PARTS.get(fault.file.name, ""), fault.line, fault.reason)


def _sources(texts: Texts) -> Sources:
    return Sources(texts.subject, texts.text, texts.html)
