"""Conditions and rows of the pending list as pieces of SQL.

All names in these statements are our own; what people typed is always a parameter.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

Values = tuple[str | int | float | bytes, ...]


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition and its parameters."""

    sql: str
    values: Values = ()

    def and_(self, other: Clause) -> Clause:
        """Return both together."""
        if not other.sql:
            return self
        return Clause(f"{self.sql} AND {other.sql}" if self.sql else other.sql, self.values + other.values)


def rows_of(connection: Connection, query: str, values: Values) -> list[Any]:
    """Run a statement of ours and return its rows; not by SQLAlchemy: it would take longer than the look-up."""
    cursor = connection.connection.cursor()
    try:
        cursor.execute(query, values)
        return list(cursor.fetchall())
    finally:
        cursor.close()


def by_index(index: str, where: Clause) -> Clause:
    """Return the rows of an index that a condition holds for."""
    return Clause(f"FROM queue INDEXED BY {index} WHERE {where.sql}", where.values)


def by_ids(ids: Sequence[int], rest: Clause) -> Clause:
    """Return those rows of some that a condition holds for."""
    # No other index: with these ids few rows are fetched, whatever else is asked of them.
    named = Clause("id IN (SELECT value FROM json_each(?))", (json.dumps(list(ids)),)).and_(rest)
    return Clause(f"FROM queue NOT INDEXED WHERE {named.sql}", named.values)


def marked(lowest: int, marks: bytes) -> Clause:
    """Return the condition for rows whose octet is 1. lowest: the id that the first octet stands for."""
    # Octets of a parameter are reached at once, without a copy of it; rows that are none of ours never leave SQLite.
    return Clause("substr(?, id - ? + 1, 1) = x'01'", (marks, lowest))
