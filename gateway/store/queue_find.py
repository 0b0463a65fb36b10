"""Finding rows of the pending list, so that few are looked at, however many there are.

What is few (see `queue_parts.Limits`) is read whole and sorted. Else what the index of words, or that of scores, names is
collected: where there are not many, they are fetched and sorted. More of them soon fill a page that is read in its
order. Where they do not, because they lie far from its beginning, they are marked in a map of all rows, and the order is
read from the end that is nearer to them, from its index alone (`queue_ordered`). So the work has a bound, whatever is
asked: one walk through the lists of the words, and one through half of an index. A domain that is looked for by its name is
no matter of words: all of its mail is meant. Where a reader has many domains, neither the order nor the words are read for each:
what is found in all mail is compared with them.
"""

from __future__ import annotations

import heapq
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import islice
from operator import itemgetter, neg

from gateway.domain.lifecycle import State
from gateway.flow.queue_ports import Key, Place, Selection
from gateway.store.queue_hits import PASSED_BY, Run, Stream
from gateway.store.queue_map import Few, Map
from gateway.store.queue_order import behind, fits
from gateway.store.queue_ordered import Budget, Found, Ordered, Wanted
from gateway.store.queue_parts import Limits, Part
from gateway.store.queue_sql import Clause, by_ids, by_index
from gateway.store.queue_strips import Strip, behind_in
from gateway.store.queue_words import held_by_domain, rowids_behind

_SAMPLE, _MOST_DOMAINS = 100, 10
"""Hits that tell to which domains nearly all of them go, and how many these may be."""


class Finder(Ordered):
    """Finds and counts rows within one transaction."""

    def __init__(self, run: Run, stream: Stream, limits: Limits) -> None:
        """run: returns all rows of a statement. stream: the first column of its rows, one by one."""
        super().__init__(run, stream, limits)
        self._keys: dict[tuple[Selection, bool], tuple[str, Found]] = {}

    def find(
        self, chosen: Selection, sort: str, descending: bool, start: Key | None, most: int, *, counted: bool = False
    ) -> Found:
        """Return the keys and ids of rows behind `start`; of a key that does not fit the sort, from the beginning.

        counted: they will be counted too, so that what is collected for that may serve both.
        """
        if start is not None and not fits(start, sort):
            start = None
        ask = Wanted(sort, descending, most, start, counted)
        pieces = [piece for part in self.parts_of(chosen, sort) for piece in self._found(part, ask)]
        return list(islice(heapq.merge(*pieces, reverse=descending), most))

    def count(self, chosen: Selection, most: int) -> int:
        """Return how many there are, counting to `most` + 1."""
        total = 0
        for part in self.parts_of(chosen, "arrival"):
            total += self._count(part, most - total)
            if total > most:
                return most + 1
        return total

    def key(self, chosen: Selection, sort: str, row_id: int) -> Key | None:
        """Return the sort key of a row that waits; None where it is not one of those that are meant."""
        for part in self.parts_of(chosen, sort):
            for strip in part.strips if part.waiting else ():
                rest = strip.where.and_(part.days).and_(part.checks)
                found = self.of_ids([row_id], rest, Wanted(sort, False, 1, None, False))
                if found:
                    return found[0][0]
        return None

    def in_front(self, chosen: Selection, sort: str, reverse: bool, key: Key, most: int) -> int | None:
        """Return how many of those that wait stand in front of a key, counting to `most` + 1; None: not soon told."""
        total = 0
        for part in self.parts_of(chosen, sort):
            front = self._in_front(part, Wanted(sort, not reverse, most, key, True)) if part.waiting else 0
            if front is None:
                return None
            total += front
        return min(total, most + 1)

    # --- finding ---

    def _found(self, part: Part, ask: Wanted) -> Sequence[Iterable[tuple[Key, int]]]:
        ask = _from_days(part, ask)
        if self.few(part.strips, part.days):
            return [self._strip(strip, strip.arrival, part, ask) for strip in part.strips]
        wide = self.wide(part, ask.sort)
        if not part.narrow:
            glanced = None if wide is None else self.glanced(wide, ask)
            if glanced is not None:
                return [glanced]
            budget = Budget(self.limits.walked)
            return [self._plain(strip, part, ask, budget) for strip in part.strips]
        # With the lists of many places each hit would be compared.
        by_arrival = part.words and ask.sort == "arrival" and len(part.strips) <= self.limits.many
        if ask.counted or not by_arrival:
            few = self.few_hits(part, ask.sort)
            if len(few.ids) <= self.limits.hits:
                return [self._page(self._sorted(part, few, ask.sort), ask)]
            newest = None if by_arrival else self._among_newest(part, few, ask)
            if newest is not None:
                return [newest]
            by_arrival = by_arrival and (wide is None or few.order == "DESC")
        if by_arrival:
            found = self._by_arrival(part, ask)
            if found is not None:
                return [found]
        glanced = self.glanced(wide or part, ask)
        if glanced is not None:
            return [glanced]
        return self._of_domains(part, ask) or [self.nearest(wide or part, ask)]

    def _of_domains(self, part: Part, ask: Wanted) -> Sequence[Iterable[tuple[Key, int]]]:
        """Read the site's mail by recipient, where nearly all that is meant goes to domains whose names are looked for.

        All of their mail is meant, and it lies together: whatever stands in front of it is not passed by. Returns
        nothing where much is meant besides.
        """
        if not (part.words and part.waiting and part.chosen.place.site and ask.sort == "recipient"):
            return []
        hits = self.few_hits(part, ask.sort).ids
        some = by_ids(hits[:: len(hits) // _SAMPLE + 1], Clause(""))
        found = [domain for (domain,) in self.run(f"SELECT DISTINCT domain {some.sql}", some.values)]
        named = [term for term in part.chosen.terms if term.field == "to"]
        domains = tuple(domain for domain in found if named and all(held_by_domain(term, domain) for term in named))
        if not 0 < len(domains) <= _MOST_DOMAINS:
            return []
        others = self.first(part, part.hits_outside(named, domains), "ASC", self.limits.hits + 1)
        if len(others) > self.limits.hits:
            return []
        rest = tuple(term for term in part.chosen.terms if term not in named)
        inside = replace(part.chosen, place=Place(domains=domains), states=(State.PENDING,), terms=rest)
        pieces = [piece for each in self.parts_of(inside, ask.sort) for piece in self._found(each, ask)]
        return [self.of_ids(others, part.anywhere, ask), *pieces]

    def _sorted(self, part: Part, few: Few, sort: str) -> Found:
        """Return the keys of all that are meant, which are few, in order: they serve pages, places and counts."""
        at = (part.chosen, part.waiting)
        known = self._keys.get(at)
        if known is None or known[0] != sort:
            whole = Wanted(sort, descending=False, most=len(few.ids), start=None, counted=True)
            known = self._keys[at] = sort, self.of_ids(few.ids, few.rest, whole)
        return known[1]

    def _among_newest(self, part: Part, few: Few, ask: Wanted) -> Found | None:
        """Return a page of the newest hits, which are collected; None where it may have others too."""
        if few.order != "DESC" or ask.sort != "arrival" or (ask.descending and not _all_newer(few, ask)):
            return None
        found = self._page(self._sorted(part, few, ask.sort), ask)
        return found if ask.descending or len(found) == ask.most else None

    def _page(self, rows: Found, ask: Wanted) -> Found:
        """Return the first of those behind where a page begins. rows: from the lowest key to the highest."""
        begin, end = self._behind(rows, ask)
        return (
            rows[max(end - ask.most, begin) : end][::-1] if ask.descending else rows[begin : min(begin + ask.most, end)]
        )

    def _behind(self, rows: Found, ask: Wanted) -> tuple[int, int]:
        """Return which of some rows, from the lowest key to the highest, lie behind where a page begins."""
        if ask.start is None:
            return 0, len(rows)
        if ask.descending:
            return 0, bisect_left(rows, ask.start, key=itemgetter(0))
        return bisect_right(rows, ask.start, key=itemgetter(0)), len(rows)

    def _strip(self, strip: Strip, index: str, part: Part, ask: Wanted) -> Found:
        """Look at a strip's rows by this index, one by one."""
        start = behind_in(strip, ask.sort, ask.start, ask.descending)
        if start is None:
            return []
        return self.keys(by_index(index, strip.where.and_(part.days).and_(part.checks).and_(start)), ask)

    def _plain(self, strip: Strip, part: Part, ask: Wanted, budget: Budget) -> Iterable[tuple[Key, int]]:
        """Read a strip in its order, where no words or scores are asked for."""
        if strip.alone:
            return self._strip(strip, strip.ordered, part, ask)
        if self.few([strip], part.days):
            return self._strip(strip, strip.arrival, part, ask)
        return self.in_order(strip, part, ask, budget)

    def _by_arrival(self, part: Part, ask: Wanted) -> Found | None:
        """Read hits in the order of the index of words; None where too many of them are not what is asked for."""
        known = self._known(part, ask) if ask.counted and not part.rest.sql else None
        if known is not None:
            return self.of_ids(known, part.rest, ask)
        rowid = f"{part.table}.rowid"
        hits = part.hits.and_(rowids_behind(rowid, ask.start, ask.descending))
        order = rowid if ask.descending else f"{rowid} DESC"
        query = f"SELECT rowid FROM {part.table} WHERE {hits.sql} ORDER BY {order}"  # noqa: S608 names of our own
        ids = self.stream(query, hits.values)
        found: Found = []
        for _ in range(0, self.limits.walked, ask.most):
            some = list(islice(ids, ask.most))
            found += self.of_ids(some, part.rest, ask)[: ask.most - len(found)]
            if len(found) == ask.most or len(some) < ask.most:
                return found
        return None

    def _known(self, part: Part, ask: Wanted) -> list[int] | None:
        """Return a page of the newest hits, which are collected already; None where it does not lie among them."""
        few = self.few_hits(part)
        newest = few.ids
        if few.order != "DESC":
            return None
        if ask.start is None:
            found = [] if ask.descending else newest[: ask.most]
        elif -float(ask.start[0]) < newest[-1]:
            return None
        elif ask.descending:
            # Whatever is newer is known.
            return newest[: self._newer(newest, ask.start)][::-1][: ask.most]
        else:
            at = bisect_right(newest, float(ask.start[0]), key=neg)
            found = newest[at : at + ask.most]
        return found if len(found) == ask.most else None

    def _newer(self, newest: Sequence[int], start: Key) -> int:
        """Return how many of some hits, the newest first, are newer than a key of the order of arrival."""
        return bisect_left(newest, float(start[0]), key=neg)

    # --- counting ---

    def _count(self, part: Part, most: int) -> int:
        """Count to `most` + 1."""
        few_stand = self.few(part.strips, part.days)
        if few_stand or not part.narrow or (part.chosen.digest is not None and not part.told):
            return self._count_strips(part, part.checks, most, scored=False)
        few = self.few_hits(part)
        if len(few.ids) <= self.limits.hits:
            known = self._keys.get((part.chosen, part.waiting))
            return min(len(known[1]), most + 1) if known else self._count_ids(few.ids, few.rest, most)
        if not part.words:
            return self._count_strips(part, part.checks, most, scored=True)
        if self._count_ids(few.ids, few.rest, most) > most:
            return most + 1
        if not part.rest.sql:
            return self.counted(Clause(f"FROM {part.table} WHERE {part.hits.sql}", part.hits.values), most + 1)
        words = self.mapped_words(self.wide(part, "arrival") or part)
        ids = list(islice(self.scored_hits(part, words), most + 1))
        return self._count_ids(ids, part.rest, most) if len(ids) <= most else most + 1

    def _in_front(self, part: Part, ask: Wanted) -> int | None:
        what, total, there = part.days.and_(part.checks), 0, None
        wide = self.wide(part, ask.sort)
        if part.narrow and not self.few(part.strips, part.days):
            few = self.few_hits(part, ask.sort)
            if len(few.ids) <= self.limits.hits:
                begin, end = self._behind(self._sorted(part, few, ask.sort), ask)
                return min(end - begin, ask.most + 1)
            if part.words and ask.sort == "arrival" and not part.rest.sql:
                return self._newer_words(part, few, wide, ask)
            if wide is not None and ask.sort == "arrival" and ask.descending and _all_newer(few, ask):
                begin, end = self._behind(self._sorted(part, few, ask.sort), ask)
                return min(end - begin, ask.most + 1)
            if wide is not None:
                part, there = wide, self.map_of(wide)
                what = part.days.and_(part.checks)
            elif self.map_of(part) is not None:
                part, hits = self.without_small(part)
                here = part.anywhere.and_(behind(ask.sort, ask.start, ask.descending))
                total, there = self._count_ids(hits, here, ask.most), self.mapped(part)
        elif wide is not None and what.sql:
            part, what = wide, wide.days.and_(wide.checks)
        for strip in part.strips:
            front = self._strip_front(strip, part, what, there, replace(ask, most=ask.most - total))
            if front is None:
                return None
            total += front
        return min(total, ask.most + 1)

    def _newer_words(self, part: Part, few: Few, wide: Part | None, ask: Wanted) -> int:
        """Count hits of the index of words in front of where a page begins, by arrival."""
        if ask.descending and ask.start is not None and few.order == "DESC":
            newer = self._newer(few.ids, ask.start)
            if newer < len(few.ids) or newer > ask.most:
                return min(newer, ask.most + 1)
        if wide is None:
            between = part.hits.and_(rowids_behind(f"{part.table}.rowid", ask.start, ask.descending))
            return self.counted(Clause(f"FROM {part.table} WHERE {between.sql}", between.values), ask.most + 1)
        total, what = 0, behind("arrival", ask.start, ask.descending).and_(self.mapped_words(wide).clause)
        for strip in part.strips:
            total += self.counted(by_index(strip.arrival, strip.where.and_(what)), ask.most + 1 - total)
        return total

    def _strip_front(self, strip: Strip, part: Part, what: Clause, there: Map | None, ask: Wanted) -> int | None:
        """Count what lies in a strip in front of where the page begins; None where too much would be read for it."""
        front = behind_in(strip, ask.sort, ask.start, ask.descending)
        if front is None:
            return 0
        index, read, most = strip.ordered, strip.line.and_(front), self.limits.walked
        if strip.alone and not what.sql:
            return self.counted(by_index(index, read), ask.most + 1)
        if not strip.alone or self.few([strip], part.days):
            index, read = strip.arrival, strip.where.and_(part.days)
        elif there is not None:
            # Only rows that are marked are fetched: so many more are passed by.
            if self.counted(by_index(index, read), most * PASSED_BY + 1) > most * PASSED_BY:
                return None
            read = read.and_(there.clause)
        # What the index does not know is looked for in each row: in no more of them than can be read soon.
        if self.counted(by_index(index, read), most + 1) > most:
            return None
        where = strip.where.and_(front) if there is None else strip.where.and_(front).and_(there.clause)
        return self.counted(by_index(index, where.and_(what)), ask.most + 1)

    def _count_strips(self, part: Part, what: Clause, most: int, *, scored: bool) -> int:
        total = 0
        for strip in part.strips:
            where = strip.where.and_(part.days).and_(what)
            total += self.counted(by_index(strip.scored if scored else strip.arrival, where), most + 1 - total)
        return total

    def _count_ids(self, ids: Sequence[int], rest: Clause, most: int) -> int:
        if not rest.sql:
            return min(len(ids), most + 1)
        return self.counted(by_ids(ids, rest), most + 1) if ids else 0


def _from_days(part: Part, ask: Wanted) -> Wanted:
    """Begin where the days asked for begin, where the order is theirs: no other days are passed by."""
    earliest, latest = part.bounds
    edge = earliest if ask.descending else latest
    if ask.sort != "arrival" or edge is None:
        return ask
    key = (0.5 - edge if ask.descending else -0.5 - edge,)
    if ask.start is not None and (ask.start < key) is ask.descending:
        return ask
    return replace(ask, start=key)


def _all_newer(few: Few, ask: Wanted) -> bool:
    """True where whatever is newer than the place where a page begins, by arrival, is collected."""
    return few.order == "DESC" and ask.start is not None and -float(ask.start[0]) >= few.ids[-1]
