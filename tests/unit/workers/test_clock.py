from __future__ import annotations

import logging
import time

import pytest

from gateway.workers.clock import Clock

DAY = 86_400.0


def test_clock_of_a_new_store_tells_the_time_and_is_trusted() -> None:
    clock = Clock(3600, None)
    before = time.time()
    assert before <= clock.now() <= time.time()
    assert clock.trusted()


def test_clock_after_a_short_stop_is_trusted() -> None:
    assert Clock(3600, time.time() - 60).trusted()


@pytest.mark.parametrize("last_seen_ago", [3650 * DAY, -3650 * DAY])
def test_clock_far_from_the_last_sign_of_life_is_distrusted_and_says_so_once(
    last_seen_ago: float, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.workers")
    clock = Clock(3600, time.time() - last_seen_ago)
    assert not clock.trusted()
    assert not clock.trusted()
    assert [record.msg for record in caplog.records] == ["clock-jumped"]


def test_clock_that_has_settled_is_trusted_again_and_says_so(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO, "gateway.workers")
    clock = Clock(3600, time.time() - 3650 * DAY)
    assert not clock.trusted()
    clock._guard.distrusted_until = 0.0  # As an hour later.
    assert clock.trusted()
    assert [record.msg for record in caplog.records] == ["clock-jumped", "clock-trusted-again"]


def test_clock_that_jumps_while_it_runs_is_distrusted(caplog: pytest.LogCaptureFixture) -> None:
    clock = Clock(3600, None)
    clock._guard.wall -= DAY  # As if the wall clock had gone on by a day at once.
    assert not clock.trusted()
