"""Our letters from settings: which templates, which signature, which names."""

from __future__ import annotations

import asyncio
import logging
import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Self

from gateway.domain.address import Address, normal_domain
from gateway.domain.durations import DAY
from gateway.domain.language import Guess
from gateway.domain.phrase import phrase
from gateway.domain.public_url import pages_of
from gateway.flow.digest_ports import DigestLetter
from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.own_mail import OwnMail
from gateway.flow.release_ports import AnswerLetter, AskLetter
from gateway.flow.rows import ChallengeRow
from gateway.flow.sign_in_mail import SignInLetter
from gateway.flow.text_ports import Fault, Sample, TextKind, Texts
from gateway.languages.language import ENGLISH, known, language
from gateway.log import warning
from gateway.mail_texts import MailTexts
from gateway.notice_workshop import NoticeWorkshop, fault_of
from gateway.relay.compose import ChallengeMail, compose_challenge, desk_name
from gateway.relay.digest_letter import compose_digest
from gateway.relay.letter import Desk
from gateway.relay.notice_letter import compose_notice
from gateway.relay.release_letter import compose_answer, compose_ask
from gateway.relay.sign_in_letter import SignInMail, compose_sign_in
from gateway.relay.signer import Signer
from gateway.relay.template_parts import Sources, TemplateFault
from gateway.relay.templates import SAMPLE, SAMPLE_AT, Templates, faults_in
from gateway.settings import Settings
from gateway.settings.values import mailbox

_log = logging.getLogger("gateway.letters")

TextsFor = Callable[[Address, str], Awaitable[Texts | None]]
"""Recipient's domain and language → the texts that somebody wrote for it or for the site; None where the shipped ones are used."""

LanguageOf = Callable[[ChallengeRow], Awaitable[Guess]]
"""Challenge → the language it is written in."""


async def _in_english(row: ChallengeRow) -> Guess:
    return Guess(ENGLISH, sure=True)


async def _no_texts(recipient: Address, tag: str) -> Texts | None:
    return None


class LetterWriter:
    """Writes what the workers send, and the samples of the pages; implements `flow.text_ports.Workshop`."""

    def __init__(
        self,
        settings: Settings,
        texts_for: TextsFor = _no_texts,
        language_of: LanguageOf = _in_english,
        notice_texts_for: TextsFor = _no_texts,
    ) -> None:
        """Raises TemplateFault, KeyFault."""
        self._notice_texts_for = notice_texts_for
        self._settings = settings
        self._texts_for = texts_for
        self._language_of = language_of
        self._texts = MailTexts(settings.challenge.templates)
        self._domains = frozenset(normal_domain(name) for name in settings.domains.names)
        challenge = settings.challenge
        self._desk = Desk(
            organisation=challenge.organisation, contact=challenge.contact, from_address=challenge.from_address
        )
        self._signer = (
            Signer.load(challenge.dkim_key_file, challenge.dkim_selector, challenge.dkim_domain)
            if challenge.dkim_key_file is not None
            else None
        )

    def reload(self) -> None:
        """Read the templates anew. Raises TemplateFault, and those in use stay."""
        self._texts = MailTexts(self._settings.challenge.templates)

    async def challenge(self, row: ChallengeRow, url: str, now: float) -> OwnMail:
        """Write the mail of a challenge."""
        message_id = self._message_id()
        mail = replace(
            self._blank(row.recipient.domain),
            sender=row.sender.text,
            recipient=row.recipient.text,
            subject=row.subject,
            received_at=row.received_at,
            expires_at=row.expires_at,
            url=url,
            mail_id=row.mail_id,
            references=row.references,
        )
        guess = await self._language_of(row)
        templates, mail = await self._words(guess.tag, row.recipient, mail)
        english = None if guess.sure else (await self._words(ENGLISH, row.recipient, mail))[0]
        # In a thread: a signature takes 7 ms.
        return await asyncio.to_thread(
            compose_challenge, templates, mail, now, message_id, self._signer,
            spoken=language(guess.tag), english=english,
        )  # fmt: skip

    async def _words(self, tag: str, recipient: Address, mail: ChallengeMail) -> tuple[Templates, ChallengeMail]:
        """Return what a mail is written from, and the mail with the author that these words name."""
        texts = await self._texts_for(recipient, tag)
        if texts is None:
            return self._texts.challenge(tag), mail
        mail = self._from(mail, texts)
        # Tried when it was saved; a newer version may be stricter. The sender is asked all the same.
        with suppress(TemplateFault):
            return self._texts.with_texts(tag, texts), mail
        return self._texts.challenge(tag), mail

    def _message_id(self) -> str:
        return f"<{secrets.token_hex(16)}@{self._settings.smtp.hostname}>"

    def _blank(self, domain: str) -> ChallengeMail:
        challenge = self._settings.challenge
        return ChallengeMail(
            sender="", recipient="", recipient_domain=domain, subject="", received_at=0.0, expires_at=0.0, url="",
            organisation=challenge.organisation, contact=challenge.contact, from_address=challenge.from_address,
        )  # fmt: skip

    @staticmethod
    def _from(mail: ChallengeMail, texts: Texts) -> ChallengeMail:
        name, address = from_parts(texts.from_line)
        return replace(mail, from_name=name, from_address=address or mail.from_address)

    # --- to our own people ---

    async def sign_in(self, letter: SignInLetter, now: float) -> OwnMail:
        """Write the mail that bears a link to sign in."""
        settings = self._settings
        domain = Address.of(letter.address).domain
        ours = domain if domain in self._domains else normal_domain(settings.domains.names[0])
        message_id = self._message_id()
        mail = SignInMail(
            address=letter.address, domain=ours, url=letter.url, client=letter.client, ends_at=letter.ends_at
        )
        spoken = language(letter.language)
        return await asyncio.to_thread(
            compose_sign_in, self._texts.sign_in(spoken.tag), mail, self._desk, now, message_id, self._signer,
            spoken=spoken,
        )  # fmt: skip

    async def digest(self, letter: DigestLetter, now: float) -> OwnMail:
        """Write the mail that tells somebody what waits."""
        message_id = self._message_id()
        return await asyncio.to_thread(
            compose_digest,
            self._texts.digest(language(letter.language).tag),
            letter,
            self._desk,
            now,
            message_id,
            self._signer,
        )

    async def release(self, letter: AskLetter | AnswerLetter, now: float) -> OwnMail:
        """Write a mail about a request of release."""
        message_id = self._message_id()
        tag = language(letter.language).tag

        def work() -> OwnMail:
            if isinstance(letter, AskLetter):
                return compose_ask(self._texts.asking(tag), letter, self._desk, now, message_id, self._signer)
            return compose_answer(self._texts.answer(tag), letter, self._desk, now, message_id, self._signer)

        return await asyncio.to_thread(work)

    async def notice(self, letter: NoticeLetter, now: float) -> OwnMail:
        """Write the mail that tells somebody at once of a mail that waits."""
        message_id = self._message_id()
        tag = language(letter.language).tag
        texts = await self._notice_texts_for(Address.of(letter.row.recipient), tag)

        def work() -> OwnMail:
            if texts is not None:
                # Tried when it was saved; this mail, or a newer version, may be another matter. It is told of all the same.
                try:
                    own = self._texts.notice_with(tag, texts)
                    return compose_notice(own, letter, self._desk, now, message_id, self._signer)
                except TemplateFault as fault:
                    warning(_log, "template-left-aside", mailbox=letter.mailbox, reason=str(fault))
            return compose_notice(self._texts.notice(tag), letter, self._desk, now, message_id, self._signer)

        return await asyncio.to_thread(work)

    def workshop(self, kind: TextKind) -> Self | NoticeWorkshop:
        """Return how mails of a kind are made of words that somebody types."""
        if kind is TextKind.CHALLENGE:
            return self
        return NoticeWorkshop(lambda: self._texts, self._desk, self._settings, self._signer)

    # --- the workshop ---

    def languages(self) -> Sequence[str]:
        """Return the languages that there are shipped texts in."""
        return known()

    def shipped(self, tag: str) -> Texts:
        """Return the shipped texts, or those of the operator's folder. Raises KeyError."""
        if tag not in known():
            raise KeyError(tag)
        return self._texts.sources(tag)

    def try_out(self, scope: str, tag: str, texts: Texts) -> Sample | Sequence[Fault]:
        """Fill in the sample, or tell every fault that was found."""
        faults = [fault_of(fault) for fault in faults_in(_sources(texts))] + self._faults_of_from(texts.from_line)
        if faults:
            return faults
        try:
            templates = self._texts.with_texts(tag, texts)
        except TemplateFault as fault:
            return [fault_of(fault)]
        mail = self._sample(scope, texts, str(SAMPLE["sender"]))
        spoken = language(tag)
        message_id = f"<sample@{self._settings.smtp.hostname}>"
        composed = compose_challenge(templates, mail, mail.received_at, message_id, spoken=spoken)
        filled = templates.sample(date=spoken.moment(SAMPLE_AT), expiry=spoken.moment(SAMPLE_AT + 14 * DAY))
        domain = mail.recipient_domain
        name, address = from_parts(texts.from_line)
        organisation = mail.organisation or domain
        desk = address or mail.from_address or f"postmaster@{domain}"
        sender = f"{desk_name(name, organisation, spoken)} <{desk}>"
        return Sample(filled.subject, filled.text, filled.html, sender, len(composed.content))

    def sample_mail(self, scope: str, tag: str, texts: Texts, to: str) -> OwnMail:
        """Write the challenge for a mail that nobody sent, to an address that wants to see it. Raises TemplateFault."""
        mail = self._sample(scope, texts, to)
        message_id = self._message_id()
        templates = self._texts.with_texts(tag, texts)
        return compose_challenge(templates, mail, mail.received_at, message_id, self._signer, spoken=language(tag))

    def _sample(self, scope: str, texts: Texts, sender: str) -> ChallengeMail:
        domain = scope.removeprefix("@") or normal_domain(self._settings.domains.names[0])
        now = time.time()
        return replace(
            self._from(self._blank(domain), texts),
            sender=sender,
            recipient=f"jo@{domain}",
            subject=str(SAMPLE["subject_piece"]),
            received_at=now,
            expires_at=now + DAY * self._settings.pending.days,
            url=f"{pages_of(self._settings.web.public_url, domain)}/challenge/{'x' * 26}",
        )

    def _faults_of_from(self, line: str) -> list[Fault]:
        if not line:
            return []
        _, address = from_parts(line)
        try:
            domain = Address.of(mailbox(address or line, Path())).domain
        except ValueError:
            return [
                Fault(
                    "from_line", 0, phrase("is not an address; write desk@example.org or Mail desk <desk@example.org>")
                )
            ]
        if domain not in self._domains:
            # RFC 3834 §3.1.1: who answers there must be responsible for the mailbox that was written to.
            return [
                Fault(
                    "from_line",
                    0,
                    phrase("{domain} is not one of the domains this gateway takes mail for", domain=domain),
                )
            ]
        return []


def from_parts(line: str) -> tuple[str, str]:
    """Part `Name <address>` into its two; an address alone has no name."""
    name, bracket, rest = line.rpartition("<")
    if bracket and rest.endswith(">"):
        return name.strip().strip('"').strip(), rest[:-1].strip()
    return "", line.strip()


def _sources(texts: Texts) -> Sources:
    return Sources(texts.subject, texts.text, texts.html)
