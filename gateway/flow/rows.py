"""What is kept of mail that waits and of challenges, as the verbs read and write it."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.address import Address
from gateway.domain.envelope import Envelope, Recipient, Transaction
from gateway.domain.evidence import Evidence, Proof
from gateway.domain.lifecycle import ChallengeState, Event, State
from gateway.domain.message import Message
from gateway.domain.policy import Scope


@dataclass(frozen=True, slots=True)
class NewMessage:
    """A message about to be kept."""

    key: bytes
    """Same for a client's retry: hash of reverse-path and content."""
    sha256: bytes
    received_at: float
    transaction: Transaction
    facts: Message
    evidence: Evidence
    network: str
    trace: bytes
    """Fields to put on top on the way on, each with CRLF."""
    cuts: tuple[tuple[int, int], ...]
    """Ranges of the content, forged fields, that are left out on the way on."""
    content: bytes
    score: float | None = None
    """What a filter in front says: how spam-like it is."""


@dataclass(frozen=True, slots=True)
class NewPending:
    """One recipient's share of a message about to be kept."""

    recipient: Recipient
    event: Event
    """HOLD, OWE or DROP."""
    reason: str
    silence: str
    expires_at: float


@dataclass(frozen=True, slots=True)
class PendingRow:
    """One message for one recipient, as the verbs need it."""

    id: int
    message_id: int
    recipient: Address
    sender_key: str
    author_key: str
    """Normal form of the author; "" where there is none, or more than one."""
    state: State
    reason: str
    proofs: tuple[Proof, ...]
    network: str
    attempts: int
    due_since: float | None


@dataclass(frozen=True, slots=True)
class Origin:
    """One row, with where its mail comes from."""

    row: PendingRow
    author: Address | None
    source: str
    """The key of the machine it comes from, as `sources.source_of` tells it; "" for what people write."""
    list_id: str
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a sender's mail has come, as its sender may know it."""

    recipient: str
    recipient_domain: str
    received_at: float
    state: State
    changed_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class NewChallenge:
    """A challenge about to be queued."""

    message_id: int
    sender: Address
    recipient: Address
    scope: Scope
    created_at: float
    expires_at: float


@dataclass(frozen=True, slots=True)
class ChallengeRow:
    """A challenge, with what its mail and its page say about the message it asks for."""

    id: int
    message_id: int
    sender: Address
    recipient: Address
    scope: Scope
    state: ChallengeState
    created_at: float
    expires_at: float
    attempts: int
    wrong_answers: int
    paused_until: float | None
    solved_puzzle: bytes | None
    received_at: float
    subject: str
    mail_id: str
    """Message-ID of the message that waits."""
    references: tuple[str, ...]
    proofs: tuple[Proof, ...]
    network: str


@dataclass(frozen=True, slots=True)
class Owed:
    """A released row with all that its delivery needs."""

    id: int
    lease: int
    attempts: int
    due_since: float
    as_spam: bool
    days: float
    """How long it waited, for the spam fields."""
    envelope: Envelope
    trace: bytes
    cuts: tuple[tuple[int, int], ...]
    content: bytes
