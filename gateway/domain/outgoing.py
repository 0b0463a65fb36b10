"""Mail of our own users to the outside: whom it teaches us to let in, and by what a reply to it is known.

Only what a person of ours wrote to somebody teaches. A vacation responder answers spammers too, a list writes to whoever
subscribed, and a mail that is sent on was written by a stranger: its Message-ID is one that he knows.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.domain.address import Address, without_tag
from gateway.domain.challenge import is_no_reply
from gateway.domain.header import Header
from gateway.domain.message import Message, message_ids

ID_OCTETS = 16
"""Of the hash that is kept of a Message-ID."""
MOST_CITED = 20
"""Ids of References that are looked at, the last ones: a long thread names the newest mails at its end."""


class Untaught(Enum):
    """Why a mail teaches nothing. Stored and shown: add members, never rename them."""

    NULL_REVERSE_PATH = "null-reverse-path"
    NOT_OURS = "sender-not-ours"
    NO_PERSON = "nobody-behind-the-sender"
    SENT_ON = "sent-on"
    NOT_ITS_AUTHOR = "author-not-ours"
    AUTOMATIC = "automatic-mail"
    MAILING = "too-many-recipients"
    NOBODY_OUTSIDE = "nobody-outside"
    SWITCHED_OFF = "learning-off"


TAUGHT = "taught"
"""Stands beside those where a mail did teach something."""


@dataclass(frozen=True, slots=True)
class Lesson:
    """What one mail teaches."""

    owner: Address
    """Who wrote it: the reverse-path without sub-address."""
    people: tuple[Address, ...]
    """Those outside it was written to; a sub-address of theirs also without it."""
    readers: tuple[str, ...]
    """Normal forms of ours to whom replies come: who sent it, and its author."""
    domains: tuple[str, ...]
    """Of those outside."""
    mail_id: str
    """Its Message-ID; "" where it has none that can be cited."""


def lesson(
    reverse_path: Address,
    recipients: Sequence[Address],
    head: Header,
    message: Message,
    ours: Collection[str],
    most: int,
) -> Lesson | Untaught:
    """Return what a mail teaches, or why it teaches nothing.

    ours: our domains, as A-labels. most: recipients a mail may have that is no mailing.
    """
    if reverse_path.is_null:
        return Untaught.NULL_REVERSE_PATH
    if reverse_path.domain not in ours:
        return Untaught.NOT_OURS
    sender = unsealed(reverse_path)
    if is_no_reply(sender) or "=" in sender.local:
        # `=` stands in addresses that name another one: bounces of a mailing, or SRS for mail that is sent on.
        return Untaught.NO_PERSON
    if any(name in head.by_name for name in _SENT_ON):
        return Untaught.SENT_ON
    author = message.author
    if author is None or author.domain not in ours:
        return Untaught.NOT_ITS_AUTHOR
    if message.automatic or is_no_reply(author) or head.has_prefix(b"x-autore"):
        return Untaught.AUTOMATIC
    outside = [unsealed(each) for each in recipients if each.domain not in ours]
    if not outside:
        return Untaught.NOBODY_OUTSIDE
    if len(recipients) > most:
        return Untaught.MAILING
    owner = _plain(without_tag(sender.key))
    return Lesson(
        owner=owner,
        people=tuple(dict.fromkeys(map(_plain, _names(outside)))),
        readers=tuple(dict.fromkeys((owner.key, without_tag(author.key)))),
        domains=tuple(dict.fromkeys(each.domain for each in outside)),
        mail_id=message.message_id,
    )


_SENT_ON = (b"resent-from", b"resent-sender", b"delivered-to", b"x-sieve-redirected-from")
"""Fields of mail that came to somebody and goes on to somebody else (RFC 5322 §3.6.6; mail servers write the others)."""

_SEAL = re.compile(r"prvs=[0-9a-z]{4,12}=(?=.)")


def unsealed(address: Address) -> Address:
    """Return an address without the seal that some servers put on it against forged bounces: `prvs=1234abcdef=joe@…`."""
    found = _SEAL.match(address.key)
    return address if found is None else _plain(address.key[found.end() :])


def _names(outside: Iterable[Address]) -> Iterator[str]:
    for address in outside:
        if not is_no_reply(address):
            yield from (address.key, without_tag(address.key))


def _plain(key: str) -> Address:
    return Address(key, key)


def mail_hash(mail_id: str) -> bytes:
    """Return what is kept of a Message-ID: ID_OCTETS octets from which it cannot be told."""
    return hashlib.blake2b(mail_id.encode(), digest_size=ID_OCTETS).digest()


def cited(head: Header) -> tuple[bytes, ...]:
    """Return the hashes of the mails that a mail says it answers, by In-Reply-To and References (RFC 5322 §3.6.4)."""
    answered = message_ids(head.first(b"in-reply-to") or b"")[:MOST_CITED]
    thread = message_ids(head.first(b"references") or b"")[-MOST_CITED:]
    return tuple(mail_hash(one) for one in dict.fromkeys((*answered, *thread)))


_RETURNED = re.compile(rb"^message-id:[ \t]*(?:\r\n[ \t]+)?(<[^<>\s]{1,250}>)", re.IGNORECASE | re.MULTILINE)
_FAILED = re.compile(rb"^action:[ \t]*failed\b", re.IGNORECASE | re.MULTILINE)
MOST_RETURNED, _REPORT_OCTETS = 3, 262_144
"""Message-IDs taken from a report, and octets of it that are looked through for them."""


def returned(head: Header, content: bytes) -> tuple[bytes, ...]:
    """Return the hashes of the mails that a report of their delivery gives back (RFC 6522 §3); () for other mail.

    A report holds the mail, or its header, as its last part.
    """
    return tuple(map(mail_hash, _named(_report(head, content))))


def failed_mails(head: Header, content: bytes) -> tuple[str, ...]:
    """Return the Message-IDs of the mails that a report says will never be delivered (RFC 3464 §2.3.3)."""
    report = _report(head, content)
    return _named(report) if _FAILED.search(report) else ()


def _report(head: Header, content: bytes) -> bytes:
    """Return the beginning of a report; b"" for other mail."""
    is_one = (head.first(b"content-type") or b"").lower().startswith(b"multipart/report")
    return bytes(content[head.body : head.body + _REPORT_OCTETS]) if is_one else b""


def _named(report: bytes) -> tuple[str, ...]:
    found = [match[1].decode("ascii", "replace") for match in _RETURNED.finditer(report)]
    return tuple(dict.fromkeys(found[:MOST_RETURNED]))


def is_of_them(author: Address, domains: Iterable[str]) -> bool:
    """True where an author may be who was written to, at whatever address: of the same domain, one below or above it.

    Whoever has a domain rules those below it, and answers for them.
    """
    return any(_below(author.domain, domain) or _below(domain, author.domain) for domain in domains)


def _below(name: str, domain: str) -> bool:
    return name == domain or ("." in domain and name.endswith("." + domain))
