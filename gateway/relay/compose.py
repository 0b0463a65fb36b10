"""The challenge, written: a small mail that asks a sender to open one page.

Nothing of the original is in it but its ids, addresses, date and a piece of its subject (RFC 3834 §3).
"""

from __future__ import annotations

import binascii
import hashlib
import re
from base64 import encodebytes
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from math import ceil

from gateway.domain.address import normal_domain
from gateway.domain.durations import DAY
from gateway.domain.message import CHALLENGE_FIELD
from gateway.domain.phrase import phrase
from gateway.flow.own_mail import OwnMail
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.bilingual import with_english
from gateway.relay.plain_words import display_name, header_text, one_line, piece_of_subject
from gateway.relay.signer import Signer
from gateway.relay.template_parts import Rendered
from gateway.relay.templates import Templates

MAX_OCTETS = 10_000
"""A challenge is never larger, signature aside; the HTML is left out before."""
_MAX_ADDRESS = 320
_MAX_NAME = 80
_MAX_CONTACT = 200
_MAX_REFERENCES = 1_000
_MAX_LINE = 998
"""RFC 5322 §2.1.1."""
_ENGLISH = language(ENGLISH)
_YOUR_MAIL = phrase("your mail")
_ID = re.compile(r"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")


@dataclass(frozen=True, slots=True, kw_only=True)
class ChallengeMail:
    """What a challenge is about."""

    sender: str
    """The reverse-path, and no other address (RFC 3834 §4): here the challenge goes."""
    recipient: str
    recipient_domain: str
    subject: str
    """Of the original, decoded."""
    received_at: float
    """Seconds since the epoch."""
    expires_at: float
    """Seconds since the epoch: when the page closes."""
    url: str
    mail_id: str = ""
    """Message-ID of the original, with angle brackets; "" where it has none."""
    references: tuple[str, ...] = ()
    """Its References."""
    organisation: str = ""
    """"" for the recipient's domain."""
    contact: str = ""
    """"" for the address in From."""
    from_address: str = ""
    """"" for postmaster at the recipient's domain."""
    from_name: str = ""
    """"" for the organisation's mail desk."""


def compose_challenge(
    templates: Templates,
    mail: ChallengeMail,
    now: float,
    message_id: str,
    signer: Signer | None = None,
    *,
    spoken: Language = _ENGLISH,
    english: Templates | None = None,
) -> OwnMail:
    """Write a challenge. now: seconds since the epoch. message_id: its own, with angle brackets.

    spoken: the language of the templates. english: those that stand below, where the language is only guessed.

    Raises TemplateFault, but only for a shipped template that was changed in place.
    """
    domain = normal_domain(mail.recipient_domain)
    desk = one_line(mail.from_address, _MAX_ADDRESS) or f"postmaster@{domain}"
    organisation = one_line(mail.organisation, _MAX_NAME) or domain
    rendered = templates.challenge(_variables(mail, now, organisation, desk, domain, spoken))
    tags = spoken.tag
    if english is not None and spoken.tag != ENGLISH:
        below = english.challenge(_variables(mail, now, organisation, desk, domain, _ENGLISH))
        rendered, tags = with_english(rendered, below), f"{spoken.tag}, {ENGLISH}"
    header = _header(
        mail, now, message_id, desk, rendered.subject, tags, desk_name(mail.from_name, organisation, spoken)
    )
    content = header + mail_body(rendered, message_id, with_html=True)
    if len(content) > MAX_OCTETS:
        content = header + mail_body(rendered, message_id, with_html=False)
    if signer is not None:
        content = signer.sign(content)
    return OwnMail(content, message_id, smtputf8=not (mail.sender + desk).isascii())


def desk_name(chosen: str, organisation: str, spoken: Language) -> str:
    """Return the name in From: the one that was chosen, or that of the organisation's mail desk."""
    return one_line(chosen, _MAX_NAME) or spoken.said(phrase("{organisation} mail desk", organisation=organisation))


def _variables(
    mail: ChallengeMail, now: float, organisation: str, desk: str, domain: str, spoken: Language
) -> dict[str, str | int]:
    return {
        "sender": one_line(mail.sender, _MAX_ADDRESS),
        "recipient": one_line(mail.recipient, _MAX_ADDRESS),
        "recipient_domain": domain,
        "date": spoken.moment(mail.received_at),
        "subject_piece": piece_of_subject(mail.subject) or spoken.said(_YOUR_MAIL),
        "url": mail.url,
        "expiry": spoken.moment(mail.expires_at),
        "days": max(1, ceil((mail.expires_at - now) / DAY)),
        "organisation": organisation,
        "contact": one_line(mail.contact, _MAX_CONTACT) or desk,
        "message_id": mail.mail_id if _ID.fullmatch(mail.mail_id) else "",
    }


def _header(mail: ChallengeMail, now: float, message_id: str, desk: str, subject: str, tags: str, name: str) -> bytes:
    fields = [
        ("From", f"{display_name(name)}\r\n <{desk}>"),
        ("To", f"<{one_line(mail.sender, _MAX_ADDRESS)}>"),
        ("Subject", header_text(one_line(subject, 200))),
        ("Date", format_datetime(datetime.fromtimestamp(now, UTC))),
        ("Message-ID", message_id),
        *_thread(mail),
        # RFC 3834 §5: no responder may answer; Exchange heeds the second only.
        ("Auto-Submitted", "auto-replied"),
        ("X-Auto-Response-Suppress", "All"),
        (CHALLENGE_FIELD, "yes"),
        # RFC 3282 §2.
        ("Content-Language", tags),
        ("MIME-Version", "1.0"),
    ]
    return "".join(f"{name}: {value}\r\n" for name, value in fields).encode("utf-8")


def _thread(mail: ChallengeMail) -> list[tuple[str, str]]:
    """Tie the challenge to the original (RFC 3834 §3.1.6, RFC 5322 §3.6.4)."""
    if not _ID.fullmatch(mail.mail_id):
        return []
    ids = [mail.mail_id]
    room = _MAX_REFERENCES - len(mail.mail_id)
    for reference in reversed([known for known in mail.references if _ID.fullmatch(known)]):
        room -= len(reference) + 3
        if room < 0:
            break
        ids.insert(0, reference)
    return [("In-Reply-To", mail.mail_id), ("References", "\r\n ".join(ids))]


@dataclass(frozen=True, slots=True)
class Inline:
    """A picture within the mail, which its HTML names as `cid:…` (RFC 2392 §2)."""

    cid: str
    """Content-ID without angle brackets."""
    name: str
    """Of the file, plain ASCII."""
    subtype: str
    octets: bytes


def mail_body(rendered: Rendered, message_id: str, with_html: bool, inline: Sequence[Inline] = ()) -> bytes:
    """Return the last fields of the header, and the body: text, and HTML beside it where that is wanted.

    inline: pictures that belong to the HTML (RFC 2387).
    """
    text = _part("plain", rendered.text)
    if not with_html:
        return text
    # RFC 2045 §6.7: quoted-printable never holds `=_`.
    boundary = f"=_{hashlib.sha256(message_id.encode()).hexdigest()[:24]}"
    return b"".join(
        (
            f'Content-Type: multipart/alternative;\r\n boundary="{boundary}"\r\n\r\n'.encode(),
            f"--{boundary}\r\n".encode(),
            text,
            f"\r\n--{boundary}\r\n".encode(),
            _related(_part("html", rendered.html), boundary, inline) if inline else _part("html", rendered.html),
            f"\r\n--{boundary}--\r\n".encode(),
        )
    )


def _related(page: bytes, boundary: str, inline: Sequence[Inline]) -> bytes:
    inner = f"{boundary}_r"
    pieces = [
        f'Content-Type: multipart/related; type="text/html";\r\n boundary="{inner}"\r\n\r\n--{inner}\r\n'.encode(),
        page,
    ]
    for one in inline:
        head = (
            f"\r\n--{inner}\r\nContent-Type: image/{one.subtype}\r\nContent-Transfer-Encoding: base64\r\n"
            f'Content-ID: <{one.cid}>\r\nContent-Disposition: inline; filename="{one.name}"\r\n\r\n'
        )
        pieces += [head.encode(), encodebytes(one.octets).replace(b"\n", b"\r\n")]
    return b"".join((*pieces, f"\r\n--{inner}--\r\n".encode()))


def _part(subtype: str, text: str) -> bytes:
    lines = text.splitlines()
    octets = ("\n".join(lines) + "\n").encode("utf-8", "replace")
    encoding, encoded = "quoted-printable", binascii.b2a_qp(octets).replace(b"\n", b"\r\n")
    base64 = encodebytes(octets.replace(b"\n", b"\r\n")).replace(b"\n", b"\r\n")
    if octets.isascii() and max(map(len, lines), default=0) <= _MAX_LINE:
        # As it is: no encoding cuts the link in two.
        encoding, encoded = "7bit", octets.replace(b"\n", b"\r\n")
    elif len(base64) < len(encoded):  # Hardly a letter of it is ASCII.
        encoding, encoded = "base64", base64
    head = f"Content-Type: text/{subtype}; charset=utf-8\r\nContent-Transfer-Encoding: {encoding}\r\n\r\n"
    return head.encode() + encoded
