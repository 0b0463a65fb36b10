from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.flow.ports import StoreDown
from gateway.workers.loop import Loop

FOR_EVER = 3600.0


class Work:
    """Does what it was told at each call, and says how often it was called."""

    def __init__(self, *results: int | Exception) -> None:
        self.results = list(results)
        self.calls = 0
        self.done = asyncio.Event()
        """Set when there is nothing left to do."""

    async def __call__(self) -> int:
        self.calls += 1
        result = self.results.pop(0) if self.results else 0
        if not self.results:
            self.done.set()
        if isinstance(result, Exception):
            raise result
        return result


async def settle() -> None:
    """Let every task that can go on do so."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_loop_works_until_nothing_is_left_and_then_waits() -> None:
    work = Work(3, 2, 1, 0)
    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    assert work.calls == 4
    await loop.stop(1)


async def test_loop_looks_again_when_it_is_woken() -> None:
    work = Work()
    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    work.results = [1, 0]
    loop.wake()
    await settle()
    assert work.calls == 3
    await loop.stop(1)


async def test_loop_looks_again_after_the_pause_without_being_woken() -> None:
    work = Work(0, 0, 0)
    loop = Loop("test", work, 0.001)
    loop.start()
    await asyncio.wait_for(work.done.wait(), 10)
    assert work.calls >= 3
    await loop.stop(1)


async def test_loop_woken_while_it_works_looks_once_more() -> None:
    calls = 0

    async def work() -> int:
        nonlocal calls
        calls += 1
        if calls == 1:
            loop.wake()
            loop.wake()
            await asyncio.sleep(0)
        return 0

    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    assert calls == 2
    await loop.stop(1)


async def test_loop_woken_before_it_starts_looks_all_the_same() -> None:
    work = Work()
    loop = Loop("test", work, FOR_EVER)
    loop.wake()
    loop.start()
    await settle()
    assert work.calls == 1
    await loop.stop(1)


@pytest.mark.parametrize(
    ("fault", "name", "level"),
    [
        (StoreDown("disk I/O error"), "store-down", logging.WARNING),
        (ZeroDivisionError("a bug"), "worker-failed", logging.ERROR),
    ],
)
async def test_loop_whose_work_fails_says_so_and_tries_again_later(
    fault: Exception, name: str, level: int, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "gateway.workers")
    work = Work(fault, 1, 0)
    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    assert work.calls == 1  # Not at once again: a fault that stays would keep the processor busy.
    assert [(record.msg, record.levelno) for record in caplog.records] == [(name, level)]
    loop.wake()
    await settle()
    assert work.calls == 3
    await loop.stop(1)


async def test_stop_lets_the_work_in_hand_end() -> None:
    go_on, ended = asyncio.Event(), asyncio.Event()

    async def work() -> int:
        await go_on.wait()
        ended.set()
        return 1

    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    stopping = asyncio.ensure_future(loop.stop(10))
    await settle()
    assert not stopping.done()
    go_on.set()
    await stopping
    assert ended.is_set()


async def test_stop_cuts_off_work_that_takes_longer_than_the_grace() -> None:
    cut = asyncio.Event()

    async def work() -> int:
        try:
            await asyncio.Event().wait()
        finally:
            cut.set()
        return 0

    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    await loop.stop(0)
    assert cut.is_set()


async def test_stop_of_a_waiting_loop_ends_at_once() -> None:
    work = Work()
    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    await asyncio.wait_for(loop.stop(FOR_EVER), 10)
    assert work.calls == 1


async def test_stop_of_a_loop_that_never_started_is_nothing() -> None:
    await Loop("test", Work(), FOR_EVER).stop(1)


async def test_stop_ends_a_loop_that_always_finds_more() -> None:
    async def work() -> int:
        await asyncio.sleep(0)
        return 1

    loop = Loop("test", work, FOR_EVER)
    loop.start()
    await settle()
    await asyncio.wait_for(loop.stop(10), 10)
