"""The index of words: what it is asked for, and the words in it that stand for what people do not type."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import ceil, floor

from gateway.domain.query import Term, search_words
from gateway.flow.queue_ports import Key, Place, Selection
from gateway.store.queue_sql import Clause

_COLUMNS = {"from": "w_from", "to": "w_to", "subject": "w_subject", "file": "w_file"}
HAS_FILE = "f1"
"""Of rows with a file."""


def columns_of(term: Term, content: bool) -> list[str]:
    """Return where a term is looked for."""
    if term.field:
        return [_COLUMNS[term.field]]
    return list(_COLUMNS.values()) if content else ["w_from", "w_to"]


def wants_words(chosen: Selection, *, waiting: bool) -> bool:
    """True where the index of words knows something of what is asked for that no other index knows better."""
    return bool(chosen.terms or chosen.reasons or chosen.has_file or (chosen.source and not waiting))


def words_match(chosen: Selection, *, waiting: bool) -> str:
    """Return the expression for the index of words."""
    pieces = [
        f'{{{" ".join(columns_of(term, chosen.content))}}} : "{" ".join(term.words)}"{"" if term.whole else " *"}'
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


def held_by_domain(term: Term, domain: str) -> bool:
    """True where all mail to a domain has a term: it looks for recipients, and stands in the domain's own name."""
    wanted = f" {' '.join(term.words)}{' ' if term.whole else ''}"
    return term.field == "to" and wanted in f" {search_words(domain)} "


def by_domain(chosen: Selection) -> list[Selection]:
    """Part a selection, where recipients are looked for, and some of its domains hold the words in their own names.

    What goes there is all meant: it is found without them.
    """
    named, place = tuple(term for term in chosen.terms if term.field == "to"), chosen.place
    held = tuple(domain for domain in place.domains if named and all(held_by_domain(term, domain) for term in named))
    if not held:
        return [chosen]
    rest = tuple(term for term in chosen.terms if term not in named)
    parts = [replace(chosen, place=Place(domains=held), terms=rest)]
    others = tuple(domain for domain in place.domains if domain not in held)
    if others or place.owners:
        parts.append(replace(chosen, place=Place(domains=others, owners=place.owners)))
    return parts


def outside(term: Term, domains: Sequence[str], others: str) -> str:
    """Return the expression for mail that may have a recipient's term, but goes to none of these domains.

    others: what else is asked for, or "".
    """
    # By its first letters alone: whole phrases would be compared in all mail to these domains.
    first = not_to(f'{{w_to}} : "{term.words[0]}" *', domains)
    return f"({first}) AND {others}" if others else first


def not_elsewhere(chosen: Selection, domains: Sequence[str], match: str) -> str:
    """Return the expression for what a selection finds, where it goes to none of these domains."""
    phrase = next((term for term in chosen.terms if len(term.words) > 1), None)
    if phrase is None:
        return not_to(match, domains)
    # Its first word alone, for the same reason.
    first = f'{{{" ".join(columns_of(phrase, chosen.content))}}} : "{phrase.words[0]}"'
    return f"({not_to(first, domains)}) AND {match}"


def not_to(match: str, domains: Sequence[str]) -> str:
    """Return the expression for what goes to none of these domains."""
    return f"({match}) NOT {_any_mark(mark('d', domain) for domain in domains)}"


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


def mark(kind: str, text: str) -> str:
    """Return a word for the index that stands for a domain, a recipient, a lane or the like, whatever letters are in it."""
    return kind + "".join(c if c.isascii() and c.isalnum() and c != "z" else f"z{ord(c):x}z" for c in text)


def rowids_between(rowid: str, earliest: int | None, latest: int | None) -> Clause:
    """Return the same for the index of words."""
    clause = Clause("")
    if earliest is not None:
        clause = clause.and_(Clause(f"{rowid} >= ?", (earliest,)))
    if latest is not None:
        clause = clause.and_(Clause(f"{rowid} <= ?", (latest,)))
    return clause


def rowids_behind(rowid: str, key: Key | None, descending: bool) -> Clause:
    """Let the index of words begin where the page begins."""
    if key is None:
        return Clause("")
    # The index of words knows whole numbers only.
    place = -float(key[0])
    return Clause(f"{rowid} > ?", (floor(place),)) if descending else Clause(f"{rowid} < ?", (ceil(place),))
