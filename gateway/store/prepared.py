"""Statements of the mail path, compiled once.

SQLAlchemy builds, keys and looks up a statement at each execution, which takes three times as long as SQLite
takes to run it. Those that run for every mail are therefore written as Core statements, compiled once, and
handed to the driver as they are. Their parameters are plain values: text, numbers, octets, truth values.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import chain
from typing import Any

from sqlalchemy import ClauseElement, Connection
from sqlalchemy.dialects.sqlite.pysqlite import SQLiteDialect_pysqlite

_TOGETHER = 100
"""Rows inserted by one statement."""
_BY_NAME, _BY_PLACE = SQLiteDialect_pysqlite(paramstyle="named"), SQLiteDialect_pysqlite(paramstyle="qmark")


class Prepared:
    """One statement, ready for the driver."""

    def __init__(self, statement: ClauseElement, by_place: bool = False) -> None:
        """statement: an insert of every column, or a select or an update whose values are all `bindparam`s.

        by_place: its values come as tuples in the order of the statement, not by their names.
        """
        self._sql = str(statement.compile(dialect=_BY_PLACE if by_place else _BY_NAME))
        before, values, row = self._sql.rpartition(" VALUES ")
        self._together = before + values + ", ".join([row] * _TOGETHER) if before and by_place else ""

    def insert(self, connection: Connection, values: Mapping[str, object]) -> int:
        """Run an insert and return the id of the row."""
        cursor = connection.connection.cursor()
        cursor.execute(self._sql, values)
        row_id: int = cursor.lastrowid
        cursor.close()
        return row_id

    def insert_all(
        self, connection: Connection, rows: Sequence[Mapping[str, object]] | Sequence[tuple[object, ...]]
    ) -> None:
        """Run an insert for each row."""
        cursor = connection.connection.cursor()
        cursor.executemany(self._sql, rows)
        cursor.close()

    def insert_together(self, connection: Connection, rows: Sequence[tuple[object, ...]]) -> None:
        """Run an insert whose values come by place, of many rows with each statement.

        Between two statements the driver gives Python's lock away and waits for it again; where the loop is busy, that
        costs both threads more than the rows themselves.
        """
        cursor = connection.connection.cursor()
        whole = len(rows) - len(rows) % _TOGETHER
        for start in range(0, whole, _TOGETHER):
            cursor.execute(self._together, tuple(chain.from_iterable(rows[start : start + _TOGETHER])))
        cursor.executemany(self._sql, rows[whole:])
        cursor.close()

    def update_all(self, connection: Connection, rows: Sequence[Mapping[str, object]]) -> int:
        """Run an update for each row of values and return how many rows it changed in all."""
        cursor = connection.connection.cursor()
        cursor.executemany(self._sql, rows)
        changed: int = cursor.rowcount
        cursor.close()
        return changed

    def rows(self, connection: Connection, values: Mapping[str, object]) -> list[tuple[Any, ...]]:
        """Run a select and return its rows."""
        cursor = connection.connection.cursor()
        cursor.execute(self._sql, values)
        rows = list(cursor.fetchall())
        cursor.close()
        return rows
