"""Change counters, which tell each process that its copies are old; and how far workers have read."""

from __future__ import annotations

from typing import Generic, TypeVar

from sqlalchemy import Connection, and_, func, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.store.tables import pending, sequence

K = TypeVar("K")
V = TypeVar("V")

LISTS, POLICIES, EXPECTING = "lists", "policies", "expecting"
"""Names of counters. One that is not there has never been counted up: there is nothing to copy."""

DIGEST_ROWS, NOTICE_ROWS = "digest-rows", "notice-rows"
"""Names of cursors, which stand beside the counters: the row up to which newcomers were looked for."""

READ = "SELECT name, value FROM sequence"


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
