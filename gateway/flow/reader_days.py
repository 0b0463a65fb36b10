"""Days of a reader's calendar as moments of the store's."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from gateway.domain.roles import Viewer


def zone_of(viewer: Viewer) -> tzinfo:
    """Return the viewer's time zone; UTC for a name that is none."""
    return zone_named(viewer.time_zone)


def zone_named(name: str) -> tzinfo:
    """Return a time zone; UTC for a name that is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def later(one: float | None, other: float | None) -> float | None:
    """Return the later of two times, either of which may be missing."""
    return max((at for at in (one, other) if at is not None), default=None)


def midnight(day: date | None, zone: tzinfo) -> float | None:
    """Return when a day begins, seconds since the epoch."""
    if day is None:
        return None
    # In UTC where the zone's own offset would lead out of the calendar.
    try:
        return datetime.combine(day, time(), zone).timestamp()
    except OverflowError:
        return datetime.combine(day, time(), UTC).timestamp()
