"""Which rows of the pending list the indexes of words and of scores name, with as little reading as they take."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.domain.lifecycle import State
from gateway.flow.queue import MOST_COUNTED, Selection
from gateway.store.queue_filters import checks, days, not_in_words, score_between
from gateway.store.queue_sql import Clause, Values, by_index, marked
from gateway.store.queue_strips import Strip, ended_states, ended_strips, waiting_strips
from gateway.store.queue_words import rowids_between, wants_words, words_match

_ANY = Clause("")
_PASSED_BY = 8
"""Rows of an index that are read in the time that it takes to fetch one by its id."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How many rows are looked at in each way, at most."""

    few: int = 4000
    """That are read and sorted within some 20 ms."""
    hits: int = MOST_COUNTED
    """Found by their words or scores, that are fetched and sorted."""
    walked: int = 10_000
    """Looked through first, in the order wanted, in the hope that they fill a page."""


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
    def by_words_only(self) -> bool:
        """True where no other index than that of words narrows what is looked at."""
        return self.words and self.waiting and not self.score.sql

    @property
    def table(self) -> str:
        """The index of words that knows it."""
        return "waiting_words" if self.waiting else "ended_words"

    @property
    def hits(self) -> Clause:
        """What the index of words finds."""
        match = Clause(f"{self.table} MATCH ?", (words_match(self.chosen, waiting=self.waiting),))
        return match.and_(rowids_between(f"{self.table}.rowid", *self.bounds))

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


Map = tuple[int, bytearray]
"""The lowest id there is, and an octet for each id from there on."""


class Hits:
    """What one transaction knows of the rows that are meant, so that nothing is looked up twice."""

    def __init__(self, run: Run, stream: Callable[[str, Values], Iterator[int]], limits: Limits) -> None:
        """run: returns all rows of a statement. stream: the first column of its rows, one by one."""
        self.run = run
        self.stream = stream
        self.limits = limits
        self._parts: dict[tuple[Selection, str], list[Part]] = {}
        self._hits: dict[tuple[Selection, bool], tuple[list[int], Clause]] = {}
        self._soon: dict[tuple[Selection, bool], bool] = {}
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
        bounds = earliest, latest
        for waiting in (True, False):
            if State.PENDING in chosen.states if waiting else ended_states(chosen):
                strips = tuple(waiting_strips(chosen, sort) if waiting else ended_strips(chosen))
                words = wants_words(chosen, waiting=waiting)
                when = days(chosen, *bounds)
                yield Part(chosen, waiting, strips, bounds, when, checks(chosen), words, score_between(chosen))

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
            query = f"SELECT rowid FROM {part.table} WHERE {part.hits.sql} ORDER BY rowid DESC LIMIT ?"  # noqa: S608 names of our own
            found = list(self.stream(query, (*part.hits.values, most))), part.rest
        if part.score.sql and (not part.words or len(found[0]) == most):
            scored = list[int]()
            for strip in part.strips:
                scored += self.stream(*self._scored(strip, part, most - len(scored)))
            if not part.words or len(scored) < most:
                found = scored, part.checks.and_(part.days)
        self._hits[part.chosen, part.waiting] = found
        return found

    def soon_fetched(self, part: Part) -> bool:
        """True where all hits are fetched sooner than an order is read to its end."""
        key = (part.chosen, part.waiting)
        known = self._soon.get(key)
        if known is None:
            lowest, highest = self.ends()
            most = (highest - lowest + 1) // _PASSED_BY
            found = Clause(f"FROM {part.table} WHERE {part.hits.sql}", part.hits.values) if part.by_words_only else None
            count = self.counted(found, most + 1) if found else self.mapped(part)[1].count(1)
            known = self._soon[key] = part.narrow and count <= most
        return known

    def _scored(self, strip: Strip, part: Part, most: int, among: Clause = _ANY) -> tuple[str, Values]:
        rows = by_index(strip.scored, strip.where.and_(part.score).and_(part.ages).and_(among))
        return f"SELECT id {rows.sql} LIMIT ?", (*rows.values, most)

    def mapped(self, part: Part) -> Map:
        """Mark all rows that may be meant."""
        key = (part.chosen, part.waiting)
        known = self._maps.get(key)
        if known is None:
            known = words = self.mapped_words(part)
            if not part.words or part.score.sql or not part.waiting:
                lowest, hits = words
                known = lowest, bytearray(len(hits))
                for row_id in self.scored_hits(part, words):
                    known[1][row_id - lowest] = 1
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
        (lowest,), (highest,) = self.run(
            "SELECT * FROM (SELECT coalesce(min(id), 0) FROM queue) UNION ALL SELECT coalesce(max(id), 0) FROM queue",
            (),
        )
        return lowest, highest

    def _mapped_words(self, part: Part) -> Map:
        lowest, highest = self.ends()
        if not part.words:
            return lowest, bytearray(b"\1") * (highest - lowest + 1)
        hits = bytearray(highest - lowest + 1)
        query = f"SELECT rowid FROM {part.table} WHERE {part.hits.sql}"  # noqa: S608 names of our own
        for row_id in self.stream(query, part.hits.values):
            hits[row_id - lowest] = 1
        return lowest, hits

    def scored_hits(self, part: Part, words: Map) -> Iterator[int]:
        """Return rows that are marked, lie in the strips and have such a score, as far as the indexes know."""
        among = marked(words[0], bytes(words[1])) if part.words else _ANY
        for strip in part.strips:
            yield from self.stream(*self._scored(strip, part, -1, among))
