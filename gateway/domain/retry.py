"""When to try again, as a pure decision."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.durations import DAY, HOUR, MINUTE


@dataclass(frozen=True, slots=True)
class Backoff:
    """A schedule: each wait is so many times the one before, between two bounds."""

    first: float
    """Seconds."""
    longest: float
    give_up_after: float
    """Seconds after the first attempt became due."""
    least_attempts: int = 1
    """Age alone does not end it: after a clock that jumped, or a long stop, so many must have failed too."""
    factor: float = 2.0


DELIVERY = Backoff(first=MINUTE, longest=HOUR, give_up_after=5 * DAY, least_attempts=10)
"""RFC 5321 §4.5.4.1: give up after four to five days."""
CHALLENGE = Backoff(first=2 * MINUTE, longest=2 * HOUR, give_up_after=DAY)
"""A challenge that arrives later than a day is of no use."""
LETTER = Backoff(first=MINUTE, longest=4 * HOUR, give_up_after=DAY, factor=4.0)
"""A digest, or a mail about requests."""
NOTICE = Backoff(first=MINUTE, longest=HOUR, give_up_after=6 * HOUR, factor=4.0)
"""By then the mail is no news, and stands in the digest."""


def next_attempt(backoff: Backoff, attempts: int, since: float, now: float, chance: float) -> float | None:
    """Return when to try again, in seconds since the epoch, or None to give up.

    attempts: how many have failed, at least 1. since: when the first became due. chance: 0 ≤ x < 1, spreads
    rows that failed together over half to one and a half times the wait.
    """
    if now - since >= backoff.give_up_after and attempts >= backoff.least_attempts:
        return None
    return now + _wait(backoff, attempts) * (0.5 + chance)


def letter_again(backoff: Backoff, attempts: int, since: float, now: float) -> float | None:
    """Return when to try a letter again, in seconds since the epoch, or None to give up.

    attempts: how many have failed, at least 1. since: when it was written; one that a clock set back puts far into the
    future is given up too.
    """
    return None if abs(now - since) >= backoff.give_up_after else now + _wait(backoff, attempts)


def _wait(backoff: Backoff, attempts: int) -> float:
    return min(backoff.first * backoff.factor ** min(attempts - 1, 30), backoff.longest)
