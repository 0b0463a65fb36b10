"""The service's sense of time: it notices when the clock jumps, and remembers across restarts when it last lived."""

from __future__ import annotations

import logging
import time

from gateway.domain.clock import ClockGuard
from gateway.log import warning

_log = logging.getLogger("gateway.workers")


class Clock:
    """Wall clock with a judgement on whether it can be trusted."""

    def __init__(self, settle: float, last_seen: float | None) -> None:
        """settle: seconds of steadiness asked for after a jump. last_seen: sign of life of an earlier run."""
        self._guard = ClockGuard.start(settle, time.time(), time.monotonic(), last_seen)
        self._trusted = True

    def now(self) -> float:
        """Return seconds since the epoch."""
        return time.time()

    def trusted(self) -> bool:
        """Return whether mail may be expired, and senders asked, by this clock now."""
        trusted = self._guard.look(time.time(), time.monotonic())
        if trusted is not self._trusted:
            self._trusted = trusted
            warning(_log, "clock-trusted-again" if trusted else "clock-jumped")
        return trusted
