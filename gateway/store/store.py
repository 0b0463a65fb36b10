"""The store as the rest of the house sees it."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.address import Address
from gateway.domain.expecting import Window
from gateway.domain.levels import Choice, levels_above, policy_scope
from gateway.domain.lists import Entry, scope_keys
from gateway.flow.arrangements import Arrangements
from gateway.flow.ports import StoreDown
from gateway.store.counters import EXPECTING, POLICIES, Changes, Copies
from gateway.store.engine import assert_durable, open_engine, sqlite_path, translated_errors
from gateway.store.lists import CHANGES, EntryCopies
from gateway.store.schema import check_schema
from gateway.store.tables import challenge, pending, secret, service
from gateway.store.transaction import Transaction
from gateway.store.writer import Writer

T = TypeVar("T")
V = TypeVar("V")

READERS = 4
KEY_OCTETS = 32
VACUUM_PAGES = 2000
"""Given back at each sign of life, at most; the writer is busy with it for some 20 ms."""


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
            self._changes = Changes(path)
        self._writer = Writer(engine)
        self._pool = ThreadPoolExecutor(READERS, "store-reader")
        self._copies = EntryCopies()
        self._choices: Copies[str, tuple[Choice, ...]] = Copies()
        self._windows: Copies[str, tuple[Window, ...]] = Copies()
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

    async def entries(self, patterns: tuple[str, ...], patience: float = 0.0) -> Sequence[Entry]:
        """Return the list entries with one of these patterns, as they stand now; cached.

        The cache is checked against the change counter each time, so an entry that another process has just
        added counts for the next message. patience: as they stood so many seconds ago will do.
        """
        return await self._entries(patterns, self._changes.lately(patience) if patience else self._changes.now())

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return all that was arranged for a message, as it stands now; cached.

        patterns: of the list entries that may count. Where nobody has ever chosen a policy or expected mail, that is
        told by the counters, which are read once for all.
        """
        changes = self._changes.now()
        entries = await self._entries(patterns, changes) if patterns else ()
        if POLICIES not in changes and EXPECTING not in changes:
            return Arrangements(entries)
        chosen = await self._copied(
            self._choices,
            [policy_scope(recipient) for recipient in recipients],
            changes.get(POLICIES, 0),
            lambda tx, scope: tx.policies.choices(levels_above(scope)),
        )
        windows = await self._copied(
            self._windows,
            [recipient.key for recipient in recipients],
            changes.get(EXPECTING, 0),
            # A window is always somebody's own: at the address as it is written, or without its sub-address.
            lambda tx, key: tx.expecting.windows(scope_keys(Address(key, key))[:-2]),
        )
        return Arrangements(
            entries,
            {each.key: choices for each in recipients if (choices := chosen.get(policy_scope(each)))},
            {key: known for key, known in windows.items() if known},
        )

    async def _copied(
        self, copies: Copies[str, V], keys: Sequence[str], changes: int, read: Callable[[Transaction, str], V]
    ) -> dict[str, V]:
        """Return what is known of each key at this value of a counter; what is not known is read, all at once."""
        if not changes:
            return {}
        found = {key: known for key in keys if (known := copies.get(key, changes)) is not None}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing:
            fresh = await self.look(lambda tx: {key: read(tx, key) for key in missing})
            for key, value in fresh.items():
                copies.put(key, changes, value)
            found |= fresh
        return found

    async def _entries(self, patterns: tuple[str, ...], counters: dict[str, int]) -> Sequence[Entry]:
        changes = counters.get(CHANGES, 0)
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
        self._changes.close()
