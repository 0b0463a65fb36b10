"""What of history is older than its domain keeps it, found without passing by what others keep for longer."""

from __future__ import annotations

import json
from collections.abc import Collection

from sqlalchemy import Connection

from gateway.store.history_kinds import KINDS
from gateway.store.queue_sql import rows_of


def older_of(
    connection: Connection, kind: str, before: float, domains: Collection[str], *, but: bool, most: int
) -> list[int]:
    """Return numbers of lines of one kind of before then, of these domains or of all but these."""
    facts, names = KINDS[kind], "SELECT value AS name FROM json_each(?)"
    domain, rows = facts.domain, f"{facts.table.name} INDEXED BY {facts.by_domain}"
    if but:
        # Each domain there is, by one step in the index: a million lines have as many steps as domains.
        least = f"SELECT min({domain}) AS name FROM {rows}"  # noqa: S608 names of our own
        further = f"SELECT ({least} WHERE {domain} > each.name) FROM each WHERE each.name IS NOT NULL"  # noqa: S608
        names = (
            f"WITH RECURSIVE each AS ({least} UNION ALL {further}) SELECT name FROM each WHERE name NOT IN ({names})"  # noqa: S608
        )
    query = f"SELECT id FROM ({names}) AS one CROSS JOIN {rows} WHERE {domain} = one.name AND {facts.at} < ? LIMIT ?"  # noqa: S608
    return [number for (number,) in rows_of(connection, query, (json.dumps(list(domains)), before, most))]
