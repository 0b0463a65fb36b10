"""Bring lists in and out as files: say what would change first, then change it."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice

from gateway.domain.lists import UNPROVEN, Verdict, merge_entries
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.list_files import Fault, Line, Lines, csv_lines, plain_lines
from gateway.flow.list_ports import Cut, EntryStore, EntryTx, EntryView, Part
from gateway.flow.list_rights import may_be_unproven, parts_in_reach

CSV = "csv"
MOST_OCTETS = 8_000_000
"""A hundred thousand entries, with notes."""
MOST_LINES = 100_000
PIECE = 1000
"""Lines that are saved in one transaction: mail that comes in meanwhile waits some 20 ms for it."""
_BIT = 100
"""Lines that are read or compared at a time: some milliseconds."""
_BREATH = 0.004
"""Seconds for others between two bits."""
_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A line that would change an entry, as it is and as it would be."""

    line: Line
    before: EntryView
    proof: str
    note: str
    expires_at: float | None


@dataclass(frozen=True, slots=True)
class Plan:
    """What a file would do, as the lists stand."""

    new: list[Line] = field(default_factory=list)
    changed: list[Change] = field(default_factory=list)
    known: list[Line] = field(default_factory=list)
    """There already, or more than once in the file."""
    faults: list[Fault] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Saved:
    """How many entries a file made or changed, or why not."""

    new: int
    changed: int
    known: int
    refused: int

    def and_(self, other: Saved) -> Saved:
        """Return what two pieces of a file did."""
        return Saved(
            self.new + other.new,
            self.changed + other.changed,
            self.known + other.known,
            self.refused + other.refused,
        )


def pieces(lines: Lines) -> list[Lines]:
    """Part a file for transactions that let mail through between them."""
    starts = range(0, max(len(lines.lines), 1), PIECE)
    return [Lines(lines.lines[start : start + PIECE], [] if start else lines.faults) for start in starts]


def read_pieces(words: str, form: str, scope: str) -> Iterator[Lines]:
    """Read a file bit by bit, however many lines it has.

    form: CSV, or the verdict of plain lines. scope: of lines that name none, in stored form.
    """
    file = io.StringIO(words.removeprefix("\ufeff"), newline="")
    found = csv_lines(file, scope) if form == CSV else plain_lines(file, Verdict(form), scope)
    while some := list(islice(found, _BIT)):
        lines = Lines()
        for one in some:
            lines.take(one)
        yield lines


async def gently(words: str, form: str, scope: str) -> AsyncIterator[Lines]:
    """Yield the same, with room for others between two bits."""
    pieces = read_pieces(words, form, scope)
    while (piece := await asyncio.to_thread(next, pieces, None)) is not None:
        yield piece
        await asyncio.sleep(_BREATH)


def too_long() -> Lines:
    """Say that a file has too many lines, and nothing else."""
    return Lines(faults=[Fault(0, phrase("it has more than {most} lines; bring it in pieces", most=MOST_LINES))])


def plan(tx: EntryTx, lines: Lines, now: float) -> Plan:
    """Say what these lines would do. Faulty ones stay faults."""
    made = Plan(faults=list(lines.faults))
    first: dict[tuple[str, str, str], Line] = {}
    _gather(lines.lines, first, made)
    _compare(tx, list(first.values()), made, now)
    return made


def _gather(lines: Sequence[Line], first: dict[tuple[str, str, str], Line], made: Plan) -> None:
    """Merge lines into those of the same entry that stand before them; what is merged is known."""
    for line in lines:
        earlier = first.get(line.entry.key)
        if earlier is None:
            first[line.entry.key] = line
        else:
            merged = replace(merge_entries(earlier.entry, line.entry, 0.0))
            first[line.entry.key] = Line(earlier.number, merged, earlier.note or line.note)
            made.known.append(line)


def _compare(tx: EntryTx, lines: Sequence[Line], made: Plan, now: float) -> None:
    """Add to a plan what lines, each of an entry of its own, do to those that are there."""
    there = {
        (view.pattern, view.scope, view.verdict): view
        for view in tx.entries.of_patterns(list(dict.fromkeys(line.entry.pattern for line in lines)))
    }
    for line in lines:
        view = there.get(line.entry.key)
        if view is None:
            made.new.append(line)
            continue
        change = _change(line, view, now)
        if change is None:
            made.known.append(line)
        else:
            made.changed.append(change)


def save(tx: EntryTx, planned: Plan, who: str, now: float) -> Saved:
    """Do what was planned in the same transaction."""
    tx.entries.add_all([(line.entry, line.note) for line in planned.new], who, now)
    for change in planned.changed:
        tx.entries.change(change.before.id, change.proof, change.note, change.expires_at)
    return Saved(len(planned.new), len(planned.changed), len(planned.known), len(planned.faults))


def _change(line: Line, view: EntryView, now: float) -> Change | None:
    """What a line does to the entry that is there: it lets in more, never less; a note and a time it bears are taken."""
    merged = merge_entries(view.entry, line.entry, now)
    expires = view.expires_at if line.entry.expires_at is None and view.entry.holds(now) else line.entry.expires_at
    note = line.note or view.note
    if (merged.proof, note, expires) == (view.proof, view.note, view.expires_at):
        return None
    return Change(line, view, merged.proof, note, expires)


class ListFiles:
    """Imports and exports for a person, within his reach."""

    def __init__(self, store: EntryStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def bring(self, viewer: Viewer, words: str, form: str, scope: str) -> int:
        """Keep a file until it is saved; return its number.

        form: CSV, or the verdict of plain lines. scope: of lines that name none, in stored form. Raises ValueError
        with one sentence where it cannot be a list at all, PermissionError where he may change none.
        """
        if not viewer.may(Right.EDIT_LISTS) or not viewer.reach.covers_scope(scope):
            raise PermissionError(scope)
        if not words.strip():
            raise ValueError(phrase("There is nothing in it. Choose a file, or paste some lines."))
        if len(words.encode("utf-8", "replace")) > MOST_OCTETS:
            raise ValueError(phrase("It is larger than 8 MB. Bring it in pieces."))
        if "\0" in words:
            raise ValueError(phrase("It is not a text file. Save it as text, or as CSV, in UTF-8."))
        now = self._now()
        return await self._store.transact(lambda tx: tx.entries.put_draft(viewer.name, form, scope, words, now))

    async def preview(
        self, viewer: Viewer, draft_id: int, tell: Callable[[int, int], None] = lambda done, total: None
    ) -> Plan | None:
        """Say what saving would do; None for a file that is not his.

        It is read and compared bit by bit, beside whatever else is going on. tell: is told how many lines are read,
        and how many there are.
        """
        now, made, first = self._now(), Plan(), dict[tuple[str, str, str], Line]()
        draft = await self._store.look(lambda tx: tx.entries.draft(draft_id, viewer.name))
        if draft is None:
            return None
        total, done = draft.words.count("\n") + 1, 0
        async for piece in gently(draft.words, draft.form, draft.scope):
            mine = within_reach(viewer, piece)
            made.faults.extend(mine.faults)
            _gather(mine.lines, first, made)
            done += len(piece.lines) + len(piece.faults)
            if done > MOST_LINES:
                return Plan(faults=too_long().faults)
            tell(min(done, total), total)
        lines = list(first.values())
        for start in range(0, len(lines), _BIT):
            some, added = lines[start : start + _BIT], Plan()
            await self._store.look(lambda tx: _compare(tx, some, added, now))  # noqa: B023 awaited here
            made.new.extend(added.new)
            made.changed.extend(added.changed)
            made.known.extend(added.known)
        return made

    async def export(self, viewer: Viewer, verdict: str = "") -> AsyncIterator[list[EntryView]]:
        """Yield the entries in his reach in pages, in the order they were made, one part after the other."""
        for part in parts_in_reach(viewer.reach):
            async for page in pages(self._store, part, verdict):
                yield page


async def pages(store: EntryStore, part: Part, verdict: str = "", origin: str = "") -> AsyncIterator[list[EntryView]]:
    """Yield all entries of a part in pages, in the order they were made."""
    last = 0
    while page := await store.look(
        lambda tx: tx.entries.page(part, Cut(verdict, after=last, most=_PAGE, origin=origin))  # noqa: B023 awaited here
    ):
        yield page
        last = page[-1].id


def within_reach(viewer: Viewer, lines: Lines) -> Lines:
    """Take out what he may not write."""
    kept: list[Line] = []
    faults = list(lines.faults)
    for line in lines.lines:
        if not viewer.reach.covers_scope(line.entry.scope):
            faults.append(
                Fault(line.number, phrase("{whose} is not yours to decide for", whose=_whose(line.entry.scope)))
            )
        elif line.entry.proof == UNPROVEN and line.entry.verdict is Verdict.ALLOW and not may_be_unproven(viewer):
            faults.append(Fault(line.number, phrase("only an admin may allow a sender without any proof")))
        else:
            kept.append(line)
    return Lines(kept, sorted(faults, key=lambda fault: fault.number))


def _whose(scope: str) -> str:
    return scope.removeprefix("@") or phrase("everybody")
