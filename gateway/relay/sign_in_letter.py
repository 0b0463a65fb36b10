"""The sign-in mail, written: a link, and how long it is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path

import jinja2
from jinja2.sandbox import SandboxedEnvironment

from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import ComposedMail, desk_name, mail_body
from gateway.relay.plain_words import display_name, header_text, one_line
from gateway.relay.signer import Signer
from gateway.relay.templates import Rendered, TemplateFault

_PARTS = ("subject.txt", "body.txt", "body.html")
_MAX_OCTETS = 32_768
_ENGLISH = language(ENGLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMail:
    """What one says."""

    address: str
    """To whom it goes, and as whom one signs in."""
    domain: str
    """Whose desk writes: the recipient's domain, or ours where the recipient has none of ours."""
    url: str
    client: str
    ends_at: float
    """Seconds since the epoch."""
    organisation: str = ""
    contact: str = ""
    from_address: str = ""
    """"" for postmaster at the domain."""


class SignInTemplates:
    """Subject, text and HTML, from the operator's folder or the shipped ones."""

    def __init__(self, folders: tuple[Path, ...]) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        self._parts = tuple(_read(folders, name) for name in _PARTS)
        self.render(_variables(_SAMPLE, 1_800_000_000, "Example & Sons", "postmaster@example.org", _ENGLISH))

    def render(self, values: Mapping[str, str]) -> Rendered:
        """Fill them in. Raises TemplateFault."""
        try:
            subject, text, page = (template.render(values) for _, template in self._parts)
        except Exception as fault:  # The sandbox lets through whatever an expression raises.
            raise TemplateFault(self._parts[0][0].parent, 0, f"does not render: {fault}") from fault
        if values["url"] not in text or values["url"] not in page:
            raise TemplateFault(self._parts[1][0], 0, "does not contain {{ url }}")
        return Rendered(" ".join(subject.split())[:200], text, page)


def compose_sign_in(
    templates: SignInTemplates,
    mail: SignInMail,
    now: float,
    message_id: str,
    signer: Signer | None = None,
    *,
    spoken: Language = _ENGLISH,
) -> ComposedMail:
    """Write a sign-in mail. now: seconds since the epoch. message_id: its own, with angle brackets.

    spoken: the language of the templates.
    """
    desk = one_line(mail.from_address, 320) or f"postmaster@{mail.domain}"
    organisation = one_line(mail.organisation, 80) or mail.domain
    rendered = templates.render(_variables(mail, now, organisation, desk, spoken))
    fields = [
        ("From", f"{display_name(desk_name('', organisation, spoken))}\r\n <{desk}>"),
        ("To", f"<{one_line(mail.address, 320)}>"),
        ("Subject", header_text(one_line(rendered.subject, 200))),
        ("Date", format_datetime(datetime.fromtimestamp(now, UTC))),
        ("Message-ID", message_id),
        # RFC 3834 §5.1: no responder may answer; Exchange heeds the second only.
        ("Auto-Submitted", "auto-generated"),
        ("X-Auto-Response-Suppress", "All"),
        ("Content-Language", spoken.tag),
        ("MIME-Version", "1.0"),
    ]
    header = "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8")
    content = header + mail_body(rendered, message_id, with_html=True)
    if signer is not None:
        content = signer.sign(content)
    return ComposedMail(content, smtputf8=not (mail.address + desk).isascii())


_SAMPLE = SignInMail(
    address="jo@example.org",
    domain="example.org",
    url="https://mail.example.org/sign-in/link/abcdefghijkmnpqrstuvwxyz23456789",
    client="192.0.2.7",
    ends_at=1_800_000_900,
)


def _variables(mail: SignInMail, now: float, organisation: str, desk: str, spoken: Language) -> dict[str, str]:
    return {
        "address": one_line(mail.address, 320),
        "url": mail.url,
        "client": one_line(mail.client, 60),
        "date": spoken.moment(now),
        "expiry": spoken.moment(mail.ends_at),
        "organisation": organisation,
        "contact": one_line(mail.contact, 200) or desk,
    }


def _read(folders: tuple[Path, ...], name: str) -> tuple[Path, jinja2.Template]:
    file = next((folder / "sign-in" / name for folder in folders if (folder / "sign-in" / name).exists()), None)
    if file is None:
        raise TemplateFault(folders[-1] / "sign-in" / name, 0, "there is no such file")
    environment = SandboxedEnvironment(undefined=jinja2.StrictUndefined, autoescape=file.suffix == ".html")
    try:
        source = file.read_bytes()[: _MAX_OCTETS + 1].decode("utf-8")
        if len(source) > _MAX_OCTETS:
            raise TemplateFault(file, 0, f"has more than {_MAX_OCTETS} octets")
        return file, environment.from_string(source)
    except (OSError, UnicodeDecodeError) as fault:
        raise TemplateFault(file, 0, "cannot be read as UTF-8 text") from fault
    except jinja2.TemplateSyntaxError as fault:
        raise TemplateFault(file, fault.lineno, fault.message or "not a template") from fault
