"""Rows of the list as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.address import without_tag
from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import State
from gateway.domain.query import Score, Term
from gateway.domain.roles import Reach
from gateway.flow.transactions import StoreOf

PEOPLE, MACHINE = "people", "machine"
LANES = (PEOPLE, MACHINE)
SORTS = ("arrival", "sender", "subject", "recipient", "size", "reason", "expiry", "score")
COUNTED_OF_A_GROUP = 1000

Key = tuple[str | int | float, ...]
"""Where a page begins: the sort keys of a row, then minus its id."""


@dataclass(frozen=True, slots=True)
class Owner:
    """One recipient whose mail is seen."""

    domain: str
    key: str
    """Normal form without sub-address."""
    tagged: str = ""
    """Normal form, where only mail to this sub-address is seen."""


@dataclass(frozen=True, slots=True)
class Place:
    """Whose mail: a reach, as the store looks it up."""

    site: bool = False
    domains: tuple[str, ...] = ()
    owners: tuple[Owner, ...] = ()

    @classmethod
    def of(cls, reach: Reach) -> Place:
        """Return where a person's mail lies; nothing is in it twice."""
        if reach.site:
            return cls(site=True)
        owners = []
        for address in sorted(reach.addresses):
            base, domain = without_tag(address), address.rpartition("@")[2]
            if domain not in reach.domains and (base == address or base not in reach.addresses):
                owners.append(Owner(domain, base, "" if base == address else address))
        return cls(domains=tuple(sorted(reach.domains)), owners=tuple(owners))


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows are meant."""

    place: Place
    lanes: tuple[str, ...] = LANES
    """Of the rows that wait."""
    states: tuple[State, ...] = (State.PENDING,)
    terms: tuple[Term, ...] = ()
    reasons: tuple[str, ...] = ()
    after: float | None = None
    """Held at this time or later, seconds since the epoch."""
    before: float | None = None
    has_file: bool = False
    source: str = ""
    sender: str = ""
    """Reverse-path or author, as the pattern of an entry names them: an address, `@domain`, or `@.domain` below it."""
    score: Score | None = None
    unseen_by: int | None = None
    """An account: only what it has not opened."""
    digest: int | None = None
    """Only what stood in this digest."""
    content: bool = True
    """Subjects and files may be looked at; else words are looked for in addresses only."""


@dataclass(frozen=True, slots=True)
class Row:
    """One mail for one recipient, as the list shows it."""

    id: int
    message_id: int
    state: State
    author: str
    author_name: str
    sender: str
    """The reverse-path; "" is the null one."""
    recipient: str
    subject: str
    size: int
    """Octets."""
    held_at: float
    expires_at: float
    changed_at: float
    reason: str
    silence: str
    challenge: str
    """State of its challenge; "" where there is none."""
    proofs: tuple[Proof, ...]
    files: tuple[str, ...]
    lane: str
    source: str
    seen: bool
    last_reply: str
    """What the next hop said."""
    key: Key
    score: float | None = None
    """How spam-like; None: nobody has looked."""


@dataclass(frozen=True, slots=True)
class Group:
    """The machine mail of one source."""

    source: str
    count: int
    """At most COUNTED_OF_A_GROUP."""
    newest: Row


class QueueTable(Protocol):
    """The rows in the store."""

    def page(
        self, chosen: Selection, sort: str, reverse: bool, start: Key | None, backwards: bool, most: int, account: int
    ) -> Sequence[Row]:
        """Return rows behind `start` in the order asked for; backwards: those in front of it, the nearest first."""

    def count(self, chosen: Selection, most: int) -> int:
        """Return how many there are, counting to `most` + 1."""

    def one(self, row_id: int, account: int) -> Row | None:
        """Return one row."""

    def in_hand(self, row_id: int) -> bool:
        """True where an order that can still be undone, or is under way, has a row."""

    def key(self, chosen: Selection, sort: str, row_id: int) -> Key | None:
        """Return the sort key of a row that waits; None where it is not one of those that are meant."""

    def in_front(self, chosen: Selection, sort: str, reverse: bool, key: Key, most: int) -> int | None:
        """Return how many of those that wait stand in front of a key, counting to `most` + 1; None: not soon told."""

    def told_at(self, account: int) -> float | None:
        """Return when the last digest was made that an account's mailbox took; None: there is none."""

    def groups(self, chosen: Selection, behind: str, most: int, account: int) -> Sequence[Group]:
        """Return sources of machine mail."""

    def see(self, account: int, ids: Collection[int]) -> None:
        """Note that a person has seen rows."""


class QueueTx(Protocol):
    """What the queue needs of a transaction."""

    @property
    def queue(self) -> QueueTable:
        """The rows."""


QueueStore = StoreOf[QueueTx]
