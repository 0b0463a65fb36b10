"""Orders of people and the rows they have in hand."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, delete, insert, select, update

from gateway.domain.lifecycle import MOVES, Event, State
from gateway.domain.roles import Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.order_ports import OPEN, Due, Order, OrderState, Problem, Wish
from gateway.flow.queue_ports import Place, Selection
from gateway.store.bringings import BRING
from gateway.store.queue import QueueTable
from gateway.store.queue_sql import Clause
from gateway.store.queue_strips import in_place
from gateway.store.redatings import REDATE
from gateway.store.states import is_one_of
from gateway.store.tables import bulk_order, inserted_id, order_row

DONE = "done"
BACK = "back"
_TAKE = "UPDATE queue SET order_id = ?, listed = 0 WHERE id = ? AND order_id IS NULL"
# Named: of its own accord SQLite would go through the rows that are done, by the primary key.
_LEFT = (
    "SELECT pending_id FROM order_row INDEXED BY order_row_open WHERE order_id = ? AND outcome = '' ORDER BY 1 LIMIT ?"
)
_rows = bulk_order.c.action.not_in((REDATE, BRING))
_selection = msgspec.json.Decoder(Selection)
_OPEN = [state.value for state in OPEN]


class OrderTable:
    """Implements `flow.order_ports.OrderTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def open(
        self, viewer: Viewer, wish: Wish, selection: Selection | None, now: float, due_at: float
    ) -> tuple[int, bool]:
        """Keep a new order; return its id, and False where the same form has made it before."""
        known = select(bulk_order.c.id).where(bulk_order.c.account == viewer.account, bulk_order.c.nonce == wish.nonce)
        found = self._connection.execute(known).scalar()
        if found is not None:
            return int(found), False
        state = OrderState.WAITING if selection is None else OrderState.GATHERING
        values = {
            "account": viewer.account,
            "actor": viewer.name,
            "nonce": wish.nonce,
            "action": wish.action.value,
            "breadth": wish.breadth.value,
            "state": state.value,
            "selection": "" if selection is None else msgspec.json.encode(selection).decode(),
            "created_at": now,
            "due_at": due_at,
            "changed_at": now,
            "total": 0,
            "done": 0,
            "failed": 0,
            "missed": 0,
        }
        return inserted_id(self._connection.execute(insert(bulk_order).values(values))), True

    def take(self, order_id: int, ids: Sequence[int], place: Place) -> int:
        """Take in hand those rows that lie in the place, can be moved, and are nobody's; return how many."""
        action = self._connection.execute(select(bulk_order.c.action).where(bulk_order.c.id == order_id)).scalar_one()
        states = tuple(state.value for state in State if _moves(state, Action(action)))
        where = Clause(f"state IN ({', '.join('?' * len(states))})", states).and_(in_place(place))
        statement = f"{_TAKE} AND {where.sql}"
        cursor = self._connection.connection.cursor()
        taken = []
        for row_id in ids:
            cursor.execute(statement, (order_id, row_id, *where.values))
            if cursor.rowcount == 1:
                taken.append((order_id, row_id))
        cursor.executemany("INSERT INTO order_row (order_id, pending_id, outcome) VALUES (?, ?, '')", taken)
        cursor.execute("UPDATE bulk_order SET total = total + ? WHERE id = ?", (len(taken), order_id))
        cursor.close()
        return len(taken)

    def find(self, selection: Selection, most: int) -> list[int]:
        """Return rows of a selection that are nobody's yet, the newest first; fewer than `most` are all there are."""
        # What is taken leaves the list, so that what is left is the first page again.
        found = QueueTable(self._connection).find(selection, "arrival", False, None, most)
        return [row_id for _, row_id in found]

    def gathered(self, order_id: int, due_at: float) -> None:
        """Note that it has all its rows, and when its time comes."""
        self._change(order_id, state=OrderState.WAITING.value, selection="", due_at=due_at)

    def missed(self, order_id: int, count: int) -> None:
        """Note how many rows were not to be had."""
        self._change(order_id, missed=count)

    def get(self, order_id: int) -> Order | None:
        """Return an order by its id; None where there is none."""
        query = select(bulk_order).where(bulk_order.c.id == order_id, _rows)
        row = self._connection.execute(query).first()
        return None if row is None else _order(row)

    def latest(self, account: int, since: float, most: int) -> Sequence[Order]:
        """Return the orders of an account that are open, or changed since then, the newest first."""
        query = (
            select(bulk_order)
            .where(bulk_order.c.account == account, _rows)
            .where(bulk_order.c.state.in_(_OPEN) | (bulk_order.c.changed_at >= since))
            .order_by(bulk_order.c.id.desc())
            .limit(most)
        )
        return [_order(row) for row in self._connection.execute(query)]

    def problems(self, order_id: int, most: int) -> Sequence[Problem]:
        """Return rows that it could not move."""
        query = (
            select(order_row.c.pending_id, order_row.c.outcome)
            .where(order_row.c.order_id == order_id, order_row.c.outcome.not_in(("", DONE, BACK)))
            .order_by(order_row.c.pending_id)
            .limit(most)
        )
        return [Problem(row_id, words) for row_id, words in self._connection.execute(query)]

    def due(self, now: float, latest_due: float) -> Due | None:
        """Return an order that asks for work: one that gathers, undoes or runs, or whose time has come."""
        working = [state.value for state in OPEN if state is not OrderState.WAITING]
        query = (
            select(bulk_order.c.id, bulk_order.c.action)
            .where(is_one_of(bulk_order.c.state, OPEN))
            .where(bulk_order.c.state.in_(working) | (bulk_order.c.due_at <= now) | (bulk_order.c.due_at > latest_due))
            # In turns: a large one does not keep a small one waiting.
            .order_by(bulk_order.c.changed_at)
            .limit(1)
        )
        row = self._connection.execute(query).first()
        return None if row is None else Due(row.id, redates=row.action == REDATE, brings=row.action == BRING)

    def turn(self, order_id: int, states: Collection[OrderState], to: OrderState, now: float) -> bool:
        """Change its state, if it is in one of these."""
        result = self._connection.execute(
            update(bulk_order)
            .where(bulk_order.c.id == order_id, bulk_order.c.state.in_([state.value for state in states]))
            .values(state=to.value, changed_at=now)
        )
        return result.rowcount == 1

    def left(self, order_id: int, most: int) -> Sequence[int]:
        """Return rows it still has in hand."""
        return list(self._connection.exec_driver_sql(_LEFT, (order_id, most)).scalars())

    def settled(self, order_id: int, outcomes: Mapping[int, str], now: float) -> None:
        """Give rows out of hand, and note what became of each: "" is well, else why it could not be moved."""
        failed = sum(1 for problem in outcomes.values() if problem)
        self._out_of_hand(order_id, {row_id: problem or DONE for row_id, problem in outcomes.items()})
        self._change(
            order_id,
            done=bulk_order.c.done + len(outcomes) - failed,
            failed=bulk_order.c.failed + failed,
            changed_at=now,
        )

    def give_back(self, order_id: int, ids: Sequence[int], now: float) -> None:
        """Put rows back into the list."""
        self._out_of_hand(order_id, dict.fromkeys(ids, BACK))
        self._change(order_id, changed_at=now)

    def forget(self, before: float) -> None:
        """Drop orders that ended before then."""
        old = select(bulk_order.c.id).where(bulk_order.c.state.not_in(_OPEN), bulk_order.c.changed_at < before)
        ids = list(self._connection.execute(old.limit(100)).scalars())
        self._connection.execute(delete(order_row).where(order_row.c.order_id.in_(ids)))
        self._connection.execute(delete(bulk_order).where(bulk_order.c.id.in_(ids)))

    def _out_of_hand(self, order_id: int, outcomes: Mapping[int, str]) -> None:
        cursor = self._connection.connection.cursor()
        cursor.executemany(
            "UPDATE order_row SET outcome = ? WHERE order_id = ? AND pending_id = ?",
            [(outcome, order_id, row_id) for row_id, outcome in outcomes.items()],
        )
        cursor.executemany(
            "UPDATE queue SET order_id = NULL, listed = (state = 'pending') WHERE id = ? AND order_id = ?",
            [(row_id, order_id) for row_id in outcomes],
        )
        cursor.close()

    def _change(self, order_id: int, **values: object) -> None:
        self._connection.execute(update(bulk_order).where(bulk_order.c.id == order_id).values(**values))


def _moves(state: State, action: Action) -> bool:
    return MOVES.get((state, Event(action.value))) not in (None, state)


def _order(row: Any) -> Order:
    return Order(
        id=row.id,
        account=row.account,
        actor=row.actor,
        action=Action(row.action),
        breadth=Breadth(row.breadth),
        state=OrderState(row.state),
        created_at=row.created_at,
        due_at=row.due_at,
        total=row.total,
        done=row.done,
        failed=row.failed,
        missed=row.missed,
        selection=_selection.decode(row.selection) if row.selection else None,
    )
