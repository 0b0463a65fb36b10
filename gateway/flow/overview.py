"""Overview: how much mail came, what became of it, and what needs a person."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo
from enum import Enum

from gateway.domain.names import PAGE, names_with
from gateway.domain.roles import Reach, Right, Viewer
from gateway.flow.overview_charts import Backscatter, DayHour, backscatter, hours_of_day
from gateway.flow.overview_ports import HopState, HopWatch, OverviewStore, OverviewTx, Standing, Stuck
from gateway.flow.tally import HOUR, Happening

DAY = 24 * HOUR
STUCK = 200
"""Lines shown of what is on its way out."""


class Span(Enum):
    """How far back one looks, and how wide a bar is."""

    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"

    @property
    def bars(self) -> int:
        """How many there are."""
        return {Span.DAY: 24, Span.WEEK: 7, Span.MONTH: 30}[self]

    @property
    def by_hour(self) -> bool:
        """True where a bar is an hour, else it is a day of the reader's calendar."""
        return self is Span.DAY


@dataclass(frozen=True, slots=True)
class Bar:
    """One hour, or one day."""

    start: float
    counts: Mapping[Happening, int]

    def of(self, happening: Happening) -> int:
        """Return how often something happened in that time."""
        return self.counts.get(happening, 0)


@dataclass(frozen=True, slots=True)
class DomainState:
    """One domain of ours."""

    name: str
    hop: HopState | None
    """The server that takes its mail."""
    counts: Mapping[Happening, int]
    """Of the last 24 hours."""

    def of(self, happening: Happening) -> int:
        """Return how often something happened there in the last 24 hours."""
        return self.counts.get(happening, 0)


@dataclass(frozen=True, slots=True)
class Picture:
    """All that the overview shows."""

    span: Span
    bars: tuple[Bar, ...]
    standing: Standing
    hops: tuple[HopState, ...]
    max_per_hour: int
    """Challenges that may go out in an hour."""
    hours: tuple[DayHour, ...]
    """The same numbers by the hour of the reader's day."""
    domain: str = ""
    """The only one it is of; empty: all within reach."""
    choices: tuple[str, ...] = ()
    """Domains that the viewer may choose from, by name."""

    @property
    def backscatter(self) -> Backscatter:
        """How many challenges went wrong in the whole span."""
        return backscatter({what: self.total(what) for what in Happening})

    def total(self, happening: Happening) -> int:
        """Return how often in the whole span."""
        return sum(bar.of(happening) for bar in self.bars)


class Overview:
    """Reads the overview for one viewer; tries again what is stuck."""

    def __init__(
        self,
        store: OverviewStore,
        hops: HopWatch,
        *,
        domains: Collection[str],
        max_per_hour: int,
        now: Callable[[], float],
        wake_challenges: Callable[[], None],
    ) -> None:
        """domains: ours, as A-labels. max_per_hour: challenges that may go out in an hour."""
        self._store = store
        self._hops = hops
        self._domains = tuple(sorted(domains))
        self._max_per_hour = max_per_hour
        self._now = now
        self._wake_challenges = wake_challenges

    async def picture(self, viewer: Viewer, span: Span, zone: tzinfo, domain: str = "") -> Picture | None:
        """Return the overview of the viewer's domains, or None for who may not see it.

        zone: of his calendar. domain: the only one to look at, as an A-label; None is returned for one that is not
        ours, or not his.
        """
        choices = tuple(name for name in self._domains if viewer.reach.covers_domain(name))
        if not viewer.may(Right.SEE_OVERVIEW) or (domain and domain not in choices):
            return None
        now = self._now()
        domains = frozenset({domain}) if domain else reach_domains(viewer.reach)
        starts = bar_starts(span, now, zone)

        def work(tx: OverviewTx) -> tuple[Sequence[tuple[int, Happening, int]], Standing]:
            return tx.tallies.since(int(starts[0]), domains), tx.overview.standing(domains, now)

        (numbers, standing), hops = await asyncio.gather(self._store.look(work), self._hops.states())
        seen = [hop for hop in hops if domains is None or not hop.domains or set(hop.domains) & set(domains)]
        return Picture(
            span=span,
            bars=tuple(_bars(starts, numbers)),
            standing=standing,
            hops=tuple(seen),
            max_per_hour=self._max_per_hour,
            hours=hours_of_day(numbers, starts[0], zone),
            domain=domain,
            choices=choices,
        )

    async def domains(
        self, viewer: Viewer, words: str = "", after: str = "", most: int | None = PAGE
    ) -> Sequence[DomainState]:
        """Return our domains within the viewer's reach whose names hold some words, by name, from behind `after`."""
        names = names_with([name for name in self._domains if viewer.reach.covers_domain(name)], words, after, most)
        if not viewer.may(Right.SEE_OVERVIEW) or not names:
            return ()
        hour = int(self._now()) // HOUR * HOUR - DAY
        numbers, hops = await asyncio.gather(
            self._store.look(lambda tx: tx.tallies.by_domain(hour, names)), self._hops.states()
        )
        own = {domain: hop for hop in hops for domain in hop.domains}
        rest = next((hop for hop in hops if not hop.domains), None)
        counts: dict[str, dict[Happening, int]] = {name: {} for name in names}
        for name, happening, times in numbers:
            counts[name][happening] = times
        return [DomainState(name, own.get(name, rest), counts[name]) for name in names]

    async def outgoing(self, viewer: Viewer) -> Sequence[Stuck]:
        """Return what has not gone out, within the viewer's reach, at most STUCK."""
        if not viewer.may(Right.SEE_OVERVIEW):
            return ()
        domains = reach_domains(viewer.reach)
        return await self._store.look(lambda tx: tx.overview.stuck(domains, STUCK))

    async def retry_challenge(self, viewer: Viewer, challenge_id: int) -> bool:
        """Try a challenge again now; False where there is none within reach, or it needs no trying."""
        if not viewer.may(Right.RETRY_OUTGOING):
            return False
        domains, now = reach_domains(viewer.reach), self._now()
        done = await self._store.transact(lambda tx: tx.overview.hasten_challenge(challenge_id, domains, now))
        if done:
            self._wake_challenges()
        return done


def reach_domains(reach: Reach) -> frozenset[str] | None:
    """Return the domains whose mail counts; None is all."""
    return None if reach.site else reach.domains


def bar_starts(span: Span, now: float, zone: tzinfo) -> list[float]:
    """Return when each bar begins, the oldest first; days begin at midnight in the zone, hours at full hours of UTC."""
    if span.by_hour:
        last = int(now) // HOUR * HOUR
        return [float(last - HOUR * back) for back in reversed(range(span.bars))]
    midnight = datetime.fromtimestamp(now, zone).replace(hour=0, minute=0, second=0, microsecond=0)
    starts = []
    for back in reversed(range(span.bars)):
        # Noon first: a day on which the clock is changed has 23 or 25 hours.
        noon = datetime.fromtimestamp(midnight.timestamp() + 12 * HOUR - back * DAY, zone)
        starts.append(noon.replace(hour=0, minute=0).timestamp())
    return starts


def _bars(starts: Sequence[float], numbers: Sequence[tuple[int, Happening, int]]) -> list[Bar]:
    counts: list[dict[Happening, int]] = [{} for _ in starts]
    place = 0
    for hour, happening, times in numbers:
        while place + 1 < len(starts) and hour >= starts[place + 1]:
            place += 1
        if hour >= starts[0]:
            counts[place][happening] = counts[place].get(happening, 0) + times
    return [Bar(start, count) for start, count in zip(starts, counts, strict=True)]
