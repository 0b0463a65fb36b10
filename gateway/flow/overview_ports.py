"""How things stand, as the store and the next hops tell the overview."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.flow.overview_charts import ScoreBand
from gateway.flow.tally import Happening
from gateway.flow.transactions import StoreOf

TOP = 8
"""Lines in each list of the most frequent."""
LOOKED_AT = 5_000
"""Held rows, the newest, among which the most frequent are looked for."""


@dataclass(frozen=True, slots=True)
class Stuck:
    """Something on its way out that has not arrived."""

    kind: str
    """`mail` to a mailbox behind us, or `challenge` to a sender."""
    id: int
    """Of the pending row, or of the challenge."""
    state: str
    sender: str
    recipient: str
    subject: str
    since: float
    attempts: int
    due_at: float | None
    """The next attempt; None: none will be made by itself."""
    last_reply: str
    """The other server's own words."""


@dataclass(frozen=True, slots=True)
class Frequent:
    """A name, and how often it was seen."""

    name: str
    times: int


@dataclass(frozen=True, slots=True)
class HopState:
    """A server that takes our mail."""

    place: str
    domains: tuple[str, ...]
    """Whose mail goes there; empty: all others."""
    reachable: bool


@dataclass(frozen=True, slots=True)
class Standing:
    """How things stand now, as the store tells it."""

    waiting: int
    """At most `most_counted`, which stands for "or more"."""
    oldest: float | None
    """When the one that waits longest came."""
    on_the_way: int
    refused: int
    challenges_unsent: int
    asked_last_hour: int
    untold: int
    """Mailboxes whose digests cannot be delivered."""
    senders: tuple[Frequent, ...]
    sender_domains: tuple[Frequent, ...]
    recipients: tuple[Frequent, ...]
    reasons: tuple[Frequent, ...]
    asked_for: int = 0
    """Requests of release that nobody has decided."""
    scores: tuple[ScoreBand, ...] = ()
    """Of the newest that wait and have a score; empty where none has."""
    absent: tuple[Frequent, ...] = ()
    """For whom much waits, and nobody who may see to it has ever signed in."""


MOST_COUNTED = 10_000


class OverviewTable(Protocol):
    """What the overview reads."""

    def standing(self, domains: Collection[str] | None, now: float) -> Standing:
        """Return how things stand for these domains; None is all."""

    def stuck(self, domains: Collection[str] | None, most: int) -> Sequence[Stuck]:
        """Return what has not gone out, the longest first."""

    def hasten_challenge(self, challenge_id: int, domains: Collection[str] | None, now: float) -> bool:
        """Let a challenge that waits for its next attempt be tried now; False where there is none."""


class TallyReader(Protocol):
    """The numbers by the hour."""

    def since(self, hour: int, domains: Collection[str] | None) -> Sequence[tuple[int, Happening, int]]:
        """Return (hour, happening, times) from this hour on, oldest first."""

    def by_domain(self, hour: int, domains: Collection[str]) -> Sequence[tuple[str, Happening, int]]:
        """Return (domain, happening, times) from this hour on."""


class OverviewTx(Protocol):
    """What the overview needs of a transaction."""

    @property
    def overview(self) -> OverviewTable:
        """How things stand."""

    @property
    def tallies(self) -> TallyReader:
        """The numbers by the hour."""


OverviewStore = StoreOf[OverviewTx]


class HopWatch(Protocol):
    """Knows the servers that take our mail."""

    async def states(self) -> Sequence[HopState]:
        """Try each of them, side by side."""
