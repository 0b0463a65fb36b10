"""The time zones that a person can choose from."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from zoneinfo import available_timezones


@cache
def time_zones() -> Sequence[tuple[str, str]]:
    """Return them as values and names, without UTC. Read once: the system keeps them in six hundred files."""
    names = sorted(zone for zone in available_timezones() if "/" in zone)
    return tuple((zone, zone.replace("_", " ")) for zone in names)
