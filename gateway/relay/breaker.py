"""A circuit breaker, pure: after a few failures in a row, leave a server alone for a moment."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Breaker:
    """Closed: everyone may try. Open: nobody. After the pause one may try, and decides for all."""

    limit: int = 3
    """Failures in a row that open it."""
    pause: float = 1.0
    """Seconds nobody tries; twice as long, up to `longest`, when the one trial fails too."""
    longest: float = 2.0
    _failures: int = 0
    _open_until: float = 0.0
    _on_trial: bool = False

    def allows(self, now: float) -> bool:
        """True when a try may begin now (seconds of any steady clock); its end must be told."""
        if self._failures < self.limit:
            return True
        if now < self._open_until or self._on_trial:
            return False
        self._on_trial = True
        return True

    def failed(self, now: float) -> bool:
        """Count a failure; return True when it opened the breaker that was closed before."""
        self._on_trial = False
        self._failures += 1
        if self._failures < self.limit:
            return False
        doublings = min(self._failures - self.limit, 16)
        self._open_until = now + min(self.pause * 2**doublings, self.longest)
        return self._failures == self.limit

    def succeeded(self) -> bool:
        """Close it; return True when it was open."""
        was_open = self._failures >= self.limit
        self._failures = 0
        self._on_trial = False
        return was_open

    def abandoned(self) -> None:
        """A try ended without telling anything of the server."""
        self._on_trial = False
