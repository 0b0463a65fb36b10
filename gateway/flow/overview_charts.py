"""What the overview draws beside what arrived: hours of the day, scores, and challenges that went wrong."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from gateway.flow.tally import Happening

HOURS = 24
SCORE_EDGES = (0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10)
"""Where one bar of the scores ends and the next begins; what is below the first or above the last has a bar too."""
ARRIVED = (Happening.RELAYED, Happening.HELD, Happening.REFUSED)
"""What may become of mail as it arrives."""
FUNNEL = (Happening.HELD, Happening.ASKED, Happening.SOLVED, Happening.DELIVERED)
"""The way of mail that waits, step by step. Who only opens the page is not counted: programs that check links do."""

MOST_WRONG = 0.05
"""Share of challenges gone wrong above which strangers are bothered, and blocklists notice."""


@dataclass(frozen=True, slots=True)
class DayHour:
    """One hour of the day, over all days that are looked at."""

    hour: int
    """0 to 23, by the reader's clock."""
    counts: Mapping[Happening, int]

    def of(self, happening: Happening) -> int:
        """Return how often something happened in that hour."""
        return self.counts.get(happening, 0)


@dataclass(frozen=True, slots=True)
class ScoreBand:
    """Held mails whose score is in one range."""

    low: int | None
    """From here on; None: as low as any."""
    high: int | None
    """Below this; None: as high as any."""
    times: int


@dataclass(frozen=True, slots=True)
class Backscatter:
    """How many challenges reached people who had written nothing, or nobody at all."""

    tried: int
    """Challenges that came to an end with the other server: it took them, or never will."""
    disowned: int
    """Those who were asked said that they did not send the mail."""
    undeliverable: int
    """No server took it, or it came back from one that had."""

    @property
    def wrong(self) -> int:
        """How many went wrong; at most `tried`, though who is asked on one day may disown it on another."""
        return min(self.tried, self.disowned + self.undeliverable)

    @property
    def share(self) -> float | None:
        """Return which part went wrong, 0 to 1; None where none was tried."""
        return self.wrong / self.tried if self.tried else None


def hours_of_day(numbers: Iterable[tuple[int, Happening, int]], first: float, zone: tzinfo) -> tuple[DayHour, ...]:
    """Add up (hour, happening, times) from `first` on by the hour of the day in the zone; always 24 of them.

    In a zone that is not whole hours off UTC an hour counts where it begins.
    """
    counts: list[dict[Happening, int]] = [{} for _ in range(HOURS)]
    clock: dict[int, int] = {}
    for at, happening, times in numbers:
        if at < first:
            continue
        if at not in clock:
            clock[at] = datetime.fromtimestamp(at, zone).hour
        here = counts[clock[at]]
        here[happening] = here.get(happening, 0) + times
    return tuple(DayHour(hour, count) for hour, count in enumerate(counts))


def score_bands(scores: Sequence[float]) -> tuple[ScoreBand, ...]:
    """Sort scores into bands, the lowest first; empty where there is none."""
    if not scores:
        return ()
    edges = (None, *SCORE_EDGES, None)
    times = [0] * (len(edges) - 1)
    for score in scores:
        times[sum(score >= edge for edge in SCORE_EDGES)] += 1
    return tuple(ScoreBand(low, high, count) for low, high, count in zip(edges, edges[1:], times, strict=False))


def backscatter(totals: Mapping[Happening, int]) -> Backscatter:
    """Return the gauge from how often each thing happened."""
    undeliverable = totals.get(Happening.UNDELIVERABLE, 0)
    return Backscatter(
        tried=totals.get(Happening.ASKED, 0) + undeliverable,
        disowned=totals.get(Happening.DISOWNED, 0),
        undeliverable=undeliverable + totals.get(Happening.BOUNCED, 0),
    )
