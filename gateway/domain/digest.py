"""What stands in a digest: which kind a mail is of, and which mails are shown where not all can be."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from gateway.domain.phrase import phrase

T = TypeVar("T")

SPAM_SCORE = 5.0
MOST_LINES = 100
"""Lines of one digest, so that it can be read, and mail programs show it whole."""
_SHARES = (60, 20, 20)
"""Lines that each kind has for itself where there are more than fit, in the order of `Kind`."""


class Kind(Enum):
    """Of mail, as its reader cares. Stored by value: add members, never rename them."""

    PEOPLE = "people"
    NEWSLETTERS = "newsletters"  # And receipts, notices: what machines send and somebody vouches for.
    SPAM = "spam"  # Likely so: nobody vouches for it, or it looks like it.


KINDS = tuple(Kind)


def kind_of(*, machine: bool, proven: bool, score: float | None) -> Kind:
    """Tell which kind a mail is of. machine: no person wrote it. proven: somebody vouches for its author."""
    if not proven or (score is not None and score >= SPAM_SCORE):
        return Kind.SPAM
    return Kind.NEWSLETTERS if machine else Kind.PEOPLE


def parse_kinds(text: str) -> frozenset[Kind]:
    """Read kinds parted by commas. Raises ValueError with one sentence."""
    names = [name.strip() for name in text.lower().split(",") if name.strip()]
    known = {kind.value: kind for kind in Kind}
    if not names or not set(names) <= set(known):
        raise ValueError(phrase("kinds are some of {known}, not {text}", known=", ".join(known), text=repr(text)))
    return frozenset(known[name] for name in names)


def kinds_text(kinds: frozenset[Kind]) -> str:
    """Write kinds as they are stored."""
    return ",".join(kind.value for kind in Kind if kind in kinds)


@dataclass(frozen=True, slots=True)
class Line(Generic[T]):
    """One line of a digest: a mail, or the mails of one source."""

    first: T
    """The newest; its links are the line's."""
    others: tuple[T, ...] = ()


@dataclass(frozen=True, slots=True)
class Group(Generic[T]):
    """The lines of one kind."""

    kind: Kind
    total: int
    """Mails of this kind, shown or not."""
    lines: tuple[Line[T], ...]

    @property
    def shown(self) -> int:
        """Mails that the lines stand for."""
        return sum(1 + len(line.others) for line in self.lines)


def arrange(
    mails: Sequence[T],
    kind: Callable[[T], Kind],
    source: Callable[[T], str],
    goes_at: Callable[[T], float],
    most: int = MOST_LINES,
) -> tuple[Group[T], ...]:
    """Put mails, the newest first, into groups of lines; kinds without mail are left out.

    source: what machine mail is known by; one that is empty stands alone. Where there are more lines than `most`, each
    kind keeps its share, half of it the newest lines and half those that would go first: nothing goes unseen because
    more came.
    """
    lines = {one: _lines([mail for mail in mails if kind(mail) is one], one, source) for one in KINDS}
    room = _room({one: len(found) for one, found in lines.items()}, most)
    return tuple(
        Group(one, sum(1 + len(line.others) for line in found), _some(found, room[one], goes_at))
        for one, found in lines.items()
        if found
    )


def _lines(mails: Sequence[T], kind: Kind, source: Callable[[T], str]) -> list[Line[T]]:
    if kind is not Kind.NEWSLETTERS:
        return [Line(mail) for mail in mails]
    by_source: dict[tuple[str, int], list[T]] = {}
    for number, mail in enumerate(mails):
        known = source(mail)
        by_source.setdefault((known, 0) if known else ("", number), []).append(mail)
    return [Line(first, tuple(others)) for first, *others in by_source.values()]


def _room(wanted: dict[Kind, int], most: int) -> dict[Kind, int]:
    """Share out the lines: what one kind does not need, the others get, people's mail first."""
    room = {
        one: min(count, share * most // sum(_SHARES))
        for (one, count), share in zip(wanted.items(), _SHARES, strict=True)
    }
    left = most - sum(room.values())
    for one, count in wanted.items():
        more = min(left, count - room[one])
        room[one] += more
        left -= more
    return room


def _some(lines: list[Line[T]], room: int, goes_at: Callable[[T], float]) -> tuple[Line[T], ...]:
    if len(lines) <= room:
        return tuple(lines)
    newest = room - room // 2
    rest = range(newest, len(lines))
    first_to_go = sorted(rest, key=lambda number: goes_at(lines[number].first))[: room // 2]
    return tuple(lines[number] for number in [*range(newest), *sorted(first_to_go)])


PLACEHOLDERS = ("total", "new", "people", "newsletters", "spam", "mailbox", "date", "organisation")
"""What a subject of one's own may have in it, each in curly brackets."""


def checked_subject(text: str) -> str:
    """Return a subject with placeholders as it is stored. Raises ValueError with one sentence."""
    text = " ".join(text.split())
    if len(text) > 150:
        raise ValueError(phrase("a subject has at most 150 characters"))
    left = text
    for name in PLACEHOLDERS:
        left = left.replace(f"{{{name}}}", "")
    if "{" in left or "}" in left:
        known = ", ".join(f"{{{name}}}" for name in PLACEHOLDERS)
        raise ValueError(phrase("a subject may have {known} in curly brackets, and nothing else", known=known))
    return text


def filled_subject(text: str, values: dict[str, str]) -> str:
    """Put the values in; a value that looks like a placeholder stays as it is."""
    pieces = [text]
    for name in PLACEHOLDERS:
        parted: list[str] = []
        for place, piece in enumerate(pieces):
            # What stands at odd places was put in already.
            if place % 2:
                parted.append(piece)
                continue
            first, *others = piece.split(f"{{{name}}}")
            parted.append(first)
            for other in others:
                parted += [values[name], other]
        pieces = parted
    return "".join(pieces)
