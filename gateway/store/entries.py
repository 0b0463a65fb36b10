"""Allow and deny entries as people see, remove, bring back and import them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Select,
    and_,
    bindparam,
    delete,
    exists,
    func,
    insert,
    literal,
    literal_column,
    or_,
    select,
    update,
)

from gateway.domain.lists import Entry, Verdict
from gateway.flow.list_ports import Cut, Draft, EntryView, Part
from gateway.store.lists import PERSONS_OWN, ListTable
from gateway.store.tables import draft, inserted_id, list_entry, removal, removed_entry

WORTH_SAYING = 0.9
"""A learned entry that was used gets a later end only where the old one is nearer than this part of its life: each new
end makes every process read its entries again."""
_CHUNK = 500
"""Values in one IN: SQLite takes no endless statement."""
_FEW = 5000
_MOST_THREES = 24
"""Beginnings of the words looked up, in threes: the rest is compared with the entries themselves."""
_columns = (
    list_entry.c.id,
    list_entry.c.verdict,
    list_entry.c.pattern,
    list_entry.c.scope,
    list_entry.c.proof,
    list_entry.c.note,
    list_entry.c.added_by,
    list_entry.c.added_at,
    list_entry.c.pending_id,
    list_entry.c.expires_at,
    list_entry.c.last_used_at,
    list_entry.c.origin,
    list_entry.c.origin_mail,
)
_view = select(*_columns)
_by_pattern = _view.where(list_entry.c.pattern.in_(bindparam("patterns", expanding=True)))
_used = (
    update(list_entry)
    .where(list_entry.c.id == bindparam("entry"))
    .where(or_(list_entry.c.last_used_at.is_(None), list_entry.c.last_used_at < bindparam("at")))
    .values(last_used_at=bindparam("at"))
)
_lives_on = (
    update(list_entry)
    .where(list_entry.c.id == bindparam("entry"), list_entry.c.lives.is_not(None))
    .where(list_entry.c.expires_at < bindparam("at") + list_entry.c.lives * WORTH_SAYING)
    .values(expires_at=bindparam("at") + list_entry.c.lives)
)
_names = [column.name for column in list_entry.c if column.name != "id"]


def _behind(query: Select[Any], cut: Cut) -> Select[Any]:
    """Put entries into the order of a page, and begin where it does."""
    if cut.after is not None:
        return query.where(list_entry.c.id > cut.after).order_by(list_entry.c.id)
    query = query.order_by(list_entry.c.id.desc())
    return query if cut.before is None else query.where(list_entry.c.id < cut.before)


class EntryTable:
    """Implements `flow.list_ports.EntryTable`."""

    def __init__(self, connection: Connection, few: int = _FEW) -> None:
        """few: entries that are fetched one by one to be looked through; where more may be meant, all are."""
        self._connection = connection
        self._few = few

    def page(self, part: Part, cut: Cut) -> list[EntryView]:
        """Return entries, the newest first; with `after` the oldest first. It looks for no words."""
        if cut.origin and part.owner is None:
            # Few have one, and an index knows them: those of the site are looked through for a domain's.
            learned = [list_entry.c.origin == cut.origin, list_entry.c.origin != literal_column("''")]
            learned += [(list_entry.c.owner_domain + "") == part.domain] if part.domain is not None else []
            return self._cut([*learned, *([(list_entry.c.verdict + "") == cut.verdict] if cut.verdict else [])], cut)
        where = []
        if part.owner is not None:
            where.append(list_entry.c.owner == part.owner)
        elif part.domain is not None:
            where.append(list_entry.c.owner_domain == part.domain)
        if not where:
            return self._cut([list_entry.c.verdict == cut.verdict] if cut.verdict else [], cut)
        if cut.origin:
            where.append(list_entry.c.origin == cut.origin)
        # The indexes know each verdict's in their order; both together would be sorted.
        verdicts = (cut.verdict,) if cut.verdict else tuple(one.value for one in Verdict)
        found = [view for one in verdicts for view in self._cut([*where, list_entry.c.verdict == one], cut)]
        return sorted(found, key=lambda view: view.id, reverse=cut.after is None)[: cut.most]

    def near(self, parts: Sequence[Part], cut: Cut) -> list[EntryView] | None:
        """Return what `page` would of all these parts together; None where it does not lie among the next of all entries."""
        near = select(
            list_entry.c.id, list_entry.c.owner, list_entry.c.owner_domain, list_entry.c.verdict, list_entry.c.origin
        )
        near = _behind(near, cut).limit(self._few)
        some = near.subquery()
        owners = [part.owner for part in parts if part.owner is not None]
        domains = [part.domain for part in parts if part.domain is not None]
        query = select(some.c.id).where(or_(some.c.owner.in_(owners), some.c.owner_domain.in_(domains)))
        if cut.verdict:
            query = query.where(some.c.verdict == cut.verdict)
        if cut.origin:
            query = query.where(some.c.origin == cut.origin)
        query = query.order_by(some.c.id.desc() if cut.after is None else some.c.id)
        ids = list(self._connection.execute(query.limit(cut.most)).scalars())
        return self._cut([list_entry.c.id.in_(ids)], cut) if len(ids) == cut.most else None

    def search(self, parts: Sequence[Part], cut: Cut) -> list[EntryView]:
        """Return entries of any of these parts with the words in their pattern or note, in the same order."""
        where: list[ColumnElement[bool]] = [
            or_(
                list_entry.c.pattern.contains(cut.words, autoescape=True),
                list_entry.c.note.contains(cut.words, autoescape=True),
            )
        ]
        hits = self._hits(cut)
        if len(hits) <= self._few:
            where.append(list_entry.c.id.in_(select(func.json_each(json.dumps(hits)).table_valued("value").c.value)))
        owners = [part.owner for part in parts if part.owner is not None]
        domains = [part.domain for part in parts if part.domain is not None]
        if Part() not in parts:
            mine = or_(list_entry.c.owner.in_(owners), list_entry.c.owner_domain.in_(domains))
            if len(hits) > self._few and self._many(mine):
                # One walk over the table: by an index of owners each row would be fetched from another place.
                mine = or_((list_entry.c.owner + "").in_(owners), (list_entry.c.owner_domain + "").in_(domains))
            where.append(mine)
        if cut.verdict:
            where.append((list_entry.c.verdict + "") == cut.verdict)
        if cut.origin:
            where.append((list_entry.c.origin + "") == cut.origin)
        return self._cut(where, cut)

    def _hits(self, cut: Cut) -> list[int]:
        """Return entries that may have the words; one more than are few where they are many, or the words too short."""
        threes = dict.fromkeys(cut.words[at : at + 3] for at in range(len(cut.words) - 2))
        if not threes:
            return [0] * (self._few + 1)
        match = " AND ".join('"{}"'.format(three.replace('"', '""')) for three in list(threes)[:_MOST_THREES])
        rows = self._connection.exec_driver_sql(
            "SELECT rowid FROM entry_words WHERE entry_words MATCH ? LIMIT ?", (match, self._few + 1)
        )
        return list(rows.scalars())

    def _many(self, where: ColumnElement[bool]) -> bool:
        some = select(list_entry.c.id).where(where).limit(self._few + 1).subquery()
        return (self._connection.execute(select(func.count()).select_from(some)).scalar() or 0) > self._few

    def _cut(self, where: list[ColumnElement[bool]], cut: Cut) -> list[EntryView]:
        query = _behind(_view.where(*where), cut)
        return [EntryView(*row) for row in self._connection.execute(query.limit(cut.most))]

    def get(self, entry_id: int) -> EntryView | None:
        """Return an entry by its id; None where there is none."""
        row = self._connection.execute(_view.where(list_entry.c.id == entry_id)).first()
        return None if row is None else EntryView(*row)

    def named(self, pattern: str, scope: str, verdict: str) -> EntryView | None:
        """Return the one entry of this pattern, scope and verdict; None where there is none."""
        query = _view.where(
            list_entry.c.pattern == pattern, list_entry.c.scope == scope, list_entry.c.verdict == verdict
        )
        row = self._connection.execute(query).first()
        return None if row is None else EntryView(*row)

    def of_patterns(self, patterns: Sequence[str], most: int | None = None) -> list[EntryView]:
        """Return entries with one of these patterns, whatever their scope."""
        found: list[EntryView] = []
        for start in range(0, len(patterns), _CHUNK):
            chosen = {"patterns": list(patterns[start : start + _CHUNK])}
            query = _by_pattern if most is None else _by_pattern.limit(most - len(found))
            found.extend(EntryView(*row) for row in self._connection.execute(query, chosen))
        return found

    def add_all(self, entries: Sequence[tuple[Entry, str]], added_by: str, now: float) -> None:
        """Keep entries, each with its note, none of which is there."""
        ListTable(self._connection).add_new(entries, added_by, now)

    def change(self, entry_id: int, proof: str, note: str, expires_at: float | None) -> None:
        """Save what can change of an entry."""
        self._connection.execute(
            update(list_entry)
            .where(list_entry.c.id == entry_id)
            .values(proof=proof, note=note, expires_at=expires_at, **PERSONS_OWN)
        )
        ListTable(self._connection).changed()

    def remove(self, ids: Sequence[int], removed_by: str, now: float) -> int:
        """Take entries out, together and so that they can come back; return the number of the removal."""
        made = self._connection.execute(insert(removal), {"removed_by": removed_by, "removed_at": now})
        removal_id = inserted_id(made)
        for start in range(0, len(ids), _CHUNK):
            chosen = list_entry.c.id.in_(list(ids[start : start + _CHUNK]))
            self._connection.execute(
                insert(removed_entry).from_select(
                    ["id", "removal_id", *_names],
                    select(list_entry.c.id, literal(removal_id), *(list_entry.c[name] for name in _names)).where(
                        chosen
                    ),
                )
            )
            self._connection.execute(delete(list_entry).where(chosen))
        ListTable(self._connection).changed()
        return removal_id

    def removed_at(self, removal_id: int, removed_by: str) -> float | None:
        """Return when this person removed something; None where there is no such removal of his."""
        query = select(removal.c.removed_at).where(removal.c.id == removal_id, removal.c.removed_by == removed_by)
        return self._connection.execute(query).scalar()

    def restore(self, removal_id: int) -> tuple[int, int]:
        """Put back what was removed together; return how many are back and how many are not."""
        mine = removed_entry.c.removal_id == removal_id
        same = and_(
            list_entry.c.pattern == removed_entry.c.pattern,
            list_entry.c.scope == removed_entry.c.scope,
            list_entry.c.verdict == removed_entry.c.verdict,
        )
        back = self._connection.execute(
            insert(list_entry).from_select(
                ["id", *_names],
                select(removed_entry.c.id, *(removed_entry.c[name] for name in _names)).where(
                    mine, ~exists().where(same)
                ),
            )
        ).rowcount
        total = self._connection.execute(delete(removed_entry).where(mine)).rowcount
        ListTable(self._connection).changed()
        return back, total - back

    def forget_removed(self, before: float) -> None:
        """Drop what was removed, and what was brought and not saved, before then."""
        old = select(removal.c.id).where(removal.c.removed_at < before)
        self._connection.execute(delete(removed_entry).where(removed_entry.c.removal_id.in_(old)))
        self._connection.execute(delete(removal).where(removal.c.removed_at < before))
        self._connection.execute(delete(draft).where(draft.c.made_at < before))

    def used(self, moments: Sequence[tuple[int, float]]) -> None:
        """Note when entries last decided a mail: id, seconds since the epoch."""
        if moments:
            values = [{"entry": entry_id, "at": at} for entry_id, at in moments]
            self._connection.execute(_used, values)
            if self._connection.execute(_lives_on, values).rowcount:
                ListTable(self._connection).changed()

    def put_draft(self, made_by: str, form: str, scope: str, words: str, now: float) -> int:
        """Keep a file until it is saved; return its number."""
        values = {"made_by": made_by, "made_at": now, "form": form, "scope": scope, "words": words}
        return inserted_id(self._connection.execute(insert(draft), values))

    def draft(self, draft_id: int, made_by: str) -> Draft | None:
        """Return a file that this person brought."""
        query = select(draft.c.id, draft.c.made_by, draft.c.form, draft.c.scope, draft.c.words)
        row = self._connection.execute(query.where(draft.c.id == draft_id, draft.c.made_by == made_by)).first()
        return None if row is None else Draft(*row)

    def drop_draft(self, draft_id: int) -> None:
        """Forget a file that was brought."""
        self._connection.execute(delete(draft).where(draft.c.id == draft_id))
