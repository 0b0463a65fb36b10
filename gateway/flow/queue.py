"""Queue: what waits for the people who are signed in, in pages, searched and sorted, within their reach."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from gateway.domain.address import normal_form
from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.query import Query, read_query
from gateway.domain.roles import Right, Viewer
from gateway.flow.queue_ports import (
    LANES,
    MACHINE,
    PEOPLE,
    SORTS,
    Group,
    Key,
    Place,
    QueueStore,
    QueueTx,
    Row,
    Selection,
)
from gateway.flow.reader_days import later, midnight, zone_of

SIZES = (50, 100, 200)
MOST_COUNTED = 10_000
GROUPS = 100
"""Sources of machine mail on one page."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Which page a person wants."""

    box: str = ""
    """What stands in the search box."""
    lane: str = PEOPLE
    """"" is both: a search looks everywhere."""
    source: str = ""
    sort: str = "arrival"
    reverse: bool = False
    """Against the sort's own direction: the oldest first, from Z to A."""
    after: Key | None = None
    """Rows behind this one."""
    before: Key | None = None
    """Rows in front of this one, the nearest."""
    size: int = SIZES[0]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the list."""

    rows: tuple[Row, ...]
    total: int
    """At most MOST_COUNTED + 1, which means: more."""
    next: Key | None
    previous: Key | None
    query: Query
    sort: str
    """What it is sorted by: not what was asked for where that cannot be."""
    groups: tuple[Group, ...] = ()
    more_groups: str = ""
    """The source behind which further groups follow; "" where there are none."""
    told_at: float | None = None
    """When the viewer's last digest was made; None: none has come to him."""


@dataclass(frozen=True, slots=True)
class Spot:
    """Where one row stands in a list, and what stands next to it."""

    number: int
    """From 1 on; 0 where counting would take too long."""
    total: int
    """At most MOST_COUNTED + 1, which means: more."""
    previous: int
    """The row in front of it; 0 where there is none."""
    next: int
    """The row behind it; 0 where there is none."""


_NO_CONTENT = phrase("Your role does not show subjects and files: words are looked for in addresses only.")
_NO_DIGEST = phrase("No digest has come to you yet: after:digest filters nothing.")


class Queue:
    """Shows each person the rows within reach."""

    def __init__(self, store: QueueStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def page(self, viewer: Viewer, ask: Ask) -> Page:
        """Return one page. What the viewer must not see is not in it, and cannot be searched for."""
        query = await self.query(viewer, ask.box)
        if not viewer.may(Right.SEE_PENDING):
            return Page((), 0, None, None, query, "arrival")
        chosen = self.selection(viewer, query, ask.lane, ask.source)
        sort = _fitting_sort(ask.sort, chosen, query)
        size = ask.size if ask.size in SIZES else SIZES[0]
        backwards = ask.before is not None
        start = ask.before if backwards else ask.after

        def work(tx: QueueTx) -> tuple[Sequence[Row], int, float | None]:
            table = tx.queue
            rows = table.page(chosen, sort, ask.reverse, start, backwards, size + 1, viewer.account)
            # What fits on the first page is counted already.
            counted = start is None and len(rows) <= size
            total = len(rows) if counted else table.count(chosen, MOST_COUNTED)
            return rows, total, table.told_at(viewer.account)

        found, total, told_at = await self._store.look(work)
        more = len(found) > size
        rows = [_fit(row, chosen.content) for row in (reversed(found[:size]) if backwards else found[:size])]
        return Page(
            rows=tuple(rows),
            total=total,
            next=rows[-1].key if rows and (more or backwards) else None,
            previous=rows[0].key if rows and (more if backwards else start is not None) else None,
            query=query,
            sort=sort,
            told_at=told_at,
        )

    async def groups(self, viewer: Viewer, behind: str = "") -> Page:
        """Return a page of the machine lane, a group for each source."""
        query = Query()
        if not viewer.may(Right.SEE_PENDING):
            return Page((), 0, None, None, query, "arrival")
        chosen = self.selection(viewer, query, MACHINE)

        def work(tx: QueueTx) -> tuple[Sequence[Group], int]:
            found = tx.queue.groups(chosen, behind, GROUPS + 1, viewer.account)
            return found, tx.queue.count(chosen, MOST_COUNTED)

        found, total = await self._store.look(work)
        groups = tuple(replace(one, newest=_fit(one.newest, chosen.content)) for one in found[:GROUPS])
        last = groups[-1].source if len(found) > GROUPS else ""
        return Page((), total, None, None, query, "arrival", groups, last)

    async def counts(self, viewer: Viewer) -> dict[str, int]:
        """Return how many rows wait in each lane, counting to MOST_COUNTED + 1."""
        if not viewer.may(Right.SEE_PENDING):
            return dict.fromkeys(LANES, 0)
        chosen = {lane: self.selection(viewer, Query(), lane) for lane in LANES}
        return await self._store.look(
            lambda tx: {lane: tx.queue.count(one, MOST_COUNTED) for lane, one in chosen.items()}
        )

    async def one(self, viewer: Viewer, row_id: int) -> Row | None:
        """Return one row; None for what is not there, or not within reach."""
        if not viewer.may(Right.SEE_PENDING):
            return None
        row = await self._store.look(lambda tx: tx.queue.one(row_id, viewer.account))
        if row is None or not viewer.reach.covers_recipient(normal_form(row.recipient)):
            return None
        return _fit(row, viewer.may(Right.READ_CONTENT))

    async def in_hand(self, row_id: int) -> bool:
        """True where it was decided what becomes of a row, and that is not done yet. row_id: within the viewer's reach."""
        return await self._store.look(lambda tx: tx.queue.in_hand(row_id))

    async def spot(self, viewer: Viewer, ask: Ask, row: Row) -> Spot | None:
        """Return where a row stands in the list that was asked for; None where it is not in it, or waits no longer."""
        query = await self.query(viewer, ask.box)
        # Who came without a search goes along the lane that the mail is in.
        lane = ask.lane or ("" if ask.box.strip() else row.lane)
        chosen = replace(self.selection(viewer, query, lane, ask.source), states=(State.PENDING,))
        if State.PENDING not in query.states:
            return None
        sort = _fitting_sort(ask.sort, chosen, query)

        def work(tx: QueueTx) -> Spot | None:
            table = tx.queue
            key = table.key(chosen, sort, row.id)
            if key is None:
                return None
            before = table.page(chosen, sort, ask.reverse, key, True, 1, viewer.account)
            behind = table.page(chosen, sort, ask.reverse, key, False, 1, viewer.account)
            total = table.count(chosen, MOST_COUNTED)
            front = table.in_front(chosen, sort, ask.reverse, key, MOST_COUNTED)
            known = front is not None and front <= MOST_COUNTED
            return Spot(
                number=front + 1 if known and front is not None else 0,
                total=total,
                previous=before[0].id if before else 0,
                next=behind[0].id if behind else 0,
            )

        return await self._store.look(work)

    async def see(self, viewer: Viewer, row_id: int) -> None:
        """Note that the viewer has opened a row; an admin who looks over a user's shoulder leaves no trace there."""
        if not viewer.looks_as and await self.one(viewer, row_id) is not None:
            await self._store.transact(lambda tx: tx.queue.see(viewer.account, [row_id]))

    async def query(self, viewer: Viewer, box: str) -> Query:
        """Read the search box by the viewer's calendar."""
        query = read_query(box, datetime.fromtimestamp(self._now(), zone_of(viewer)).date())
        if query.since_digest:
            told_at = await self._store.look(lambda tx: tx.queue.told_at(viewer.account))
            query = replace(query, told_at=told_at)
            if told_at is None:
                query = replace(query, faults=(*query.faults, _NO_DIGEST))
        hidden = query.has_file or any(term.field in ("subject", "file") for term in query.terms)
        if hidden and not viewer.may(Right.READ_CONTENT):
            return replace(query, faults=(*query.faults, _NO_CONTENT))
        return query

    def selection(self, viewer: Viewer, query: Query, lane: str = "", source: str = "") -> Selection:
        """Return which rows a search means for this viewer. lane: "" is both."""
        content = viewer.may(Right.READ_CONTENT)
        zone = zone_of(viewer)
        terms = query.terms
        if not content:
            terms = tuple(term for term in terms if term.field in ("", "from", "to"))
        return Selection(
            place=Place.of(viewer.reach),
            # Only machines have a source.
            lanes=(MACHINE,) if source else (lane,) if lane in LANES else LANES,
            states=query.states,
            terms=terms,
            reasons=query.reasons,
            after=later(midnight(query.after, zone), query.told_at),
            before=midnight(query.before, zone),
            has_file=query.has_file and content,
            source=source,
            score=query.score,
            unseen_by=viewer.account if query.unseen else None,
            digest=query.digest,
            content=content,
        )


def _fitting_sort(wanted: str, chosen: Selection, query: Query) -> str:
    """Return the sort that was asked for, or by arrival where that one cannot be."""
    if wanted not in SORTS or query.states != (State.PENDING,) or (wanted == "subject" and not chosen.content):
        return "arrival"
    return wanted


def _fit(row: Row, content: bool) -> Row:
    """Return the row as the viewer may see it."""
    return row if content else replace(row, subject="", files=())
