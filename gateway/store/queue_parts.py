"""What waits of a selection, or what has ended: its strips, and what the indexes know of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gateway.domain.query import Term
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import Selection
from gateway.store.queue_filters import not_in_words, not_seen
from gateway.store.queue_sql import Clause
from gateway.store.queue_strips import Strip, ended_in, waiting_in
from gateway.store.queue_words import not_elsewhere, outside, rowids_between, words_match


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
    some: int = 8
    """Strips that are read one by one; more of them that hold much of all mail are read in the order of all mail."""
    many: int = 50
    """Strips for each of which a statement is soon told; more of them are read in the order of all mail anyway."""


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
    told: bool
    """So few stand in the digest that is asked for that all of them are fetched."""
    apart: tuple[str, ...] = ()
    """Domains that are a part of their own: recipients are looked for, and their names hold the words."""
    elsewhere: tuple[str, ...] = ()
    """Domains that hold much of all mail, none of it meant: the index of words leaves them out."""

    @property
    def narrow(self) -> bool:
        """True where another index names the rows than that of their order."""
        return self.words or self.told or bool(self.score.sql)

    @property
    def table(self) -> str:
        """The index of words that knows it."""
        return "waiting_words" if self.waiting else "ended_words"

    @property
    def hits(self) -> Clause:
        """What the index of words finds."""
        return self.hits_of(self.chosen)

    def hits_of(self, chosen: Selection) -> Clause:
        """Return what it finds of another selection in the same days. What was opened is left out there already."""
        return self.words_of(chosen).and_(not_seen(chosen, f"{self.table}.rowid"))

    def words_of(self, chosen: Selection) -> Clause:
        """Return the same with what was opened."""
        match = words_match(chosen, waiting=self.waiting)
        if self.apart and chosen.place.site:
            match = outside(next(term for term in chosen.terms if term.field == "to"), self.apart, match)
        if self.elsewhere and match:
            match = not_elsewhere(chosen, self.elsewhere, match)
        return Clause(f"{self.table} MATCH ?", (match,)).and_(rowids_between(f"{self.table}.rowid", *self.bounds))

    def hits_outside(self, named: Sequence[Term], domains: Sequence[str]) -> Clause:
        """Return what may be meant, and goes to none of these domains. named: the recipients' terms asked for."""
        others = replace(self.chosen, terms=tuple(term for term in self.chosen.terms if term not in named))
        match = outside(named[0], domains, words_match(others, waiting=self.waiting))
        return Clause(f"{self.table} MATCH ?", (match,)).and_(rowids_between(f"{self.table}.rowid", *self.bounds))

    @property
    def rest(self) -> Clause:
        """What is not known of the hits."""
        return not_in_words(self.chosen, waiting=self.waiting).and_(self.days)

    @property
    def anywhere(self) -> Clause:
        """The condition for its rows, wherever they lie."""
        rows = waiting_in(self.chosen) if self.waiting else ended_in(self.chosen)
        return rows.and_(self.days).and_(self.checks)

    @property
    def ages(self) -> Clause:
        """The days, as far as any index knows them."""
        earliest, latest = self.bounds
        clause = Clause("") if earliest is None else Clause("age <= ?", (-earliest,))
        return clause if latest is None else clause.and_(Clause("age >= ?", (-latest,)))

    def last_day(self, descending: bool) -> Clause:
        """Return where the days end, by arrival."""
        earliest, latest = self.bounds
        edge, sign = (latest, ">=") if descending else (earliest, "<=")
        return Clause("") if edge is None else Clause(f"age {sign} ?", (-edge,))


def part_of(part: Part, strip: Strip) -> Part:
    """Return what of a part lies in one of its strips."""
    return replace(part, chosen=strip.within(part.chosen), strips=(strip,))
