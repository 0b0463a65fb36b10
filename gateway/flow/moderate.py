"""Moderate: what a person does with a message that waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import assert_never

from gateway.domain.evidence import proof_to_require
from gateway.domain.lifecycle import Event, IllegalMove, State
from gateway.domain.lists import Entry, Verdict, scope_keys
from gateway.domain.policy import Scope
from gateway.flow.moves import move
from gateway.flow.ports import Store, Tx
from gateway.flow.rows import PendingRow
from gateway.flow.sources import REMARKS, Course, NoSource, Unvouched, admits, entry_for, waiting_there
from gateway.log import event

_log = logging.getLogger("gateway.moderate")


class Breadth(Enum):
    """Whom authorize and blacklist mean by the sender."""

    ADDRESS = "address"  # The one that wrote.
    DOMAIN = "domain"  # Everybody there: senders that number their addresses.
    SOURCE = "source"  # The list or the machine that the mail comes from, whatever its bounce address is.


class Action(Enum):
    """What can be done."""

    AUTHORIZE = "authorize"  # Deliver, and let this sender through from now on.
    DELIVER = "deliver"  # Deliver this one only.
    BLACKLIST = "blacklist"  # Drop it, and keep this sender out from now on.
    DELETE = "delete"  # Drop this one only.


@dataclass(frozen=True, slots=True)
class Done:
    """What became of one row that was named."""

    id: int
    state: State | None
    """None: there is no such row."""
    problem: str = ""
    """Why nothing was done; "" when it was."""


class Moderator:
    """Carries out actions on pending rows, each batch in one transaction."""

    def __init__(self, store: Store, *, now: Callable[[], float], wake_deliveries: Callable[[], None]) -> None:
        self._store = store
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def act(
        self,
        action: Action,
        ids: Sequence[int],
        actor: str,
        breadth: Breadth = Breadth.ADDRESS,
        scope: Scope = Scope.RECIPIENT,
    ) -> list[Done]:
        """Do it to each row; one that cannot be moved does not keep the others from it.

        Authorize and blacklist also settle what else waits from the same sender for those in scope; breadth says whom
        they mean by that. Of a whole domain only what waits for the same recipient: others' is not looked through.
        """
        now = self._now()
        done = await self._store.transact(
            lambda tx: [act_on_one(tx, action, row_id, actor, now, breadth, scope) for row_id in ids]
        )
        for one in done:
            event(_log, action.value, pending=one.id, actor=actor,
                  state=one.state.value if one.state else "unknown", problem=one.problem)  # fmt: skip
        self._wake_deliveries()
        return done


def act_on_one(
    tx: Tx,
    action: Action,
    row_id: int,
    actor: str,
    now: float,
    breadth: Breadth = Breadth.ADDRESS,
    scope: Scope = Scope.RECIPIENT,
) -> Done:
    """Do it to one row, in a transaction of the caller's, who has seen to the rights."""
    row = tx.pending.get(row_id)
    if row is None:
        return Done(row_id, None, "no such message")
    listing = action in (Action.AUTHORIZE, Action.BLACKLIST)
    try:
        entries = _entries(tx, action, row, breadth, _whose(row, scope)) if listing else []
        state = move(tx, row, Event(action.value), actor, now)
    except IllegalMove as illegal:
        return Done(row_id, row.state, str(illegal))
    except (NoSource, Unvouched) as cannot:
        return Done(row_id, row.state, NO_SOURCE if isinstance(cannot, NoSource) else UNVOUCHED)
    if state is row.state is State.RELEASED:
        # Let go before, and waiting for its next attempt: who asks again wants it now.
        tx.pending.hasten(row_id, now)
    for entry in entries:
        tx.lists.add(entry, REMARKS[entry.verdict], actor, row.id, now)
    for other in _others(tx, row, entries, breadth):
        move(tx, other, Event(action.value), actor, now, f"with {row.id}")
    return Done(row_id, state)


NO_SOURCE = "it comes from no list, and from no machine that is known by its signature"
UNVOUCHED = "nobody vouches for its source: whoever writes the same name would be let in"


def _whose(row: PendingRow, scope: Scope) -> str:
    """Return the scope of an entry."""
    return {Scope.RECIPIENT: row.recipient.key, Scope.DOMAIN: "@" + row.recipient.domain, Scope.SITE: ""}[scope]


def _entries(tx: Tx, action: Action, row: PendingRow, breadth: Breadth, whose: str) -> list[Entry]:
    """Return the entries that name the sender. Raises NoSource, Unvouched."""
    allow = action is Action.AUTHORIZE
    if breadth is Breadth.SOURCE:
        origin = tx.sources.origin(row.id)
        if origin is None:
            raise NoSource
        return [entry_for(Course.ACCEPT if allow else Course.REFUSE, origin, whose)]
    verdict = Verdict.ALLOW if allow else Verdict.DENY
    proof = proof_to_require(row.proofs, row.network)
    patterns = _sender_patterns(row)
    if breadth is Breadth.DOMAIN:
        patterns = list(dict.fromkeys("@" + pattern.rpartition("@")[2] for pattern in patterns))
    return [Entry(verdict, pattern, whose, proof) for pattern in patterns]


def _others(tx: Tx, row: PendingRow, entries: Sequence[Entry], breadth: Breadth) -> list[PendingRow]:
    """Return what else waits from the same sender for those the entries are for, and is as well proven."""
    if not entries:
        return []
    entry = entries[0]
    match breadth:
        case Breadth.ADDRESS:
            rows = tx.pending.waiting_from(row.sender_key)
            mine = [other for other in rows if entry.satisfied_by(other.proofs, other.network)]
        case Breadth.DOMAIN:
            domains = [entry.pattern[1:] for entry in entries]
            found = [one.row for name in domains for one in tx.sources.waiting_from_domain(name, row.recipient.key)]
            mine = [other for other in found if entry.satisfied_by(other.proofs, other.network)]
        case Breadth.SOURCE:
            origin = tx.sources.origin(row.id)
            there = waiting_there(tx, entry.pattern, origin) if origin is not None else []
            mine = [one.row for one in there if admits(entry, one)]
        case _:
            assert_never(breadth)
    once = {other.id: other for other in mine if entry.scope in scope_keys(other.recipient) and other.id != row.id}
    return list(once.values())


def _sender_patterns(row: PendingRow) -> list[str]:
    """Whom a person means by the sender: the reverse-path, and the author where somebody vouched for it.

    The author too, for services change the reverse-path with each mail. An author nobody vouched for may be
    anyone's name on a forged mail, and is left alone.
    """
    author = [row.author_key] if row.proofs else []
    return [pattern for pattern in dict.fromkeys([row.sender_key, *author]) if pattern]
