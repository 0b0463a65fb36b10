"""Moderate: what a person does with a message that waits."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum

from gateway.domain.evidence import proof_to_require
from gateway.domain.lifecycle import Event, IllegalMove, State
from gateway.domain.lists import Entry, Verdict
from gateway.flow.moves import move
from gateway.flow.ports import PendingRow, Store, Tx
from gateway.log import event

_log = logging.getLogger("gateway.moderate")


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

    async def act(self, action: Action, ids: Sequence[int], actor: str) -> list[Done]:
        """Do it to each row; one that cannot be moved does not keep the others from it.

        Authorize and blacklist also settle what else waits from the same sender for the same recipient.
        """
        now = self._now()
        done = await self._store.transact(lambda tx: [_act_on_one(tx, action, row_id, actor, now) for row_id in ids])
        for one in done:
            event(_log, action.value, pending=one.id, actor=actor,
                  state=one.state.value if one.state else "unknown", problem=one.problem)  # fmt: skip
        self._wake_deliveries()
        return done


def _act_on_one(tx: Tx, action: Action, row_id: int, actor: str, now: float) -> Done:
    row = tx.pending.get(row_id)
    if row is None:
        return Done(row_id, None, "no such message")
    try:
        state = move(tx, row, Event(action.value), actor, now)
    except IllegalMove as illegal:
        return Done(row_id, row.state, str(illegal))
    if state is row.state is State.RELEASED:
        # Let go before, and waiting for its next attempt: who asks again wants it now.
        tx.pending.hasten(row_id, now)
    if action in (Action.AUTHORIZE, Action.BLACKLIST):
        _settle_sender(tx, action, row, actor, now)
    return Done(row_id, state)


def _settle_sender(tx: Tx, action: Action, row: PendingRow, actor: str, now: float) -> None:
    allow = action is Action.AUTHORIZE
    verdict = Verdict.ALLOW if allow else Verdict.DENY
    proof = proof_to_require(row.proofs, row.network)
    entries = [Entry(verdict, pattern, row.recipient.key, proof) for pattern in _sender_patterns(row)]
    for entry in entries:
        tx.lists.add(entry, f"{action.value} from the pending queue", actor, row.id, now)
    if not row.sender_key or not entries:
        return
    for other in tx.pending.waiting_from(row.sender_key):
        if other.recipient.key == row.recipient.key and entries[0].satisfied_by(other.proofs, other.network):
            move(tx, other, Event(action.value), actor, now, f"with {row.id}")


def _sender_patterns(row: PendingRow) -> list[str]:
    """Whom a person means by the sender: the reverse-path, and the author where somebody vouched for it.

    The author too, for services change the reverse-path with each mail. An author nobody vouched for may be
    anyone's name on a forged mail, and is left alone.
    """
    author = [row.author_key] if row.proofs else []
    return [pattern for pattern in dict.fromkeys([row.sender_key, *author]) if pattern]
