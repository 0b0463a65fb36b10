"""Rows put into the pending list after their mail was kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec
from sqlalchemy import Connection

from gateway.domain.lifecycle import State
from gateway.flow.describe import Described, Raw
from gateway.store.queue_filters import NO_SCORE
from gateway.store.queue_words import HAS_FILE, mark

_NEW = """
SELECT p.id, p.recipient_key, m.reverse_path, p.sender_key, m.author, m.author_name, m.subject, m.size, p.reason,
    p.held_at, p.expires_at, p.source, m.score, p.message_id
FROM pending p CROSS JOIN message m ON m.id = p.message_id
WHERE p.id > (SELECT coalesce(max(id), 0) FROM queue) ORDER BY p.id LIMIT ?
"""
# A piece of no octets is NULL to SQLite, also where a mail has none.
_CONTENT = "SELECT coalesce(substr(octets, 1, ?), x'') FROM content WHERE message_id = ?"
PUT = """
INSERT OR IGNORE INTO queue (id, age, state, order_id, listed, lane, domain, owner, recipient_key, held_at, expires_at,
    size, reason, sender_sort, subject_sort, source, files, score, w_from, w_to, w_subject, w_file, marks)
SELECT id, -id, state, NULL, state = ?, ?, ?, ?, recipient_key, held_at, expires_at, ?, reason, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?
FROM pending WHERE id = ?
"""


class DescriptionTable:
    """Implements `flow.describe.DescribeTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def describe_new(self, most: int, octets: int, describe: Callable[[Raw, bytes], Described]) -> Sequence[Described]:
        """Describe rows that are not in the list yet, in the order they came; one message's octets at a time."""
        cursor = self._connection.connection.cursor()
        rows = []
        for row_id, *values, message_id in cursor.execute(_NEW, (most,)).fetchall():
            raw = Raw(row_id, *values)
            found = cursor.execute(_CONTENT, (octets, message_id)).fetchone()
            rows.append(describe(raw, found[0] if found else b""))
        cursor.close()
        return rows

    def put(self, rows: Sequence[Described]) -> None:
        """Put rows into the list, in the state they are in by now; what is in it already stays as it is."""
        cursor = self._connection.connection.cursor()
        cursor.executemany(PUT, [values_of(row) for row in rows])
        cursor.close()


def values_of(row: Described) -> tuple[str | int | float, ...]:
    """Return what PUT wants of a row."""
    files = msgspec.json.encode(row.files).decode()
    return (
        State.PENDING.value, row.lane, row.domain, row.owner, row.raw.size, row.sender_sort, row.subject_sort,
        row.source, files, NO_SCORE if row.raw.score is None else row.raw.score, row.w_from, row.w_to, row.w_subject, row.w_file, marks_of(row), row.raw.id,
    )  # fmt: skip


def marks_of(row: Described) -> str:
    """Return the words that stand for a row's place, lane, reason, source and files."""
    marks = [mark("d", row.domain), mark("l", row.lane), mark("r", row.raw.reason), mark("o", row.owner)]
    if row.raw.recipient_key != row.owner:
        marks.append(mark("t", row.raw.recipient_key))
    if row.source:
        marks.append(mark("s", row.source))
    return " ".join([*marks, HAS_FILE] if row.files else marks)
