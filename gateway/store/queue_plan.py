"""How a selection of the pending list becomes SQL that looks at few rows, however many there are.

The list is cut into strips, each of which lies in the order wanted in one index: a lane of the site, of a domain or of
a recipient, or the rows of one state that no longer wait. Strips are read side by side and merged. Words and filters
go by the index of words. What is few (FEW rows at most) is read whole and sorted.

All names in these statements are our own; what people typed is always a parameter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

from gateway.domain.lifecycle import State
from gateway.domain.query import Term
from gateway.flow.queue import MACHINE, MOST_COUNTED, Key, Owner, Place, Selection

FEW = 4000
"""Rows that are read and sorted within some 20 ms."""
WALKED = 10_000
"""Rows that are looked through first, in the order wanted, in the hope that they fill a page."""
FEW_HITS = MOST_COUNTED
"""Rows found by their words that are read and sorted; of more, a page in another order is met soon by walking."""

Values = tuple[str | int | float, ...]

KEYS: dict[str, tuple[str, ...]] = {
    "arrival": ("age",),
    "sender": ("sender_sort", "age"),
    "subject": ("subject_sort", "age"),
    "recipient": ("domain", "owner", "age"),
    "size": ("size", "age"),
    "reason": ("reason", "age"),
    "expiry": ("expires_at", "age"),
}
_TYPES: dict[str, type[str] | type[float]] = {
    "age": float, "sender_sort": str, "subject_sort": str, "domain": str, "owner": str, "size": float, "reason": str,
    "expires_at": float,
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
    """The index that holds it in the order wanted."""
    part: Selection
    """What of the selection it is."""
    alone: bool = True
    """The second index holds nothing else between its rows."""


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
    if key is None or sort != "recipient" or strip.part.place.site:
        return behind(sort, key, descending)
    # Within a domain, or a recipient's mail, what all rows share is not compared: no index would be of use for it.
    (domain, owner), own = key[:2], strip.part.place
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
        line = Clause("listed = 1 AND lane = 'machine'" if lane == MACHINE else "listed = 1 AND lane = 'people'").and_(
            source
        )
        if chosen.place.site:
            here = "queue_place" if sort == "recipient" else f"queue_{name}"
            part = replace(chosen, lanes=(lane,))
            yield Strip(line, "queue_source" if source.sql else "queue_age", here, part, not source.sql)
        for domain in chosen.place.domains:
            where = line.and_(Clause("domain = ?", (domain,)))
            part = replace(chosen, lanes=(lane,), place=Place(domains=(domain,)))
            yield Strip(where, "queue_domain_source" if source.sql else "queue_domain_age", near, part, not source.sql)
        for owner in chosen.place.owners:
            where = line.and_(Clause("domain = ?", (owner.domain,))).and_(_of_owner(owner))
            here = "queue_place" if sort in ("arrival", "recipient") else near
            alone = here == "queue_place" and not source.sql and not owner.tagged
            part = replace(chosen, lanes=(lane,), place=Place(owners=(owner,)))
            yield Strip(where, "queue_domain_source" if source.sql else "queue_place", here, part, alone)


def _of_owner(owner: Owner) -> Clause:
    clause = Clause("owner = ?", (owner.key,))
    return clause.and_(Clause("recipient_key = ?", (owner.tagged,))) if owner.tagged else clause


def ended_strips(chosen: Selection) -> Iterator[Strip]:
    """Cut what no longer waits into strips; by arrival only."""
    for state in ended_states(chosen):
        line = Clause("listed = 0 AND state = ?", (state.value,))
        if chosen.place.site:
            yield Strip(line, "queue_ended", "queue_ended", chosen)
        for domain in chosen.place.domains:
            yield Strip(line.and_(Clause("domain = ?", (domain,))), "queue_domain_ended", "queue_domain_ended", chosen)
        for owner in chosen.place.owners:
            yield Strip(line.and_(_of_owner(owner)), "queue_owner_ended", "queue_owner_ended", chosen)


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


def details(chosen: Selection) -> Clause:
    """Return the condition that the index of words would answer, for rows read one by one."""
    clause = Clause("")
    if chosen.reasons:
        clause = clause.and_(Clause(f"+reason IN ({', '.join('?' * len(chosen.reasons))})", chosen.reasons))
    if chosen.has_file:
        clause = clause.and_(Clause("files <> '[]'"))
    for term in chosen.terms:
        clause = clause.and_(_spelled(term, chosen.content))
    return clause.and_(_sent_by(chosen.sender))


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
    pieces += [_of_owner(owner) for owner in place.owners]
    values: Values = tuple(value for piece in pieces for value in piece.values)
    return Clause(f"({' OR '.join(f'({piece.sql})' for piece in pieces)})", values)


def found_by_words(chosen: Selection, *, waiting: bool) -> Clause:
    """Return what the index of words does not know of the rows it finds."""
    clause = Clause("")
    if chosen.source:
        clause = clause.and_(Clause("+source = ?", (chosen.source,)))
    clause = clause.and_(_sent_by(chosen.sender))
    if not waiting:
        states = tuple(state.value for state in ended_states(chosen))
        clause = clause.and_(Clause(f"+state IN ({', '.join('?' * len(states))})", states))
    if chosen.place.owners:
        # What the domains hold needs no second look, where there are domains only.
        clause = clause.and_(in_place(chosen.place))
    return clause


# --- words ---


def wants_words(chosen: Selection) -> bool:
    """True where the index of words knows something of what is asked for."""
    return bool(chosen.terms or chosen.reasons or chosen.has_file)


def words_match(chosen: Selection, *, waiting: bool) -> str:
    """Return the expression for the index of words: a superset of the selection."""
    pieces = [
        f'{{{" ".join(_columns(term, chosen.content))}}} : "{" ".join(term.words)}"{"" if term.whole else " *"}'
        for term in chosen.terms
    ]
    if chosen.reasons:
        pieces.append(_any_mark(mark("r", reason) for reason in chosen.reasons))
    if chosen.has_file:
        pieces.append(f"marks : {HAS_FILE}")
    if waiting and len(chosen.lanes) == 1:
        pieces.append(f"marks : {mark('l', chosen.lanes[0])}")
    if not chosen.place.site:
        domains = {*chosen.place.domains, *(owner.domain for owner in chosen.place.owners)}
        pieces.append(_any_mark(mark("d", domain) for domain in sorted(domains)))
    return " AND ".join(pieces)


def _any_mark(marks: Iterator[str]) -> str:
    return f"({' OR '.join(f'marks : {one}' for one in marks)})"


HAS_FILE = "f1"


def mark(kind: str, text: str) -> str:
    """Return a word for the index that stands for a domain, a lane or a reason, whatever letters are in it."""
    return kind + "".join(c if c.isascii() and c.isalnum() and c != "z" else f"z{ord(c):x}z" for c in text)
