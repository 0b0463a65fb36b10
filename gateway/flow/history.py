"""History: what became of each mail, in and out, without what is in it; searched, exported, erased."""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from gateway.domain.address import normal_form
from gateway.domain.durations import DAY, HOUR
from gateway.domain.roles import Right, Viewer
from gateway.flow.queue_ports import Place
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.history")

PAGE = 50
MOST = 200
BATCH = 200
"""Rows dropped in one transaction: mail that comes in meanwhile does not wait for long."""
_PASSES = 20
"""How often an address is looked for anew, whose mail goes on coming while it is erased."""
KINDS = ("passage", "held", "challenge", "sent", "letter")
"""Where a line comes from: mail that went through or was refused at once; mail that was kept; a challenge of ours; mail
of our users to the outside; any other letter of ours."""

Start = tuple[float, int, int]
"""The line behind which a page begins: its time, its number, and the number of its kind. Lines are sorted by these three,
the largest first, so the order is one even where a clock jumped."""


@dataclass(frozen=True, slots=True)
class Line:
    """One mail for one recipient."""

    kind: str
    id: int
    at: float
    direction: str
    """`in`, or `out` for what we and our users sent."""
    sender: str
    recipient: str
    size: int
    decision: str
    reason: str
    state: str
    queue_id: str
    """Of the mail server in front."""
    reply: str
    """What the server behind said last; its queue id is in it."""
    client: str
    transaction_id: str

    @property
    def key(self) -> Start:
        """The place of the line in the order of time."""
        return self.at, self.id, KINDS.index(self.kind)


@dataclass(frozen=True, slots=True)
class Asked:
    """Which lines; an empty field filters nothing."""

    address: str = ""
    """Sender or recipient: a whole address, or `@domain` of either."""
    state: str = ""
    after: float | None = None
    """At this time or later."""
    before: float | None = None


@dataclass(frozen=True, slots=True)
class Lines:
    """One page, the newest first."""

    rows: tuple[Line, ...]
    next: Start | None


@dataclass(frozen=True, slots=True)
class Erased:
    """What was erased of one address."""

    mails: int = 0
    challenges: int = 0
    entries: int = 0
    windows: int = 0
    waiting: int = 0
    """Mails that still wait or are on their way, and stay: settle them first."""

    def and_(self, other: Erased) -> Erased:
        """Return what two steps erased. What waits is not erased, and not added."""
        return Erased(
            self.mails + other.mails,
            self.challenges + other.challenges,
            self.entries + other.entries,
            self.windows + other.windows,
            self.waiting,
        )


@dataclass(frozen=True, slots=True)
class Traces:
    """What the store knows of one address."""

    numbers: Mapping[str, Sequence[int]]
    """Numbers of what has some, by its kind; each kind has at least one."""
    others: int
    """How much there is that has none."""
    waiting: int
    """Mails that still wait or are on their way."""


class HistoryTable(Protocol):
    """What the store knows of all mail."""

    def page(self, place: Place, asked: Asked, start: Start | None, most: int) -> Sequence[Line]:
        """Return up to `most` lines behind `start`, the newest first."""

    def outdated(
        self, before: float, domains: Collection[str], *, but: bool, most: int
    ) -> Iterable[tuple[str, Sequence[int]]]:
        """Return numbers of facts of mail of before then, by their kind: of these domains or of all but these."""

    def forget(self, kind: str, ids: Collection[int]) -> int:
        """Drop such facts; return how many there were."""

    def over(self, before: float, domains: Collection[str], *, but: bool, most: int) -> Sequence[tuple[int, int]]:
        """Return held rows that ended before then, each with its message."""

    def drop(self, rows: Collection[tuple[int, int]]) -> None:
        """Drop such rows, and what is left of their messages."""

    def export(self, address: str) -> Mapping[str, Sequence[Mapping[str, object]]]:
        """Return all that is known of an address, by kind."""


class ErasingTable(Protocol):
    """What names an address."""

    def traces(self, address: str) -> Traces:
        """Return all that is known of mail from and to an address, and what else names it."""

    def erase(self, address: str, kind: str, ids: Sequence[int]) -> Erased:
        """Drop what was found of one kind."""

    def erase_others(self, address: str, most: int) -> int:
        """Drop up to so many of what has no number; return how many."""


class HistoryTx(Protocol):
    """What history needs of a transaction."""

    @property
    def erasing(self) -> ErasingTable:
        """What names an address."""

    @property
    def history(self) -> HistoryTable:
        """What the store knows."""


HistoryStore = StoreOf[HistoryTx]


class History:
    """Shows each person the mail within reach; exports and erases for who has the whole site."""

    def __init__(
        self,
        store: HistoryStore,
        days: float,
        domain_days: Mapping[str, float],
        *,
        held_days: float = 0.0,
        now: Callable[[], float],
    ) -> None:
        """days: for which facts are kept. domain_days: of domains that have their own, as A-labels.

        held_days: for which those of held mail are kept at least, as its content, and the memory of whom we have asked.
        """
        self._held_days = held_days
        self._held_at = -math.inf
        self._store = store
        self._days = days
        self._domain_days = dict(domain_days)
        self._now = now

    async def page(self, viewer: Viewer, asked: Asked, start: Start | None = None, size: int = PAGE) -> Lines:
        """Return one page, the newest first."""
        if not viewer.may(Right.SEE_HISTORY):
            return Lines((), None)
        place = Place.of(viewer.reach)
        rows = await self._store.look(lambda tx: tx.history.page(place, asked, start, size + 1))
        return Lines(tuple(rows[:size]), rows[size - 1].key if len(rows) > size else None)

    async def export(self, viewer: Viewer, address: str) -> Mapping[str, Sequence[Mapping[str, object]]] | None:
        """Return all that is kept about an address; None without the right."""
        if not _whole(viewer):
            return None
        return await self._store.look(lambda tx: tx.history.export(normal_form(address)))

    async def erase(self, viewer: Viewer, address: str) -> Erased | None:
        """Drop all that is kept about an address; None without the right. What waits stays, and is told.

        It goes piece by piece, so that mail that comes in meanwhile does not wait for it. Nothing was left when it was
        looked for last; whatever is cut off before is taken up by erasing it once more.
        """
        if not _whole(viewer):
            return None
        key, erased = normal_form(address), Erased()
        for _ in range(_PASSES):
            traces = await self._store.look(lambda tx: tx.erasing.traces(key))
            erased = replace(erased, waiting=traces.waiting)
            if not traces.numbers and not traces.others:
                break
            for kind, numbers in traces.numbers.items():
                for start in range(0, len(numbers), BATCH):
                    some = numbers[start : start + BATCH]
                    erased = erased.and_(
                        await self._store.transact(lambda tx: tx.erasing.erase(key, kind, some))  # noqa: B023 awaited here
                    )
            while await self._store.transact(lambda tx: tx.erasing.erase_others(key, BATCH)):
                pass
        # The address itself is what shall be forgotten.
        event(_log, "erased", actor=viewer.name, mails=erased.mails, entries=erased.entries)
        return erased

    async def sweep(self, most: int = 2000, facts: int = 20_000) -> int:
        """Drop what is older than its domain keeps it; return how many.

        What is old is looked for beside the writing, and dropped piece by piece: mail that comes in does not wait for it.
        most: held mails. facts: of mail that passed, as much may have come since it was called last.
        """
        now, gone = self._now(), 0
        for names, but, days in self._groups():
            before = now - days * DAY
            old = await self._store.look(
                lambda tx: list(tx.history.outdated(before, names, but=but, most=facts))  # noqa: B023 awaited here
            )
            for kind, ids in old:
                for start in range(0, len(ids), BATCH):
                    some = ids[start : start + BATCH]
                    gone += await self._store.transact(lambda tx: tx.history.forget(kind, some))  # noqa: B023 awaited here
        return gone + await self._sweep_held(most)

    async def _sweep_held(self, most: int) -> int:
        """Drop held mail that ended longer ago than its domain keeps its facts, up to `most`; return how many.

        Where nothing was left to drop, it looks again after an hour: for that it goes through all that is kept longer.
        """
        now, gone = self._now(), 0
        if 0 <= now - self._held_at < HOUR:
            return 0
        for names, but, days in self._groups():
            before = now - max(days, self._held_days) * DAY
            while gone < most:
                rows = await self._store.look(lambda tx: tx.history.over(before, names, but=but, most=BATCH))  # noqa: B023 awaited here
                if rows:
                    await self._store.transact(lambda tx: tx.history.drop(rows))  # noqa: B023 awaited here
                gone += len(rows)
                if len(rows) < BATCH:
                    break
        if gone < most:
            self._held_at = now
        if gone:
            event(_log, "facts-dropped", mails=gone)
        return gone

    def _groups(self) -> Sequence[tuple[tuple[str, ...], bool, float]]:
        """Return domains, whether they or all others are meant, and their days."""
        own = self._domain_days
        return [((name,), False, days) for name, days in own.items()] + [(tuple(own), True, self._days)]


def _whole(viewer: Viewer) -> bool:
    return viewer.may(Right.SEE_HISTORY) and viewer.reach.site and viewer.may(Right.EDIT_ACCOUNTS)
