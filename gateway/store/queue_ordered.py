"""Reading a strip of the pending list in the order wanted, from its index alone, up to a page.

The first rows are all fetched; of those behind only what the map marks. Where that does not fill the page, a sample tells
where the others lie. Where they lie together, they are counted there: once none is missing, what stands between is passed
by. Else the shortest way is taken: on in the order; or from its far end, back to the first of them, which is known by
their number; or to fetch all of them. A sample may be wrong: then the way was longer, and what is found is the same.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import islice

from gateway.flow.queue_ports import Key
from gateway.store.queue_hits import PASSED_BY, SAMPLE, Hits, scattered
from gateway.store.queue_map import Map
from gateway.store.queue_order import KEYS, behind, in_order
from gateway.store.queue_parts import Part, part_of
from gateway.store.queue_sql import Clause, by_ids, by_index
from gateway.store.queue_strips import Strip, behind_in, places_of, waiting_in

_MOST_AT_ONCE = 1000
_SURE = 10
"""Hits of a sample that tell that there are many."""
_STRAY = 2
"""Hits of a sample that may still lie behind, where nearly all lie in front."""
_NEAR = 4
"""Rows of a sample by which the furthest hit may lie further than that of the sample."""
Found = list[tuple[Key, int]]
"""Keys, and the ids they belong to."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How the rows of one page are wanted."""

    sort: str
    descending: bool
    most: int
    start: Key | None
    counted: bool

    @property
    def order(self) -> str:
        """The terms of ORDER BY."""
        return in_order(self.sort, self.descending)


@dataclass(slots=True)
class Budget:
    """Rows that all strips of a page together may still fetch in the hope that they fill it."""

    left: int
    strict: bool = False
    """No more may be read: where they do not fill it, another way is taken."""


class _SpentError(Exception):
    """The first rows do not fill the page."""


@dataclass(frozen=True, slots=True)
class _Way:
    """A walk through the order's index."""

    rows: int
    """That are passed by, as far as a sample tells."""
    onward: bool = False
    """It leads on in the order; else it comes from the far end."""
    counted: bool = False
    """It ends where all hits were seen: they are counted for that, and those in front of the page too."""


class Ordered(Hits):
    """Reads rows in their order."""

    def glanced(self, part: Part, ask: Wanted, known: Found | None = None) -> Found | None:
        """Read the strips in their order, and what is known besides; None where their first rows do not fill a page."""
        budget = Budget(self.limits.glanced, strict=True)
        with suppress(_SpentError):
            return self._first([known or [], *(self.in_order(strip, part, ask, budget) for strip in part.strips)], ask)
        return None

    def nearest(self, part: Part, ask: Wanted) -> Found:
        """Read the strips in their order, whose first rows do not fill a page, until they do."""
        left, hits = self.without_small(part)
        known = self.of_ids(hits, part.anywhere, ask)
        nearer, last = self._nearer(left, ask)
        walks = [self._marked(strip, left, nearer) for strip in left.strips] if last is None else [last]
        return self._first([known, *walks], ask)

    def _nearer(self, part: Part, ask: Wanted) -> tuple[Wanted, Found | None]:
        """Begin shortly in front of all that is meant, where it lies together and far off.

        A sample tells where it lies. That nothing else does is sure when all of it is counted there. Where so all but
        what is near lies in front of where the page begins, that is returned, and is all there is.
        """
        start, there, here = ask.start, self.mapped(part), waiting_in(part.chosen)
        rows = self._sampled(int, here, part, ask)
        some = self._sampled(there.hit_near, here.and_(part.days).and_(part.checks), part, ask)
        if ask.descending:
            rows, some = rows[::-1], some[::-1]

        def place(key: Key) -> int:
            return sum((row > key) if ask.descending else (row < key) for row in rows)

        if not some:
            return ask, None
        begin, first, last = (0 if start is None else place(start)), place(some[0]), place(some[-1])
        beyond = [key for key in some if start is None or (key < start if ask.descending else key > start)]
        if start is not None and len(beyond) <= _STRAY and begin - first < len(rows) - begin:
            left = self._missing(part, replace(ask, descending=not ask.descending), begin - first, itself=True)
            near = self._near(part, ask, left)
            return ask, self.of_ids(near, here.and_(part.days).and_(part.checks), ask) if len(near) == left else None
        edge = first - _NEAR
        if edge <= begin or last - edge > edge - begin:
            return ask, None
        nearer = replace(ask, start=rows[edge])
        return ask if self._missing(part, nearer, last - edge, itself=False) else nearer, None

    def _missing(self, part: Part, ask: Wanted, span: int, *, itself: bool) -> int:
        """Return how many hits do not lie behind the start, or have it, at most so many rows of a sample further."""
        there = self.mapped(part)
        hits, left = there.clause, there.count
        reach = (span + _NEAR) * self._step(there)
        for strip in part.strips:
            further = behind_in(strip, ask.sort, ask.start, ask.descending, itself=itself)
            if further is not None:
                rows = by_index(strip.ordered, strip.line.and_(further))
                near = Clause(f"SELECT id {rows.sql} ORDER BY {ask.order} LIMIT ?", (*rows.values, reach))
                left -= self.counted(Clause(f"FROM ({near.sql}) WHERE {hits.sql}", near.values + hits.values), left)
        return left

    def _near(self, part: Part, ask: Wanted, most: int) -> list[int]:
        """Return hits that lie shortly behind where the page begins; none where they may be more than that."""
        there, near = self.mapped(part), list[int]()
        hits = there.clause
        for strip in part.strips if most <= self.limits.walked else ():
            line = self._line(strip, part, ask)
            if line is not None:
                rows = by_index(strip.ordered, line)
                some = Clause(f"SELECT id {rows.sql} ORDER BY {ask.order} LIMIT ?", (*rows.values, self.limits.walked))
                query = f"SELECT id FROM ({some.sql}) WHERE {hits.sql}"  # noqa: S608 names of our own
                near += self.ids(Clause(query, some.values + hits.values))
        return near

    def _first(self, pieces: Sequence[Iterable[tuple[Key, int]]], ask: Wanted) -> Found:
        return list(islice(heapq.merge(*pieces, reverse=ask.descending), ask.most))

    def without_small(self, part: Part) -> tuple[Part, list[int]]:
        """Return what is left of a part without its small places, and what is marked there, where it is little.

        What an order's index tells of them is not worth a walk through it for each.
        """
        large = {strip.place for strip in part.strips if not self._small(strip)}
        small = [strip for strip in part.strips if strip.place not in large]
        if len(small) < 2 or not large:
            return part, []
        there, found = self.mapped(part), list[int]()
        hits = there.clause
        for strip in small:
            rows = by_index(strip.arrival, strip.where.and_(hits))
            found += self.ids(Clause(f"SELECT id {rows.sql}", rows.values), self.limits.hits + 1 - len(found))
            if len(found) > self.limits.hits:
                return part, []
        left = self._within(part, [strip for strip in part.strips if strip.place in large])
        self.put_map(left, there.without(found))
        return left, found

    def _within(self, part: Part, strips: Sequence[Strip]) -> Part:
        return replace(part, chosen=replace(part.chosen, place=places_of(strips)), strips=tuple(strips))

    def _small(self, strip: Strip) -> bool:
        most = self.limits.walked
        return self.counted(by_index(strip.arrival, strip.where), most) < most

    def in_order(self, strip: Strip, part: Part, ask: Wanted, budget: Budget) -> Iterator[tuple[Key, int]]:
        """Read the order from its index: its first rows are all fetched, later ones where the map marks them.

        Raises _SpentError before those where the budget is strict.
        """
        line = self._line(strip, part, ask)
        if line is None:
            return
        rows = by_index(strip.ordered, line)
        ids = self.stream(f"SELECT id {rows.sql} ORDER BY {ask.order}", rows.values)
        what = strip.where.and_(part.days).and_(part.checks)
        most, last = ask.most, 0
        while budget.left > 0:
            some = list(islice(ids, most))
            yield from self.of_ids(some, what, replace(ask, most=most))
            if len(some) < most:
                return
            budget.left -= most
            most, last = min(2 * most, _MOST_AT_ONCE), some[-1]
        if budget.strict:
            raise _SpentError
        yield from self._marked(strip, part, self._further(ask, last))

    def _marked(self, strip: Strip, part: Part, ask: Wanted) -> Iterator[tuple[Key, int]]:
        """Read on, and fetch only what the map marks: first nearby, then by the shortest way to it."""
        line = self._line(strip, part, ask)
        if line is None:
            return
        there = self.mapped(part)
        hits = there.clause
        what = strip.where.and_(part.days).and_(part.checks)
        rows = by_index(strip.ordered, line)
        nearby = Clause(f"SELECT id {rows.sql} ORDER BY {ask.order}", rows.values)
        last = self.ids(nearby, 1, self.limits.walked - 1) if part.narrow else []
        if last:
            values = (*nearby.values, self.limits.walked, *hits.values)
            some = self.stream(f"SELECT id FROM ({nearby.sql} LIMIT ?) WHERE {hits.sql}", values)  # noqa: S608 names of our own
            yield from self._fetched(some, what, ask)
            yield from self._far(strip, part, what, self._further(ask, last[0]))
        else:
            rows = by_index(strip.ordered, line.and_(hits))
            yield from self._fetched(self.stream(f"SELECT id {rows.sql} ORDER BY {ask.order}", rows.values), what, ask)

    def _far(self, strip: Strip, part: Part, what: Clause, ask: Wanted) -> Iterator[tuple[Key, int]]:
        """Fetch what lies further off."""
        there = self.mapped(part)
        line = self._line(strip, part, ask)
        assert line is not None
        way = min(self._ways(strip, what, part, ask), key=lambda way: way.rows)
        if there.count * PASSED_BY < way.rows:
            yield from self.of_ids(there.ids(), what, ask)
            return
        hits = there.clause
        most = self._left(strip, part, hits, ask) if way.counted else -1
        rows = by_index(strip.ordered, line.and_(hits))
        if not way.onward:
            # In front of the first of them there is nothing: the walk ends where all were seen.
            backwards = in_order(ask.sort, not ask.descending)
            ids = iter(self.ids(Clause(f"SELECT id {rows.sql} ORDER BY {backwards}", rows.values), most)[::-1])
        else:
            ids = self.stream(f"SELECT id {rows.sql} ORDER BY {ask.order} LIMIT ?", (*rows.values, most))
        yield from self._fetched(ids, what, ask)

    def _fetched(self, ids: Iterator[int], what: Clause, ask: Wanted) -> Iterator[tuple[Key, int]]:
        while some := list(islice(ids, ask.most)):
            yield from self.of_ids(some, what, ask)

    def _left(self, strip: Strip, part: Part, hits: Clause, ask: Wanted) -> int:
        """Return how many hits of a strip lie behind where the page begins."""
        most = self.count_hits(part_of(part, strip) if len(part.strips) > 1 else part)
        before = behind_in(strip, ask.sort, ask.start, not ask.descending, itself=True)
        if ask.start is not None and before is not None:
            most -= self.counted(by_index(strip.ordered, strip.line.and_(before).and_(hits)), -1)
        return most

    def _ways(self, strip: Strip, what: Clause, part: Part, ask: Wanted) -> tuple[_Way, _Way]:
        """Tell by a few of the hits, and a few rows of the strip, how far it is to those behind where the page begins."""
        there = self.mapped(part)
        step = self._step(there)
        rows = self._sampled(int, strip.line, part, ask)
        some = self._sampled(there.hit_near, what, part, ask)

        def place(key: Key) -> int:
            return len(rows) - bisect_right(rows, key) if ask.descending else bisect_left(rows, key)

        start = ask.start
        begin = 0 if start is None else place(start)
        found = [place(key) for key in some if start is None or (key < start if ask.descending else key > start)]
        front = begin if len(found) < len(some) else 0
        if len(found) < _SURE and len(found) < len(some):
            # There may be fewer behind than fill the page: all is passed by, or their number tells where to stop.
            counted = (front + max(found, default=begin) - begin + 1) * step + there.count
            return _Way((len(rows) - begin) * step, onward=True), _Way(counted, onward=True, counted=True)
        first = min(found, default=len(rows))
        return _Way((first - begin) * step, onward=True), _Way(
            (len(rows) - first + front) * step + there.count, counted=True
        )

    def _step(self, there: Map) -> int:
        """Return how many rows one of a sample stands for."""
        return max(len(there.marks) // SAMPLE, 1)

    def _sampled(self, pick: Callable[[int], int], what: Clause, part: Part, ask: Wanted) -> list[Key]:
        """Return the keys of some rows that hold a condition, in order.

        pick: tells a place in the map for each of some that lie evenly in it; below 0 where there is none.
        """
        there = self.mapped(part)
        places = scattered(len(there.marks))
        ids = [there.lowest + at for at in sorted({pick(at) for at in places}) if at >= 0]
        plain = replace(ask, descending=False, start=None, most=len(places))
        return [key for key, _ in self.of_ids(ids, what, plain)]

    def _line(self, strip: Strip, part: Part, ask: Wanted) -> Clause | None:
        """Return what the index in the order wanted knows of a strip's rows; None where all lie in front of the page."""
        reasons, start = part.chosen.reasons, ask.start
        if ask.sort == "reason" and len(reasons) == 1 and (start is None or start[:1] == reasons):
            # What all rows share is looked for, not passed by.
            front = behind("arrival", start and start[1:], ask.descending)
            return strip.line.and_(Clause("reason = ?", reasons)).and_(front)
        further = behind_in(strip, ask.sort, start, ask.descending)
        line = strip.line if ask.sort != "score" else strip.line.and_(self._scores(part, ask))
        if ask.sort == "arrival":
            line = line.and_(part.last_day(ask.descending))
        return None if further is None else line.and_(further)

    def _scores(self, part: Part, ask: Wanted) -> Clause:
        """Return where the walk by score begins, or ends: not both bounds on one side, as only one would be of use."""
        score = part.chosen.score
        ends = score is not None and score.sign in (("<", "<=") if not ask.descending else (">", ">="))
        return part.score if ask.start is None or ends else Clause("")

    def _further(self, ask: Wanted, row_id: int) -> Wanted:
        """Ask for what lies behind a row; 0: behind where the page begins."""
        if not row_id:
            return ask
        ((key, _),) = self.of_ids([row_id], Clause(""), replace(ask, start=None))
        return replace(ask, start=key)

    def of_ids(self, ids: Sequence[int], rest: Clause, ask: Wanted) -> Found:
        """Fetch rows, and return those that hold the rest, in order."""
        start = behind(ask.sort, ask.start, ask.descending)
        return self.keys(by_ids(ids, rest.and_(start)), ask) if ids else []

    def keys(self, rows: Clause, ask: Wanted) -> Found:
        """Return the keys and the ids of the first of some rows."""
        query = f"SELECT {', '.join(KEYS[ask.sort])}, id {rows.sql} ORDER BY {ask.order} LIMIT ?"
        return [(tuple(row[:-1]), row[-1]) for row in self.run(query, (*rows.values, ask.most))]
