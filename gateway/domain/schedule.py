"""When a digest goes: days of the week and hours, in the reader's own time zone."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import datetime, time, timedelta, tzinfo

from gateway.domain.phrase import phrase

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
OFF = "off"
STEPS = (2, 3, 4, 6, 8, 12)
"""Hours between two digests of a day, so that each day is like the other."""
_EVERY = re.compile(r"every-([0-9]{1,2})h")
_AT = re.compile(r"(daily|[a-z,]+)@([0-9]{1,2})")


@dataclass(frozen=True, slots=True)
class Schedule:
    """Each of some hours on each of some days."""

    days: frozenset[int]
    """Monday is 0."""
    hours: tuple[int, ...]
    """Ascending."""


def parse_schedule(text: str) -> Schedule | None:
    """Read `off` (None), `hourly`, `every-4h`, `daily@18`, `mon,thu@7`. Raises ValueError with one sentence."""
    text = text.strip().lower()
    if text == OFF:
        return None
    every_day = frozenset(range(7))
    if text == "hourly":
        return Schedule(every_day, tuple(range(24)))
    if (step := _EVERY.fullmatch(text)) and int(step[1]) in STEPS:
        return Schedule(every_day, tuple(range(0, 24, int(step[1]))))
    if (named := _AT.fullmatch(text)) and int(named[2]) < 24:
        names = DAYS if named[1] == "daily" else tuple(named[1].split(","))
        if all(name in DAYS for name in names):
            return Schedule(frozenset(map(DAYS.index, names)), (int(named[2]),))
    raise ValueError(phrase("a schedule is off, hourly, every-4h, daily@18 or mon,thu@7, not {text}", text=repr(text)))


def schedule_text(text: str) -> str:
    """Return a schedule as it is stored: one spelling for each. Raises ValueError."""
    schedule = parse_schedule(text)
    if schedule is None:
        return OFF
    if len(schedule.hours) == 24:
        return "hourly"
    if len(schedule.hours) > 1:
        return f"every-{24 // len(schedule.hours)}h"
    days = "daily" if len(schedule.days) == 7 else ",".join(DAYS[day] for day in sorted(schedule.days))
    return f"{days}@{schedule.hours[0]}"


def latest_slot(schedule: Schedule, zone: tzinfo, now: float) -> float:
    """Return the last time before now, or now, at which a digest is due; seconds since the epoch."""
    return max(at for at in _around(schedule, zone, now) if at <= now)


def next_slot(schedule: Schedule, zone: tzinfo, now: float) -> float:
    """Return the first time after now at which a digest is due; seconds since the epoch."""
    return min(at for at in _around(schedule, zone, now) if at > now)


def _around(schedule: Schedule, zone: tzinfo, now: float) -> list[float]:
    """Every time within eight days before and after: at least one lies on either side."""
    today = datetime.fromtimestamp(now, zone).date()
    days = [today + timedelta(days=count) for count in range(-8, 9)]
    # An hour that the clock leaves out counts as the one after it, one that comes twice as the first of the two.
    return [
        datetime.combine(day, time(hour), zone).timestamp()
        for day in days
        if day.weekday() in schedule.days
        for hour in schedule.hours
    ]
