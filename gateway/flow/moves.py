"""Moving rows from state to state: the one place where the table of legal moves meets the store."""

from __future__ import annotations

from gateway.domain.lifecycle import Event, State, advance
from gateway.flow.ports import Tx
from gateway.flow.rows import PendingRow


def move(tx: Tx, row: PendingRow, event: Event, actor: str, now: float, detail: str = "") -> State:
    """Advance a row and return its new state; an event that changes nothing leaves no trace.

    actor: who did it, for the audit trail: `sender`, `service`, `cli`, or an account. Raises IllegalMove.
    """
    state = advance(row.state, event)
    if state is not row.state:
        tx.pending.move(row, state, event, actor, now, detail)
    return state
