"""The pending list in SQL: strips, conditions, words. How they are put to use: see `queue_find`.

The list is cut into strips, each of which lies in the order wanted in one index: a lane of the site, of a domain or of
a recipient, or the rows of one state that no longer wait.

All names in these statements are our own; what people typed is always a parameter.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import ceil, floor

from gateway.domain.lifecycle import State
from gateway.domain.query import Term
from gateway.flow.queue import MACHINE, Key, Owner, Place, Selection

Values = tuple[str | int | float | bytes, ...]

KEYS: dict[str, tuple[str, ...]] = {
    "arrival": ("age",),
    "sender": ("sender_sort", "age"),
    "subject": ("subject_sort", "age"),
    "recipient": ("domain", "owner", "age"),
    "size": ("size", "age"),
    "reason": ("reason", "age"),
    "expiry": ("expires_at", "age"),
    "score": ("score", "age"),
}
_TYPES: dict[str, type[str] | type[float]] = {
    "age": float, "sender_sort": str, "subject_sort": str, "domain": str, "owner": str, "size": float, "reason": str,
    "expires_at": float, "score": float,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Clause:
    """A condition and its parameters."""

    sql: str
    values: Values = ()

    def and_(self, other: Clause) -> Clause:
        """Return both together."""
        if not other.sql:
            return self
        return Clause(f"{self.sql} AND {other.sql}" if self.sql else other.sql, self.values + other.values)


@dataclass(frozen=True, slots=True)
class Strip:
    """A stretch of the list."""

    where: Clause
    arrival: str
    """The index that holds it, in the order of arrival."""
    ordered: str
    """The index that holds it in the order wanted, maybe with other rows between."""
    line: Clause
    """What that index knows of `where`."""
    scored: str
    """The index that holds it, and knows the scores."""
    place: Place
    lane: str = ""
    """"" where it is none that waits."""

    def within(self, chosen: Selection) -> Selection:
        """Return what of a selection lies in it."""
        return replace(chosen, place=self.place, lanes=(self.lane,) if self.lane else chosen.lanes)

    @property
    def alone(self) -> bool:
        """True where the index in the order wanted holds nothing else between the rows."""
        return self.line == self.where


def fits(key: Key, sort: str) -> bool:
    """True for a key that belongs to this sort: it comes from the page's address, where anybody can write."""
    columns = KEYS[sort]
    return len(key) == len(columns) and all(
        isinstance(value, str) if _TYPES[column] is str else isinstance(value, int | float)
        for value, column in zip(key, columns, strict=True)
    )


def behind(sort: str, key: Key | None, descending: bool) -> Clause:
    """Return the condition for rows behind a key."""
    if key is None:
        return Clause("")
    columns = KEYS[sort]
    sign = "<" if descending else ">"
    if len(columns) == 1:
        return Clause(f"{columns[0]} {sign} ?", key)
    return Clause(f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})", key)


def behind_in(strip: Strip, sort: str, key: Key | None, descending: bool) -> Clause | None:
    """Return the same condition for a strip; None where all of it lies in front of the key."""
    if key is None or sort != "recipient" or strip.place.site:
        return behind(sort, key, descending)
    # Within a domain, or a recipient's mail, what all rows share is not compared: no index would be of use for it.
    (domain, owner), own = key[:2], strip.place
    mine = own.domains[0] if own.domains else own.owners[0].domain
    if mine != domain:
        return Clause("") if (mine < str(domain)) is descending else None
    sign = "<" if descending else ">"
    if own.domains:
        return Clause(f"(owner, age) {sign} (?, ?)", key[1:])
    mine = own.owners[0].key
    if mine != owner:
        return Clause("") if (mine < str(owner)) is descending else None
    return Clause(f"age {sign} ?", key[2:])


def in_order(sort: str, descending: bool) -> str:
    """Return the terms of ORDER BY."""
    return ", ".join(f"{column} DESC" if descending else column for column in KEYS[sort])


# --- strips ---


def waiting_strips(chosen: Selection, sort: str) -> Iterator[Strip]:
    """Cut what waits into strips."""
    name = "age" if sort == "arrival" else sort
    near = "queue_place" if sort == "recipient" else f"queue_domain_{name}"
    source = Clause("source = ?", (chosen.source,)) if chosen.source else Clause("")
    for lane in chosen.lanes:
        if source.sql and lane != MACHINE:
            continue  # People's mail has no source; and no index would know of it.
        # A partial index is used only where the statement bears its condition letter for letter.
        line = Clause("listed = 1 AND lane = 'machine'" if lane == MACHINE else "listed = 1 AND lane = 'people'")
        if chosen.place.site:
            here = "queue_place" if sort == "recipient" else f"queue_{name}"
            arrival, scored = ("queue_source",) * 2 if source.sql else ("queue_age", "queue_score")
            yield Strip(line.and_(source), arrival, here, line, scored, Place(site=True), lane)
        for domain in chosen.place.domains:
            mine = line.and_(Clause("domain = ?", (domain,)))
            arrival, scored = ("queue_domain_source",) * 2 if source.sql else ("queue_domain_age", "queue_domain_score")
            yield Strip(mine.and_(source), arrival, near, mine, scored, Place(domains=(domain,)), lane)
        for owner in chosen.place.owners:
            mine = line.and_(Clause("domain = ?", (owner.domain,)))
            his = mine.and_(Clause("owner = ?", (owner.key,)))
            where = his.and_(_tagged(owner)).and_(source)
            by_owner = sort in ("arrival", "recipient")
            arrival = "queue_domain_source" if source.sql else "queue_place"
            here = "queue_place" if by_owner else near
            yield Strip(where, arrival, here, his if by_owner else mine, arrival, Place(owners=(owner,)), lane)


def _tagged(owner: Owner) -> Clause:
    return Clause("recipient_key = ?", (owner.tagged,)) if owner.tagged else Clause("")


def _of_owner(owner: Owner) -> Clause:
    clause = Clause("owner = ?", (owner.key,))
    return clause.and_(Clause("recipient_key = ?", (owner.tagged,))) if owner.tagged else clause


def ended_strips(chosen: Selection) -> Iterator[Strip]:
    """Cut what no longer waits into strips; by arrival only."""
    for state in ended_states(chosen):
        line = Clause("listed = 0 AND state = ?", (state.value,))
        if chosen.place.site:
            yield _ended(line, line, "queue_ended", Place(site=True))
        for domain in chosen.place.domains:
            mine = line.and_(Clause("domain = ?", (domain,)))
            yield _ended(mine, mine, "queue_domain_ended", Place(domains=(domain,)))
        for owner in chosen.place.owners:
            mine = line.and_(Clause("owner = ?", (owner.key,)))
            yield _ended(mine.and_(_tagged(owner)), mine, "queue_owner_ended", Place(owners=(owner,)))


def _ended(where: Clause, line: Clause, index: str, place: Place) -> Strip:
    return Strip(where, index, index, line, index, place)


def ended_states(chosen: Selection) -> list[State]:
    """Return the states asked for that are not waiting."""
    return [state for state in chosen.states if state is not State.PENDING]


# --- filters ---


def days(chosen: Selection, earliest: int | None, latest: int | None) -> Clause:
    """Return the condition for the days asked for. earliest, latest: bounds of ids that follow from them."""
    clause = Clause("")
    if earliest is not None:
        clause = clause.and_(Clause("age <= ?", (-earliest,)))
    if latest is not None:
        clause = clause.and_(Clause("age >= ?", (-latest,)))
    # The clock may have been set back meanwhile, so that ids alone would not do.
    if chosen.after is not None:
        clause = clause.and_(Clause("held_at >= ?", (chosen.after,)))
    if chosen.before is not None:
        clause = clause.and_(Clause("held_at < ?", (chosen.before,)))
    return clause


def rowids_between(rowid: str, earliest: int | None, latest: int | None) -> Clause:
    """Return the same for the index of words."""
    clause = Clause("")
    if earliest is not None:
        clause = clause.and_(Clause(f"{rowid} >= ?", (earliest,)))
    if latest is not None:
        clause = clause.and_(Clause(f"{rowid} <= ?", (latest,)))
    return clause


def checks(chosen: Selection) -> Clause:
    """Return the condition for rows read one by one, besides their place, their state and their days."""
    clause = Clause("")
    if chosen.reasons:
        clause = clause.and_(Clause(f"+reason IN ({', '.join('?' * len(chosen.reasons))})", chosen.reasons))
    if chosen.has_file:
        clause = clause.and_(Clause("files <> '[]'"))
    if chosen.source:
        clause = clause.and_(Clause("+source = ?", (chosen.source,)))
    for term in chosen.terms:
        clause = clause.and_(_spelled(term, chosen.content))
    return clause.and_(score_between(chosen)).and_(not_seen(chosen)).and_(_sent_by(chosen.sender))


def _sent_by(pattern: str) -> Clause:
    """Return the condition for a sender; what is compared stands with the mail."""
    if not pattern:
        return Clause("")
    sender, author = "p.sender_key", "lower(m.author)"
    ending = pattern.removeprefix("@") if pattern.startswith("@.") else pattern
    if pattern.startswith("@"):
        sender, author = f"substr({sender}, -length(?))", f"substr({author}, -length(?))"
    values: Values = (ending, ending) * 2 if pattern.startswith("@") else (ending, ending)
    # `age` is what only the list has: minus the id.
    named = f"p.id = -age AND ({sender} = ? OR {author} = ?)"
    mails = "pending AS p CROSS JOIN message AS m ON m.id = p.message_id"
    return Clause(f"EXISTS (SELECT 1 FROM {mails} WHERE {named})", values)  # noqa: S608 names of our own


def score_between(chosen: Selection) -> Clause:
    """Return the condition for the scores asked for. Who has none has not a low one."""
    clause = Clause("")
    if chosen.score is not None:
        signs = {"<": "score < ?", "<=": "score <= ?", ">": "score > ?", ">=": "score >= ?", "=": "score = ?"}
        clause = Clause(signs[chosen.score.sign], (chosen.score.value,)).and_(Clause("score > ?", (NO_SCORE,)))
    return clause


def not_seen(chosen: Selection) -> Clause:
    """Return the condition for rows that an account has not opened, where it is asked for."""
    if chosen.unseen_by is None:
        return Clause("")
    return Clause("NOT EXISTS (SELECT 1 FROM seen WHERE pending_id = id AND account = ?)", (chosen.unseen_by,))


_COLUMNS = {"from": "w_from", "to": "w_to", "subject": "w_subject", "file": "w_file"}


def _columns(term: Term, content: bool) -> list[str]:
    if term.field:
        return [_COLUMNS[term.field]]
    return list(_COLUMNS.values()) if content else ["w_from", "w_to"]


def _spelled(term: Term, content: bool) -> Clause:
    part = f" {' '.join(term.words)}{' ' if term.whole else ''}"
    columns = _columns(term, content)
    return Clause(f"({' OR '.join(f'instr({column}, ?)' for column in columns)})", (part,) * len(columns))


def in_place(place: Place) -> Clause:
    """Return the condition for rows that may lie anywhere."""
    if place.site:
        return Clause("")
    pieces = [Clause(f"domain IN ({', '.join('?' * len(place.domains))})", place.domains)]
    pieces += [Clause("owner = ?", (owner.key,)).and_(_tagged(owner)) for owner in place.owners]
    values: Values = tuple(value for piece in pieces for value in piece.values)
    return Clause(f"({' OR '.join(f'({piece.sql})' for piece in pieces)})", values)


def not_in_words(chosen: Selection, *, waiting: bool) -> Clause:
    """Return what the index of words does not know of the rows it finds, besides their days."""
    clause = score_between(chosen).and_(not_seen(chosen)).and_(_sent_by(chosen.sender))
    states = tuple(state.value for state in ended_states(chosen))
    if not waiting and len(states) < len(State) - 1:
        clause = Clause(f"+state IN ({', '.join('?' * len(states))})", states).and_(clause)
    return clause


# --- rows ---


def by_index(index: str, where: Clause) -> Clause:
    """Return the rows of an index that a condition holds for."""
    return Clause(f"FROM queue INDEXED BY {index} WHERE {where.sql}", where.values)


def by_ids(ids: Sequence[int], rest: Clause) -> Clause:
    """Return those rows of some that a condition holds for."""
    # No other index: with these ids few rows are fetched, whatever else is asked of them.
    named = Clause("id IN (SELECT value FROM json_each(?))", (json.dumps(ids),)).and_(rest)
    return Clause(f"FROM queue NOT INDEXED WHERE {named.sql}", named.values)


def by_words(table: str, hits: Clause, rest: Clause) -> Clause:
    """Return those rows of what an index of words finds that a condition holds for."""
    found = f"SELECT rowid FROM {table} WHERE {hits.sql}"  # noqa: S608 names of our own
    named = Clause(f"id IN ({found})", hits.values).and_(rest)
    return Clause(f"FROM queue NOT INDEXED WHERE {named.sql}", named.values)


def marked(lowest: int, marks: bytes) -> Clause:
    """Return the condition for rows whose octet is 1. lowest: the id that the first octet stands for."""
    # Octets of a parameter are reached at once, without a copy of it; rows that are none of ours never leave SQLite.
    return Clause("substr(?, id - ? + 1, 1) = x'01'", (marks, lowest))


def rowids_behind(rowid: str, key: Key | None, descending: bool) -> Clause:
    """Let the index of words begin where the page begins."""
    if key is None:
        return Clause("")
    # The index of words knows whole numbers only.
    place = -float(key[0])
    return Clause(f"{rowid} > ?", (floor(place),)) if descending else Clause(f"{rowid} < ?", (ceil(place),))


# --- words ---


def wants_words(chosen: Selection, *, waiting: bool) -> bool:
    """True where the index of words knows something of what is asked for that no other index knows better."""
    return bool(chosen.terms or chosen.reasons or chosen.has_file or (chosen.source and not waiting))


def words_match(chosen: Selection, *, waiting: bool) -> str:
    """Return the expression for the index of words."""
    pieces = [
        f'{{{" ".join(_columns(term, chosen.content))}}} : "{" ".join(term.words)}"{"" if term.whole else " *"}'
        for term in needed(chosen.terms)
    ]
    if chosen.reasons:
        pieces.append(_any_mark(mark("r", reason) for reason in chosen.reasons))
    if chosen.has_file:
        pieces.append(f"marks : {HAS_FILE}")
    if chosen.source:
        pieces.append(f"marks : {mark('s', chosen.source)}")
    if waiting and len(chosen.lanes) == 1:
        pieces.append(f"marks : {mark('l', chosen.lanes[0])}")
    if not chosen.place.site:
        pieces.append(_any_mark(_place_marks(chosen.place)))
    return " AND ".join(pieces)


def _place_marks(place: Place) -> Iterator[str]:
    for domain in place.domains:
        yield mark("d", domain)
    for owner in place.owners:
        yield mark("t", owner.tagged) if owner.tagged else mark("o", owner.key)
    if not place.domains and not place.owners:
        # No row has it.
        yield "nowhere"


def needed(terms: Sequence[Term]) -> list[Term]:
    """Leave out what follows from another term, as `roo` from `roof`: each costs a walk through all that have it."""
    kept: list[Term] = []
    for term in sorted(set(terms), key=lambda one: (-sum(map(len, one.words)), one.whole is False, one.field == "")):
        if not any(_follows(term, other) for other in kept):
            kept.append(term)
    return [term for term in dict.fromkeys(terms) if term in kept]


def _follows(term: Term, other: Term) -> bool:
    """True where whatever has the other term has this one."""
    if len(term.words) > 1 or term.field not in ("", other.field):
        return False
    (word,), last = term.words, len(other.words) - 1
    if not term.whole:
        return any(one.startswith(word) for one in other.words)
    return any(one == word and (at < last or other.whole) for at, one in enumerate(other.words))


def _any_mark(marks: Iterator[str]) -> str:
    return f"({' OR '.join(f'marks : {one}' for one in marks)})"


HAS_FILE = "f1"
NO_SCORE = -1e99
"""Stands for no score: it sorts below all others."""


def mark(kind: str, text: str) -> str:
    """Return a word for the index that stands for a domain, a recipient, a lane or the like, whatever letters are in it."""
    return kind + "".join(c if c.isascii() and c.isalnum() and c != "z" else f"z{ord(c):x}z" for c in text)
