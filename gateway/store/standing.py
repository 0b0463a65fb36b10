"""Mail in one state, of the whole site or of some domains: counted, and walked from the newest on, without the rest.

What is pending is known by its state, but not by the state and the domain: a small one's mail would be looked for among
all there is. The pending list knows both; only of what came a moment ago, and is not described yet, it knows nothing.
"""

from __future__ import annotations

import heapq
import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

from sqlalchemy import Connection

from gateway.domain.lifecycle import State
from gateway.flow.queue_ports import LANES
from gateway.store.queue_sql import Clause, by_index, rows_of

_FIRST, _AT_ONCE = 10, 500
"""Ids that are taken from a stretch at first, and later, at a time: of hundreds of small ones few are used of each."""
_PLACE = " AND domain = ?"


class RowsInState:
    """Rows in one state."""

    def __init__(self, connection: Connection, state: State, domains: Collection[str] | None) -> None:
        """domains: of the recipients; None is all."""
        self._connection = connection
        self._strips = list(_strips(state, domains))

    def count(self, most: int) -> int:
        """Return how many there are, counting to `most`."""
        total = 0
        for rows, _, _ in self._strips:
            query = f"SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT ?)"  # noqa: S608 names of our own
            total += rows_of(self._connection, query, (*rows.values, most - total))[0][0]
        return total

    def newest(self, most: int) -> list[int]:
        """Return the ids of the newest, from the last on."""
        walks = [self._walk(rows, newest, most) for rows, newest, _ in self._strips]
        return list(islice(heapq.merge(*walks, reverse=True), most))

    def first_held_at(self) -> float | None:
        """Return when the first of them came; None where there is none."""
        firsts = [
            rows_of(self._connection, f"SELECT id {rows.sql} ORDER BY {oldest} LIMIT 1", rows.values)
            for rows, _, oldest in self._strips
        ]
        ids = [found[0][0] for found in firsts if found]
        return rows_of(self._connection, "SELECT held_at FROM pending WHERE id = ?", (min(ids),))[0][0] if ids else None

    def facts(self, ids: Sequence[int]) -> Sequence[Any]:
        """Return reverse-path, recipient, reason and score of rows."""
        query = (
            "SELECT m.reverse_path, p.recipient, p.reason, m.score FROM json_each(?) AS one"
            " CROSS JOIN pending AS p ON p.id = one.value CROSS JOIN message AS m ON m.id = p.message_id"
        )
        return rows_of(self._connection, query, (json.dumps(ids),))

    def _walk(self, rows: Clause, order: str, most: int) -> Iterator[int]:
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(f"SELECT id {rows.sql} ORDER BY {order} LIMIT ?", (*rows.values, most))
            taken = _FIRST
            while some := cursor.fetchmany(taken):
                yield from (row_id for (row_id,) in some)
                taken = min(2 * taken, _AT_ONCE)
        finally:
            cursor.close()


def _strips(state: State, domains: Collection[str] | None) -> Iterator[tuple[Clause, str, str]]:
    """Return stretches of an index in which all rows are meant, each with its order, from the newest and the oldest on."""
    if domains is None:
        yield Clause("FROM pending INDEXED BY pending_state WHERE state = ?", (state.value,)), "id DESC", "id"
        return
    for domain in sorted(domains):
        for lane in LANES if state is State.PENDING else ():
            # A partial index is used only where the statement bears its condition letter for letter.
            line = Clause(f"listed = 1 AND lane = ?{_PLACE}", (lane, domain))
            yield by_index("queue_domain_age", line), "age", "age DESC"
        # Of what waits, it is what an order has in hand.
        yield (
            by_index("queue_domain_ended", Clause(f"listed = 0{_PLACE} AND state = ?", (domain, state.value))),
            "age",
            "age DESC",
        )
    names = ", ".join("?" * len(domains))
    new = "id > (SELECT coalesce(max(id), 0) FROM queue)"
    yield (
        Clause(
            f"FROM pending WHERE {new} AND +state = ? AND recipient_domain IN ({names})",
            (state.value, *sorted(domains)),
        ),
        "id DESC",
        "id",
    )
