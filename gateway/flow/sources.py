"""Sources: let in, or keep out, all mail of one list or one machine, whatever bounce address it bears."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gateway.domain.address import without_tag
from gateway.domain.evidence import Evidence
from gateway.domain.lifecycle import Event, State
from gateway.domain.lists import ALIGNED, SIGNED, SOURCE_KINDS, Entry, Verdict, scope_keys
from gateway.domain.policy import Reason
from gateway.domain.roles import Right, Viewer
from gateway.domain.sources import proof_of_source, source_keys, source_to_settle, vouching_for_source
from gateway.flow.moves import move
from gateway.flow.ports import Store, Tx
from gateway.flow.rows import Origin
from gateway.log import event

_log = logging.getLogger("gateway.sources")


REMARKS = {Verdict.ALLOW: "allowed at a mail that waited", Verdict.DENY: "blocked at a mail that waited"}
"""Notes of entries that were made from a mail."""


class Unvouched(Exception):
    """Nobody vouches for the source of a mail: whoever writes the same List-Id would get in with it."""


class NoSource(Exception):
    """The mail names no list, and no machine that is known by its signature sent it."""


class Course(Enum):
    """What becomes of a source."""

    ACCEPT = "accept"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class Settled:
    """A source that was let in or kept out."""

    entries: tuple[Entry, ...]
    """One for each scope, without their numbers."""
    rows: tuple[int, ...]
    """Those that were let go or dropped with it."""


class Sources:
    """Accepts and refuses sources for a person, within his reach."""

    def __init__(self, store: Store, *, now: Callable[[], float], wake_deliveries: Callable[[], None]) -> None:
        self._store = store
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def accept(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Allow the source of held mail, and let go all that waits from it with as good a proof.

        source: the number of a row, or a source key, which means each row of his that waits from there. scope: a
        recipient, `@domain` or "" for the site; None is the rows' recipients, without sub-address, for an admin the
        domains he looks after. None is returned for what is not there or not his. Raises Unvouched, NoSource;
        StoreDown.
        """
        return await self._settle(Course.ACCEPT, viewer, source, scope)

    async def refuse(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Deny the source of a held mail, and drop all that waits from it. As `accept`, but it asks for no proof."""
        return await self._settle(Course.REFUSE, viewer, source, scope)

    async def _settle(self, course: Course, viewer: Viewer, source: int | str, scope: str | None) -> Settled | None:
        if not (viewer.may(Right.MODERATE) and viewer.may(Right.EDIT_LISTS)):
            return None
        now = self._now()

        def work(tx: Tx) -> Settled | None:
            chosen = _chosen(viewer, _waiting(tx, viewer, source), source, scope)
            if not chosen:
                return None
            if course is Course.ACCEPT and isinstance(source, str):
                vouched = {whose: one for whose, one in chosen.items() if proof_of_source(source, one.evidence)}
                chosen = vouched or chosen
            settled = [settle_source(tx, course, one, whose, viewer.name, now) for whose, one in chosen.items()]
            return Settled(
                tuple(entry for one in settled for entry in one.entries),
                tuple(row for one in settled for row in one.rows),
            )

        settled = await self._store.transact(work)
        if settled is not None:
            event(_log, "source-settled", course=course.value, source=settled.entries[0].pattern, actor=viewer.name,
                  scopes=[entry.scope for entry in settled.entries], rows=len(settled.rows))  # fmt: skip
            if settled.rows and course is Course.ACCEPT:
                self._wake_deliveries()
        return settled


def settle_source(tx: Tx, course: Course, origin: Origin, scope: str, actor: str, now: float) -> Settled:
    """Make the entry for a mail's source, and settle all that waits from there in this scope.

    For the transaction of a caller who has seen to the rights. Raises Unvouched, NoSource.
    """
    entry = entry_for(course, origin, scope)
    tx.lists.add(entry, REMARKS[entry.verdict], actor, origin.row.id, now)
    rows = [
        one
        for one in waiting_there(tx, entry.pattern, origin)
        if scope in scope_keys(one.row.recipient) and admits(entry, one)
    ]
    happening = Event.AUTHORIZE if course is Course.ACCEPT else Event.BLACKLIST
    for one in rows:
        detail = "" if one.row.id == origin.row.id else f"with {origin.row.id}"
        move(tx, one.row, happening, actor, now, detail)
    return Settled((entry,), tuple(one.row.id for one in rows))


def entry_for(course: Course, origin: Origin, scope: str) -> Entry:
    """Return the entry that accepts or refuses the source of a mail. Raises Unvouched, NoSource."""
    source = source_at(origin.source, origin.row.reason, origin.evidence)
    if not source:
        raise NoSource
    if course is Course.REFUSE:
        return Entry(Verdict.DENY, source, scope, ALIGNED)
    proof = proof_of_source(source, origin.evidence)
    if not proof:
        raise Unvouched
    return Entry(Verdict.ALLOW, source, scope, proof)


def source_at(source: str, reason: str, evidence: Evidence) -> str:
    """Return the source that can be settled at a mail that was held for this reason."""
    return source_to_settle(source, reason == Reason.AUTOMATIC.value, evidence)


def waiting_there(tx: Tx, pattern: str, origin: Origin) -> list[Origin]:
    """Return what waits from the source that an entry made at one mail names.

    Of who signs, also mail that bears no source of its own; for the same recipient only: others' is not looked through.
    """
    found = tx.sources.waiting_from_source(pattern)
    if pattern.startswith(SIGNED):
        author = origin.author.domain if origin.author is not None else ""
        for domain in dict.fromkeys(filter(None, (pattern.removeprefix(SIGNED), author))):
            there = tx.sources.waiting_from_domain(domain, origin.row.recipient.key)
            found += [one for one in there if pattern in source_keys(one.list_id, one.evidence)]
    return list({one.row.id: one for one in found}.values())


def admits(entry: Entry, origin: Origin) -> bool:
    """True where an entry that names a mail's source holds for this mail."""
    return entry.satisfied_by(vouching_for_source(entry, origin.evidence), origin.row.network)


def _waiting(tx: Tx, viewer: Viewer, source: int | str) -> list[Origin]:
    """Return the rows in his reach that are meant, the newest first."""
    if isinstance(source, int):
        origin = tx.sources.origin(source)
        found = [origin] if origin is not None and origin.row.state is State.PENDING else []
    else:
        found = tx.sources.waiting_from_source(source)[::-1] if source.startswith(SOURCE_KINDS) else []
    return [one for one in found if viewer.reach.covers_recipient(one.row.recipient.key)]


def _chosen(viewer: Viewer, found: list[Origin], source: int | str, scope: str | None) -> dict[str, Origin]:
    """Return each scope an entry is to be made for, with the mail it is made from.

    An entry for others than the mail's recipient must be his to make, and must cover the mail itself. Of several
    mails the newest that somebody vouches for counts: forged ones may wait among them.
    """
    chosen: dict[str, Origin] = {}
    for one in found:
        whose = _usual_scope(viewer, one, source) if scope is None else scope
        if not viewer.reach.covers_scope(whose) or whose not in scope_keys(one.row.recipient):
            continue
        known = chosen.get(whose)
        better = known is not None and not proof_of_source(known.source, known.evidence)
        if known is None or (better and proof_of_source(one.source, one.evidence)):
            chosen[whose] = one
    return chosen


def _usual_scope(viewer: Viewer, origin: Origin, source: int | str) -> str:
    recipient = origin.row.recipient
    if isinstance(source, str) and viewer.reach.covers_domain(recipient.domain):
        return "@" + recipient.domain
    return without_tag(recipient.key)
