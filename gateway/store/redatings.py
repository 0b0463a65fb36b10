"""Orders to let what waits go after the days that hold now. They stand among the other orders, one for each scope."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, Row, bindparam, func, insert, or_, select, update

from gateway.domain.lifecycle import OPEN as OPEN_CHALLENGES
from gateway.domain.lifecycle import State
from gateway.flow.order_ports import OrderState
from gateway.flow.policy_effects import NewDate, Waiting
from gateway.flow.redate import Piece, Progress, Redating, Stretch
from gateway.store.policies import waits_in
from gateway.store.prepared import Prepared
from gateway.store.tables import bulk_order, challenge, inserted_id, pending

REDATE = "redate"
"""What stands in the place of an action."""
_NOBODY = 0
"""They are a scope's, not an account's."""
_NAMED = "redate "
_START = Progress(0, 0, 0)
_progress = msgspec.json.Decoder(Progress)
_OPEN = tuple(sorted(OPEN_CHALLENGES, key=lambda state: state.value))
_set_date = Prepared(
    update(pending)
    .where(pending.c.id == bindparam("named"), pending.c.state == bindparam("waiting"))
    .values(expires_at=bindparam("until"))
)
_lengthen = Prepared(
    update(challenge)
    .where(
        challenge.c.id == bindparam("asked"),
        challenge.c.expires_at < bindparam("until"),
        or_(*(challenge.c.state == bindparam(state.name) for state in _OPEN)),
    )
    .values(expires_at=bindparam("until"))
)
_mine = bulk_order.c.action == REDATE
_runs = bulk_order.c.state.in_([OrderState.GATHERING.value, OrderState.RUNNING.value])


class RedatingTable:
    """Implements `flow.redate.RedatingTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, scope: str, actor: str, now: float) -> int:
        """Keep the order for a scope, or let the one that is there begin anew; return its id."""
        values = {
            "actor": actor,
            "state": OrderState.GATHERING.value,
            "selection": _written(_START),
            "created_at": now,
            "due_at": now,
            "changed_at": now,
            "total": 0,
            "done": 0,
            "failed": 0,
            "missed": 0,
        }
        known = self.of_scope(scope)
        if known is not None:
            self._connection.execute(update(bulk_order).where(bulk_order.c.id == known.id).values(values))
            return known.id
        named = {"account": _NOBODY, "nonce": _NAMED + scope, "action": REDATE, "breadth": ""}
        return inserted_id(self._connection.execute(insert(bulk_order).values({**named, **values})))

    def get(self, order_id: int) -> Redating | None:
        """Return how far the redating of an order is; None where it is none."""
        row = self._connection.execute(select(bulk_order).where(bulk_order.c.id == order_id, _mine)).first()
        return None if row is None else _redating(row)

    def of_scope(self, scope: str) -> Redating | None:
        """Return the one of a scope, whether it has ended or not."""
        query = select(bulk_order).where(bulk_order.c.account == _NOBODY, bulk_order.c.nonce == _NAMED + scope)
        row = self._connection.execute(query).first()
        return None if row is None else _redating(row)

    def count(self, scope: str) -> tuple[int, int]:
        """Return how many mails wait in a scope, and the id of the last one that waits anywhere."""
        query = select(func.max(pending.c.id)).where(pending.c.state == State.PENDING.value)
        last = self._connection.execute(query).scalar() or 0
        within = select(func.count()).select_from(pending).where(waits_in(scope), pending.c.id <= last)
        return self._connection.execute(within).scalar_one(), last

    def begin(self, order: Redating, total: int, last: int, now: float) -> bool:
        """Note what was counted; False where somebody else was faster."""
        progress = Progress(0, last, 0)
        return self._change(
            order, state=OrderState.RUNNING.value, total=total, selection=_written(progress), changed_at=now
        )

    def stretch(self, scope: str, after: int, last: int, most: int) -> Stretch:
        """Return what waits in a scope among the next `most` mails that wait."""
        # All of them, by an index that has nothing else: a small scope in a large store takes small steps, too.
        waiting = select(pending.c.id).where(pending.c.state == State.PENDING.value, pending.c.id > after)
        end = self._connection.execute(waiting.order_by(pending.c.id).offset(most - 1).limit(1)).scalar()
        end = last if end is None else min(end, last)
        query = (
            select(
                pending.c.id,
                pending.c.recipient_key,
                pending.c.held_at,
                pending.c.expires_at,
                pending.c.challenge_id,
            )
            .where(waits_in(scope), pending.c.id > after, pending.c.id <= end)
            .order_by(pending.c.id)
        )
        return Stretch([Waiting(*row) for row in self._connection.execute(query)], end)

    def go_on(self, order: Redating, piece: Piece, now: float) -> Redating | None:
        """Move the dates of a piece and note how far it is; None, and nothing is done, where somebody else was faster."""
        if not self._change(order, changed_at=now):
            return None
        moved = self._set_dates(piece.dates)
        ended = piece.to >= order.progress.last
        self._connection.execute(
            update(bulk_order)
            .where(bulk_order.c.id == order.id)
            .values(
                state=(OrderState.DONE if ended else OrderState.RUNNING).value,
                # What was settled since it was counted is done as well.
                done=bulk_order.c.total if ended else order.done + piece.looked_at,
                selection=_written(Progress(piece.to, order.progress.last, order.progress.moved + moved)),
            )
        )
        return self.get(order.id)

    def stop(self, order_id: int, now: float) -> bool:
        """End it where it is; False where it has ended."""
        stopped = update(bulk_order).where(bulk_order.c.id == order_id, _mine, _runs)
        return self._connection.execute(stopped.values(state=OrderState.UNDONE.value, changed_at=now)).rowcount == 1

    def _change(self, order: Redating, **values: object) -> bool:
        """Change it if it is still as it was read."""
        result = self._connection.execute(
            update(bulk_order)
            .where(bulk_order.c.id == order.id, bulk_order.c.state == order.state.value)
            .where(bulk_order.c.selection == _written(order.progress))
            .values(values)
        )
        return result.rowcount == 1

    def _set_dates(self, dates: Sequence[NewDate]) -> int:
        """Let mails that still wait go on other days, and keep their challenges open as long; return how many."""
        if not dates:
            return 0
        states = {"waiting": State.PENDING.value, **{state.name: state.value for state in _OPEN}}
        values = [{"named": date.id, "until": date.expires_at, "asked": date.challenge_id, **states} for date in dates]
        _lengthen.update_all(self._connection, [value for value in values if value["asked"] is not None])
        return _set_date.update_all(self._connection, values)


def _written(progress: Progress) -> str:
    return msgspec.json.encode(progress).decode()


def _redating(row: Row[Any]) -> Redating:
    return Redating(
        id=row.id,
        scope=row.nonce.removeprefix(_NAMED),
        actor=row.actor,
        state=OrderState(row.state),
        changed_at=row.changed_at,
        total=row.total,
        done=row.done,
        progress=_progress.decode(row.selection),
    )
