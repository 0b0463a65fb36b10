"""Which rows of the pending list the indexes of words and of scores name, with as little reading as they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import Any

import msgspec

from gateway.domain.lifecycle import State
from gateway.domain.query import Term
from gateway.flow.queue_ports import LANES, Place, Selection
from gateway.store.queue_filters import checks, days, score_between
from gateway.store.queue_map import Few, Map
from gateway.store.queue_parts import Limits, Part
from gateway.store.queue_sql import Clause, Values, by_ids, by_index
from gateway.store.queue_strips import Strip, ended_states, ended_strips, in_place, waiting_strips
from gateway.store.queue_words import by_domain, rowids_between, wants_words

_ANY = Clause("")
PASSED_BY = 8
"""Rows of an index that are read in the time that it takes to fetch one by its id."""
SAMPLE = 400
"""Rows, and as many hits, that tell where hits lie, or how much lies in some places; fetched within a millisecond."""
_LEAP = 40_503
"""Prime to the steps of most samples: it scatters what is picked."""
_FREQUENT = 6
"""One of so many of all mail has the words, where they are frequent elsewhere."""
_SLICE = 500_000
"""Ids that are listed at once, so that no list takes much memory."""
_ids = msgspec.json.Decoder(list[int])


Run = Callable[[str, Values], Sequence[Any]]
Stream = Callable[[str, Values], Iterator[int]]


def scattered(most: int) -> list[int]:
    """Return places of a sample, below so many.

    Not one in so many: those may have something in common, as mail that comes in turns has.
    """
    step = max(most // SAMPLE, 1)
    return [min(at + at // step * _LEAP % step, most - 1) for at in range(0, most, step)]


class Hits:
    """What one transaction knows of the rows that are meant, so that nothing is looked up twice."""

    def __init__(self, run: Run, stream: Stream, limits: Limits) -> None:
        """run: returns all rows of a statement. stream: the first column of its rows, one by one."""
        self.run = run
        self.stream = stream
        self.limits = limits
        self._parts: dict[tuple[Selection, str], list[Part]] = {}
        self._hits: dict[tuple[Selection, bool], Few] = {}
        self._ends: tuple[int, int] | None = None
        self._shares: dict[Place, bool] = {}
        self._others: dict[tuple[Place, tuple[Term, ...]], tuple[str, ...]] = {}
        self._words: dict[tuple[Selection, bool], Map] = {}
        self._maps: dict[tuple[Selection, bool], Map] = {}

    def few(self, strips: Iterable[Strip], when: Clause) -> bool:
        """True where they hold so little that all of it may be read."""
        left = self.limits.few
        for strip in strips:
            left -= self.counted(by_index(strip.arrival, strip.where.and_(when)), left)
            if left <= 0:
                return False
        return True

    def counted(self, rows: Clause, most: int) -> int:
        """Return how many rows there are, at most `most`."""
        query = f"SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT ?)"  # noqa: S608 names of our own
        return int(self.run(query, (*rows.values, most))[0][0])

    # --- parts ---

    def parts_of(self, chosen: Selection, sort: str) -> list[Part]:
        """Return what waits of a selection, and what has ended, where they are meant."""
        known = self._parts.get((chosen, sort))
        if known is None:
            known = self._parts[chosen, sort] = list(self._cut(chosen, sort))
        return known

    def _cut(self, chosen: Selection, sort: str) -> Iterator[Part]:
        earliest = None if chosen.after is None else self._first_since(chosen.after)
        latest = None if chosen.before is None else self._first_since(chosen.before) - 1
        told = False
        if chosen.digest is not None:
            # What one digest told of came within a while, mostly a day: no more is read.
            first, last, count = self.run(
                "SELECT min(pending_id), max(pending_id), count(*) FROM digest_item WHERE digest_id = ?",
                (chosen.digest,),
            )[0]
            earliest = max(earliest or 0, first or 0)
            latest = min(2**62 if latest is None else latest, last or 0)
            told = count <= self.limits.hits
        bounds = earliest, latest
        for waiting in (True, False):
            asked = State.PENDING in chosen.states if waiting else ended_states(chosen)
            apart: tuple[str, ...] = ()
            for one in by_domain(chosen) if asked else ():
                strips = tuple(map(self._nearest, waiting_strips(one, sort) if waiting else ended_strips(one)))
                words = wants_words(one, waiting=waiting)
                when = days(one, *bounds)
                yield Part(one, waiting, strips, bounds, when, checks(one), words, score_between(one), told, apart)
                apart = one.place.domains

    def _nearest(self, strip: Strip) -> Strip:
        """Read the mail of one source where that of its recipient lies, if he has little: the source's may be all others'."""
        if strip.arrival != "queue_domain_source" or not strip.place.owners:
            return strip
        (owner,), lane = strip.place.owners, Clause(f"listed = 1 AND lane = '{strip.lane}'")
        his = lane.and_(Clause("domain = ? AND owner = ?", (owner.domain, owner.key)))
        few = self.limits.few
        if self.counted(by_index("queue_place", his), few + 1) > few:
            return strip
        return replace(strip, arrival="queue_place", scored="queue_place")

    def _first_since(self, at: float) -> int:
        """Return the first id of that time or later: rows get their ids in the order in which they come."""
        rows = self.run("SELECT id FROM queue WHERE held_at >= ? ORDER BY held_at, id LIMIT 1", (at,))
        return rows[0][0] if rows else 2**62

    # --- hits ---

    def few_hits(self, part: Part, sort: str = "arrival") -> Few:
        """Return rows that the words, the scores or the digest name; where there are more than are sorted: one more.

        sort: by which they are wanted. The newest come first where that is of use, the oldest else: that is faster.
        """
        known = self._hits.get((part.chosen, part.waiting))
        if known is None:
            known = self._hits[part.chosen, part.waiting] = self._few_hits(part, sort)
        return known

    def _few_hits(self, part: Part, sort: str) -> Few:
        most = self.limits.hits + 1
        if part.told:
            told = Clause("SELECT pending_id AS id FROM digest_item WHERE digest_id = ?", (part.chosen.digest or 0,))
            return Few(self.ids(told.and_(rowids_between("pending_id", *part.bounds))), part.anywhere)
        found = self._first_words(part, sort, most) if part.words else Few([], _ANY)
        if part.score.sql and (not part.words or len(found.ids) == most):
            scored = list[int]()
            for strip in part.strips:
                scored += self.ids(self._scored(strip, part), most - len(scored))
            if not part.words or len(scored) < most:
                return Few(scored, part.checks.and_(part.days))
        return found

    def _first_words(self, part: Part, sort: str, most: int) -> Few:
        found = self._in_many(part, most) or self._phrases(part, most)
        if found is None:
            order = "DESC" if sort == "arrival" else "ASC"
            found = Few(self.first(part, part.hits, order, most), part.rest, order)
        return found

    def map_of(self, part: Part) -> Map | None:
        """Return the map of a part where there is one already."""
        key = (part.chosen, part.waiting)
        return self._maps.get(key) or self._words.get(key)

    def wide(self, part: Part, sort: str) -> Part | None:
        """Return a part as one of the whole site, where it has many strips, or some that hold much of it; else None.

        In the order of all mail, what goes elsewhere is passed by.
        """
        strips, limits = len(part.strips), self.limits
        if not part.waiting or strips <= limits.some:
            return None
        # By recipient, all that goes elsewhere may stand in front.
        if (strips <= limits.many or sort == "recipient") and not self.much(part.chosen.place):
            return None
        chosen = replace(part.chosen, place=Place(site=True))
        elsewhere = in_place(part.chosen.place).and_(part.checks)
        strips_of_all = tuple(waiting_strips(chosen, sort))
        return replace(part, chosen=chosen, strips=strips_of_all, checks=elsewhere, elsewhere=self._elsewhere(part))

    def _elsewhere(self, part: Part) -> tuple[str, ...]:
        """Return large domains outside a part's place, where the words are frequent there, as far as a sample tells.

        To leave out their mail costs a walk through all of it: less than to mark what has the words, where that is much.
        """
        key = part.chosen.place, part.chosen.terms
        known = self._others.get(key)
        if known is None:
            some = by_ids(self._some(), Clause("listed = 1"))
            # Not their sum: some conditions are true by other numbers than 1.
            hit = f"count(*) FILTER (WHERE {part.checks.sql or '1'})"
            query = f"SELECT domain, count(*), {hit} {some.sql} GROUP BY domain"
            found = self.run(query, part.checks.values + some.values)
            place, whole = part.chosen.place, sum(count for _, count, _ in found)
            # What is a part of its own is left out already.
            mine = {*place.domains, *(owner.domain for owner in place.owners), *part.apart}
            large = [row for row in found if row[0] not in mine and row[1] * PASSED_BY > whole]
            frequent = sum(hits for _, _, hits in large) * _FREQUENT > whole
            known = self._others[key] = tuple(domain for domain, _, _ in large if frequent)
        return known

    def much(self, place: Place) -> bool:
        """True where a place holds much of what waits, as far as a sample tells."""
        known = self._shares.get(place)
        if known is None:
            some = by_ids(self._some(), Clause("listed = 1"))
            here = in_place(place)
            query = f"SELECT count(*), coalesce(sum({here.sql}), 0) {some.sql}"
            ((listed, found),) = self.run(query, here.values + some.values)
            known = self._shares[place] = found * PASSED_BY > listed
        return known

    def _soon_told(self, part: Part, most: int) -> bool:
        """True where so much is meant that the index of words soon has enough, or so little that no map of it is needed."""
        some, (lowest, highest) = self._some(), self.ends()
        whole = highest - lowest + 1
        meant = self.counted(by_ids(some, part.anywhere), -1) * whole // len(some)
        # What is little is read whole there, each of it compared with the lists of all places: with those of some.
        little = meant < 3 * most and len(part.strips) <= self.limits.many
        return little or meant > whole // PASSED_BY // 2

    def _some(self) -> list[int]:
        lowest, highest = self.ends()
        return [lowest + at for at in scattered(highest - lowest + 1)]

    def _in_many(self, part: Part, most: int) -> Few | None:
        """Look for words wherever they stand, then in each of many places; None where these are few, or hold little.

        The index of words would compare each mail that has them with the lists of all the places.
        """
        wide = self.wide(part, "arrival")
        if wide is None or not self.much(part.chosen.place):
            return None
        if self._soon_told(part, most):
            return None
        there, found = self.mapped_words(wide), list[int]()
        if there.count < 2 * most:
            return self._meant(part, there.ids(), most)
        hits = there.clause
        for strip in part.strips:
            rows = by_index(strip.arrival, strip.where.and_(hits))
            found += self.ids(Clause(f"SELECT id {rows.sql}", rows.values), most - len(found))
            if len(found) == most:
                break
        return Few(found, part.rest)

    def _phrases(self, part: Part, most: int) -> Few | None:
        """Look for words that must stand side by side wherever they stand; None where that is too often.

        Frequent words may seldom be a phrase. The index of words would compare each mail that has them with the lists of
        the places, and most places of such a reader hold much of the store.
        """
        if not part.waiting or part.chosen.place.site or all(len(term.words) == 1 for term in part.chosen.terms):
            return None
        if not self.much(part.chosen.place):
            return None
        everywhere = part.hits_of(replace(part.chosen, place=Place(site=True), lanes=LANES))
        found = self.first(part, everywhere, "DESC", 2 * most)
        if len(found) == 2 * most:
            return None
        return self._meant(part, found, most)

    def _meant(self, part: Part, ids: list[int], most: int) -> Few:
        """Return those of some rows that are meant, of which there may be fewer than are sorted."""
        if len(ids) < most:
            return Few(ids, part.anywhere)
        meant = by_ids(ids, part.anywhere)
        found = self.ids(Clause(f"SELECT id {meant.sql} ORDER BY id DESC", meant.values), most)
        return Few(found, _ANY, "" if len(found) < most else "DESC")

    def first(self, part: Part, hits: Clause, order: str, most: int) -> list[int]:
        """Return the first hits of the index of words. order: ASC, or DESC for the newest."""
        rows = f"SELECT rowid AS id FROM {part.table} WHERE {hits.sql} ORDER BY rowid {order}"  # noqa: S608 names of our own
        return self.ids(Clause(rows, hits.values), most)

    def ids(self, query: Clause, most: int = -1, passed: int = 0) -> list[int]:
        """Return what a statement names `id`. In one piece: a row of its own for each costs three times as much.

        passed: how many to leave out before.
        """
        # The limit also keeps the order: without one SQLite would see no need for it.
        whole = f"SELECT json_group_array(id) FROM ({query.sql} LIMIT ? OFFSET ?)"  # noqa: S608 names of our own
        ((text,),) = self.run(whole, (*query.values, most, passed))
        return _ids.decode(text)

    def _scored(self, strip: Strip, part: Part, among: Clause = _ANY) -> Clause:
        rows = by_index(strip.scored, strip.where.and_(part.score).and_(part.ages).and_(among))
        return Clause(f"SELECT id {rows.sql}", rows.values)

    def count_hits(self, part: Part) -> int:
        """Return how many rows the map of a part marks."""
        if part.words and part.waiting and not part.score.sql and part.chosen.unseen_by is None:
            return self.counted(Clause(f"FROM {part.table} WHERE {part.hits.sql}", part.hits.values), -1)
        return self.mapped(part).count

    def mapped(self, part: Part) -> Map:
        """Mark all rows that may be meant."""
        key = (part.chosen, part.waiting)
        known = self._maps.get(key)
        if known is None:
            known = words = self.mapped_words(part)
            # Which of those with the words have the score too is seen when they are fetched: sooner than by its index.
            if not part.words or not part.waiting:
                marks = bytearray(len(words.marks))
                for strip in part.strips:
                    for row_id in self._scored_ids(strip, part, words):
                        marks[row_id - words.lowest] = 1
                known = Map.of(words.lowest, marks)
            self._maps[key] = known
        return known

    def put_map(self, part: Part, there: Map) -> None:
        """Note what is known of a part."""
        self._maps[part.chosen, part.waiting] = there

    def mapped_words(self, part: Part) -> Map:
        """Mark all rows that have the words; all there are where none are asked for."""
        key = (part.chosen, part.waiting)
        known = self._words.get(key)
        if known is None:
            known = self._words[key] = self._mapped_words(part)
        return known

    def ends(self) -> tuple[int, int]:
        """Return the lowest id there is, and the highest."""
        if self._ends is None:
            (lowest,), (highest,) = self.run(
                "SELECT * FROM (SELECT coalesce(min(id), 0) FROM queue)"
                " UNION ALL SELECT coalesce(max(id), 0) FROM queue",
                (),
            )
            self._ends = lowest, highest
        return self._ends

    def _mapped_words(self, part: Part) -> Map:
        lowest, highest = self.ends()
        marks = bytearray(highest - lowest + 1) if part.words else bytearray(b"\1") * (highest - lowest + 1)
        if part.words:
            for some in self._slices(part, lowest, highest):
                for row_id in some:
                    marks[row_id - lowest] = 1
        if part.chosen.unseen_by is not None:
            # What was opened is less than what was not: it is taken out, and not looked up for each.
            seen = Clause("SELECT pending_id AS id FROM seen WHERE account = ?", (part.chosen.unseen_by,))
            for row_id in self.ids(seen.and_(Clause("pending_id BETWEEN ? AND ?", (lowest, highest)))):
                marks[row_id - lowest] = 0
        return Map.of(lowest, marks)

    def _slices(self, part: Part, lowest: int, highest: int) -> Iterator[list[int]]:
        """List all rows that have the words; where the first of them were looked up already, what follows."""
        known, hits = self._hits.get((part.chosen, part.waiting)), part.words_of(part.chosen)
        if known is not None and known.order and known.ids:
            yield known.ids
            lowest, highest = (known.ids[-1] + 1, highest) if known.order == "ASC" else (lowest, known.ids[-1] - 1)
        while True:
            slice_ = hits.and_(rowids_between(f"{part.table}.rowid", lowest, highest))
            some = self.first(part, slice_, "ASC", _SLICE)
            yield some
            if len(some) < _SLICE:
                return
            lowest = some[-1] + 1

    def scored_hits(self, part: Part, words: Map) -> Iterator[int]:
        """Return rows that are marked, lie in the strips and have such a score, as far as the indexes know."""
        for strip in part.strips:
            rows = self._scored(strip, part, words.clause if part.words else _ANY)
            yield from self.stream(rows.sql, rows.values)

    def _scored_ids(self, strip: Strip, part: Part, words: Map) -> Iterable[int]:
        rows = self._scored(strip, part, words.clause if part.words else _ANY)
        # What has the words too is not so much that a list of it would take much memory.
        return self.ids(rows) if words.count < _SLICE else self.stream(rows.sql, rows.values)
