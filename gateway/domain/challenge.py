"""May we ask this sender? And what one answer opens.

The rules come from RFC 3834 §2 (automatic responders), RFC 5230 §4 (vacation) and good practice against
backscatter: only who is proven to have sent a mail is ever written to.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from enum import Enum

from gateway.domain.address import Address, without_tag
from gateway.domain.durations import DAY
from gateway.domain.evidence import Evidence
from gateway.domain.message import Message


class Asking(Enum):
    """Which senders are asked at all."""

    OFF = "off"
    AUTHENTICATED = "authenticated"  # Only senders proven by SPF or DKIM aligned with From.
    ALL = "all"


class Silence(Enum):
    """Why a held message's sender is not asked. Stored and shown: add members, never rename them."""

    SWITCHED_OFF = "challenges-off"
    NULL_REVERSE_PATH = "null-reverse-path"
    OWN_CHALLENGE = "own-challenge"
    AUTO_SUBMITTED = "auto-submitted"
    MAILING_LIST = "mailing-list"
    BULK = "bulk"
    AUTO_RESPONSE_SUPPRESS = "auto-response-suppress"
    REPORT = "delivery-report"
    NO_REPLY_ADDRESS = "no-reply-address"
    NOT_ADDRESSED = "not-addressed-to-recipient"
    UNPROVEN = "unproven-sender"
    UNPROVEN_REVERSE_PATH = "unproven-reverse-path"
    NO_MAIL_DOMAIN = "sender-domain-takes-no-mail"
    ASKED_RECENTLY = "asked-recently"
    DISOWNED = "sender-said-not-me"
    CLOSED = "no-longer-waiting"
    BUDGET = "over-budget"
    UNDELIVERABLE = "challenge-undeliverable"


_NO_REPLY = frozenset(
    {
        "mailer-daemon", "postmaster", "majordomo", "listserv", "no-reply", "noreply", "no_reply",
        "do-not-reply", "donotreply", "do_not_reply", "bounce", "bounces", "daemon", "root", "uucp", "nobody",
    }
)  # fmt: skip
_NO_REPLY_ENDS = ("-request", "-bounces", "-bounce", "-owner", "-noreply", "-no-reply", ".noreply", ".no-reply")
_NO_REPLY_STARTS = ("owner-", "noreply-", "no-reply-", "bounce-", "bounces-", "noreply.", "no-reply.")


def is_no_reply(address: Address) -> bool:
    """True for local parts behind which no person reads (RFC 5230 §4.6)."""
    local = without_tag(address.key).rpartition("@")[0]
    return (
        local in _NO_REPLY
        or local.endswith(_NO_REPLY_ENDS)
        or local.startswith(_NO_REPLY_STARTS)
        # Sub-addressed bounce addresses: bounces+1234=joe=example.org@…
        or address.local.startswith(("bounces+", "bounce+", "srs0", "srs1", "prvs="))
    )


def may_ask(
    asking: Asking, recipient: Address, reverse_path: Address, message: Message, evidence: Evidence
) -> Silence | None:
    """Return why the sender must not be asked, or None when it may be asked."""
    if reverse_path.is_null:
        return Silence.NULL_REVERSE_PATH
    if message.automatic:
        return Silence(message.automatic)
    if is_no_reply(reverse_path) or (message.author is not None and is_no_reply(message.author)):
        return Silence.NO_REPLY_ADDRESS
    if without_tag(recipient.key) not in message.addressed and recipient.key not in message.addressed:
        return Silence.NOT_ADDRESSED
    if asking is Asking.OFF:
        return Silence.SWITCHED_OFF
    if evidence.sender_domain_takes_mail is False:
        return Silence.NO_MAIL_DOMAIN
    return _unproven(evidence) if asking is Asking.AUTHENTICATED else None


def _unproven(evidence: Evidence) -> Silence | None:
    if not evidence.proofs:
        return Silence.UNPROVEN
    if not evidence.reverse_path_proven:
        # A signed author says nothing about the envelope: a challenge would hit whom it names.
        return Silence.UNPROVEN_REVERSE_PATH
    return None


_PASSING = frozenset(
    {
        Silence.SWITCHED_OFF, Silence.ASKED_RECENTLY, Silence.DISOWNED, Silence.CLOSED, Silence.BUDGET,
        Silence.UNDELIVERABLE,
    }
)  # fmt: skip
"""Why a sender was not asked then, which says nothing of now: the caps and the policy are looked at anew."""


def may_ask_again(asking: Asking, before: Silence | None, evidence: Evidence) -> Silence | None:
    """Return why the sender of a mail that waits must not be asked once more, or None where only the caps can forbid it.

    asking: as it is set now. before: why it was not asked when the mail came; what the mail itself forbade then stays
    forbidden. Whoever is not proven is not asked by hand either, even where a site asks everybody.
    """
    if before is not None and before not in _PASSING:
        return before
    if asking is Asking.OFF:
        return Silence.SWITCHED_OFF
    if evidence.sender_domain_takes_mail is False:
        return Silence.NO_MAIL_DOMAIN
    return _unproven(evidence)


@dataclass(frozen=True, slots=True)
class Caps:
    """How many challenges may leave us (threat: backscatter)."""

    per_sender_days: float = 7
    """One challenge to an address in this many days (RFC 3834 §2)."""
    per_domain_hour: int = 60
    """To one sender domain within an hour."""
    per_recipient_hour: int = 60
    """On behalf of one recipient within an hour."""
    per_hour: int = 1000
    """In total within an hour; at this number asking pauses until the hour is over."""


@dataclass(frozen=True, slots=True)
class AskHistory:
    """What the store knows about challenges that were made before this one."""

    last_asked_at: float | None = None
    """When this sender was last asked, seconds since the epoch."""
    disowned_until: float | None = None
    """The address said "I did not send this": silent until then."""
    to_domain_last_hour: int = 0
    for_recipient_last_hour: int = 0
    last_hour: int = 0


def within_caps(caps: Caps, history: AskHistory, now: float) -> Silence | None:
    """Return why no further challenge may be made now, or None."""
    if history.disowned_until is not None and now < history.disowned_until:
        return Silence.DISOWNED
    if history.last_asked_at is not None and now < history.last_asked_at + caps.per_sender_days * DAY:
        return Silence.ASKED_RECENTLY
    if (
        history.to_domain_last_hour >= caps.per_domain_hour
        or history.for_recipient_last_hour >= caps.per_recipient_hour
        or history.last_hour >= caps.per_hour
    ):
        return Silence.BUDGET
    return None


TOKEN_OCTETS = 20


def token_text(octets: bytes) -> str:
    """Write a secret in letters and digits that no reader confuses, in lower case: some servers lose the case.

    octets: random ones, of which five make eight letters. A token in a URL has TOKEN_OCTETS (160 bits).
    """
    alphabet = "abcdefghijkmnpqrstuvwxyz23456789"
    number = int.from_bytes(octets, "big")
    return "".join(alphabet[number >> shift & 31] for shift in range(0, len(octets) * 8, 5))


def token_hash(token: str) -> bytes:
    """What the store keeps of a token: 32 octets from which it cannot be told."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
