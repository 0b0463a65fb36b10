"""Events for a webhook: which moves of mail are told, under which id, in which words. Nothing that mail says is told."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum

from gateway.domain.durations import DAY, HOUR
from gateway.domain.lifecycle import Event, State
from gateway.domain.phrase import Phrase, phrase
from gateway.domain.retry import Backoff

MAX_SECRETS = 2
"""The one that signs, and while it is changed the one before it."""
_ID_DIGITS = 32


class Kind(Enum):
    """Of an event. Stored by value and told to receivers: add members, never rename them."""

    HELD = "held"
    RELEASED = "released"
    EXPIRED = "expired"


KINDS: Mapping[Event, Kind] = {
    Event.HOLD: Kind.HELD,
    Event.ANSWER: Kind.RELEASED,
    Event.AUTHORIZE: Kind.RELEASED,
    Event.DELIVER: Kind.RELEASED,
    Event.EXPIRE: Kind.EXPIRED,
    Event.EXPIRE_AS_SPAM: Kind.EXPIRED,
}
"""What is told of mail that began to wait, or waited until then. A retry of what the next hop refused is not told."""


@dataclass(frozen=True, slots=True)
class Happened:
    """One move, with the basic facts of the mail it was."""

    number: int
    """Of the line in the audit trail."""
    at: float
    event: Event
    state: State
    """After it."""
    actor: str
    pending: int
    sender: str
    author: str
    recipient: str
    reason: str
    asked: bool
    """A challenge went to the sender, or is about to."""
    size: int
    held_at: float
    expires_at: float
    queue_id: str
    transaction_id: str
    client: str


def backoff(days: float) -> Backoff:
    """Return when to try again, and for how long. days: as an event is of use."""
    return Backoff(first=5.0, longest=HOUR, give_up_after=days * DAY, least_attempts=3)


def event_id(site: str, happened: Happened) -> str:
    """Return the id by which a receiver knows an event again: the same for each attempt, of each service on a store."""
    text = f"{site} {happened.number} {happened.pending} {happened.at!r}"
    return f"msg_{hashlib.sha256(text.encode()).hexdigest()[:_ID_DIGITS]}"


def body(happened: Happened, url: str) -> bytes:
    """Write an event as JSON. url: the mail's page in the console."""
    kind = KINDS[happened.event]
    data: dict[str, object] = {
        "id": happened.pending,
        "state": happened.state.value,
        "how": happened.event.value,
        "actor": happened.actor,
        "sender": happened.sender,
        "author": happened.author,
        "recipient": happened.recipient,
        "reason": happened.reason,
        "asked": happened.asked,
        "size": happened.size,
        "held_at": _time(happened.held_at),
        "expires_at": _time(happened.expires_at),
        "queue_id": happened.queue_id,
        "transaction_id": happened.transaction_id,
        "client": happened.client,
        "url": url,
    }
    return _json(f"message.{kind.value}", happened.at, data)


def sample_body(site: str, now: float) -> bytes:
    """Write the event that only tells that events arrive."""
    return _json("webhook.test", now, {"gateway": site})


def fault_words(fault: str) -> Phrase:
    """Say why an attempt failed. fault: a status, or a key of FAULTS."""
    if fault.isdigit():
        if fault.startswith("3"):
            return phrase("It answered {status}: it points elsewhere, and is not followed there.", status=fault)
        return phrase("It answered {status}.", status=fault)
    return FAULTS.get(fault, FAULTS["connection"])


FAULTS = {
    "timeout": phrase("It did not answer in time."),
    "tls": phrase("Its certificate is not trusted."),
    "connection": phrase("It cannot be reached."),
    "secret": phrase("The file with our secret cannot be read."),
}


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _json(kind: str, at: float, data: Mapping[str, object]) -> bytes:
    told = {"type": kind, "timestamp": _time(at), "data": data}
    return json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")
