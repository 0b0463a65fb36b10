from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.durations import DAY, HOUR
from gateway.domain.retry import CHALLENGE, DELIVERY, LETTER, NOTICE, Backoff, letter_again, next_attempt

SCHEDULES = st.sampled_from([DELIVERY, CHALLENGE])


@given(SCHEDULES, st.integers(1, 10_000), st.floats(0, 1, exclude_max=True), st.floats(0, 4e9))
def test_next_attempt_lies_ahead_within_the_bounds(backoff: Backoff, attempts: int, chance: float, now: float) -> None:
    at = next_attempt(backoff, attempts, now, now, chance)
    assert at is not None
    assert now + backoff.first / 2 <= at <= now + backoff.longest * 1.5


def test_next_attempt_doubles_until_the_longest_wait() -> None:
    waits = [next_attempt(DELIVERY, attempts, 0.0, 0.0, 0.5) for attempts in range(1, 9)]
    assert waits == [60.0, 120.0, 240.0, 480.0, 960.0, 1920.0, 3600.0, 3600.0]


def test_next_attempt_gives_up_when_time_is_over() -> None:
    assert next_attempt(DELIVERY, 99, 0.0, 5 * DAY - 1, 0.5) is not None
    assert next_attempt(DELIVERY, 99, 0.0, 5 * DAY, 0.5) is None
    assert next_attempt(CHALLENGE, 1, 0.0, DAY, 0.0) is None


def test_r21_challenge_is_not_tried_after_a_day() -> None:
    assert CHALLENGE.give_up_after == DAY
    now, attempts = 0.0, 1
    while (at := next_attempt(CHALLENGE, attempts, 0.0, now, 0.999)) is not None:
        now, attempts = at, attempts + 1
    assert DAY <= now < DAY + 3 * HOUR


def test_next_attempt_after_a_clock_set_forward_gives_up_only_when_the_attempts_agree() -> None:
    assert [next_attempt(DELIVERY, attempts, 0.0, 400 * DAY, 0.5) is None for attempts in (1, 9, 10)] == [
        False,
        False,
        True,
    ]


def test_next_attempt_after_a_clock_set_back_goes_on() -> None:
    at = next_attempt(DELIVERY, 1, since=1e9, now=0.0, chance=0.5)
    assert at == 60.0


def test_letter_again_waits_four_times_as_long_each_time_until_the_longest() -> None:
    waits = [letter_again(LETTER, attempts, 0.0, 0.0) for attempts in range(1, 7)]
    assert waits == [60.0, 240.0, 960.0, 3840.0, 4 * HOUR, 4 * HOUR]


@pytest.mark.parametrize("backoff", [LETTER, NOTICE])
def test_letter_again_gives_up_when_time_is_over_or_the_clock_was_set_back_as_far(backoff: Backoff) -> None:
    assert letter_again(backoff, 1, 1e9, 1e9 + backoff.give_up_after - 1) is not None
    assert letter_again(backoff, 1, 1e9, 1e9 + backoff.give_up_after) is None
    assert letter_again(backoff, 1, 1e9, 1e9 - backoff.give_up_after) is None
