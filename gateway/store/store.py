"""The store as the rest of the house sees it."""

from __future__ import annotations

import asyncio
import fcntl
import os
import secrets
import sqlite3
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import Connection, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.lists import Entry
from gateway.flow.ports import StoreDown
from gateway.store.challenges import ChallengeTable
from gateway.store.engine import assert_durable, open_engine, prepare, sqlite_path, translate, translated_errors
from gateway.store.lists import CHANGES, EntryCopies, ListTable
from gateway.store.pending import PendingTable
from gateway.store.schema import check_schema
from gateway.store.tables import challenge, pending, secret, service
from gateway.store.writer import Writer

T = TypeVar("T")

READERS = 4
KEY_OCTETS = 32
_CHANGES = "SELECT value FROM sequence WHERE name = ?"
VACUUM_PAGES = 2000
"""Given back at each sign of life, at most; the writer is busy with it for some 20 ms."""


class Transaction:
    """One transaction; implements `flow.ports.Tx`."""

    __slots__ = ("challenges", "connection", "lists", "pending")

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.pending = PendingTable(connection)
        self.challenges = ChallengeTable(connection)
        self.lists = ListTable(connection)


class Store:
    """One SQLite file with one writer and a few readers; implements `flow.ports.Store`."""

    def __init__(self, url: str) -> None:
        """Open a store whose schema is current. Raises StoreDown with what to do where it is not."""
        path = sqlite_path(url)
        with translated_errors():
            check_schema(url)
            engine = open_engine(url, writing=True)
            self._readers = open_engine(url, writing=False, pool_size=READERS)
            # Every connection is set up alike; asked of a reader's, it waits for no other program's write.
            with self._readers.connect() as connection:
                assert_durable(connection)
            # Read on the loop itself: one row of a page that is always in memory, a few microseconds.
            self._counter = sqlite3.connect(path, check_same_thread=False)
            prepare(self._counter)
        self._writer = Writer(engine)
        self._pool = ThreadPoolExecutor(READERS, "store-reader")
        self._copies = EntryCopies()
        self._closed = False

    async def transact(self, work: Callable[[Transaction], T]) -> T:
        """Run work in one writing transaction and return its result once it is on stable storage."""
        return await self._writer.run(lambda connection: work(Transaction(connection)))

    async def look(self, work: Callable[[Transaction], T]) -> T:
        """Run work on a consistent view that it must not change."""
        if self._closed:
            raise StoreDown("the store is closed")
        return await asyncio.get_running_loop().run_in_executor(self._pool, self._look, work)

    def _look(self, work: Callable[[Transaction], T]) -> T:
        with translated_errors(), self._readers.connect() as connection, connection.begin():
            return work(Transaction(connection))

    async def entries(self, patterns: tuple[str, ...]) -> Sequence[Entry]:
        """Return the list entries with one of these patterns, as they stand now; cached.

        The cache is checked against the change counter each time, so an entry that another process has just
        added counts for the next message.
        """
        try:
            row = self._counter.execute(_CHANGES, (CHANGES,)).fetchone()
        except sqlite3.Error as error:
            raise translate(error) from error
        changes = row[0] if row else 0
        known = self._copies.get(patterns, changes)
        if known is not None:
            return known
        entries = tuple(await self.look(lambda tx: tx.lists.entries(patterns)))
        self._copies.put(patterns, changes, entries)
        return entries

    async def key(self, name: str) -> bytes:
        """Return a secret key of this site, made at its first use: 32 octets."""

        def work(tx: Transaction) -> bytes:
            known = tx.connection.execute(select(secret.c.octets).where(secret.c.name == name)).scalar()
            if known is not None:
                return bytes(known)
            fresh = secrets.token_bytes(KEY_OCTETS)
            tx.connection.execute(insert(secret), {"name": name, "octets": fresh})
            return fresh

        return await self.transact(work)

    async def forget_leases(self) -> None:
        """Take back what a service that was killed had in hand; only for who holds the service lock."""

        def work(tx: Transaction) -> None:
            for table in (pending, challenge):
                held = update(table).where(table.c.lease.is_not(None))
                tx.connection.execute(held.values(lease=None, lease_until=None))

        await self.transact(work)

    async def last_seen(self) -> float | None:
        """Return when a service last lived on this store, seconds since the epoch; None for a new one."""
        return await self.look(
            lambda tx: tx.connection.execute(select(service.c.last_seen).where(service.c.name == "gateway")).scalar()
        )

    async def sign_of_life(self, now: float) -> None:
        """Note that a service lives, and give pages that a purge has freed back to the file system."""

        def work(tx: Transaction) -> None:
            statement = insert_or(service).values(name="gateway", last_seen=now)
            tx.connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"last_seen": now}))
            # Each step of the pragma gives one page back, and the driver takes one step only.
            free = tx.connection.exec_driver_sql("PRAGMA freelist_count").scalar_one()
            cursor = tx.connection.connection.cursor()
            for _ in range(min(free, VACUUM_PAGES)):
                cursor.execute("PRAGMA incremental_vacuum(1)")
            cursor.close()

        await self.transact(work)

    async def probe(self) -> None:
        """Write something that means nothing. Raises StoreDown where nothing can be written."""
        statement = insert_or(service).values(name="probe", last_seen=0.0)
        again = statement.on_conflict_do_update(index_elements=["name"], set_={"last_seen": 0.0})

        def work(tx: Transaction) -> None:
            tx.connection.execute(again)

        await self.transact(work)

    async def close(self) -> None:
        """Finish the writes that wait and close the file."""
        self._closed = True
        await asyncio.get_running_loop().run_in_executor(None, self._writer.close)
        self._pool.shutdown()
        self._readers.dispose()
        self._counter.close()


class ServiceLock:
    """Keeps a second service off the same file; the command line needs no lock."""

    def __init__(self, url: str) -> None:
        """Take the lock. Raises StoreDown where another service has it."""
        path = sqlite_path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreDown(f"another service uses {path}; stop it first") from error

    def release(self) -> None:
        """Let others have it."""
        os.close(self._file)
