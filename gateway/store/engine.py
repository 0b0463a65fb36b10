"""Opening the SQLite file: durability, isolation, and how the driver's errors become ours."""

from __future__ import annotations

import select
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.engine.interfaces import DBAPIConnection, DBAPICursor
from sqlalchemy.exc import DBAPIError, SQLAlchemyError
from sqlalchemy.pool import NullPool, QueuePool

from gateway.flow.ports import StoreDown, StoreFull

BUSY_MILLISECONDS = 10_000
"""How long a writer waits for another process, as the command line's, to commit."""
_TURN = 0.02
"""Seconds in which another process of ours has mostly done with the lock."""
_PAUSE, _LONG_PAUSE = 0.00005, 0.002
"""Seconds between two tries to get it: within a turn, and behind who keeps it longer. While one sleeps too long, nobody
writes: with tries half a millisecond apart and more, a tenth less mail is held."""
_PRIMARY = 0xFF
"""Of an error code; the rest says more of it."""


def sqlite_path(url: str) -> Path:
    """Return the file a `sqlite:///` URL names. Raises ValueError for any other URL."""
    parsed = make_url(url)
    if parsed.get_backend_name() != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ValueError(f"{url!r}: the store is a file, sqlite:///path/to/gateway.db")
    return Path(parsed.database)


def open_engine(url: str, *, writing: bool, pool_size: int = 1, patience: float = BUSY_MILLISECONDS / 1000) -> Engine:
    """Open the store for one writer, or for up to `pool_size` readers at a time.

    patience: seconds that a writer waits for another one.
    """
    path = sqlite_path(url)
    if writing:
        path.parent.mkdir(parents=True, exist_ok=True)
    engine = create_engine(
        f"sqlite:///{path}",
        poolclass=QueuePool if pool_size > 1 else NullPool,
        connect_args={"check_same_thread": False, "timeout": BUSY_MILLISECONDS / 1000},
        **({"pool_size": pool_size, "max_overflow": 0} if pool_size > 1 else {}),
    )
    event.listen(engine, "connect", _prepare_writer if writing else _prepare_reader)
    event.listen(engine, "begin", partial(_begin_writing, patience) if writing else _begin)
    return engine


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN")


def _begin_writing(patience: float, connection: Connection) -> None:
    """Take the writer's lock, or wait for it.

    Before anything is looked at: a transaction that reads first and writes later fails at once when another process
    has committed between. SQLite's own wait sleeps longer each time, up to a tenth of a second, which is long where
    processes take turns at one store with each few mails.
    """
    cursor = connection.connection.cursor()
    begun = time.monotonic()
    while not _begun(cursor, begun + patience):
        # Not time.sleep(): it waits for a point in time, for ever where a test shifts the clock.
        select.select((), (), (), _PAUSE if time.monotonic() - begun < _TURN else _LONG_PAUSE)
    cursor.close()


def _begun(cursor: DBAPICursor, give_up: float) -> bool:
    """Try to begin; False where another has the lock. Raises sqlite3.OperationalError where it is time to give up."""
    try:
        cursor.execute("BEGIN IMMEDIATE")
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode & _PRIMARY != sqlite3.SQLITE_BUSY or time.monotonic() >= give_up:
            raise
        return False
    return True


def _prepare_reader(connection: DBAPIConnection, _record: Any) -> None:
    prepare(connection)


def _prepare_writer(connection: DBAPIConnection, _record: Any) -> None:
    prepare(connection)
    cursor = connection.cursor()
    # It waits in `_begin_writing`; behind that, the lock is its own.
    cursor.execute("PRAGMA busy_timeout=0")
    cursor.close()


def prepare(connection: Any) -> None:
    """Set what each connection to the file needs."""
    connection.isolation_level = None
    cursor = connection.cursor()
    if cursor.execute("PRAGMA page_count").fetchone()[0] == 0:
        # Takes effect only in a new file; lets a purge give space back. In any other it would write, and wait for
        # the writer's lock.
        cursor.execute("PRAGMA auto_vacuum=INCREMENTAL")
    cursor.execute("PRAGMA journal_mode=WAL")
    # FULL syncs the log at each commit: a 250 outlives a power cut. NORMAL would not do.
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.execute(f"PRAGMA busy_timeout={BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_size_limit=67108864")
    # For each connection, of which there are six; what is read again the system's own cache has.
    cursor.execute("PRAGMA cache_size=-3000")
    cursor.execute("PRAGMA temp_store=MEMORY")
    cursor.close()


def assert_durable(connection: Any) -> None:
    """Raise StoreDown where the file would not keep what it was told."""
    mode = connection.exec_driver_sql("PRAGMA journal_mode").scalar()
    level = connection.exec_driver_sql("PRAGMA synchronous").scalar()
    if mode != "wal" or level not in (2, 3):
        raise StoreDown(f"the store is not durable: journal_mode={mode}, synchronous={level}")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Let the driver's errors leave as StoreDown or StoreFull."""
    try:
        yield
    except DBAPIError as error:
        raise translate(error.orig or error) from error
    except (SQLAlchemyError, sqlite3.Error) as error:
        raise translate(error) from error


def translate(error: BaseException) -> StoreDown:
    """Return our exception for one of the driver's."""
    text = str(error)
    code = getattr(error, "sqlite_errorcode", 0)
    if code == sqlite3.SQLITE_FULL or "disk is full" in text or "No space left" in text:
        return StoreFull(text)
    return StoreDown(text)
