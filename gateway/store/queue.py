"""The pending list: pages by key, counts, groups of machine mail. How rows are looked up: see `queue_find`."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, groupby
from operator import itemgetter
from typing import Any

import msgspec
from sqlalchemy import Connection, select

from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import State
from gateway.flow.account_ports import Kind
from gateway.flow.queue_ports import COUNTED_OF_A_GROUP, Group, Key, Place, Row, Selection
from gateway.store.queue_find import Finder
from gateway.store.queue_ordered import Found
from gateway.store.queue_parts import Limits
from gateway.store.queue_sql import Clause, Values, by_index, rows_of
from gateway.store.queue_strips import in_place, tagged, waiting_strips
from gateway.store.tables import digest
from gateway.store.tables.accounts import account_address

_ROWS = """
SELECT q.id, p.message_id, p.state, m.author, m.author_name, m.reverse_path, p.recipient, m.subject, m.size, q.held_at,
    p.expires_at, p.changed_at, p.reason, p.silence, coalesce(c.state, ''), m.proofs, q.files, q.lane, q.source,
    s.account IS NOT NULL, p.last_reply, m.score
FROM queue q CROSS JOIN pending p ON p.id = q.id CROSS JOIN message m ON m.id = p.message_id
LEFT JOIN challenge c ON c.id = p.challenge_id LEFT JOIN seen s ON s.pending_id = q.id AND s.account = ?
WHERE q.id = ?
"""
_AT_ONCE = 2000
"""Ids that are taken from the store at a time."""
_names = msgspec.json.Decoder(tuple[str, ...])


class QueueTable:
    """Implements `flow.queue_ports.QueueTable`."""

    def __init__(self, connection: Connection, limits: Limits | None = None) -> None:
        self._connection = connection
        self._finder = Finder(self._run, self._stream, limits or Limits())

    def page(
        self, chosen: Selection, sort: str, reverse: bool, start: Key | None, backwards: bool, most: int, account: int
    ) -> Sequence[Row]:
        """Return rows behind `start` in the order asked for; backwards: those in front of it, the nearest first."""
        found = self._finder.find(chosen, sort, reverse is not backwards, start, most, counted=True)
        return [row for key, row_id in found if (row := self._row(row_id, account, key)) is not None]

    def find(self, chosen: Selection, sort: str, descending: bool, start: Key | None, most: int) -> Found:
        """Return the keys and ids of rows behind `start`; of a key that does not fit the sort, from the beginning."""
        return self._finder.find(chosen, sort, descending, start, most)

    def count(self, chosen: Selection, most: int) -> int:
        """Return how many there are, counting to `most` + 1."""
        return self._finder.count(chosen, most)

    def one(self, row_id: int, account: int) -> Row | None:
        """Return one row."""
        return self._row(row_id, account, (-row_id,))

    def in_hand(self, row_id: int) -> bool:
        """True where an order that can still be undone, or is under way, has a row."""
        return bool(self._run("SELECT 1 FROM queue WHERE id = ? AND order_id IS NOT NULL", (row_id,)))

    def key(self, chosen: Selection, sort: str, row_id: int) -> Key | None:
        """Return the sort key of a row that waits; None where it is not one of those that are meant."""
        return self._finder.key(chosen, sort, row_id)

    def in_front(self, chosen: Selection, sort: str, reverse: bool, key: Key, most: int) -> int | None:
        """Return how many of those that wait stand in front of a key, counting to `most` + 1; None: not soon told."""
        return self._finder.in_front(chosen, sort, reverse, key, most)

    def see(self, account: int, ids: Collection[int]) -> None:
        """Note that a person has seen rows."""
        for row_id in ids:
            self._run("INSERT OR IGNORE INTO seen (pending_id, account) VALUES (?, ?)", (row_id, account))

    # --- machine mail by its sources ---

    def told_at(self, account: int) -> float | None:
        """Return when the last digest was made that an account's mailbox took; None: there is none."""
        own = account_address.c
        mailboxes = select(own.address_key).where(own.account_id == account, own.kind != Kind.DELEGATED.value)
        # As digests choose it: the first mailbox of its own, else the first alias.
        first = mailboxes.order_by(own.kind == Kind.ALIAS.value, own.id).limit(1)
        mailbox = self._connection.execute(first).scalar()
        return None if mailbox is None else self.told_there(mailbox)

    def told_there(self, mailbox: str) -> float | None:
        """Return when the last digest was made that a mailbox took; None: there is none."""
        taken = select(digest.c.created_at).where(digest.c.mailbox == mailbox, digest.c.state == "delivered")
        return self._connection.execute(taken.order_by(digest.c.id.desc()).limit(1)).scalar()

    def groups(self, chosen: Selection, behind: str, most: int, account: int) -> Sequence[Group]:
        """Return sources of machine mail: where rows are few, the newest first, else by their names."""
        strips = list(waiting_strips(chosen, "arrival"))
        if not behind and self._finder.few(strips, Clause("")):
            newest: dict[str, list[int]] = {}
            for strip in strips:
                query = f"SELECT source, id {by_index(strip.arrival, strip.where).sql}"
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
        """Return sources behind one by their names, from all parts of the place together."""
        groups: list[tuple[int, str, int]] = []
        for source, parts in groupby(heapq.merge(*self._machine_parts(chosen.place, behind)), key=itemgetter(0)):
            found = list(parts)
            groups.append((max(newest for _, newest, _ in found), source, sum(count for _, _, count in found)))
            if len(groups) == most:
                break
        return groups

    def _machine_parts(self, place: Place, behind: str) -> list[Iterable[tuple[str, int, int]]]:
        """Return the sources in each part of a place, by their names: with their newest row, and how many there are."""
        line = Clause("listed = 1 AND lane = 'machine'")
        if place.site:
            return [self._jumped("queue_source", line, behind)]
        if len(place.domains) + len(place.owners) > self._finder.limits.some and self._finder.much(place):
            # What goes elsewhere is passed by: sooner than each source is looked up in each domain.
            return [self._jumped("queue_source", line.and_(in_place(place)), behind)]
        domains = [line.and_(Clause("domain = ?", (domain,))) for domain in place.domains]
        parts: list[Iterable[tuple[str, int, int]]] = [
            self._jumped("queue_domain_source", where, behind) for where in domains
        ]
        for owner in place.owners:
            his = line.and_(Clause("domain = ? AND owner = ?", (owner.domain, owner.key)))
            few = self._finder.limits.few
            much = self._finder.counted(by_index("queue_place", his), few + 1) > few
            his = his.and_(tagged(owner))
            if much:
                parts.append(self._jumped("queue_domain_source", his, behind))
                continue
            # By the index of sources the mail of all others in his domain would be looked at.
            rows = by_index("queue_place", his.and_(Clause("source > ?", (behind,))))
            grouped = f"SELECT source, max(id), count(*) {rows.sql} GROUP BY source ORDER BY source"
            parts.append([tuple(row) for row in self._run(grouped, rows.values)])
        return parts

    def _jumped(self, index: str, where: Clause, last: str) -> Iterator[tuple[str, int, int]]:
        """Jump from source to source through an index."""
        while True:
            further = where.and_(Clause("source > ?", (last,)))
            query = f"SELECT source, id {by_index(index, further).sql} ORDER BY source, age LIMIT 1"
            found = self._run(query, further.values)
            if not found:
                return
            last, row_id = found[0]
            rows = by_index(index, where.and_(Clause("source = ?", (last,))))
            yield last, row_id, self._finder.counted(rows, COUNTED_OF_A_GROUP)

    def _row(self, row_id: int, account: int, key: Key) -> Row | None:
        rows = self._run(_ROWS, (account, row_id))
        return _read_row(rows[0], key) if rows else None

    def _run(self, query: str, values: Values) -> Sequence[Any]:
        return rows_of(self._connection, query, values)

    def _stream(self, query: str, values: Values) -> Iterator[int]:
        # Not one by one: a million ids take a third of the time so.
        return chain.from_iterable(self._batches(query, values))

    def _batches(self, query: str, values: Values) -> Iterator[list[int]]:
        cursor = self._connection.connection.cursor()
        try:
            cursor.execute(query, values)
            while rows := cursor.fetchmany(_AT_ONCE):
                yield [row[0] for row in rows]
        finally:
            cursor.close()


def _proofs(text: str) -> tuple[Proof, ...]:
    """Read proofs; what a newer program has written there is left out."""
    found = []
    for one in text.split():
        with suppress(ValueError):
            found.append(Proof.parse(one))
    return tuple(found)


def _read_row(found: Any, key: Key) -> Row:
    (row_id, message_id, state, author, name, sender, recipient, subject, size, held, expires, changed, reason, silence,
     challenge, proofs, files, lane, source, seen, reply, score) = found  # fmt: skip
    return Row(
        id=row_id, message_id=message_id, state=State(state), author=author, author_name=name, sender=sender,
        recipient=recipient, subject=subject, size=size, held_at=held, expires_at=expires, changed_at=changed,
        reason=reason, silence=silence, challenge=challenge, proofs=_proofs(proofs),
        files=_names.decode(files), lane=lane, source=source, seen=bool(seen), last_reply=reply, key=key, score=score,
    )  # fmt: skip
