"""What a message says of itself: the few header facts the decision and the pages need."""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.domain import header
from gateway.domain.address import Address, normal_form, without_tag
from gateway.domain.header import Header
from gateway.domain.lists import normal_list_id
from gateway.domain.structured_fields import addresses, without_comments
from gateway.domain.value import value_class

CHALLENGE_FIELD = "X-Gateway-Challenge"
"""Our marker in each challenge (RFC 5321 §6.3): one of ours that comes back is never answered by another."""

_ADDRESSED = frozenset({b"to", b"cc", b"bcc", b"resent-to", b"resent-cc", b"resent-bcc"})
_CHALLENGE_NAME = CHALLENGE_FIELD.lower().encode()
_BULK = frozenset({b"bulk", b"list", b"junk"})
_SUPPRESS = frozenset({b"all", b"autoreply", b"oof"})
_MAX_SUBJECT = 500
_MAX_REMEMBERED = 400
"""Octets of an address field whose reading is remembered."""


@value_class(frozen=True, slots=True)
class Message:
    """Facts of one message, all of them claims of its sender."""

    author: Address | None
    """The one mailbox in the one From field; None where there is none or more than one (RFC 7489 §6.6.1), or the
    header is malformed, so that another reader may see another author."""
    author_name: str
    """Its display name, decoded."""
    subject: str
    """Decoded, one line, at most 500 characters."""
    message_id: str
    """With angle brackets, ASCII without blanks; "" where there is none that is fit to be cited."""
    references: tuple[str, ...]
    """The last few ids of References, or of In-Reply-To."""
    addressed: frozenset[str]
    """Normal forms, with and without sub-address, of all mailboxes in To, Cc, Bcc and Resent-*."""
    automatic: str
    """Why it must not be answered by a machine, a value of `challenge.Silence`; "" for mail that may be a person's."""
    hops: int
    """How many Received fields it bears."""
    list_id: str = ""
    """What its one List-Id field names (RFC 2919 §3), in normal form; "" where there is none, or more than one."""


def read_message(head: Header) -> Message:
    """Gather the facts; never raises."""
    author, author_name = _author(head)
    subject = head.first(b"subject")
    return Message(
        author=author,
        author_name=author_name,
        subject=header.text(subject)[:_MAX_SUBJECT] if subject else "",
        message_id=next(iter(message_ids(head.first(b"message-id") or b"")), ""),
        references=tuple(message_ids(head.first(b"references") or head.first(b"in-reply-to") or b"")[-10:]),
        addressed=_addressed(head),
        automatic=_automatic(head),
        hops=len(head.by_name.get(b"received", ())),
        list_id=_list_id(head) if b"list-id" in head.by_name else "",
    )


def _list_id(head: Header) -> str:
    values = head.all(b"list-id")
    if len(values) != 1 or head.malformed:
        return ""
    plain = without_comments(values[0])
    # RFC 2919 §3: a phrase may stand in front of the angle brackets; some write the bare name.
    name = plain.rpartition(b"<")[2].partition(b">")[0] if b"<" in plain else plain
    return normal_list_id(name.decode("ascii", "replace"))


def _author(head: Header) -> tuple[Address | None, str]:
    values = head.all(b"from")
    if len(values) != 1 or head.malformed:
        return None, ""
    mailboxes = addresses(values[0], most=2)
    if len(mailboxes) != 1:
        return None, mailboxes[0].name if mailboxes else header.text(values[0])
    return Address.of(mailboxes[0].address), mailboxes[0].name


def _addressed(head: Header) -> frozenset[str]:
    keys: set[str] = set()
    for name in _ADDRESSED:
        if name in head.by_name:
            for value in head.all(name):
                keys |= _known_mailboxes(value) if len(value) <= _MAX_REMEMBERED else _mailboxes(value)
    return frozenset(keys)


def _mailboxes(value: bytes) -> frozenset[str]:
    keys = [normal_form(mailbox.address) for mailbox in addresses(value)]
    return frozenset(keys + [without_tag(key) for key in keys])


_known_mailboxes = lru_cache(maxsize=2048)(_mailboxes)
"""The same, remembered: most mail is to one person of ours."""


def _automatic(head: Header) -> str:
    # In the order of how much each tells: the first that holds is the reason people are shown.
    if not _TELLING.isdisjoint(head.by_name) or head.has_prefix(b"list-"):
        told = _told_by_fields(head)
        if told:
            return told
    for name in (b"return-path", b"from"):
        if name in head.by_name and any(map(_names_a_mailer, head.all(name))):
            return "delivery-report"
    return ""


_TELLING = frozenset(
    {_CHALLENGE_NAME, b"auto-submitted", b"precedence", b"x-precedence", b"x-auto-response-suppress", b"content-type"}
)
"""Fields that only few mails of people have; looked for together, as each look costs every mail."""


def _told_by_fields(head: Header) -> str:
    if _CHALLENGE_NAME in head.by_name:
        return "own-challenge"
    for value in head.all(b"auto-submitted"):
        # RFC 3834 §5: a keyword, then perhaps parameters; comments may stand anywhere.
        if without_comments(value).partition(b";")[0].strip().lower() != b"no":
            return "auto-submitted"
    if head.has_prefix(b"list-"):
        return "mailing-list"
    for name in (b"precedence", b"x-precedence"):
        if any(without_comments(value).lower() in _BULK for value in head.all(name)):
            return "bulk"
    for value in head.all(b"x-auto-response-suppress"):
        if _SUPPRESS & {part.strip().lower() for part in value.split(b",")}:
            return "auto-response-suppress"
    kind = (head.first(b"content-type") or b"").lower()
    if kind.startswith((b"multipart/report", b"message/delivery-status", b"message/disposition-notification")):
        return "delivery-report"
    return ""


def _names_a_mailer(value: bytes) -> bool:
    """True for `<>`, and for the names under which servers write without telling a domain."""
    name = value.rpartition(b"<")[2].rstrip(b"> \t").lower()
    return value.endswith(b"<>") or name in (b"mailer-daemon", b"postmaster")


_ID = re.compile(rb"<[\x21-\x3b\x3d\x3f-\x7e]{1,250}>")


def message_ids(value: bytes) -> list[str]:
    """Return the message ids in a field, in their order, with angle brackets."""
    return [match.decode("ascii") for match in _ID.findall(value[:8192])]
