"""Mails for the tests, with octets that careless servers change."""

from __future__ import annotations

import itertools
import re
from email import message_from_bytes, policy
from email.message import EmailMessage

_numbers = itertools.count(1)
_TRACE = re.compile(
    rb"(?:(?:Received|Authentication-Results|X-Gateway-Release|Delivered-To|Return-Path):[^\r\n]*\r\n(?:[ \t][^\r\n]*\r\n)*)*"
)


def letter(sender: str, recipient: str, subject: str = "Our meeting", size: int = 0) -> bytes:
    """Return a mail, unlike any other, of at least so many octets."""
    head = (
        f"From:  Some  One\t<{sender}>\r\n"
        f"To: {recipient}\r\n"
        f"SUBJECT: {subject},\r\n  folded\twith a tab\r\n"
        f"Message-ID: <letter-{next(_numbers)}@outside.example>\r\n"
        "Date: Sat, 01 Mar 2025 10:00:00 +0100\r\n"
        "Content-Type: text/plain; charset=utf-8\r\n"
        "Content-Transfer-Encoding: 8bit\r\n"
        "\r\n"
    ).encode()
    body = (
        (
            ".a dot first\r\n..two dots\r\n.\tand a tab\r\n"
            "trailing blanks   \t \r\n"
            "From the start of a line\r\n"
            "Gr\u00fc\u00dfe \u2013 \u65e5\u672c\u8a9e\r\n"
        ).encode()
        + b"long " * 700
        + b"\r\n\xff\xfe no charset\r\n\r\n\r\n"
    )
    filler = (b"0123456789" * 7 + b"\r\n") * (max(0, size - len(head) - len(body)) // 72 + 1) if size else b""
    return head + body + filler


def trace_above(delivered: bytes, sent: bytes) -> bytes:
    """Return what was put above a mail on its way. Raises AssertionError where anything else was changed."""
    assert delivered.endswith(sent), _first_difference(delivered, sent)
    above = delivered[: len(delivered) - len(sent)]
    assert _TRACE.fullmatch(above), f"not only trace fields: {above!r}"
    return above


def link_in(challenge: bytes) -> str:
    """Return the link to the page from a challenge's plain text."""
    message = message_from_bytes(challenge, _class=EmailMessage, policy=policy.default)
    text = message.get_body(("plain",))
    assert text is not None
    links = set(re.findall(r"https?://[^\s<>\"]+", text.get_content()))
    return str(min(links, key=len))


def _first_difference(delivered: bytes, sent: bytes) -> str:
    # From the end: what is above is longer by the trace fields.
    place = next((at for at in range(1, len(sent) + 1) if delivered[-at:][:1] != sent[-at:][:1]), len(sent))
    around = slice(-place - 40, -place + 40 if place > 40 else None)
    return f"differs {place} octets before the end: sent {sent[around]!r}, delivered {delivered[around]!r}"
