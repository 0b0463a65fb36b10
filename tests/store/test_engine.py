"""Durability, isolation, and how the driver's errors become ours."""

from __future__ import annotations

import sqlite3
import threading
from pathlib import Path

import pytest
from sqlalchemy import create_engine

from gateway.flow.ports import StoreDown, StoreFull
from gateway.store.engine import assert_durable, open_engine, sqlite_path, translate, translated_errors
from gateway.store.store import Store
from gateway.store.transaction import Transaction

PRAGMAS = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 10_000, "auto_vacuum": 2}


def pragmas(tx: Transaction) -> dict[str, object]:
    return {name: tx.connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in PRAGMAS}


async def test_writer_and_readers_are_durable_and_isolated(store: Store) -> None:
    assert await store.look(pragmas) == PRAGMAS
    # A writer waits for its lock by itself.
    assert await store.transact(pragmas) == PRAGMAS | {"busy_timeout": 0}


@pytest.mark.parametrize("pragma", ["synchronous=NORMAL", "synchronous=OFF", "journal_mode=DELETE"])
def test_assert_durable_of_a_weaker_setting_refuses(url: str, pragma: str) -> None:
    engine = open_engine(url, writing=True)
    with engine.connect() as connection:
        assert_durable(connection)
        raw = connection.connection.dbapi_connection
        assert raw is not None
        connection.rollback()
        raw.cursor().execute(f"PRAGMA {pragma}")
        with pytest.raises(StoreDown, match="not durable"):
            assert_durable(connection)


@pytest.mark.parametrize("bad", ["postgresql://x/y", "sqlite://", "sqlite:///:memory:"])
def test_sqlite_path_of_what_is_no_file_raises_value_error(bad: str) -> None:
    with pytest.raises(ValueError, match="store is a file"):
        sqlite_path(bad)


def test_sqlite_path_of_a_file_is_its_path() -> None:
    assert sqlite_path("sqlite:////var/lib/gateway.db") == Path("/var/lib/gateway.db")


def test_writer_takes_the_lock_before_it_looks(store: Store, url: str) -> None:
    one, two = open_engine(url, writing=True), open_engine(url, writing=True, patience=0.02)
    with (
        one.connect() as first,
        first.begin(),
        two.connect() as second,
        pytest.raises(sqlite3.OperationalError, match="locked"),
        second.begin(),
    ):
        pytest.fail("two writers were let in")


def test_writer_that_waits_gets_the_lock_soon_after_it_is_free(store: Store, url: str) -> None:
    one, two = open_engine(url, writing=True), open_engine(url, writing=True)
    entered = threading.Event()

    def wait_for_it() -> None:
        with two.connect() as second, second.begin():
            entered.set()

    waiting = threading.Thread(target=wait_for_it)
    with one.connect() as first, first.begin():
        waiting.start()
        assert not entered.wait(0.05)
    assert entered.wait(5)
    waiting.join()


def test_store_on_a_file_that_is_no_database_is_down(tmp_path: Path) -> None:
    (tmp_path / "x.db").write_bytes(b"not a database, but long enough to be read as a header" * 20)
    with pytest.raises(StoreDown):
        Store(f"sqlite:///{tmp_path}/x.db")


def test_store_below_a_file_is_down(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises((StoreDown, OSError)):
        Store(f"sqlite:///{tmp_path}/file/x.db")


def test_translate_knows_a_full_disk_from_other_faults() -> None:
    full = sqlite3.OperationalError("database or disk is full")
    assert isinstance(translate(full), StoreFull)
    assert isinstance(translate(OSError(28, "No space left on device")), StoreFull)
    assert not isinstance(translate(sqlite3.OperationalError("disk I/O error")), StoreFull)


def test_translated_errors_leave_as_store_down_with_their_cause() -> None:
    with pytest.raises(StoreDown) as caught, translated_errors():
        sqlite3.connect(":memory:").execute("SELECT * FROM nothing")
    assert isinstance(caught.value.__cause__, sqlite3.Error)
    engine = create_engine("sqlite://")
    with pytest.raises(StoreDown), translated_errors(), engine.connect() as connection:
        connection.exec_driver_sql("SELECT * FROM nothing")
    with pytest.raises(ZeroDivisionError), translated_errors():
        raise ZeroDivisionError
