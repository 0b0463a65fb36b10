"""Can the clock be trusted? A jump must neither expire mail nor send anything early."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.durations import DAY

JUMP = 300.0
"""Seconds by which wall clock and monotonic clock may drift apart between two looks."""


@dataclass(slots=True)
class ClockGuard:
    """Compares the wall clock with the monotonic one.

    After a jump, or a start long after the last sign of life, the clock is distrusted until it has been
    steady for `settle` seconds: time for a wrong clock to be set right before mail is expired by it.
    """

    settle: float
    wall: float
    """Seconds since the epoch at the last look."""
    monotonic: float
    distrusted_until: float = 0.0
    """On the monotonic clock."""

    @classmethod
    def start(cls, settle: float, wall: float, monotonic: float, last_seen: float | None) -> ClockGuard:
        """Begin; last_seen is the wall clock when the service last lived, None for a new store."""
        guard = cls(settle, wall, monotonic)
        if last_seen is not None and not -JUMP <= wall - last_seen <= DAY:
            guard.distrusted_until = monotonic + settle
        return guard

    def look(self, wall: float, monotonic: float) -> bool:
        """Return True when the wall clock can be trusted now."""
        jumped = abs((wall - self.wall) - (monotonic - self.monotonic)) > JUMP
        self.wall, self.monotonic = wall, monotonic
        if jumped:
            self.distrusted_until = monotonic + self.settle
        return monotonic >= self.distrusted_until
