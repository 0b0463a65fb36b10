from __future__ import annotations

import pytest

from gateway.domain.clock import JUMP, ClockGuard

SETTLE = 3600.0
WALL = 1_700_000_000.0
DAY = 86_400.0


@pytest.mark.parametrize(
    ("last_seen", "trusted"),
    [
        (None, True),  # A new store.
        (WALL, True),
        (WALL - DAY, True),
        (WALL - DAY - 1, False),  # Nobody lived for long: or the clock is wrong.
        (WALL + JUMP, True),
        (WALL + JUMP + 1, False),  # The clock was set back while nothing ran.
    ],
)
def test_clock_at_start_is_trusted_only_shortly_after_the_last_sign_of_life(
    last_seen: float | None, trusted: bool
) -> None:
    guard = ClockGuard.start(SETTLE, WALL, 50.0, last_seen)
    assert guard.look(WALL, 50.0) is trusted
    assert guard.look(WALL + SETTLE, 50.0 + SETTLE)


@pytest.mark.parametrize("jump", [DAY, -DAY, 3650 * DAY, -3650 * DAY, JUMP + 1, -JUMP - 1])
def test_clock_that_jumps_is_distrusted_until_it_has_been_steady(jump: float) -> None:
    guard = ClockGuard.start(SETTLE, WALL, 0.0, WALL)
    assert guard.look(WALL + 10, 10.0)
    assert not guard.look(WALL + 20 + jump, 20.0)
    assert not guard.look(WALL + jump + SETTLE, SETTLE)
    assert guard.look(WALL + jump + SETTLE + 20, SETTLE + 20)


def test_clock_that_jumps_and_jumps_back_is_distrusted_from_the_last_jump_on() -> None:
    guard = ClockGuard.start(SETTLE, WALL, 0.0, WALL)
    assert not guard.look(WALL + DAY, 10.0)
    assert not guard.look(WALL + 20, 20.0)
    assert not guard.look(WALL + 10 + SETTLE, 10 + SETTLE)
    assert guard.look(WALL + 20 + SETTLE, 20 + SETTLE)


@pytest.mark.parametrize("drift", [0.0, JUMP, -JUMP])
def test_clock_that_is_slewed_a_little_stays_trusted(drift: float) -> None:
    guard = ClockGuard.start(SETTLE, WALL, 0.0, WALL)
    assert guard.look(WALL + 1000 + drift, 1000.0)
