"""The lines of history, found in one order: that of time, those of the same time by their numbers, then by their kinds.

What is asked for is cut into strips, each of which lies in that order in one index, and the newest of each are put
together. Mostly there are several ways to cut: by whose mail it is, by an address, by the state. The way with the
fewest lines is gone, and what it does not know is looked up in each line. Where none has few, the newest lines of each
way are looked through; most often they fill a page.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from heapq import nlargest

from sqlalchemy import Connection

from gateway.flow.history import KINDS, Asked, Line, Start
from gateway.flow.queue_ports import Owner, Place
from gateway.store.history_kinds import KINDS as FACTS
from gateway.store.history_kinds import Kind
from gateway.store.queue_sql import Clause, Values, rows_of
from gateway.store.tables.core import ONLY_HISTORY

_OURS = str(ONLY_HISTORY)
"""The condition of some indexes, which are used only where the statement bears it letter for letter."""
_LATEST = (math.inf, 2**62)
Key = tuple[float, int, int]
"""Time, number, and number of the kind: what lines are sorted by, the largest first."""


@dataclass(frozen=True, slots=True)
class Limits:
    """How much is looked at, at most."""

    parts: int = 300
    """Domains and addresses that are looked for one after the other; where there are more, among all lines."""
    few: int = 2000
    """Lines that are looked through at once."""
    counted: int = 200_000
    """Lines to which ways are compared."""


@dataclass(frozen=True, slots=True)
class _Strip:
    index: str
    where: Clause


@dataclass(frozen=True, slots=True)
class _Way:
    """Strips that hold all that is asked for, and what they do not know of it."""

    strips: tuple[_Strip, ...]
    rest: Clause
    countable: bool = True
    """False where counting them is as dear as going through them."""


class _Search:
    """Finds the lines of one kind."""

    def __init__(
        self, connection: Connection, kind: str, asked: Asked, behind: tuple[float, int], limits: Limits
    ) -> None:
        """behind: time and number; lines below both, in their order."""
        self._connection = connection
        self._kind: Kind = FACTS[kind]
        self._number = KINDS.index(kind)
        self._asked = asked
        self._behind = behind
        self._limits = limits

    def newest(self, place: Place, since: float, most: int) -> list[Key]:
        """Return the newest that are asked for, none older than `since`."""
        ways = self._ways(place)
        if len(ways) == 1:
            return self._walk(ways[0], since, most)
        counts = [self._count(way, since, self._limits.few + 1) for way in ways]
        if min(counts) <= self._limits.few:
            return self._walk(ways[counts.index(min(counts))], since, most)
        for way in ways:
            if not way.countable:
                return self._walk(way, since, most)
        for way in ways:
            found = self._walk(way, max(since, self._glanced(way, since)), most)
            if len(found) == most:
                return found
        return self._walk(self._narrowest(ways, since), since, most)

    def _walk(self, way: _Way, since: float, most: int) -> list[Key]:
        """Read all strips of a way, each as far as it may have lines for the page."""
        at, found = self._kind.at, set[Key]()
        for strip in way.strips:
            where = self._within(strip, since).and_(way.rest)
            query = f"SELECT {at}, id {where.sql} ORDER BY {at} DESC, id DESC LIMIT ?"
            # A mail that somebody sent to himself is found as his twice.
            found |= {(when, number, self._number) for when, number in self._run(query, (*where.values, most))}
            if len(found) > most:
                found = set(nlargest(most, found))
                since = max(since, min(found)[0])
        return nlargest(most, found)

    def _within(self, strip: _Strip, since: float) -> Clause:
        at = self._kind.at
        rows = Clause(f"FROM {self._kind.table.name} INDEXED BY {strip.index} WHERE {_OURS}").and_(strip.where)
        return rows.and_(Clause(f"{at} >= ? AND ({at}, id) < (?, ?)", (since, *self._behind)))

    def _run(self, query: str, values: Values) -> Sequence[tuple[float, int]]:
        return rows_of(self._connection, query, values)

    # --- which way ---

    def _count(self, way: _Way, since: float, most: int) -> int:
        """Count the lines of its strips, to `most`."""
        total = 0
        for strip in way.strips if way.countable else ():
            where = self._within(strip, since)
            query = f"SELECT count(*) FROM (SELECT 1 {where.sql} LIMIT ?)"  # noqa: S608 names of our own
            total += int(rows_of(self._connection, query, (*where.values, most - total))[0][0])
            if total == most:
                break
        return total if way.countable else most

    def _glanced(self, way: _Way, since: float) -> float:
        """Return the time to which no strip has more lines than are looked through at once."""
        at = self._kind.at
        for strip in way.strips:
            where = self._within(strip, since)
            query = f"SELECT {at} {where.sql} ORDER BY {at} DESC LIMIT 1 OFFSET ?"
            for (when,) in rows_of(self._connection, query, (*where.values, self._limits.few)):
                since = max(since, when)
        return since

    def _narrowest(self, ways: Sequence[_Way], since: float) -> _Way:
        most = self._limits.few * 8
        while True:
            counts = [self._count(way, since, most) for way in ways]
            if min(counts) < most or most >= self._limits.counted:
                return ways[counts.index(min(counts))]
            most *= 8

    # --- ways ---

    def _ways(self, place: Place) -> list[_Way]:
        """Cut what is asked for into strips, in each way that an index knows."""
        whose, whom, state = self._of_place(place), self._of_address(), Clause("")
        if self._asked.state:
            state = Clause("state = ?", (self._asked.state,))
        ways = []
        if self._asked.address:
            strips = tuple(self._strips_of_address(place))
            ways.append(_Way(strips, whose.and_(state), countable=self._asked.address.startswith("@")))
        if not place.site and len(place.domains) + len(place.owners) <= self._limits.parts:
            ways.append(_Way(tuple(self._strips_of_place(place)), whom.and_(state)))
        if self._asked.state:
            ways.append(_Way((_Strip(self._kind.by_state, state),), whose.and_(whom)))
        return ways or [_Way(tuple(self._strips_of_states()), whose)]

    def _strips_of_states(self) -> Iterator[_Strip]:
        """Cut all there is by states: those that there are, for a newer program may know more of them."""
        table, index = self._kind.table.name, self._kind.by_state
        query = f"SELECT min(state) FROM {table} INDEXED BY {index} WHERE {_OURS} AND state > ?"  # noqa: S608 names of our own
        state = rows_of(self._connection, query, ("",))[0][0]
        while state is not None:
            yield _Strip(index, Clause("state = ?", (state,)))
            state = rows_of(self._connection, query, (state,))[0][0]

    def _strips_of_place(self, place: Place) -> Iterator[_Strip]:
        kind = self._kind
        for domain in place.domains:
            yield _Strip(kind.by_domain, Clause(f"{kind.domain} = ?", (domain,)))
        for owner in place.owners:
            yield _Strip(kind.by_key, Clause(f"{kind.key} = ?", (owner.tagged or owner.key,)))
            if not owner.tagged:
                yield _Strip(kind.by_key, self._tags(owner))

    def _strips_of_address(self, place: Place) -> Iterator[_Strip]:
        kind, address = self._kind, self._asked.address
        domain = address.rpartition("@")[2]
        # Whose mail nobody may see here is looked for as the other one's only.
        ours = place.site or domain in place.domains or any(owner.domain == domain for owner in place.owners)
        if not address.startswith("@"):
            if ours:
                yield _Strip(kind.by_key, Clause(f"{kind.key} = ?", (address,)))
            other = Clause(f"{kind.other_key} = ?", (address,))
            if kind.by_other_key == kind.by_other_domain:
                other = Clause(f"{kind.other_domain} = ?", (domain,)).and_(other)
            yield _Strip(kind.by_other_key, other)
        elif domain:
            if ours:
                yield _Strip(kind.by_domain, Clause(f"{kind.domain} = ?", (domain,)))
            yield _Strip(kind.by_other_domain, Clause(f"{kind.other_domain} = ?", (domain,)))

    def _tags(self, owner: Owner) -> Clause:
        key = self._kind.key
        local, _, name = owner.key.rpartition("@")
        # The sign behind "+" ends what begins with it.
        return Clause(
            f"{key} >= ? AND {key} < ? AND {_ends(key)}", (f"{local}+", f"{local},", -len(name) - 1, f"@{name}")
        )

    def _of_place(self, place: Place) -> Clause:
        """Return the condition for mail of theirs, wherever it lies."""
        if place.site:
            return Clause("")
        there = f"{self._kind.domain} IN (SELECT value FROM json_each(?))"  # noqa: S608 names of our own
        pieces = [Clause(there, (json.dumps(place.domains),))]
        for owner in place.owners:
            pieces.append(Clause(f"{self._kind.key} = ?", (owner.tagged or owner.key,)))
            if not owner.tagged:
                pieces.append(self._tags(owner))
        return _any(pieces)

    def _of_address(self) -> Clause:
        """Return the condition for mail from or to the address that is asked for."""
        address, columns = self._asked.address, (self._kind.key, self._kind.other_key)
        if not address:
            return Clause("")
        if address.startswith("@"):
            return _any([Clause(_ends(column), (-len(address), address)) for column in columns])
        return _any([Clause(f"{column} = ?", (address,)) for column in columns])


def page_of(
    connection: Connection, place: Place, asked: Asked, start: Start | None, most: int, limits: Limits = Limits()
) -> list[Line]:
    """Return lines behind `start`, the newest first."""
    since = -math.inf if asked.after is None else asked.after
    found: list[Key] = []
    for number, kind in enumerate(KINDS):
        # No older ones are looked for than make a page already.
        floor = found[-1][0] if len(found) == most else since
        search = _Search(connection, kind, asked, _behind(asked, start, number), limits)
        found = nlargest(most, [*found, *search.newest(place, floor, most)])
    lines = {line.key: line for number in range(len(KINDS)) for line in _told(connection, number, found)}
    return [lines[key] for key in found]


def _behind(asked: Asked, start: Start | None, number: int) -> tuple[float, int]:
    """Return the time and the number below which the lines of a kind are asked for."""
    behind = _LATEST
    if start is not None:
        at, line, kind = start
        behind = at, line + (number < kind)
    return behind if asked.before is None else min(behind, (asked.before, -1))


def _told(connection: Connection, number: int, keys: Sequence[Key]) -> Iterator[Line]:
    kind = FACTS[KINDS[number]]
    ids = [line for _, line, of_kind in keys if of_kind == number]
    for row in connection.execute(kind.lines.where(kind.table.c.id.in_(ids))) if ids else ():
        yield Line(KINDS[number], *row)


def _ends(column: str) -> str:
    return f"substr({column}, ?) = ?"


def _any(pieces: Sequence[Clause]) -> Clause:
    values: Values = tuple(value for piece in pieces for value in piece.values)
    return Clause(f"({' OR '.join(f'({piece.sql})' for piece in pieces)})", values)
