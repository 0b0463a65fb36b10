"""Which rows of the pending list the indexes of words and of scores name, with as little reading as they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import compress
from typing import Any

import msgspec

from gateway.domain.lifecycle import State
from gateway.domain.query import Term
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import LANES, Place, Selection
from gateway.store.queue_filters import checks, days, not_in_words, score_between
from gateway.store.queue_sql import Clause, Values, by_index, marked
from gateway.store.queue_strips import Strip, ended_states, ended_strips, waiting_in, waiting_strips
from gateway.store.queue_words import by_domain, outside, rowids_between, wants_words, words_match

_ANY = Clause("")
PASSED_BY = 8
"""Rows of an index that are read in the time that it takes to fetch one by its id."""
_SLICE = 500_000
"""Ids that are listed at once, so that no list takes much memory."""
_ids = msgspec.json.Decoder(list[int])


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows are looked at in each way, at most."""

    few: int = 4000
    """That are read and sorted within some 20 ms."""
    hits: int = MOST_COUNTED
    """Found by their words or scores, that are fetched and sorted."""
    walked: int = 10_000
    """Looked through in the order wanted, where no other index narrows them."""
    glanced: int = 1000
    """The same where one does, before it is asked for all it knows."""


Run = Callable[[str, Values], Sequence[Any]]


@dataclass(frozen=True, slots=True)
class Part:
    """What waits of a selection, or what has ended."""

    chosen: Selection
    waiting: bool
    strips: tuple[Strip, ...]
    bounds: tuple[int | None, int | None]
    days: Clause
    checks: Clause
    words: bool
    """The index of words is to be asked."""
    score: Clause

    @property
    def narrow(self) -> bool:
        """True where another index names the rows than that of their order."""
        return self.words or bool(self.score.sql)

    @property
    def table(self) -> str:
        """The index of words that knows it."""
        return "waiting_words" if self.waiting else "ended_words"

    @property
    def hits(self) -> Clause:
        """What the index of words finds."""
        return self.hits_of(self.chosen)

    def hits_of(self, chosen: Selection) -> Clause:
        """Return what it finds of another selection in the same days."""
        match = Clause(f"{self.table} MATCH ?", (words_match(chosen, waiting=self.waiting),))
        return match.and_(rowids_between(f"{self.table}.rowid", *self.bounds))

    def hits_outside(self, named: Sequence[Term], domains: Sequence[str]) -> Clause:
        """Return what may be meant, and goes to none of these domains. named: the recipients' terms asked for."""
        others = replace(self.chosen, terms=tuple(term for term in self.chosen.terms if term not in named))
        match = outside(named[0], domains, words_match(others, waiting=self.waiting))
        return Clause(f"{self.table} MATCH ?", (match,)).and_(rowids_between(f"{self.table}.rowid", *self.bounds))

    @property
    def rest(self) -> Clause:
        """What the index of words does not know of its hits."""
        return not_in_words(self.chosen, waiting=self.waiting).and_(self.days)

    @property
    def ages(self) -> Clause:
        """The days, as far as any index knows them."""
        earliest, latest = self.bounds
        clause = Clause("") if earliest is None else Clause("age <= ?", (-earliest,))
        return clause if latest is None else clause.and_(Clause("age >= ?", (-latest,)))


def part_of(part: Part, strip: Strip) -> Part:
    """Return what of a part lies in one of its strips."""
    return replace(part, chosen=strip.within(part.chosen), strips=(strip,))


@dataclass(frozen=True, slots=True)
class Map:
    """Rows that may be meant."""

    lowest: int
    """The lowest id there is."""
    marks: bytes
    """An octet for each id from there on, 1 where it is meant."""
    count: int
    """How many they are."""

    @classmethod
    def of(cls, lowest: int, marks: bytearray) -> Map:
        """Keep marks that were made."""
        return cls(lowest, bytes(marks), marks.count(1))

    def hit_near(self, at: int) -> int:
        """Return the first place behind this one that is marked; -1 where there is none."""
        return self.marks.find(1, at)

    def ids(self) -> list[int]:
        """Return the ids that are marked."""
        return list(compress(range(self.lowest, self.lowest + len(self.marks)), self.marks))


class Hits:
    """What one transaction knows of the rows that are meant, so that nothing is looked up twice."""

    def __init__(self, run: Run, stream: Callable[[str, Values], Iterator[int]], limits: Limits) -> None:
        """run: returns all rows of a statement. stream: the first column of its rows, one by one."""
        self.run = run
        self.stream = stream
        self.limits = limits
        self._parts: dict[tuple[Selection, str], list[Part]] = {}
        self._hits: dict[tuple[Selection, bool], tuple[list[int], Clause]] = {}
        self._ends: tuple[int, int] | None = None
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
        if chosen.digest is not None:
            # What one digest told of came within a while, mostly a day: no more is read.
            first, last = self.run(
                "SELECT min(pending_id), max(pending_id) FROM digest_item WHERE digest_id = ?", (chosen.digest,)
            )[0]
            earliest = max(earliest or 0, first or 0)
            latest = min(2**62 if latest is None else latest, last or 0)
        bounds = earliest, latest
        for waiting in (True, False):
            asked = State.PENDING in chosen.states if waiting else ended_states(chosen)
            for one in by_domain(chosen) if asked else ():
                strips = tuple(waiting_strips(one, sort) if waiting else ended_strips(one))
                words = wants_words(one, waiting=waiting)
                when = days(one, *bounds)
                yield Part(one, waiting, strips, bounds, when, checks(one), words, score_between(one))

    def _first_since(self, at: float) -> int:
        """Return the first id of that time or later: rows get their ids in the order in which they come."""
        rows = self.run("SELECT id FROM queue WHERE held_at >= ? ORDER BY held_at, id LIMIT 1", (at,))
        return rows[0][0] if rows else 2**62

    # --- hits ---

    def few_hits(self, part: Part) -> tuple[list[int], Clause]:
        """Return rows that the words or the scores name, and what is still to be checked of them.

        Where there are more than are sorted: one more than that, the newest.
        """
        known = self._hits.get((part.chosen, part.waiting))
        if known is not None:
            return known
        most, found = self.limits.hits + 1, (list[int](), part.rest)
        if part.words:
            anywhere = self._phrases(part, most)
            found = (self.newest(part, part.hits, most), part.rest) if anywhere is None else anywhere
        if part.score.sql and (not part.words or len(found[0]) == most):
            scored = list[int]()
            for strip in part.strips:
                scored += self.ids(self._scored(strip, part), most - len(scored))
            if not part.words or len(scored) < most:
                found = scored, part.checks.and_(part.days)
        self._hits[part.chosen, part.waiting] = found
        return found

    def known(self, part: Part) -> bool:
        """True where the rows that a part's words or scores name were looked up already."""
        return (part.chosen, part.waiting) in self._hits

    def _phrases(self, part: Part, most: int) -> tuple[list[int], Clause] | None:
        """Look for words that must stand side by side wherever they stand; None where that is too often.

        Frequent words may seldom be a phrase. The index of words would compare each mail that has them with the lists of
        the places, and most places of such a reader hold much of the store.
        """
        if not part.waiting or part.chosen.place.site or all(len(term.words) == 1 for term in part.chosen.terms):
            return None
        strips = [by_index(strip.arrival, strip.where) for strip in part.strips]
        lowest, highest = self.ends()
        much = (highest - lowest + 1) // PASSED_BY
        if all(self.counted(rows, much + 1) <= much for rows in strips):
            return None
        found = self.newest(part, part.hits_of(replace(part.chosen, place=Place(site=True), lanes=LANES)), most)
        if len(found) == most:
            return None
        return found, waiting_in(part.chosen).and_(part.rest)

    def newest(self, part: Part, hits: Clause, most: int) -> list[int]:
        """Return hits of the index of words, the newest first."""
        return self.ids(Clause(f"{_named(part, hits).sql} ORDER BY rowid DESC", hits.values), most)

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
        if part.words and part.waiting and not part.score.sql:
            return self.counted(Clause(f"FROM {part.table} WHERE {part.hits.sql}", part.hits.values), -1)
        return self.mapped(part).count

    def mapped(self, part: Part) -> Map:
        """Mark all rows that may be meant."""
        key = (part.chosen, part.waiting)
        known = self._maps.get(key)
        if known is None:
            known = words = self.mapped_words(part)
            if not part.words or part.score.sql or not part.waiting:
                marks = bytearray(len(words.marks))
                for row_id in self.scored_hits(part, words):
                    marks[row_id - words.lowest] = 1
                known = Map.of(words.lowest, marks)
            self._maps[key] = known
        return known

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
        if not part.words:
            return Map.of(lowest, bytearray(b"\1") * (highest - lowest + 1))
        hits = bytearray(highest - lowest + 1)
        for start in range(lowest, highest + 1, _SLICE):
            slice_ = part.hits.and_(rowids_between(f"{part.table}.rowid", start, start + _SLICE - 1))
            rows = f"SELECT json_group_array(rowid) FROM {part.table} WHERE {slice_.sql}"  # noqa: S608 names of our own
            ((text,),) = self.run(rows, slice_.values)
            for row_id in _ids.decode(text):
                hits[row_id - lowest] = 1
        return Map.of(lowest, hits)

    def scored_hits(self, part: Part, words: Map) -> Iterator[int]:
        """Return rows that are marked, lie in the strips and have such a score, as far as the indexes know."""
        among = marked(words.lowest, words.marks) if part.words else _ANY
        for strip in part.strips:
            rows = self._scored(strip, part, among)
            yield from self.stream(rows.sql, rows.values)


def _named(part: Part, hits: Clause) -> Clause:
    return Clause(f"SELECT rowid AS id FROM {part.table} WHERE {hits.sql}", hits.values)  # noqa: S608 names of our own
