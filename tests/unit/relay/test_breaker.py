from __future__ import annotations

from gateway.relay.breaker import Breaker


def opened() -> Breaker:
    breaker = Breaker(limit=3, pause=1.0, longest=2.0)
    for _ in range(3):
        assert breaker.allows(10.0)
        breaker.failed(10.0)
    return breaker


def test_breaker_failures_below_the_limit_let_everyone_try() -> None:
    breaker = Breaker(limit=3)
    assert not breaker.failed(0.0)
    assert not breaker.failed(0.0)
    assert breaker.allows(0.0)
    assert breaker.allows(0.0)


def test_breaker_opening_is_told_once() -> None:
    breaker = Breaker(limit=2)
    assert [breaker.failed(0.0) for _ in range(4)] == [False, True, False, False]


def test_breaker_open_lets_nobody_try_until_the_pause_is_over() -> None:
    breaker = opened()
    assert not breaker.allows(10.0)
    assert not breaker.allows(10.99)
    assert breaker.allows(11.0)


def test_breaker_after_the_pause_lets_one_try_at_a_time() -> None:
    breaker = opened()
    assert breaker.allows(11.0)
    assert not breaker.allows(11.0)
    breaker.abandoned()
    assert breaker.allows(11.0)


def test_breaker_trial_fails_pause_grows_to_its_bound() -> None:
    breaker = opened()
    assert breaker.allows(11.0)
    breaker.failed(11.0)
    assert not breaker.allows(12.9)
    assert breaker.allows(13.0)
    breaker.failed(13.0)
    assert not breaker.allows(14.9)
    assert breaker.allows(15.0)


def test_breaker_trial_succeeds_lets_everyone_try() -> None:
    breaker = opened()
    assert breaker.allows(11.0)
    assert breaker.succeeded()
    assert not breaker.succeeded()
    assert breaker.allows(11.0)
    assert breaker.allows(11.0)
