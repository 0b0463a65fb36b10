"""Allow and deny entries in the store, and a copy of those that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from gateway.domain.address import without_tag
from gateway.domain.lists import Entry, Verdict, merge_entries
from gateway.store.counters import LISTS, Copies, count_up
from gateway.store.tables import inserted_id, list_entry, sequence

CHANGES = LISTS
"""Name of the change counter."""
PERSONS_OWN = {"origin": "", "origin_mail": "", "lives": None}
"""Columns of an entry that a person made, or made his own by changing it."""

_select = select(
    list_entry.c.verdict,
    list_entry.c.pattern,
    list_entry.c.scope,
    list_entry.c.proof,
    list_entry.c.id,
    list_entry.c.expires_at,
    list_entry.c.origin,
)
_by_pattern = _select.where(list_entry.c.pattern.in_(bindparam("patterns", expanding=True)))


class ListTable:
    """Implements `flow.ports.ListTx`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def entries(self, patterns: Sequence[str]) -> list[Entry]:
        """Return every entry with one of these patterns, whatever its scope."""
        rows = self._connection.execute(_by_pattern, {"patterns": list(patterns)})
        return [_entry(*row) for row in rows]

    def add(self, entry: Entry, note: str, added_by: str, pending_id: int | None, now: float) -> int:
        """Keep an entry; one with the same pattern, scope and verdict gains the proof and the time. Returns its id.

        One that has expired is as new: what it once asked for does not count.
        """
        same = _select.where(
            list_entry.c.pattern == entry.pattern,
            list_entry.c.scope == entry.scope,
            list_entry.c.verdict == entry.verdict.value,
        )
        row = self._connection.execute(same).first()
        self.changed()
        if row is not None:
            old = _entry(*row)
            merged = merge_entries(old, entry, now)
            if merged != old:
                self._connection.execute(
                    update(list_entry)
                    .where(list_entry.c.id == old.id)
                    .values(
                        proof=merged.proof, expires_at=merged.expires_at, **(PERSONS_OWN if not merged.learned else {})
                    )
                )
            return old.id
        result = self._connection.execute(insert(list_entry), values_of(entry, note, added_by, pending_id, now))
        return inserted_id(result)

    def add_new(self, entries: Sequence[tuple[Entry, str]], added_by: str, now: float) -> None:
        """Keep entries, each with its note, none of which is there. One that is fails the transaction."""
        if entries:
            self.changed()
            self._connection.execute(
                insert(list_entry), [values_of(entry, note, added_by, None, now) for entry, note in entries]
            )

    def remove(self, verdict: Verdict, pattern: str, scope: str) -> bool:
        """Drop an entry; False where there is none."""
        statement = delete(list_entry).where(
            list_entry.c.pattern == pattern, list_entry.c.scope == scope, list_entry.c.verdict == verdict.value
        )
        self.changed()
        return self._connection.execute(statement).rowcount == 1

    def changes(self) -> int:
        """Return the change counter."""
        query = select(sequence.c.value).where(sequence.c.name == CHANGES)
        return self._connection.execute(query).scalar() or 0

    def changed(self) -> None:
        """Count one more change, so that no copy of an older state is used."""
        count_up(self._connection, CHANGES)


def values_of(entry: Entry, note: str, added_by: str, pending_id: int | None, now: float) -> dict[str, object]:
    """Return the columns of a new entry."""
    owner = without_tag(entry.scope)
    return {
        "verdict": entry.verdict.value,
        "pattern": entry.pattern,
        "scope": entry.scope,
        "proof": entry.proof,
        "note": note,
        "added_by": added_by,
        "added_at": now,
        "pending_id": pending_id,
        "expires_at": entry.expires_at,
        "last_used_at": None,
        "owner": owner,
        "owner_domain": owner.rpartition("@")[2],
    }


def _entry(
    verdict: str, pattern: str, scope: str, proof: str, entry_id: int, expires_at: float | None, origin: str
) -> Entry:
    return Entry(Verdict(verdict), pattern, scope, proof, entry_id, expires_at, learned=bool(origin))


EntryCopies = Copies[tuple[str, ...], tuple[Entry, ...]]
"""Entries by the patterns they were asked with."""
