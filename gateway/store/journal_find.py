"""Lines of the log, the newest first, so that few are looked at, however many there are.

An index knows who did it, another whose it is, a third each three signs that stand side by side in a line. The newest lines
that each names are looked through: where they are all it names, or fill a page, that is it. Else the one that names the
fewest is read to its end.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from heapq import nlargest

from sqlalchemy import Connection

from gateway.store.queue_sql import Clause, rows_of

_LAST = 2**62
_FEW = 2000
"""Lines that are looked through at once."""
_COUNTED = 50_000
"""Lines to which ways are compared."""
_PARTS = 300
"""Domains that are looked for one after the other; where there are more, among all lines."""
_MOST_THREES = 24
"""Threes that are looked up; the rest is compared with the lines themselves."""
_MOST_KNOWN = 1000
"""Threes that begin with what is looked for, where that is shorter."""
_SEARCHED = ("deed", "object", "detail", "actor")
_ANY = Clause("")
_HIGHEST = "\U0010ffff"


@dataclass(frozen=True, slots=True)
class _Strip:
    """Lines that one index names, in the order of their numbers."""

    table: str
    where: Clause
    number: str = "id"
    lines: str = ""
    """What leads to the lines themselves, where the index has none of what they say."""

    def between(self, since: int, before: int, *, told: bool = False) -> Clause:
        """Return those with these numbers. told: with what they say."""
        rows = Clause(f"FROM {self.table}{self.lines if told else ''} WHERE {self.where.sql}", self.where.values)
        return rows.and_(Clause(f"{self.number} >= ? AND {self.number} < ?", (since, before)))


class JournalFinder:
    """Finds lines within one transaction."""

    def __init__(self, connection: Connection, few: int = _FEW) -> None:
        self._connection = connection
        self._few = few

    def find(self, domains: Collection[str] | None, actor: str, words: str, before_id: int, most: int) -> list[int]:
        """Return numbers of lines below `before_id`; 0 is any. domains: None is all. words: a part of what they say."""
        words, before = words.replace("\0", ""), min(before_id or _LAST, _LAST)
        asked = _asked(domains, actor, words)
        ways = self._ways(domains, actor, words)
        if len(ways) > 1:
            for strips in ways:
                newest = self._walk(strips, _ANY, before, self._few + 1)
                found = self._of(newest, asked)
                if len(newest) <= self._few or len(found) >= most:
                    return found[:most]
            counts = [self._count(strips, before) for strips in ways]
            ways = [ways[counts.index(min(counts))]]
        return self._walk(ways[0], asked, before, most)

    def _walk(self, strips: Sequence[_Strip], rest: Clause, before: int, most: int) -> list[int]:
        """Return the newest numbers in some strips, from the last on."""
        since, found = 0, list[int]()
        for strip in strips:
            rows = strip.between(since, before, told=bool(rest.sql)).and_(rest)
            query = f"SELECT {strip.number} {rows.sql} ORDER BY {strip.number} DESC LIMIT ?"
            found += [number for (number,) in rows_of(self._connection, query, (*rows.values, most))]
            if len(strips) > 1 and len(found) >= most:
                found = nlargest(most, found)
                since = found[-1]
        return sorted(found, reverse=True)

    def _of(self, numbers: Sequence[int], asked: Clause) -> list[int]:
        """Return those of some lines that are asked for, in their order."""
        there = Clause("id IN (SELECT value FROM json_each(?))", (json.dumps(numbers),)).and_(asked)
        query = f"SELECT id FROM journal NOT INDEXED WHERE {there.sql} ORDER BY id DESC"  # noqa: S608 names of our own
        return [number for (number,) in rows_of(self._connection, query, there.values)]

    def _count(self, strips: Sequence[_Strip], before: int) -> int:
        total = 0
        for strip in strips:
            rows = strip.between(0, before)
            query = f"SELECT count(*) FROM (SELECT 1 {rows.sql} LIMIT ?)"  # noqa: S608 names of our own
            total += int(rows_of(self._connection, query, (*rows.values, _COUNTED - total))[0][0])
            if total == _COUNTED:
                break
        return total

    # --- ways ---

    def _ways(self, domains: Collection[str] | None, actor: str, words: str) -> list[list[_Strip]]:
        """Tell in which strips all that is asked for lies: in each way that an index knows."""
        ways = []
        match = self._match(words) if words else None
        if match is not None:
            lines = " CROSS JOIN journal ON journal.id = journal_words.rowid"
            strip = _Strip("journal_words", Clause("journal_words MATCH ?", (match,)), "journal_words.rowid", lines)
            ways.append([strip] if match else [])
        if actor:
            ways.append([_Strip("journal INDEXED BY journal_actor", Clause("actor = ?", (actor,)))])
        if domains is not None and len(domains) <= _PARTS:
            own = (Clause("domain = ?", (domain,)) for domain in sorted(domains))
            ways.append([_Strip("journal INDEXED BY journal_domain", clause) for clause in own])
        return ways or [[_Strip("journal", Clause("id > 0"))]]

    def _match(self, words: str) -> str | None:
        """Return the expression for the index of threes; "" where nothing can be found, None where it is of no help."""
        if len(words) > 2:
            threes = dict.fromkeys(words[at : at + 3] for at in range(len(words) - 2))
            return " AND ".join(map(_quoted, list(threes)[:_MOST_THREES]))
        if not words.isascii():
            return None  # Which signs are the same, small and large, the index knows alone.
        first = words.lower()
        query = "SELECT term FROM journal_words_known WHERE term >= ? AND term < ? LIMIT ?"
        known = rows_of(self._connection, query, (first, first + _HIGHEST, _MOST_KNOWN + 1))
        return None if len(known) > _MOST_KNOWN else " OR ".join(_quoted(three) for (three,) in known)


def _quoted(three: str) -> str:
    return '"{}"'.format(three.replace('"', '""'))


def _asked(domains: Collection[str] | None, actor: str, words: str) -> Clause:
    """Return the condition for lines that are asked for: said of a line itself, whatever led to it."""
    clause = Clause("+actor = ?", (actor,)) if actor else _ANY
    if domains is not None:
        clause = clause.and_(Clause("+domain IN (SELECT value FROM json_each(?))", (json.dumps(sorted(domains)),)))
    if words:
        plain = words.replace("/", "//").replace("%", "/%").replace("_", "/_")
        says = " OR ".join(f"{column} LIKE ? ESCAPE '/'" for column in _SEARCHED)
        clause = clause.and_(Clause(f"({says})", (f"%{plain}%",) * len(_SEARCHED)))
    return clause
