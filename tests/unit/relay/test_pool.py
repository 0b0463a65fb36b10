from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

import pytest

from gateway.relay.breaker import Breaker
from gateway.relay.faults import Busy, Unanswered, Unreachable
from gateway.relay.pool import Pool
from tests.clock import pass_time, run_with_clock
from tests.unit.relay.letters import settings


@dataclass
class Line:
    """A connection that is no more than its state."""

    number: int
    uses: int = 0
    usable: bool = True
    closed: bool = False

    def close(self) -> None:
        self.closed = True


@dataclass
class Exchange:
    """Makes lines; `refuse` of the next attempts fail."""

    refuse: int = 0
    made: list[Line] = field(default_factory=list)
    attempts: int = 0

    async def connect(self) -> Line:
        self.attempts += 1
        if self.refuse:
            self.refuse -= 1
            raise Unreachable("refused")
        self.made.append(Line(len(self.made)))
        return self.made[-1]


async def quick(line: Line) -> int:
    line.uses += 1
    return line.number


class Gate:
    """Dialogues that last until they are let go, one after the other."""

    def __init__(self) -> None:
        self.running: list[int] = []
        self._open = asyncio.Event()

    async def talk(self, line: Line) -> int:
        line.uses += 1
        self.running.append(line.number)
        await self._open.wait()
        return line.number

    def open(self) -> None:
        self._open.set()


async def settle() -> None:
    """Let every task run until it waits."""
    for _ in range(20):
        await asyncio.sleep(0)


async def test_pool_one_use_after_the_other_keeps_one_connection() -> None:
    exchange = Exchange()
    pool = Pool(settings(1), exchange.connect)
    assert [await pool.use(quick) for _ in range(5)] == [0] * 5
    assert pool.open == 1
    pool.close()
    assert exchange.made[0].closed
    assert pool.open == 0


async def test_pool_at_its_limit_hands_connections_on_in_turn() -> None:
    exchange, gate = Exchange(), Gate()
    pool = Pool(settings(1, connections=2), exchange.connect)
    tasks = [asyncio.create_task(pool.use(gate.talk)) for _ in range(6)]
    await settle()
    assert gate.running == [0, 1]
    gate.open()
    await asyncio.gather(*tasks)
    assert len(exchange.made) == 2
    assert pool.open == 2
    pool.close()


async def test_pool_too_many_waiting_is_busy_at_once() -> None:
    gate = Gate()
    pool = Pool(settings(1, connections=1, max_waiting=1), Exchange().connect)
    tasks = [asyncio.create_task(pool.use(gate.talk)) for _ in range(2)]
    await settle()
    with pytest.raises(Busy):
        await pool.use(quick)
    gate.open()
    await asyncio.gather(*tasks)
    pool.close()


async def test_pool_waiting_too_long_is_busy() -> None:
    gate = Gate()
    pool = Pool(settings(1, connections=1, wait_seconds=0.01), Exchange().connect)
    task = asyncio.create_task(pool.use(gate.talk))
    await settle()
    with pytest.raises(Busy):
        await pool.use(quick)
    gate.open()
    await task
    assert await pool.use(quick) == 0
    pool.close()


def test_pool_who_gave_up_takes_no_place_from_those_who_wait() -> None:
    async def waited_in_vain(pool: Pool[Line]) -> None:
        waiting = asyncio.create_task(pool.use(quick))
        await settle()
        await pass_time(2)
        with pytest.raises(Busy, match="in time"):
            await waiting

    async def main() -> None:
        gate = Gate()
        pool = Pool(settings(1, connections=1, wait_seconds=1, max_waiting=1), Exchange().connect)
        task = asyncio.create_task(pool.use(gate.talk))
        await settle()
        for _ in range(3):
            await waited_in_vain(pool)
        gone = asyncio.create_task(pool.use(quick))
        await settle()
        gone.cancel()
        with pytest.raises(asyncio.CancelledError):
            await gone
        await waited_in_vain(pool)
        gate.open()
        await task
        pool.close()

    run_with_clock(main())


async def test_pool_connection_that_ended_while_idle_is_not_used() -> None:
    exchange = Exchange()
    pool = Pool(settings(1), exchange.connect)
    await pool.use(quick)
    exchange.made[0].usable = False
    assert await pool.use(quick) == 1
    assert exchange.made[0].closed
    assert pool.open == 1
    pool.close()


async def test_pool_connection_used_often_enough_is_replaced() -> None:
    exchange = Exchange()
    pool = Pool(settings(1, max_uses=2), exchange.connect)
    assert [await pool.use(quick) for _ in range(5)] == [0, 0, 1, 1, 2]
    assert [line.closed for line in exchange.made] == [True, True, False]
    pool.close()


async def test_pool_connection_idle_too_long_is_closed() -> None:
    exchange = Exchange()
    pool = Pool(settings(1, idle_seconds=0.01), exchange.connect)
    await pool.use(quick)
    async with asyncio.timeout(10):
        while pool.open:
            await asyncio.sleep(0.002)
    assert exchange.made[0].closed
    pool.close()


async def test_pool_reused_connection_unanswered_is_tried_once_more_on_a_fresh_one() -> None:
    exchange = Exchange()
    pool = Pool(settings(1), exchange.connect)

    async def talk(line: Line) -> int:
        line.uses += 1
        if line.number == 0 and line.uses > 1:
            line.usable = False
            raise Unanswered("gone")
        return line.number

    assert [await pool.use(talk), await pool.use(talk)] == [0, 1]
    assert pool.open == 1
    pool.close()


async def test_pool_fresh_connection_unanswered_is_not_tried_again() -> None:
    exchange = Exchange()
    pool = Pool(settings(1), exchange.connect)

    async def talk(line: Line) -> int:
        line.uses += 1
        line.usable = False
        raise Unanswered("gone")

    with pytest.raises(Unanswered):
        await pool.use(talk)
    assert exchange.attempts == 1
    assert pool.open == 0
    pool.close()


async def test_pool_one_dead_connection_takes_the_other_idle_ones_with_it() -> None:
    exchange, gate = Exchange(), Gate()
    pool = Pool(settings(1), exchange.connect)
    tasks = [asyncio.create_task(pool.use(gate.talk)) for _ in range(3)]
    await settle()
    gate.open()
    await asyncio.gather(*tasks)

    async def talk(line: Line) -> int:
        line.uses += 1
        if line.number < 3:
            line.usable = False
            raise Unanswered("gone")
        return line.number

    assert await pool.use(talk) == 3
    assert [line.closed for line in exchange.made] == [True, True, True, False]
    pool.close()


async def test_pool_server_down_is_left_alone_after_three_failures() -> None:
    exchange = Exchange(refuse=100)
    pool = Pool(settings(1), exchange.connect)
    for _ in range(10):
        with pytest.raises(Unreachable):
            await pool.use(quick)
    assert exchange.attempts == 3
    assert pool.open == 0
    pool.close()


async def test_pool_server_down_those_who_wait_are_told_at_once() -> None:
    exchange = Exchange(refuse=100)
    pool = Pool(settings(1, connections=1), exchange.connect)
    results = await asyncio.gather(*(pool.use(quick) for _ in range(50)), return_exceptions=True)
    assert all(isinstance(result, Unreachable) for result in results)
    assert exchange.attempts == 3
    assert pool.open == 0
    pool.close()


async def test_pool_trial_after_failures_cancelled_lets_the_next_one_try() -> None:
    exchange, never = Exchange(refuse=1), asyncio.Event()

    async def connect() -> Line:
        if exchange.attempts == 1:
            exchange.attempts += 1
            await never.wait()
        return await exchange.connect()

    pool = Pool(settings(1), connect, Breaker(limit=1, pause=0.0))
    with pytest.raises(Unreachable):
        await pool.use(quick)
    trial = asyncio.create_task(pool.use(quick))
    await settle()
    with pytest.raises(Unreachable):  # One at a time.
        await pool.use(quick)
    trial.cancel()
    await settle()
    assert await pool.use(quick) == 0
    pool.close()


async def test_pool_server_back_again_is_used_by_all(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("INFO")
    exchange = Exchange(refuse=3)
    pool = Pool(settings(1), exchange.connect, Breaker(limit=3, pause=0.0))
    for _ in range(3):
        with pytest.raises(Unreachable):
            await pool.use(quick)
    assert await pool.use(quick) == 0
    assert [record.message.split(" ", 2)[2] for record in caplog.records] == [
        "cannot be used: refused",
        "can be used again",
    ]
    pool.close()


async def test_pool_caller_goes_away_its_room_is_free_again() -> None:
    exchange, gate = Exchange(), Gate()
    pool = Pool(settings(1, connections=1), exchange.connect)
    first = asyncio.create_task(pool.use(gate.talk))
    second = asyncio.create_task(pool.use(gate.talk))
    third = asyncio.create_task(pool.use(gate.talk))
    await settle()
    second.cancel()
    exchange.made[0].usable = False
    first.cancel()
    gate.open()
    assert await third == 1
    assert pool.open == 1
    pool.close()


@pytest.mark.parametrize("dead", [False, True])
async def test_pool_caller_goes_away_in_the_moment_of_its_turn_passes_it_on(dead: bool) -> None:
    exchange, gate = Exchange(), Gate()
    pool = Pool(settings(1, connections=1), exchange.connect)

    async def use_then_cancel_the_next() -> None:
        await pool.use(gate.talk)
        second.cancel()

    first = asyncio.create_task(use_then_cancel_the_next())
    await settle()
    second = asyncio.create_task(pool.use(quick))
    third = asyncio.create_task(pool.use(quick))
    await settle()
    exchange.made[0].usable = not dead
    gate.open()
    await first
    assert await third == (1 if dead else 0)
    assert second.cancelled()
    assert pool.open == 1
    pool.close()


async def test_pool_connecting_cancelled_lets_the_next_one_try() -> None:
    never = asyncio.Event()
    exchange = Exchange()

    async def connect() -> Line:
        if not exchange.attempts:
            exchange.attempts += 1
            await never.wait()
        return await exchange.connect()

    pool = Pool(settings(1, connections=1), connect)
    first = asyncio.create_task(pool.use(quick))
    second = asyncio.create_task(pool.use(quick))
    await settle()
    first.cancel()
    assert await second == 0
    pool.close()


async def test_pool_closed_turns_everyone_away_and_ends_what_comes_back() -> None:
    exchange, gate = Exchange(), Gate()
    pool = Pool(settings(1, connections=1), exchange.connect)
    running = asyncio.create_task(pool.use(gate.talk))
    waiting = asyncio.create_task(pool.use(gate.talk))
    await settle()
    pool.close()
    with pytest.raises(Busy):
        await waiting
    with pytest.raises(Busy):
        await pool.use(quick)
    gate.open()
    assert await running == 0
    assert exchange.made[0].closed
    assert pool.open == 0
