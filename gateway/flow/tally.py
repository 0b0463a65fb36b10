"""Tally: what happened in each hour, for the overview. Counted in memory, written down every few seconds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from gateway.domain.envelope import Transaction
from gateway.domain.policy import Decision, Disposition
from gateway.domain.reply import Reply
from gateway.flow.transactions import Transacts

HOUR = 3600


class Happening(StrEnum):
    """Stored by value: add members, never rename them."""

    RELAYED = "relayed"  # Passed on inside the session.
    HELD = "held"  # Put into the pending queue, for one recipient.
    REFUSED = "refused"  # By a deny entry: in the session, or dropped with a record behind a queue.
    DELIVERED = "delivered"  # Handed to the next hop after it had been held or owed.
    ASKED = "asked"  # A challenge was sent.
    SOLVED = "solved"  # A challenge was answered.
    EXPIRED = "expired"  # Nobody moved it in time.
    DISOWNED = "disowned"  # Who was asked says that the mail is not his.
    UNDELIVERABLE = "undeliverable"  # No server took a challenge.
    BOUNCED = "bounced"  # A challenge came back after a server had taken it.


class Slot(NamedTuple):
    """What one number stands for."""

    hour: int
    """Its first second since the epoch."""
    domain: str
    """Of the recipient, ours."""
    happening: Happening


class Tally:
    """Counts what happens; whoever takes the numbers writes them down."""

    def __init__(self) -> None:
        self._counts: Counter[Slot] = Counter()

    def note(self, happening: Happening, domain: str, now: float, times: int = 1) -> None:
        """Count something that happened to mail for a domain."""
        self._counts[Slot(int(now) // HOUR * HOUR, domain, happening)] += times

    def take(self) -> Mapping[Slot, int]:
        """Return what was counted since the last time."""
        counts, self._counts = self._counts, Counter()
        return counts

    def put_back(self, counts: Mapping[Slot, int]) -> None:
        """Count again what could not be written down."""
        self._counts.update(counts)


TALLY = Tally()
"""Of this process, as its metrics are."""

_DECIDED = {
    Disposition.DELIVER: Happening.RELAYED,
    Disposition.HOLD: Happening.HELD,
    Disposition.REJECT: Happening.REFUSED,
}


def note_decisions(transaction: Transaction, decisions: Sequence[Decision], answer: Reply, now: float) -> None:
    """Count what became of a mail for each recipient; what the next hop did not take comes again, or is its no."""
    for recipient, decision in zip(transaction.recipients, decisions, strict=False):
        if answer.accepted or decision.disposition is Disposition.REJECT:
            TALLY.note(_DECIDED[decision.disposition], recipient.address.domain, now)


class TallyTable(Protocol):
    """The numbers in the store."""

    def add(self, counts: Mapping[Slot, int]) -> None:
        """Add counts to the numbers of their slots."""


class TallyTx(Protocol):
    """What writing down needs of a transaction."""

    @property
    def tallies(self) -> TallyTable:
        """The numbers by the hour."""


TallyStore = Transacts[TallyTx]


async def write_down(tally: Tally, store: TallyStore) -> int:
    """Put into the store what was counted; return how many numbers. Raises StoreDown, and then nothing is forgotten."""
    counts = tally.take()
    if not counts:
        return 0
    try:
        await store.transact(lambda tx: tx.tallies.add(counts))
    except BaseException:
        tally.put_back(counts)
        raise
    return len(counts)
