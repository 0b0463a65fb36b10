"""Rows of the pending list that may be meant, as they are kept while a page is found: in a map of all, or as a short list."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import compress

from gateway.store.queue_sql import Clause, marked


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

    @property
    def clause(self) -> Clause:
        """The condition for rows that are marked."""
        return marked(self.lowest, self.marks)

    def hit_near(self, at: int) -> int:
        """Return the first place behind this one that is marked; -1 where there is none."""
        return self.marks.find(1, at)

    def without(self, ids: Iterable[int]) -> Map:
        """Return the same without some."""
        marks = bytearray(self.marks)
        for row_id in ids:
            marks[row_id - self.lowest] = 0
        return Map.of(self.lowest, marks)

    def ids(self) -> list[int]:
        """Return the ids that are marked."""
        return list(compress(range(self.lowest, self.lowest + len(self.marks)), self.marks))


@dataclass(frozen=True, slots=True)
class Few:
    """Rows that the words, the scores or a digest name; where there are more than are sorted: one more than that."""

    ids: list[int]
    rest: Clause
    """What is still to be checked of them."""
    order: str = ""
    """How the index of words was walked for them, of which they are the first: ASC or DESC, the newest first."""
