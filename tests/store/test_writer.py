"""Group commit: many waiting jobs, one sync; a faulty job hurts nobody else."""

from __future__ import annotations

import asyncio
import functools
import sqlite3
import threading
from contextlib import closing

import pytest
from sqlalchemy import Connection, event, func, select

from gateway.flow.ports import StoreDown, StoreFull
from gateway.store.engine import open_engine, sqlite_path
from gateway.store.store import Store
from gateway.store.tables import message as message_table
from gateway.store.tables import spent_puzzle
from gateway.store.transaction import Transaction
from gateway.store.writer import MAX_BATCH, Writer
from tests.store.letters import NOW, keep, keep_in, message, row


def count(tx: Transaction) -> int:
    return tx.connection.execute(select(func.count()).select_from(spent_puzzle)).scalar_one()


def spend(number: int) -> bytes:
    return number.to_bytes(16, "big")


async def spend_in(store: Store, number: int) -> bool:
    return await store.transact(lambda tx: tx.challenges.spend(spend(number), NOW))


async def test_many_jobs_at_once_are_all_kept_and_each_gets_its_own_result(store: Store) -> None:
    async def job(number: int) -> tuple[int, bool]:
        return await store.transact(lambda tx: (number, tx.challenges.spend(spend(number), NOW)))

    results = await asyncio.gather(*map(job, range(3 * MAX_BATCH)))
    assert results == [(number, True) for number in range(3 * MAX_BATCH)]
    assert await store.look(count) == 3 * MAX_BATCH


async def test_jobs_that_wait_share_a_commit(store: Store) -> None:
    running, gate = threading.Event(), threading.Event()

    def block(tx: Transaction) -> bool:
        running.set()
        return gate.wait(10)

    blocked = asyncio.ensure_future(store.transact(block))
    # Only then do the others wait for it, all of them, and none is in its commit.
    await asyncio.to_thread(running.wait, 10)
    waiting = [asyncio.ensure_future(store.transact(lambda tx: id(tx.connection.get_transaction()))) for _ in range(50)]
    await asyncio.sleep(0)
    gate.set()
    await blocked
    assert len(set(await asyncio.gather(*waiting))) == 1


async def test_failing_jobs_in_a_batch_do_not_hurt_the_others(store: Store) -> None:
    def work(tx: Transaction, number: int) -> int:
        tx.challenges.spend(spend(number), NOW)
        if number % 7 == 3:
            raise ZeroDivisionError(number)
        if number % 7 == 5:
            tx.connection.exec_driver_sql("SELECT * FROM no_such_table")
        return number

    results = await asyncio.gather(
        *(store.transact(functools.partial(work, number=number)) for number in range(100)), return_exceptions=True
    )
    for number, result in enumerate(results):
        expected = {3: ZeroDivisionError, 5: StoreDown}.get(number % 7, int)
        assert isinstance(result, expected), (number, result)
    assert await store.look(count) == sum(number % 7 not in (3, 5) for number in range(100))


async def test_failing_job_leaves_nothing_of_itself(store: Store) -> None:
    def work(tx: Transaction) -> None:
        keep_in(tx, message(), [row()], ask=True)
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await store.transact(work)
    assert (
        await store.look(lambda tx: tx.connection.execute(select(func.count()).select_from(message_table)).scalar())
        == 0
    )


async def test_result_is_there_only_when_another_process_can_see_it(store: Store, url: str) -> None:
    await store.transact(lambda tx: tx.challenges.spend(b"x" * 16, NOW))
    with closing(sqlite3.connect(sqlite_path(url))) as other:
        assert other.execute("SELECT count(*) FROM spent_puzzle").fetchone() == (1,)


async def test_look_sees_one_moment_while_others_write(store: Store) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slow(tx: Transaction) -> tuple[int, int]:
        first = count(tx)
        started.set()
        go_on.wait(10)
        return first, count(tx)

    looking = asyncio.ensure_future(store.look(slow))
    await asyncio.to_thread(started.wait, 10)
    await store.transact(lambda tx: tx.challenges.spend(b"x" * 16, NOW))
    go_on.set()
    assert await looking == (0, 0)
    assert await store.look(count) == 1


async def test_full_disk_is_store_full_and_the_store_goes_on_when_there_is_room(store: Store) -> None:
    await keep(store)

    def fill(tx: Transaction) -> None:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 20}")
        keep_in(tx, message("big", body="x" * 1_000_000), [row()])

    with pytest.raises(StoreFull):
        await store.transact(fill)
    assert (await keep(store, message("small"))).rows


async def test_full_disk_in_a_batch_hurts_only_what_does_not_fit(store: Store) -> None:
    def limit(tx: Transaction) -> None:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        tx.connection.exec_driver_sql(f"PRAGMA max_page_count={pages + 40}")

    await store.transact(limit)
    big = message("big", body="x" * 1_000_000)
    results = await asyncio.gather(keep(store), keep(store, big), keep(store, message("c")), return_exceptions=True)
    # The limit is the connection's, and a failed connection is not used again: the big one fits at its second try.
    assert not isinstance(results[0], BaseException)
    assert not isinstance(results[2], BaseException)


async def test_another_process_that_writes_is_waited_for(store: Store, url: str) -> None:
    other = sqlite3.connect(sqlite_path(url), isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    writing = asyncio.ensure_future(store.transact(lambda tx: tx.challenges.spend(b"x" * 16, NOW)))
    await store.look(count)
    assert not writing.done()
    other.execute("COMMIT")
    other.close()
    assert await writing


async def test_store_that_another_keeps_locked_is_waited_for_once_by_all_who_wait(url: str) -> None:
    engine, gate = open_engine(url, writing=True), threading.Event()
    begins: list[Connection] = []
    ran: list[Connection] = []

    def locked(connection: Connection) -> None:
        begins.append(connection)
        gate.wait(10)
        raise sqlite3.OperationalError("database is locked")

    event.listen(engine, "begin", locked)
    writer = Writer(engine)
    jobs = [asyncio.ensure_future(writer.run(ran.append))]
    while not begins:
        await asyncio.sleep(0)
    jobs += [asyncio.ensure_future(writer.run(ran.append)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    found = await asyncio.gather(*jobs, return_exceptions=True)
    writer.close()
    assert [type(each) for each in found] == [StoreDown] * 21
    assert ran == []
    assert len(begins) == 1  # All of them together: each wait takes as long as a lock may last.


async def test_jobs_that_come_while_another_has_the_lock_are_committed_together(url: str) -> None:
    engine, gate = open_engine(url, writing=True), threading.Event()
    begins: list[Connection] = []
    ran: list[Connection] = []

    def locked(connection: Connection) -> None:
        begins.append(connection)
        gate.wait(10)

    event.listen(engine, "begin", locked)
    writer = Writer(engine)
    jobs = [asyncio.ensure_future(writer.run(ran.append))]
    while not begins:
        await asyncio.sleep(0)
    jobs += [asyncio.ensure_future(writer.run(ran.append)) for _ in range(20)]
    await asyncio.sleep(0)
    gate.set()
    await asyncio.gather(*jobs)
    writer.close()
    assert len(begins) == 1
    assert len(ran) == 21


async def test_writer_after_close_is_down_and_what_waited_was_kept(url: str) -> None:
    store = Store(url)
    waiting = [asyncio.ensure_future(spend_in(store, number)) for number in range(50)]
    await asyncio.sleep(0)
    await store.close()
    assert await asyncio.gather(*waiting) == [True] * 50
    with pytest.raises(StoreDown):
        await store.transact(count)
    with pytest.raises(StoreDown):
        await store.look(count)
    with pytest.raises(StoreDown):
        await store.entries(("x",))


async def test_caller_that_is_cancelled_does_not_stop_its_job(store: Store) -> None:
    gate = threading.Event()
    blocked = asyncio.ensure_future(store.transact(lambda _: gate.wait(10)))
    cancelled = asyncio.ensure_future(store.transact(lambda tx: tx.challenges.spend(b"x" * 16, NOW)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    cancelled.cancel()
    gate.set()
    await blocked
    assert await store.transact(count) == 1


def test_callers_whose_loop_is_gone_do_not_stop_the_writer(url: str, caplog: pytest.LogCaptureFixture) -> None:
    Store(url)  # Makes the schema.
    writer = Writer(open_engine(url, writing=True))
    gate = threading.Event()

    async def leave() -> None:
        task = asyncio.ensure_future(writer.run(lambda _: gate.wait(10)))
        await asyncio.sleep(0)
        task.cancel()

    asyncio.run(leave())
    gate.set()
    assert asyncio.run(writer.run(lambda _: 7)) == 7
    writer.close()
    assert "callers were gone" in caplog.text


async def test_connection_that_failed_is_replaced(store: Store) -> None:
    def break_it(tx: Transaction) -> None:
        raw = tx.connection.connection.dbapi_connection
        assert raw is not None
        raw.close()
        count(tx)

    with pytest.raises(StoreDown):
        await store.transact(break_it)
    assert await store.transact(count) == 0


async def test_key_is_made_once_and_lasts(url: str) -> None:
    store = Store(url)
    keys = await asyncio.gather(*(store.key("mark") for _ in range(10)))
    assert len(set(keys)) == 1
    assert len(keys[0]) == 32
    assert await store.key("status") != keys[0]
    await store.close()
    again = Store(url)
    assert await again.key("mark") == keys[0]
    await again.close()


async def test_probe_writes_and_means_nothing(store: Store) -> None:
    await store.probe()
    await store.probe()
    assert await store.last_seen() is None
    await store.close()
    with pytest.raises(StoreDown):
        await store.probe()


async def test_sign_of_life_is_remembered(url: str) -> None:
    store = Store(url)
    assert await store.last_seen() is None
    await store.sign_of_life(NOW)
    await store.sign_of_life(NOW + 5)
    await store.close()
    again = Store(url)
    assert await again.last_seen() == NOW + 5
    await again.close()
