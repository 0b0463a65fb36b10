"""The interfaces between the verbs and the adapters: a server further on, the checks, the store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.address import Address
from gateway.domain.challenge import AskHistory
from gateway.domain.envelope import Envelope, Recipient, Transaction
from gateway.domain.evidence import Evidence
from gateway.domain.header import Header
from gateway.domain.lifecycle import ChallengeState, Event, State
from gateway.domain.lists import Entry
from gateway.domain.message import Message
from gateway.domain.reply import Reply
from gateway.domain.value import value_class
from gateway.flow.arrangements import ArrangementsStore, ArrangementsTx
from gateway.flow.rows import ChallengeRow, NewChallenge, NewMessage, NewPending, Origin, Owed, PendingRow, Progress
from gateway.flow.transactions import StoreOf


class StoreDown(Exception):
    """The store cannot answer or write now (locked, disk full, I/O error). The client gets 4yz, a worker tries later."""


class StoreFull(StoreDown):
    """There is no room for the write: 452 4.3.1."""


@value_class(frozen=True, slots=True)
class Delivery:
    """How a transaction with a server further on ended."""

    replies: tuple[Reply, ...]
    """One for each recipient, in order: what was said to its RCPT if that was a refusal, or if others' refusals kept the
    content from being sent; else the final word."""
    sent: bool
    """False: the content was not sent, or not accepted by anyone."""


@value_class(frozen=True, slots=True)
class Features:
    """What a server further on offers (EHLO); what it lacks we do not offer either."""

    known: bool = False
    """False until it was first reached."""
    size: int = 0
    """0: no limit told."""
    eight_bit: bool = True
    smtputf8: bool = False
    dsn: bool = False
    xforward: bool = False


class Hop(Protocol):
    """A server that takes accepted mail for a domain."""

    @property
    def features(self) -> Features:
        """What it offers, as last seen."""

    async def verify(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> Reply:
        """Ask whether it takes this recipient: 2yz, or its refusal. Cached. Unreachable: 451 4.4.1."""

    async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Delivery:
        """Hand a message over.

        content: octets in pieces, CRLF line ends, not dot-stuffed, the last ends with CRLF.
        all_or_nothing: send no content when any recipient is refused.
        Never raises for what the far end does: unreachable or gone is 451 4.4.1 for each recipient.
        """


class Checks(Protocol):
    """The evidence of a message."""

    async def inspect(self, transaction: Transaction, head: Header, message: Message, content: bytes) -> Evidence:
        """Run every check under one deadline; what does not end in time is None or temperror. Never raises."""


class PendingTx(Protocol):
    """Rows of messages that wait, within one transaction of the store."""

    def find_retry(self, key: bytes, since: float) -> dict[str, State]:
        """Return recipient key → state of the rows of the same message received since then."""

    def insert_message(self, message: NewMessage) -> int:
        """Keep a message with its content; return its id."""

    def insert_rows(
        self, message_id: int, message: NewMessage, rows: Sequence[NewPending], challenge_id: int | None
    ) -> list[int]:
        """Keep a kept message's rows, each with its first event; return their ids."""

    def get(self, row_id: int) -> PendingRow | None:
        """Return one row."""

    def waiting_from(self, sender_key: str) -> list[PendingRow]:
        """Return every row in state PENDING from this sender."""

    def of_message(self, message_id: int) -> list[PendingRow]:
        """Return every row of a message."""

    def move(self, row: PendingRow, to: State, event: Event, actor: str, now: float, detail: str) -> bool:
        """Compare and save: False when the row has left the state it was read in. Writes the audit event."""

    def expired(self, now: float, most: int) -> list[PendingRow]:
        """Return rows in state PENDING whose time is over, the oldest first."""

    def hasten(self, row_id: int, now: float) -> None:
        """Let a released row that waits for its next attempt be due now."""

    def mark_as_spam(self, row_id: int) -> None:
        """Let the delivery mark the mail as spam."""

    def tie(self, row_id: int, challenge_id: int) -> None:
        """Note that this challenge is the one whose answer let the row go."""

    def of_challenge(self, challenge_id: int) -> list[Progress]:
        """Return what became of the mails of a challenge, in the order they came."""

    def purgeable(self, before: float, most: int) -> list[int]:
        """Return messages whose content is kept, and all of whose rows ended before then."""

    def purge(self, before: float, ids: Sequence[int]) -> int:
        """Forget the content of those messages that are purgeable still; return how many."""

    def silence(self, challenge_id: int, why: str) -> None:
        """Note with the rows of a challenge that their sender was not asked after all."""

    def claim(self, now: float, most: int, lease: int, lease_until: float, latest_due: float) -> dict[int, str]:
        """Take released rows that are due for this worker; rows due later than latest_due count as due.

        Returns the domain of each one's recipient, in the order in which they are due.
        """

    def put_off(self, ids: Sequence[int], lease: int, due_at: float) -> None:
        """Give claimed rows back without an attempt, to be due later."""

    def owed(self, row_id: int, lease: int) -> Owed | None:
        """Return a claimed row, or None when the lease is lost."""

    def finish(
        self, row_id: int, lease: int, to: State, event: Event | None, reply: str, due_at: float | None, now: float
    ) -> bool:
        """Save the outcome of an attempt; False when the lease is lost. due_at: the next attempt, where one follows."""


class ChallengeTx(Protocol):
    """Challenges, within one transaction of the store."""

    def history(self, sender: Address, recipient: Address, now: float) -> AskHistory:
        """Return what the caps need to know."""

    def insert(self, new: NewChallenge) -> int:
        """Queue a challenge; return its id."""

    def get(self, challenge_id: int) -> ChallengeRow | None:
        """Return one challenge."""

    def by_token(self, token_hash: bytes) -> ChallengeRow | None:
        """Return the challenge a token belongs to, whatever its state."""

    def by_status(self, status_hash: bytes) -> ChallengeRow | None:
        """Return the answered challenge a status token belongs to."""

    def move(self, challenge_id: int, to: ChallengeState, now: float, reason: str) -> None:
        """Save a new state."""

    def bounced(self, mail_ids: Sequence[str]) -> Sequence[tuple[int, str]]:
        """Note that these came back; return number and recipient's domain of those of which it was not known."""

    def answered(self, challenge_id: int, puzzle_id: bytes, status_hash: bytes, how: str, now: float) -> None:
        """Save that it was solved, by which puzzle."""

    def wrong(self, challenge_id: int, wrong_answers: int, paused_until: float | None) -> None:
        """Save the count of wrong answers."""

    def spend(self, puzzle_id: bytes, now: float) -> bool:
        """Use up a puzzle; False when it was used before."""

    def used(self, challenge_id: int, now: float) -> None:
        """Note that an answer came from its page, right or wrong."""

    def claim(self, now: float, most: int, lease: int, lease_until: float, latest_due: float) -> list[ChallengeRow]:
        """Take queued challenges that are due for this worker."""

    def mint(self, challenge_id: int, lease: int, token_hash: bytes) -> bool:
        """Keep the hash of one more token before it is sent; False when the lease is lost."""

    def finish(
        self, challenge_id: int, lease: int, to: ChallengeState, reply: str, due_at: float | None, mail_id: str,
        now: float,
    ) -> bool:  # fmt: skip
        """Save the outcome of an attempt to send; False when the lease is lost."""

    def expire(self, now: float, most: int) -> int:
        """Close challenges nobody answered; return how many."""

    def forget_puzzles(self, before: float) -> None:
        """Drop puzzles used before then: their time is over anyway."""

    def disown(self, sender_key: str, until: float) -> None:
        """Stop challenges to an address until then, and count it."""


class ListTx(Protocol):
    """Allow and deny entries, within one transaction of the store."""

    def entries(self, patterns: Sequence[str]) -> list[Entry]:
        """Return every entry with one of these patterns, whatever its scope."""

    def add(self, entry: Entry, note: str, added_by: str, pending_id: int | None, now: float) -> int:
        """Keep an entry; one with the same pattern, scope and verdict gains the proof. Returns its id."""


class SourceTx(Protocol):
    """Where mail that waits comes from, within one transaction of the store."""

    def origin(self, row_id: int) -> Origin | None:
        """Return one row, with where its mail comes from."""

    def waiting_from_source(self, source: str) -> list[Origin]:
        """Return every row in state PENDING whose mail comes from this source."""

    def waiting_from_domain(self, domain: str, recipient_key: str) -> list[Origin]:
        """Return every row in state PENDING of this recipient whose reverse-path or author has this domain."""


class Tx(ArrangementsTx, Protocol):
    """One transaction of the store: all of it is kept, or nothing."""

    @property
    def pending(self) -> PendingTx:
        """Messages that wait."""

    @property
    def challenges(self) -> ChallengeTx:
        """Challenges."""

    @property
    def lists(self) -> ListTx:
        """Allow and deny entries."""

    @property
    def sources(self) -> SourceTx:
        """Where mail that waits comes from."""


class Store(ArrangementsStore, StoreOf[Tx], Protocol):
    """The durable memory."""
