"""The sign-in mail, written: a link, and how long it is good."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from gateway.flow.own_mail import OwnMail
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.letter import Cover, Desk, LetterTemplates, seal
from gateway.relay.plain_words import one_line
from gateway.relay.signer import Signer

_ENGLISH = language(ENGLISH)


@dataclass(frozen=True, slots=True, kw_only=True)
class SignInMail:
    """What a sign-in mail says."""

    address: str
    """To whom it goes, and as whom one signs in."""
    domain: str
    """Whose desk writes: the recipient's domain, or ours where the recipient has none of ours."""
    url: str
    client: str
    ends_at: float
    """Seconds since the epoch."""


class SignInTemplates(LetterTemplates):
    """Subject, text and HTML, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path]) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        super().__init__(folders, "sign-in", _variables(_SAMPLE, 1_800_000_000, Desk(), _ENGLISH), needs=("url",))


def compose_sign_in(
    templates: SignInTemplates,
    mail: SignInMail,
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None = None,
    *,
    spoken: Language = _ENGLISH,
) -> OwnMail:
    """Write a sign-in mail. now: seconds since the epoch. message_id: its own, with angle brackets.

    spoken: the language of the templates.
    """
    rendered = templates.render(_variables(mail, now, desk, spoken))
    cover = Cover(
        to=mail.address, domain=mail.domain, desk=desk, subject=rendered.subject, now=now, message_id=message_id
    )
    return seal(cover, rendered, spoken, signer)


_SAMPLE = SignInMail(
    address="jo@example.org",
    domain="example.org",
    url="https://mail.example.org/sign-in/link/abcdefghijkmnpqrstuvwxyz23456789",
    client="192.0.2.7",
    ends_at=1_800_000_900,
)


def _variables(mail: SignInMail, now: float, desk: Desk, spoken: Language) -> dict[str, str]:
    return {
        "address": one_line(mail.address, 320),
        "url": mail.url,
        "client": one_line(mail.client, 60),
        "date": spoken.moment(now),
        "expiry": spoken.moment(mail.ends_at),
        "organisation": desk.name(mail.domain),
        "contact": desk.questions(mail.domain),
    }
