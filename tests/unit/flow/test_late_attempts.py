"""Attempts that a server lets wait."""

from __future__ import annotations

import asyncio

import pytest

from gateway.flow.late_attempts import MOST_LATE, LateAttempts
from tests.clock import settle

LONG = 3600.0


async def _done() -> None:
    pass


async def _failing() -> None:
    raise ZeroDivisionError


async def test_attempts_that_end_in_time_are_not_late() -> None:
    late = LateAttempts()
    await late.run([("a", _done()) for _ in range(MOST_LATE)], LONG)
    await late.run([], LONG)
    assert not late.many("a")
    await late.close(0)


async def test_attempts_that_take_long_go_on_and_count_for_their_server() -> None:
    late, gate = LateAttempts(), asyncio.Event()
    await late.run([("a", _waiting(gate)) for _ in range(MOST_LATE)], 0)
    assert late.many("a")
    assert not late.many("b")
    gate.set()
    await settle()
    assert not late.many("a")


async def test_fault_of_an_attempt_is_raised_once_all_have_had_their_time() -> None:
    late = LateAttempts()
    with pytest.raises(ZeroDivisionError):
        await late.run([("a", _failing()), ("a", _done())], LONG)
    await late.run([], LONG)


async def test_fault_of_a_late_attempt_is_raised_at_the_next_run() -> None:
    late, gate = LateAttempts(), asyncio.Event()

    async def failing() -> None:
        await gate.wait()
        raise ZeroDivisionError

    await late.run([("a", failing())], 0)
    gate.set()
    await settle()
    with pytest.raises(ZeroDivisionError):
        await late.run([], LONG)
    await late.run([], LONG)


async def test_run_that_is_cut_off_leaves_nothing_behind() -> None:
    late, ended = LateAttempts(), asyncio.Event()
    running = asyncio.create_task(late.run([("a", _told(ended))], LONG))
    await settle()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()


async def test_late_attempts_have_their_grace_and_are_cut_off() -> None:
    late, gate, ended = LateAttempts(), asyncio.Event(), asyncio.Event()
    await late.run([("a", _waiting(gate)), ("b", _told(ended))], 0)
    gate.set()
    await late.close(0)
    assert ended.is_set()
    await late.close(0)


async def _waiting(gate: asyncio.Event) -> None:
    await gate.wait()


async def _told(ended: asyncio.Event) -> None:
    try:
        await asyncio.Event().wait()
    finally:
        ended.set()
