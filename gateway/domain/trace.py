"""The fields we put on top of a message, and our mark by which we know it again."""

from __future__ import annotations

import hashlib
import hmac
import math
import re
from datetime import UTC, datetime
from functools import lru_cache

from gateway.domain.durations import DAY
from gateway.domain.envelope import Transaction
from gateway.domain.header import Header, unfold

RELEASE_FIELD = "X-Gateway-Release"
_RELEASE_NAME = RELEASE_FIELD.lower().encode()
_DAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_UNSAFE = re.compile(r"[^\x21-\x27\x2a-\x5b\x5d-\x7e]")
_MARK = re.compile(rb"1; t=([0-9]{1,12}); m=([0-9a-f]{64})\Z")
MARK_LIFETIME = 14 * DAY
"""Seconds; longer than any queue keeps a mail."""


def date_time(now: float) -> str:
    """Write a time as RFC 5322 §3.3 wants it, in UTC."""
    return _date_time(math.floor(now))


@lru_cache(maxsize=4)  # Every mail of a second bears the same.
def _date_time(second: int) -> str:
    at = datetime.fromtimestamp(second, UTC)
    return f"{_DAYS[at.weekday()]}, {at.day} {_MONTHS[at.month - 1]} {at:%Y %H:%M:%S} +0000"


def received_field(transaction: Transaction, hostname: str, now: float) -> bytes:
    """Return our Received field, folded, with its last CRLF (RFC 5321 §4.4, RFC 3848).

    It names the recipient only where there is just one, so that it tells nobody of a blind copy.
    """
    client = transaction.client
    protocol = client.protocol
    if transaction.smtputf8:
        # RFC 6531 §4.3: UTF8SMTP, with S for TLS.
        protocol = "UTF8SMTPS" if client.tls else "UTF8SMTP"
    ip = f"IPv6:{client.address}" if ":" in client.address else client.address
    name = _clean(client.name) or "unknown"
    lines = [
        f"Received: from {_clean(client.helo) or 'unknown'} ({name} [{_clean(ip)}])",
        f"by {hostname} with {_clean(protocol)} id {transaction.id}",
    ]
    if len(transaction.recipients) == 1:
        address = transaction.recipients[0].address.text
        if address.isascii() or transaction.smtputf8:
            lines.append(f"for <{address}>")
    return ("\r\n\t".join(lines) + f";\r\n\t{date_time(now)}\r\n").encode("utf-8", "replace")


@lru_cache(maxsize=2048)  # Of one client's mails they are the same.
def _clean(text: str) -> str:
    """Text from outside, fit for a header: printable ASCII without parentheses and backslash, bounded."""
    return _UNSAFE.sub("?", text[:255])


_MARKED = tuple(
    (name, b"\0" + name + b"\0")
    for name in (
        b"from",
        b"reply-to",
        b"date",
        b"message-id",
        b"subject",
        b"content-type",
        b"content-transfer-encoding",
    )
)


def _fingerprint(content: bytes, head: Header) -> bytes:
    # What forwarding leaves alone: the body and the fields that make a mail this mail.
    if head.malformed:
        head = _as_others_read(head)
    digest = hashlib.sha256(memoryview(content)[head.body :])
    found = head.by_name
    digest.update(
        b"".join([opened + unfold(field.value) for name, opened in _MARKED if name in found for field in found[name]])
    )
    return digest.digest()


def _as_others_read(head: Header) -> Header:
    """Return a malformed header as it is for who takes its first strange line for the body."""
    at = 0
    for count, field in enumerate(head.fields):
        if field.start != at:
            return Header(head.fields[:count], at)
        at = field.end
    return Header(head.fields, at)


def release_mark(key: bytes, content: bytes, head: Header, now: float) -> bytes:
    """Return the field that proves, to us alone, that this mail has been through here and was let on.

    key: 32 secret octets of this site.
    """
    at = int(now)
    mac = hmac.digest(key, b"%d%b" % (at, _fingerprint(content, head)), "sha256").hex()
    return f"{RELEASE_FIELD}: 1; t={at}; m={mac}\r\n".encode()


def bears_release_mark(key: bytes, content: bytes, head: Header, now: float) -> bool:
    """True when a valid mark of ours, not too old, is on this very mail."""
    values = head.all(_RELEASE_NAME)
    if not values:
        return False
    fingerprint = _fingerprint(content, head)
    for value in values[:5]:
        match = _MARK.match(value)
        if match is None or not -DAY <= now - int(match[1]) <= MARK_LIFETIME:
            continue
        mac = hmac.digest(key, match[1] + fingerprint, "sha256").hex().encode()
        if hmac.compare_digest(mac, match[2]):
            return True
    return False


def without(content: bytes, cuts: tuple[tuple[int, int], ...]) -> list[bytes]:
    """Return the content in pieces, with the ranges [start, end) left out."""
    if not cuts:
        return [content]
    pieces = []
    at = 0
    for start, end in cuts:
        pieces.append(content[at:start])
        at = end
    pieces.append(content[at:])
    return pieces


def replaced(content: bytes, cuts: tuple[tuple[int, int], ...], span: tuple[int, int], instead: bytes) -> list[bytes]:
    """Return the content in pieces, cuts left out, and another text in place of one range outside the cuts."""
    start, end = span
    before = tuple(cut for cut in cuts if cut[1] <= start)
    after = tuple((cut[0] - end, cut[1] - end) for cut in cuts if cut[0] >= end)
    return [*without(content[:start], before), instead, *without(content[end:], after)]


def spam_fields(days: float) -> bytes:
    """Return the fields by which mail filters downstream know mail that nobody answered for."""
    return (
        f"X-Spam-Flag: YES\r\nX-Spam-Status: Yes, sender did not answer a challenge within {days:g} days\r\n"
    ).encode()


def with_subject_tag(content: bytes, head: Header, tag: str) -> tuple[tuple[int, int], bytes]:
    """Return the range of the Subject field and what stands in its place: the same field, tagged.

    A mail without a Subject gets one at the end of its header.
    """
    for field in head.fields:
        if field.name == b"subject":
            return (field.start, field.end), b"Subject: " + tag.encode("ascii") + b" " + field.value.lstrip(
                b" \t"
            ) + b"\r\n"
    end = head.fields[-1].end if head.fields else 0
    return (end, end), b"Subject: " + tag.encode("ascii") + b"\r\n"
