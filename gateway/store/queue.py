"""The pending list: pages by key, counts, groups of machine mail. How rows are looked up: see `queue_plan`."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from math import ceil, floor
from typing import Any

import msgspec
from sqlalchemy import Connection

from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import State
from gateway.flow.queue import COUNTED_OF_A_GROUP, MOST_COUNTED, Group, Key, Row, Selection
from gateway.store.queue_plan import (
    FEW,
    FEW_HITS,
    KEYS,
    WALKED,
    Clause,
    Strip,
    Values,
    behind,
    behind_in,
    days,
    details,
    ended_states,
    ended_strips,
    fits,
    found_by_words,
    in_order,
    rowids_between,
    waiting_strips,
    wants_words,
    words_match,
)

_ROWS = """
SELECT q.id, p.message_id, p.state, m.author, m.author_name, m.reverse_path, p.recipient, m.subject, m.size, q.held_at,
    p.expires_at, p.changed_at, p.reason, p.silence, coalesce(c.state, ''), m.proofs, q.files, q.lane, q.source,
    s.account IS NOT NULL, p.last_reply
FROM queue q CROSS JOIN pending p ON p.id = q.id CROSS JOIN message m ON m.id = p.message_id
LEFT JOIN challenge c ON c.id = p.challenge_id LEFT JOIN seen s ON s.pending_id = q.id AND s.account = ?
WHERE q.id = ?
"""
_names = msgspec.json.Decoder(tuple[str, ...])

Found = list[tuple[Key, int]]
"""Keys, and the ids they belong to."""


@dataclass(frozen=True, slots=True)
class _Ask:
    """What all strips of one page are asked."""

    sort: str
    descending: bool
    most: int
    start: Key | None
    days: Clause
    details: Clause


class QueueTable:
    """Implements `flow.queue.QueueTable`."""

    def __init__(self, connection: Connection, few: int = FEW, few_hits: int = FEW_HITS) -> None:
        """few, few_hits: how many rows are read whole and sorted; see `queue_plan`."""
        self._connection = connection
        self._most_sorted = few
        self._most_hits_sorted = few_hits
        self._known_hits: dict[str, int] = {}

    def page(
        self, chosen: Selection, sort: str, reverse: bool, start: Key | None, backwards: bool, most: int, account: int
    ) -> Sequence[Row]:
        """Return rows behind `start` in the order asked for; backwards: those in front of it, the nearest first."""
        found = self.find(chosen, sort, reverse is not backwards, start, most)
        return [row for key, row_id in found if (row := self._row(row_id, account, key)) is not None]

    def find(self, chosen: Selection, sort: str, descending: bool, start: Key | None, most: int) -> Found:
        """Return the keys and ids of rows behind `start`; of a key that does not fit the sort, from the beginning."""
        if start is not None and not fits(start, sort):
            start = None
        ask = _Ask(sort, descending, most, start, self._days(chosen), details(chosen))
        pieces: list[Found] = []
        if State.PENDING in chosen.states:
            pieces += self._found(chosen, ask, list(waiting_strips(chosen, sort)), waiting=True)
        if ended_states(chosen):
            pieces += self._found(chosen, ask, list(ended_strips(chosen)), waiting=False)
        return list(heapq.merge(*pieces, reverse=descending))[:most]

    def count(self, chosen: Selection, most: int) -> int:
        """Return how many there are, counting to `most` + 1."""
        when, what = self._days(chosen), details(chosen)
        total = 0
        for waiting in (True, False):
            if not (State.PENDING in chosen.states if waiting else ended_states(chosen)):
                continue
            strips = list(waiting_strips(chosen, "arrival") if waiting else ended_strips(chosen))
            if wants_words(chosen) and not self._few(strips, when):
                total += self._count_by_words(chosen, when, most + 1 - total, waiting=waiting)
            else:
                for strip in strips:
                    where = strip.where.and_(when).and_(what)
                    total += self._counted(_by_index(strip.arrival, where), most + 1 - total)
        return min(total, most + 1)

    def one(self, row_id: int, account: int) -> Row | None:
        """Return one row."""
        return self._row(row_id, account, (-row_id,))

    def key(self, chosen: Selection, sort: str, row_id: int) -> Key | None:
        """Return the sort key of a row that waits; None where it is not one of those that are meant."""
        narrow = self._days(chosen).and_(details(chosen))
        for strip in waiting_strips(chosen, sort):
            where = Clause("id = ?", (row_id,)).and_(strip.where).and_(narrow)
            rows = self._run(f"SELECT {', '.join(KEYS[sort])} FROM queue WHERE {where.sql}", where.values)  # noqa: S608 names of our own
            if rows:
                return tuple(rows[0])
        return None

    def in_front(self, chosen: Selection, sort: str, reverse: bool, key: Key, most: int) -> int | None:
        """Return how many of those that wait stand in front of a key, counting to `most` + 1; None: not soon told."""
        when, what = self._days(chosen), details(chosen)
        strips = list(waiting_strips(chosen, sort))
        few = self._few(strips, when)
        if wants_words(chosen) and not few:
            ask = _Ask(sort, not reverse, most, key, when, what)
            if sort == "arrival":
                rowid = f"{_table(True)}.rowid"
                between = rowids_between(rowid, *self._bounds(chosen)).and_(_rowids_behind(rowid, ask))
                return self._counted(_by_words(chosen, when, waiting=True).and_(between), most + 1)
            if self._hits(chosen, waiting=True) < self._most_hits_sorted:
                front = behind(sort, key, not reverse)
                return self._counted(_by_words(chosen, when, waiting=True).and_(front), most + 1)
        total, narrow = 0, when.and_(what)
        for strip in strips:
            front_of = behind_in(strip, sort, key, not reverse)
            if front_of is None:
                continue
            where = strip.where.and_(front_of)
            by_arrival = few or sort == "arrival" or not strip.alone
            index = strip.arrival if by_arrival else strip.ordered
            # What the index does not know is looked for in each row: in no more of them than can be read soon.
            read = strip.where if by_arrival and sort != "arrival" else where
            narrowed = narrow.sql or read is strip.where
            if narrowed and not few and self._counted(_by_index(index, read), WALKED + 1) > WALKED:
                return None
            total += self._counted(_by_index(index, where.and_(narrow)), most + 1)
        return min(total, most + 1)

    def see(self, account: int, ids: Collection[int]) -> None:
        """Note that a person has seen rows."""
        for row_id in ids:
            self._run("INSERT OR IGNORE INTO seen (pending_id, account) VALUES (?, ?)", (row_id, account))

    # --- machine mail by its sources ---

    def groups(self, chosen: Selection, behind: str, most: int, account: int) -> Sequence[Group]:
        """Return sources of machine mail: where rows are few, the newest first, else by their names."""
        strips = list(waiting_strips(chosen, "arrival"))
        if not behind and self._few(strips, Clause("")):
            newest: dict[str, list[int]] = {}
            for strip in strips:
                query = f"SELECT source, id {_by_index(strip.arrival, strip.where).sql}"
                for source, row_id in self._run(query, strip.where.values):
                    newest.setdefault(source, []).append(row_id)
            counted = sorted(((max(ids), source, len(ids)) for source, ids in newest.items()), reverse=True)
        else:
            counted = self._counted_groups(chosen, behind, most)
        groups = []
        for row_id, source, count in counted[:most]:
            row = self._row(row_id, account, (-row_id,))
            if row is not None:
                groups.append(Group(source, min(count, COUNTED_OF_A_GROUP), row))
        return groups

    def _counted_groups(self, chosen: Selection, behind: str, most: int) -> list[tuple[int, str, int]]:
        """Jump from source to source through the index, in each part of the place."""
        place = chosen.place
        line = Clause("listed = 1 AND lane = 'machine'")
        wheres = [line] if place.site else []
        wheres += [line.and_(Clause("domain = ?", (domain,))) for domain in place.domains]
        wheres += [line.and_(Clause("domain = ? AND owner = ?", (owner.domain, owner.key))) for owner in place.owners]
        totals: dict[str, tuple[int, int]] = {}
        for where in wheres:
            index = "queue_source" if where is line else "queue_domain_source"
            last = behind
            for _ in range(most):
                further = where.and_(Clause("source > ?", (last,)))
                query = f"SELECT source, id {_by_index(index, further).sql} ORDER BY source, age LIMIT 1"
                found = self._run(query, further.values)
                if not found:
                    break
                last, row_id = found[0]
                count = self._counted(_by_index(index, where.and_(Clause("source = ?", (last,)))), COUNTED_OF_A_GROUP)
                newest, counted = totals.get(last, (0, 0))
                totals[last] = (max(newest, row_id), counted + count)
        return [(newest, source, count) for source, (newest, count) in sorted(totals.items())]

    def _count_by_words(self, chosen: Selection, when: Clause, most: int, *, waiting: bool) -> int:
        if found_by_words(chosen, waiting=waiting).sql or most > MOST_COUNTED + 1:
            return self._counted(_by_words(chosen, when, waiting=waiting), most)
        # The index of words knows all that was asked, and days by their ids: the rows themselves are not looked at.
        return min(self._hits(chosen, waiting=waiting), most)

    # --- looking up ---

    def _found(self, chosen: Selection, ask: _Ask, strips: list[Strip], *, waiting: bool) -> list[Found]:
        if not wants_words(chosen) or self._few(strips, ask.days):
            return [self._strip(strip, ask) for strip in strips]
        if ask.sort == "arrival":
            rowid = f"{_table(waiting)}.rowid"
            between = rowids_between(rowid, *self._bounds(chosen)).and_(_rowids_behind(rowid, ask))
            rows = _by_words(chosen, ask.days, waiting=waiting).and_(between)
            return [self._keys(rows, ask, rowid if ask.descending else f"{rowid} DESC")]
        if self._hits(chosen, waiting=waiting) < self._most_hits_sorted:
            start = behind(ask.sort, ask.start, ask.descending)
            return [self._keys(_by_words(chosen, ask.days, waiting=waiting).and_(start), ask)]
        # What many rows have soon fills a page, unless it is far from where the page begins.
        found = []
        for strip in strips:
            tried = self._tried(strip, ask, WALKED // len(strips))
            found.append(self._strip(strip, ask) if tried is None else tried)
        return found

    def _tried(self, strip: Strip, ask: _Ask, most: int) -> Found | None:
        """Walk through a strip's first rows; None where they do not fill a page, and are not all."""
        start = behind_in(strip, ask.sort, ask.start, ask.descending)
        if start is None:
            return []
        order = in_order(ask.sort, ask.descending)
        walked = _by_index(strip.ordered, strip.where.and_(start))
        what = ask.days.and_(ask.details)
        rows = f"FROM (SELECT * {walked.sql} ORDER BY {order} LIMIT {most}) WHERE {what.sql}"
        found = self._keys(Clause(rows, walked.values + what.values), ask)
        whole = self._counted(_by_index(strip.arrival, strip.where), most + 1) <= most
        return found if whole or len(found) == ask.most else None

    def _strip(self, strip: Strip, ask: _Ask) -> Found:
        """Look a strip up: read whole where it is few, or where few have the words, else in its order up to a page."""
        start = behind_in(strip, ask.sort, ask.start, ask.descending)
        if start is None:
            return []
        index = strip.ordered
        narrowed = not strip.alone or ask.days.sql or ask.details.sql
        if narrowed and (ask.sort != "arrival" or not strip.alone):
            if self._few([strip], ask.days):
                index = strip.arrival
            elif wants_words(strip.part) and self._hits(strip.part, waiting=True) < self._most_hits_sorted:
                return self._keys(_by_words(strip.part, ask.days, waiting=True).and_(start), ask)
        return self._keys(_by_index(index, strip.where.and_(ask.days).and_(ask.details).and_(start)), ask)

    def _hits(self, chosen: Selection, *, waiting: bool) -> int:
        """Return how many rows the index of words names, counting to MOST_COUNTED + 1; more than are meant, maybe."""
        match = words_match(chosen, waiting=waiting)
        known = self._known_hits.get(match)
        if known is None:
            rows = Clause(f"FROM {_table(waiting)} WHERE {_table(waiting)} MATCH ?", (match,))
            between = rowids_between(f"{_table(waiting)}.rowid", *self._bounds(chosen))
            known = self._known_hits[match] = self._counted(rows.and_(between), MOST_COUNTED + 1)
        return known

    def _few(self, strips: Iterable[Strip], when: Clause) -> bool:
        left = self._most_sorted
        for strip in strips:
            left -= self._counted(_by_index(strip.arrival, strip.where.and_(when)), left)
            if left <= 0:
                return False
        return True

    def _days(self, chosen: Selection) -> Clause:
        return days(chosen, *self._bounds(chosen))

    def _bounds(self, chosen: Selection) -> tuple[int | None, int | None]:
        """Turn days into the first and the last id: rows get their ids in the order in which they come."""
        earliest = None if chosen.after is None else self._first_since(chosen.after)
        latest = None if chosen.before is None else self._first_since(chosen.before) - 1
        return earliest, latest

    def _first_since(self, at: float) -> int:
        rows = self._run("SELECT id FROM queue WHERE held_at >= ? ORDER BY held_at, id LIMIT 1", (at,))
        return rows[0][0] if rows else 2**62

    def _keys(self, rows: Clause, ask: _Ask, order: str = "") -> Found:
        columns = KEYS[ask.sort]
        order = order or in_order(ask.sort, ask.descending)
        query = f"SELECT {', '.join(columns)}, id {rows.sql} ORDER BY {order} LIMIT ?"
        return [(tuple(row[:-1]), row[-1]) for row in self._run(query, (*rows.values, ask.most))]

    def _counted(self, rows: Clause, most: int) -> int:
        query = f"SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT ?)"  # noqa: S608 names of our own
        return int(self._run(query, (*rows.values, most))[0][0])

    def _row(self, row_id: int, account: int, key: Key) -> Row | None:
        rows = self._run(_ROWS, (account, row_id))
        return _read_row(rows[0], key) if rows else None

    def _run(self, query: str, values: Values) -> Sequence[Any]:
        # Not by SQLAlchemy: it would take longer than the look-up.
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(query, values)
            return list(cursor.fetchall())
        finally:
            cursor.close()


def _by_index(index: str, where: Clause) -> Clause:
    return Clause(f"FROM queue INDEXED BY {index} WHERE {where.sql}", where.values)


def _by_words(chosen: Selection, when: Clause, *, waiting: bool) -> Clause:
    """Return the rows that the index of words finds; it alone answers where it knows all that was asked."""
    table = _table(waiting)
    match = Clause(f"{table} MATCH ?", (words_match(chosen, waiting=waiting),))
    more = found_by_words(chosen, waiting=waiting).and_(when)
    words = Clause(f"FROM {table} CROSS JOIN queue ON queue.id = {table}.rowid WHERE {match.sql}", match.values)
    return words.and_(more)


def _table(waiting: bool) -> str:
    return "waiting_words" if waiting else "ended_words"


def _rowids_behind(rowid: str, ask: _Ask) -> Clause:
    """Let the index of words begin where the page begins."""
    if ask.start is None:
        return Clause("")
    # The index of words knows whole numbers only.
    place = -float(ask.start[0])
    return Clause(f"{rowid} > ?", (floor(place),)) if ask.descending else Clause(f"{rowid} < ?", (ceil(place),))


def _proofs(text: str) -> tuple[Proof, ...]:
    """Read proofs; what a newer program has written there is left out."""
    found = []
    for one in text.split():
        with suppress(ValueError):
            found.append(Proof.parse(one))
    return tuple(found)


def _read_row(found: Any, key: Key) -> Row:
    (row_id, message_id, state, author, name, sender, recipient, subject, size, held, expires, changed, reason, silence,
     challenge, proofs, files, lane, source, seen, reply) = found  # fmt: skip
    return Row(
        id=row_id, message_id=message_id, state=State(state), author=author, author_name=name, sender=sender,
        recipient=recipient, subject=subject, size=size, held_at=held, expires_at=expires, changed_at=changed,
        reason=reason, silence=silence, challenge=challenge, proofs=_proofs(proofs),
        files=_names.decode(files), lane=lane, source=source, seen=bool(seen), last_reply=reply, key=key,
    )  # fmt: skip
