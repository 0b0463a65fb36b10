"""Allow and deny entries in the store, and a copy of those that are asked for."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, delete, insert, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict
from gateway.store.tables import inserted_id, list_entry, sequence

CHANGES = "lists"
"""Name of the change counter."""

_select = select(list_entry.c.verdict, list_entry.c.pattern, list_entry.c.scope, list_entry.c.proof, list_entry.c.id)
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
        """Keep an entry; one with the same pattern, scope and verdict gains the proof. Returns its id."""
        same = _select.where(
            list_entry.c.pattern == entry.pattern,
            list_entry.c.scope == entry.scope,
            list_entry.c.verdict == entry.verdict.value,
        )
        row = self._connection.execute(same).first()
        self._changed()
        if row is not None:
            old = _entry(*row)
            merged = merge_proofs(old.proof, entry.proof)
            if merged != old.proof:
                self._connection.execute(update(list_entry).where(list_entry.c.id == old.id).values(proof=merged))
            return old.id
        result = self._connection.execute(insert(list_entry), _values(entry, note, added_by, pending_id, now))
        return inserted_id(result)

    def add_new(self, entries: Sequence[tuple[Entry, str]], added_by: str, now: float) -> None:
        """Keep entries, each with its note, none of which is there. One that is fails the transaction."""
        if entries:
            self._changed()
            self._connection.execute(
                insert(list_entry), [_values(entry, note, added_by, None, now) for entry, note in entries]
            )

    def remove(self, verdict: Verdict, pattern: str, scope: str) -> bool:
        """Drop an entry; False where there is none."""
        statement = delete(list_entry).where(
            list_entry.c.pattern == pattern, list_entry.c.scope == scope, list_entry.c.verdict == verdict.value
        )
        self._changed()
        return self._connection.execute(statement).rowcount == 1

    def changes(self) -> int:
        """Return the change counter."""
        query = select(sequence.c.value).where(sequence.c.name == CHANGES)
        return self._connection.execute(query).scalar() or 0

    def _changed(self) -> None:
        statement = insert_or(sequence).values(name=CHANGES, value=1)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=["name"], set_={"value": sequence.c.value + 1})
        )


def merge_proofs(old: str, new: str) -> str:
    """Return what an entry demands after it was made a second time: either of both, or the wider of the two words."""
    for word in (UNPROVEN, ALIGNED):
        if word in (old, new):
            return word
    return " ".join(dict.fromkeys((*old.split(), *new.split())))


def _values(entry: Entry, note: str, added_by: str, pending_id: int | None, now: float) -> dict[str, object]:
    return {
        "verdict": entry.verdict.value,
        "pattern": entry.pattern,
        "scope": entry.scope,
        "proof": entry.proof,
        "note": note,
        "added_by": added_by,
        "added_at": now,
        "pending_id": pending_id,
    }


def _entry(verdict: str, pattern: str, scope: str, proof: str, entry_id: int) -> Entry:
    return Entry(Verdict(verdict), pattern, scope, proof, entry_id)


class EntryCopies:
    """Entries by the patterns they were asked with, as of one value of the change counter; bounded."""

    def __init__(self, most: int = 20_000) -> None:
        self._most = most
        self._as_of = -1
        self._copies: dict[tuple[str, ...], tuple[Entry, ...]] = {}

    def get(self, patterns: tuple[str, ...], changes: int) -> tuple[Entry, ...] | None:
        """Return what is known to hold at this value of the counter, or None."""
        if changes != self._as_of:
            self._copies.clear()
            self._as_of = changes
        return self._copies.get(patterns)

    def put(self, patterns: tuple[str, ...], changes: int, entries: tuple[Entry, ...]) -> None:
        """Remember what was read when the counter had this value."""
        if changes != self._as_of:
            return
        if len(self._copies) >= self._most:
            self._copies.pop(next(iter(self._copies)))
        self._copies[patterns] = entries
