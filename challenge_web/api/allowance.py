"""How much one token may ask: a bucket for each, with the headers that tell how full it is.

The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` and `RateLimit`.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import dataclass

_MOST = 10_000
"""Buckets that are remembered; one never seen is full, so forgetting errs on the kind side."""
_WINDOW = 60.0


@dataclass(frozen=True, slots=True)
class Left:
    """What remains after a request."""

    quota: int
    remaining: int
    full_in: float
    """Seconds until all of it is there again."""
    wait: float
    """Seconds to wait; 0.0: the request was let through."""

    def headers(self) -> dict[str, str]:
        """Return what is told with each answer."""
        return {
            "RateLimit-Policy": f'"token";q={self.quota};w={_WINDOW:.0f}',
            "RateLimit": f'"token";r={self.remaining};t={math.ceil(self.full_in)}',
        }


class Allowance:
    """One bucket for each token, refilled steadily."""

    def __init__(self, per_minute: int) -> None:
        self._quota = per_minute
        self._rate = per_minute / _WINDOW
        self._levels: OrderedDict[int, tuple[float, float]] = OrderedDict()

    def take(self, token: int, now: float) -> Left:
        """Take one from a token's bucket. now: seconds on a clock that never goes back."""
        level, seen = self._levels.pop(token, (float(self._quota), now))
        level = min(float(self._quota), level + (now - seen) * self._rate)
        wait = 0.0 if level >= 1.0 else (1.0 - level) / self._rate
        if not wait:
            level -= 1.0
        self._levels[token] = (level, now)
        if len(self._levels) > _MOST:
            self._levels.popitem(last=False)
        return Left(self._quota, int(level), (self._quota - level) / self._rate, wait)
