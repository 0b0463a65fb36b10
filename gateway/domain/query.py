"""The search box: what a person types becomes a value; what cannot be understood is said in plain words.

    roof "new offer" from:anna to:joe subject:roof file:pdf reason:unknown state:delivered
    has:file is:unseen score:>5 day:today after:2026-11-01 before:2026-12-01 after:digest digest:17

Words are parts of the sender, the recipient, the subject or a file's name, from the beginning of a word on. All that
is typed must hold. A prefix nobody knows is a word like any other.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import lru_cache

from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.policy import Reason

LONGEST = 300
"""Characters of the box that are read."""
MOST_TERMS = 10
FIELDS = ("from", "to", "subject", "file")
"""Where a term may be looked for."""
FILTERS = ("reason", "state", "before", "after", "day", "has", "is", "score", "digest")
_STATES: dict[str, tuple[State, ...]] = {
    "waiting": (State.PENDING,),
    "on-its-way": (State.RELEASED,),
    "all": tuple(State),
    **{state.value: (state,) for state in State},
}
_PIECE = re.compile(r'(?:([A-Za-z]+):)?(?:"([^"]*)"?|(\S+))')
_SCORE = re.compile(r"(<=|>=|<|>|=|)(-?\d{1,6}(?:\.\d{1,6})?)\Z", re.ASCII)
_DAYS = re.compile(r"(\d{1,4})d\Z")
_NUMBER = re.compile(r"[0-9]{1,18}\Z")


@dataclass(frozen=True, slots=True)
class Term:
    """Words that must stand somewhere in this order, side by side; of the last one the beginning is enough."""

    words: tuple[str, ...]
    """In the form of `search_words`."""
    field: str = ""
    """One of FIELDS; "" is any of them."""
    whole: bool = False
    """The last word must be whole too: it was typed in quotes."""


@dataclass(frozen=True, slots=True)
class Score:
    """Which scores are meant."""

    sign: str
    """<, <=, >, >= or =."""
    value: float


@dataclass(frozen=True, slots=True)
class Query:
    """What is looked for. All of it must hold."""

    terms: tuple[Term, ...] = ()
    reasons: tuple[str, ...] = ()
    """Any of them; empty: whatever the reason."""
    states: tuple[State, ...] = (State.PENDING,)
    after: date | None = None
    """Arrived on this day or later."""
    since_digest: bool = False
    """Only what came after the reader's last digest."""
    told_at: float | None = None
    """When that was made, seconds since the epoch; found out by who has the store."""
    before: date | None = None
    """Arrived before this day began."""
    has_file: bool = False
    unseen: bool = False
    """Only what the reader has not opened."""
    score: Score | None = None
    digest: int | None = None
    """Only what stood in the digest of this number."""
    pieces: tuple[str, ...] = ()
    """As typed, each word and each filter."""
    faults: tuple[str, ...] = ()
    """What could not be understood, a sentence each; the rest holds."""

    @property
    def filters(self) -> tuple[str, ...]:
        """The pieces that are filters."""
        return tuple(piece for piece in self.pieces if _prefix(piece) in FILTERS)

    def without(self, piece: str) -> str:
        """Return the box's text without a piece."""
        return " ".join(one for one in self.pieces if one != piece)

    def adding(self, piece: str) -> str:
        """Return the box's text with a filter put in the place of others of its kind."""
        return " ".join((*(one for one in self.pieces if _prefix(one) != _prefix(piece)), piece))


def read_query(text: str, today: date) -> Query:
    """Read the box. today: in the reader's zone."""
    query = Query()
    for match in _PIECE.finditer(_plain(text[:LONGEST])):
        prefix, quoted, bare = (match.group(1) or "").lower(), match.group(2), match.group(3)
        query = replace(query, pieces=(*query.pieces, match.group()))
        value = quoted if quoted is not None else bare
        if prefix in FILTERS:
            query = _filtered(query, prefix, value, today)
        elif prefix in FIELDS:
            query = _searched(query, value, prefix, quoted is not None)
        else:
            query = _searched(query, f"{prefix}:{value}" if prefix else value, "", quoted is not None)
    return query


def _prefix(piece: str) -> str:
    before, colon, _ = piece.partition(":")
    return before.lower() if colon else ""


def _plain(text: str) -> str:
    return "".join(" " if unicodedata.category(letter) in ("Cc", "Cs", "Zl", "Zp") else letter for letter in text)


def _searched(query: Query, value: str, field: str, whole: bool) -> Query:
    words = tuple(search_words(value).split())
    if not words:
        return query
    if len(query.terms) >= MOST_TERMS:
        return _faulty(query, phrase("Only the first {most} words are looked for.", most=MOST_TERMS))
    # One letter is where too many words begin; a character of a script without blanks is a word itself.
    return replace(query, terms=(*query.terms, Term(words, field, whole or len(words[-1]) == 1)))


def _filtered(query: Query, prefix: str, value: str, today: date) -> Query:
    value = value.lower()
    if prefix == "has":
        if value in ("file", "files", "attachment"):
            return replace(query, has_file=True)
        return _faulty(query, phrase("has: knows only has:file."))
    if prefix == "is":
        if value in ("unseen", "unread", "new"):
            return replace(query, unseen=True)
        return _faulty(query, phrase("is: knows only is:unseen."))
    if prefix == "score":
        score = _SCORE.match(value)
        if score is None:
            return _faulty(query, phrase("score: wants a number, as score:>5, score:<=2.5 or score:0."))
        return replace(query, score=Score(score.group(1) or "=", float(score.group(2))))
    if prefix == "digest":
        if not _NUMBER.match(value):
            return _faulty(query, phrase("digest: wants the number of a digest; the link in each digest has it."))
        return replace(query, digest=int(value))
    if prefix == "state":
        states = _STATES.get(value)
        if states is None:
            return _faulty(
                query, phrase("There is no state {value}. There are {known}.", value=value, known=", ".join(_STATES))
            )
        return replace(query, states=states)
    if prefix == "reason":
        reasons = tuple(reason.value for reason in Reason if value and reason.value.startswith(value))
        if not reasons:
            known = ", ".join(one.value for one in Reason)
            return _faulty(query, phrase("There is no reason {value}. There are {known}.", value=value, known=known))
        return replace(query, reasons=reasons)
    if prefix == "after" and value == "digest":
        return replace(query, since_digest=True)
    return _by_day(query, prefix, value, today)


def _by_day(query: Query, prefix: str, value: str, today: date) -> Query:
    day = read_day(value, today)
    if day is None:
        return _faulty(
            query,
            phrase(
                "{prefix}: wants a day, as {prefix}:{today}, {prefix}:yesterday or {prefix}:7d.",
                prefix=prefix,
                today=today.isoformat(),
            ),
        )
    if prefix == "before":
        return replace(query, before=day)
    if prefix == "after":
        return replace(query, after=day)
    # "7d" as a day means the week up to now.
    last = None if _DAYS.match(value) or day == date.max else day + timedelta(days=1)
    return replace(query, after=day, before=last)


def _faulty(query: Query, sentence: str) -> Query:
    return query if sentence in query.faults else replace(query, faults=(*query.faults, sentence))


def read_day(text: str, today: date) -> date | None:
    """Read `2026-11-20`, `today`, `yesterday` or `7d` (so many days ago); None for anything else."""
    if text in ("today", "yesterday"):
        return today - timedelta(days=int(text == "yesterday"))
    ago = _DAYS.match(text)
    if ago is not None:
        return today - timedelta(days=int(ago.group(1)))
    try:
        day = date.fromisoformat(text)
    except ValueError:
        return None
    # Years before this one are beyond what clocks can count back to.
    return day if day.year >= 1970 else None


@lru_cache(maxsize=4096)
def search_words(text: str) -> str:
    """Return the words of a text as they are compared: small letters without accents, parted by single blanks.

    Scripts written without blanks are taken letter by letter, so that a part in the middle is found too.
    """
    letters: list[str] = []
    # Twice: what is taken apart may be a capital letter, and what is made small may be taken apart.
    small = unicodedata.normalize("NFKD", text).casefold()
    for letter in unicodedata.normalize("NFKD", small):
        if letter.isalnum():
            letters.append(f" {letter} " if _stands_alone(letter) else letter)
        elif not unicodedata.combining(letter):
            letters.append(" ")
    return " ".join("".join(letters).split())


def _stands_alone(letter: str) -> bool:
    """True for Chinese characters, kana, Thai, Lao and Khmer."""
    return (
        "\u0e00" <= letter <= "\u0eff"
        or "\u1780" <= letter <= "\u17ff"
        or "\u3040" <= letter <= "\u9fff"
        or letter >= "\U00020000"
    )
