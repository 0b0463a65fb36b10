"""Lists: a person looks at allow and deny entries, adds, changes, removes them, and takes a removal back."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from gateway.domain.address import Address, without_tag
from gateway.domain.lists import (
    Entry,
    Verdict,
    merge_entries,
    parse_scope,
    scope_keys,
    sender_keys,
    winner,
)
from gateway.domain.roles import Right, Viewer
from gateway.flow.list_ports import Cut, EntryStore, EntryTx, EntryView, Part
from gateway.flow.list_rights import acts_on, may_change, parts_in_reach, parts_that_act
from gateway.flow.typed_entries import NewEntry, check_end, checked, stored_note
from gateway.log import event

_log = logging.getLogger("gateway.lists")

SITE = "site"
"""In a filter: entries for everybody, and no others."""
MOST_REMOVED = 1000
"""Entries that can be removed at a time."""
_RIVALS = 2000
"""Entries of the same patterns that are looked at, to say which one wins."""
_CLICK = 5.0
"""Seconds the last click may be on its way."""


class TooLate(Exception):
    """What was removed can no longer come back by itself."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which entries to show; an empty field filters nothing."""

    verdict: str = ""
    words: str = ""
    whose: str = ""
    """A recipient, a domain with its recipients, or SITE, as typed."""
    before: int | None = None
    after: int | None = None
    most: int = 50
    origin: str = ""
    """WRITTEN_TO: only those that were learned."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One entry as this person sees it."""

    view: EntryView
    mine: bool
    """He may change it."""
    holds: bool
    """It has not expired."""
    rival: EntryView | None = None
    """An entry of the same pattern that goes first, for some or all of those this one is for."""


@dataclass(frozen=True, slots=True)
class Page:
    """Some entries, the newest first."""

    rows: tuple[Shown, ...]
    newer: int | None = None
    """`after` of the page before; None where this is the first."""
    older: int | None = None
    """`before` of the page behind; None where this is the last."""


@dataclass(frozen=True, slots=True)
class Judged:
    """Which entries name a sender, for one recipient."""

    sender: str
    recipient: str
    rows: tuple[Shown, ...]
    """Those that name it, the one that wins first."""


@dataclass(frozen=True, slots=True)
class Added:
    """What became of an entry that was added."""

    view: EntryView
    new: bool
    """False: one of the same name was there, and has what is new of this one."""


@dataclass(frozen=True, slots=True)
class Removal:
    """Entries that were removed together."""

    id: int
    count: int


class Lists:
    """Entries for a person, within his reach; what lies beyond is as if it were not there."""

    def __init__(self, store: EntryStore, undo_seconds: float, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self.undo_seconds = undo_seconds

    async def page(self, viewer: Viewer, wanted: Wanted) -> Page:
        """Return entries that are his, and those of his domain and the site that also act on his mail."""
        parts, now = _parts(viewer, wanted.whose), self._now()
        words = _stored_words(wanted.words)
        cut = Cut(wanted.verdict, words, wanted.before, wanted.after, wanted.most + 1, wanted.origin)

        def work(tx: EntryTx) -> Page:
            found = _merged(tx, parts, cut)
            more = len(found) > wanted.most
            views = found[: wanted.most]
            rising = wanted.after is not None
            if rising:
                views.reverse()
            rivals = tx.entries.of_patterns([view.pattern for view in views], _RIVALS)
            first = not more if rising else wanted.before is None
            last = False if rising else not more
            return Page(
                tuple(_shown(viewer, view, rivals, now) for view in views),
                newer=views[0].id if views and not first else None,
                older=views[-1].id if views and not last else None,
            )

        return await self._store.look(work)

    async def get(self, viewer: Viewer, entry_id: int) -> Shown | None:
        """Return one entry that he may see."""
        now = self._now()

        def work(tx: EntryTx) -> Shown | None:
            view = tx.entries.get(entry_id)
            if view is None or not acts_on(viewer.reach, view.scope):
                return None
            return _shown(viewer, view, tx.entries.of_patterns([view.pattern], _RIVALS), now)

        return await self._store.look(work)

    async def judge(self, viewer: Viewer, sender: str, recipient: str) -> Judged | None:
        """Say which entries name a sender and which one wins; None for a recipient who is not his."""
        who, whom, now = Address.of(sender), Address.of(recipient), self._now()
        if not viewer.reach.covers_recipient(whom.key):
            return None

        def work(tx: EntryTx) -> Judged:
            views = {view.id: view for view in tx.entries.of_patterns(sender_keys(who), _RIVALS)}
            left, ranked = [view.entry for view in views.values()], []
            while (best := winner(left, (who,), whom, now=now)) is not None:
                ranked.append(views[best.id])
                left.remove(best)
            return Judged(who.text, whom.text, tuple(_shown(viewer, view, (), now) for view in ranked))

        return await self._store.look(work)

    async def add(self, viewer: Viewer, new: NewEntry) -> Added:
        """Add an entry. Raises Refused."""
        entry, note, now = *checked(viewer, new, self._now()), self._now()

        def work(tx: EntryTx) -> Added:
            old = _same(tx, entry)
            if old is None:
                tx.entries.add_all([(entry, note)], viewer.name, now)
            else:
                merged = merge_entries(old.entry, entry, now)
                tx.entries.change(old.id, merged.proof, note or old.note, merged.expires_at)
            made = _same(tx, entry)
            assert made is not None
            return Added(made, old is None)

        added = await self._store.transact(work)
        _logged("added", viewer, [added.view])
        return added

    async def change(self, viewer: Viewer, entry_id: int, note: str, expires_at: float | None) -> EntryView | None:
        """Save a note and an end; None for an entry that is not his. Raises Refused."""
        text, now = stored_note(note), self._now()

        def work(tx: EntryTx) -> EntryView | None:
            view = tx.entries.get(entry_id)
            if view is None or not may_change(viewer, view):
                return None
            if expires_at != view.expires_at:
                check_end(expires_at, now)
            tx.entries.change(entry_id, view.proof, text, expires_at)
            return replace(view, note=text, expires_at=expires_at)

        changed = await self._store.transact(work)
        if changed is not None:
            _logged("changed", viewer, [changed])
        return changed

    async def remove(self, viewer: Viewer, ids: Sequence[int]) -> Removal | None:
        """Remove those of these entries that are his, at once and together; None where none is."""
        now = self._now()

        def work(tx: EntryTx) -> tuple[Removal, list[EntryView]] | None:
            found = (tx.entries.get(entry_id) for entry_id in dict.fromkeys(ids[:MOST_REMOVED]))
            mine = [view for view in found if view is not None and may_change(viewer, view)]
            if not mine:
                return None
            removal = tx.entries.remove([view.id for view in mine], viewer.name, now)
            return Removal(removal, len(mine)), mine

        done = await self._store.transact(work)
        if done is None:
            return None
        _logged("removed", viewer, done[1])
        return done[0]

    async def undo(self, viewer: Viewer, removal_id: int) -> tuple[int, int] | None:
        """Put back what he has just removed, as it was.

        Returns how many are back and how many are not, for others of the same name were made meanwhile; None where
        the removal is not his. Raises TooLate.
        """
        if not viewer.may(Right.EDIT_LISTS):
            return None
        since = self._now() - self.undo_seconds - _CLICK

        def work(tx: EntryTx) -> tuple[int, int] | None:
            at = tx.entries.removed_at(removal_id, viewer.name)
            if at is None:
                return None
            if at < since:
                raise TooLate
            return tx.entries.restore(removal_id)

        done = await self._store.transact(work)
        if done is not None:
            event(_log, "list-removal-undone", removal=removal_id, actor=viewer.name, entries=done[0])
        return done


def _parts(viewer: Viewer, whose: str) -> list[Part]:
    reach = viewer.reach
    if not whose:
        return [*parts_in_reach(reach), *parts_that_act(reach)]
    if whose == SITE:
        return [Part(owner="")]
    try:
        scope = parse_scope(whose)
    except ValueError:
        return []
    if not acts_on(reach, scope):
        return []
    if scope.startswith("@") and reach.covers_scope(scope):
        return [Part(domain=scope[1:])]
    return [Part(owner=without_tag(scope))]


MANY_PARTS = 8
"""Of more it is tried whether the next entries of all are enough, before each is asked for its own."""


def _merged(tx: EntryTx, parts: Sequence[Part], cut: Cut) -> list[EntryView]:
    """Return the next entries of all parts together; each part answers from an index of its own."""
    if cut.words and parts:
        return tx.entries.search(parts, cut)
    near = tx.entries.near(parts, cut) if len(parts) > MANY_PARTS else None
    if near is not None:
        return near
    found: list[EntryView] = []
    for part in parts:
        everything = part == Part()
        for verdict in [cut.verdict] if cut.verdict or everything else [each.value for each in Verdict]:
            found += tx.entries.page(part, replace(cut, verdict=verdict))
    return sorted(found, key=lambda view: view.id, reverse=cut.after is None)[: cut.most]


def _stored_words(words: str) -> str:
    """Return what is looked for, as patterns are stored: `*.oak.example` is kept as `@.oak.example`."""
    return words.strip().removeprefix("*")[:200]


def _shown(viewer: Viewer, view: EntryView, others: Iterable[EntryView], now: float) -> Shown:
    rivals = (other for other in others if _goes_first(other, view, now) and acts_on(viewer.reach, other.scope))
    return Shown(view, may_change(viewer, view), view.entry.holds(now), next(rivals, None))


def _goes_first(other: EntryView, view: EntryView, now: float) -> bool:
    """True where another entry of this pattern says the contrary, and wins for some of those this one is for."""
    if other.pattern != view.pattern or other.verdict == view.verdict or not other.entry.holds(now):
        return False
    if other.scope == view.scope:
        return other.verdict == Verdict.DENY.value
    nearer = scope_keys(Address(other.scope, other.scope))
    return view.scope in nearer if not other.scope.startswith("@") else bool(other.scope) and view.scope == ""


def _same(tx: EntryTx, entry: Entry) -> EntryView | None:
    """Return the entry of the same name that is there."""
    return tx.entries.named(entry.pattern, entry.scope, entry.verdict.value)


def _logged(what: str, viewer: Viewer, views: Sequence[EntryView]) -> None:
    for view in views:
        event(_log, "list-entry", what=what, entry=view.id, verdict=view.verdict, pattern=view.pattern, scope=view.scope,
              actor=viewer.name)  # fmt: skip
