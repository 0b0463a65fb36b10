"""Change counters, which tell each process that its copies are old; and how far workers have read."""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Generic, TypeVar

from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.store.engine import prepare, translate
from gateway.store.tables import pending, sequence

K = TypeVar("K")
V = TypeVar("V")

LISTS, POLICIES, EXPECTING = "lists", "policies", "expecting"
"""Names of counters. One that is not there has never been counted up: there is nothing to copy."""

DIGEST_ROWS, NOTICE_ROWS = "digest-rows", "notice-rows"
"""Names of cursors, which stand beside the counters: the row up to which newcomers were looked for."""

_READ = "SELECT name, value FROM sequence"


class Changes:
    """The change counters, read on the loop itself: a few rows of a page that is always in memory, 5 microseconds."""

    def __init__(self, path: Path) -> None:
        """path: of the store's file. Raises sqlite3.Error."""
        self._connection = sqlite3.connect(path, check_same_thread=False)
        prepare(self._connection)
        self._read: dict[str, int] = {}
        self._read_at = float("-inf")

    def now(self) -> dict[str, int]:
        """Return them by name. Raises StoreDown."""
        try:
            self._read = dict(self._connection.execute(_READ).fetchall())
        except sqlite3.Error as error:
            raise translate(error) from error
        self._read_at = time.monotonic()
        return self._read

    def lately(self, seconds: float) -> dict[str, int]:
        """Return them as they were at most so long ago. Raises StoreDown."""
        return self._read if time.monotonic() - self._read_at <= seconds else self.now()

    def close(self) -> None:
        """Close the file."""
        self._connection.close()


def count_up(connection: Connection, name: str) -> None:
    """Tell every process that something has changed."""
    statement = insert_or(sequence).values(name=name, value=1)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": sequence.c.value + 1}))


def cursor(connection: Connection, name: str) -> int:
    """Return where a cursor is; 0 where it was never set."""
    return int(connection.execute(select(sequence.c.value).where(sequence.c.name == name)).scalar() or 0)


def set_cursor(connection: Connection, name: str, row: int) -> None:
    """Save it."""
    statement = insert_or(sequence).values(name=name, value=row)
    connection.execute(statement.on_conflict_do_update(index_elements=["name"], set_={"value": row}))


def rewind_cursors(connection: Connection) -> None:
    """Set them back to the last row after rows were dropped: the numbers behind it are given anew."""
    newest = select(func.coalesce(func.max(pending.c.id), 0)).scalar_subquery()
    beyond = and_(sequence.c.name.in_((DIGEST_ROWS, NOTICE_ROWS)), sequence.c.value > newest)
    connection.execute(update(sequence).where(beyond).values(value=newest))


class Copies(Generic[K, V]):
    """What was read, as of one value of a change counter; bounded."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._as_of = -1
        self._copies: dict[K, V] = {}

    def get(self, key: K, changes: int) -> V | None:
        """Return what is known to hold at this value of the counter, or None."""
        if changes != self._as_of:
            self._copies.clear()
            self._as_of = changes
        return self._copies.get(key)

    def put(self, key: K, changes: int, value: V) -> None:
        """Remember what was read when the counter had this value."""
        if changes != self._as_of:
            return
        if len(self._copies) >= self._most:
            self._copies.pop(next(iter(self._copies)))
        self._copies[key] = value
