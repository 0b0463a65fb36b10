"""Files of entries that are being saved. They stand among the orders, one for each file."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import Connection, Row, insert, select, update

from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.list_import import Saved
from gateway.flow.list_work import Bringing
from gateway.flow.order_ports import OrderState
from gateway.store.tables import bulk_order, inserted_id

BRING = "import"
"""What stands in the place of an action."""
_NAMED = "import "
_mine = bulk_order.c.action == BRING
_runs = bulk_order.c.state.in_([OrderState.GATHERING.value, OrderState.RUNNING.value])


class _Kept(msgspec.Struct, frozen=True):
    """What stands in the place of a selection."""

    role: Role
    site: bool
    domains: tuple[str, ...]
    addresses: tuple[str, ...]
    saved: Saved


_kept = msgspec.json.Decoder(_Kept)


class BringingTable:
    """Implements `flow.list_work.BringingTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(self, viewer: Viewer, draft_id: int, now: float) -> int:
        """Keep the order for a file, or let the one that was stopped begin anew; return its id."""
        known = self.of_draft(viewer.account, draft_id)
        if known is not None and known.open:
            return known.id
        values = {
            "actor": viewer.name,
            "state": OrderState.GATHERING.value,
            "selection": _written(viewer.role, viewer.reach, Saved(0, 0, 0, 0)),
            "created_at": now,
            "due_at": now,
            "changed_at": now,
            "total": 0,
            "done": 0,
            "failed": 0,
            "missed": 0,
        }
        if known is not None:
            self._connection.execute(update(bulk_order).where(bulk_order.c.id == known.id).values(values))
            return known.id
        named = {"account": viewer.account, "nonce": f"{_NAMED}{draft_id}", "action": BRING, "breadth": ""}
        return inserted_id(self._connection.execute(insert(bulk_order).values({**named, **values})))

    def get(self, order_id: int) -> Bringing | None:
        """Return how far the file of an order is; None where it brings none."""
        row = self._connection.execute(select(bulk_order).where(bulk_order.c.id == order_id, _mine)).first()
        return None if row is None else _bringing(row)

    def of_draft(self, account: int, draft_id: int) -> Bringing | None:
        """Return the one of an account's file."""
        named = (bulk_order.c.account == account, bulk_order.c.nonce == f"{_NAMED}{draft_id}", _mine)
        row = self._connection.execute(select(bulk_order).where(*named)).first()
        return None if row is None else _bringing(row)

    def go_on(
        self, order: Bringing, state: OrderState, total: int, done: int, saved: Saved, now: float
    ) -> Bringing | None:
        """Note how far it is; None where somebody else was faster, or it was stopped."""
        result = self._connection.execute(
            update(bulk_order)
            .where(bulk_order.c.id == order.id, bulk_order.c.state == order.state.value)
            .where(bulk_order.c.done == order.done)
            .where(bulk_order.c.selection == _written(order.role, order.reach, order.saved))
            .values(
                state=state.value,
                total=total,
                done=done,
                selection=_written(order.role, order.reach, saved),
                changed_at=now,
            )
        )
        return self.get(order.id) if result.rowcount == 1 else None

    def stop(self, order_id: int, now: float) -> bool:
        """End it where it is; False where it has ended."""
        stopped = update(bulk_order).where(bulk_order.c.id == order_id, _mine, _runs)
        return self._connection.execute(stopped.values(state=OrderState.UNDONE.value, changed_at=now)).rowcount == 1


def _written(role: Role, reach: Reach, saved: Saved) -> str:
    kept = _Kept(role, reach.site, tuple(sorted(reach.domains)), tuple(sorted(reach.addresses)), saved)
    return msgspec.json.encode(kept).decode()


def _bringing(row: Row[Any]) -> Bringing:
    kept = _kept.decode(row.selection)
    return Bringing(
        id=row.id,
        draft_id=int(row.nonce.removeprefix(_NAMED)),
        account=row.account,
        actor=row.actor,
        role=kept.role,
        reach=Reach(kept.site, frozenset(kept.domains), frozenset(kept.addresses)),
        state=OrderState(row.state),
        changed_at=row.changed_at,
        total=row.total,
        done=row.done,
        saved=kept.saved,
    )
