"""Orders as people give them: what is ordered, how far it is, and taking it back. See `flow.order_ports`."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from gateway.domain.roles import Right, Viewer
from gateway.flow.order_ports import Order, OrdersStore, OrderState, OrdersTx, Problem, Wish
from gateway.flow.order_work import give_back
from gateway.flow.queue_ports import Place, Selection
from gateway.log import event

_log = logging.getLogger("gateway.orders")

AT_ONCE = 200
"""Rows named one by one; as many as a page shows. A form with more was not made by our page."""
MOST_PROBLEMS = 100
"""Told of one order."""


class Orders:
    """Takes orders from people, and lets them see and undo their own."""

    def __init__(
        self, store: OrdersStore, undo_seconds: float, *, now: Callable[[], float], wake: Callable[[], None]
    ) -> None:
        """wake: tells the worker that there is an order."""
        self._store = store
        self.undo_seconds = undo_seconds
        self.wake = wake
        self._now = now

    async def give(self, viewer: Viewer, wish: Wish, ids: Sequence[int]) -> Order | None:
        """Order something for rows that are named; what lies beyond reach is as if it were not there.

        None where the viewer may not, or nothing was named. A form that is sent twice makes one order.
        """
        wanted = list(dict.fromkeys(ids))[:AT_ONCE]
        if not viewer.may(Right.MODERATE) or not wanted:
            return None
        now = self._now()
        place = Place.of(viewer.reach)

        def work(tx: OrdersTx) -> tuple[Order | None, bool]:
            order_id, fresh = tx.orders.open(viewer, wish, None, now, now + self.undo_seconds)
            if fresh:
                taken = tx.orders.take(order_id, wanted, place)
                tx.orders.missed(order_id, len(wanted) - taken)
                if not taken:
                    tx.orders.turn(order_id, (OrderState.WAITING,), OrderState.DONE, now)
            return tx.orders.get(order_id), fresh

        order, fresh = await self._store.transact(work)
        if fresh and order is not None:
            event(_log, "ordered", order=order.id, action=wish.action.value, actor=viewer.name, rows=order.total)
            self.wake()
        return order

    async def give_all(self, viewer: Viewer, wish: Wish, selection: Selection) -> Order | None:
        """Order something for all that match, as far as the list goes. The rows are gathered by the worker."""
        if not viewer.may(Right.MODERATE):
            return None
        now = self._now()

        def work(tx: OrdersTx) -> tuple[Order | None, bool]:
            order_id, fresh = tx.orders.open(viewer, wish, selection, now, now + self.undo_seconds)
            return tx.orders.get(order_id), fresh

        order, fresh = await self._store.transact(work)
        if fresh and order is not None:
            event(_log, "ordered", order=order.id, action=wish.action.value, actor=viewer.name, rows="all that match")
            self.wake()
        return order

    async def get(self, viewer: Viewer, order_id: int) -> Order | None:
        """Return an order of the viewer's own; None for any other."""
        order = await self._store.look(lambda tx: tx.orders.get(order_id))
        return order if order is not None and order.account == viewer.account else None

    async def latest(self, viewer: Viewer, seconds: float, most: int = 3) -> Sequence[Order]:
        """Return the viewer's orders that are open or ended within so many seconds, the newest first."""
        since = self._now() - seconds
        return await self._store.look(lambda tx: tx.orders.latest(viewer.account, since, most))

    async def problems(self, viewer: Viewer, order_id: int) -> Sequence[Problem]:
        """Return what an order of the viewer's own could not do."""
        if await self.get(viewer, order_id) is None:
            return ()
        return await self._store.look(lambda tx: tx.orders.problems(order_id, MOST_PROBLEMS))

    async def undo(self, viewer: Viewer, order_id: int) -> bool:
        """Take an order back, or stop it where it runs already; False where it is too late, or not the viewer's."""
        order = await self.get(viewer, order_id)
        if order is None or not viewer.may(Right.MODERATE):
            return False
        now = self._now()
        states = (OrderState.GATHERING, OrderState.WAITING, OrderState.RUNNING)

        def work(tx: OrdersTx) -> bool:
            if not tx.orders.turn(order_id, states, OrderState.UNDOING, now):
                return False
            # What fits into one transaction is back in the list with the next page; the worker does the rest.
            give_back(tx, order_id, now)
            return True

        undone = await self._store.transact(work)
        if undone:
            event(_log, "order-undone", order=order_id, actor=viewer.name)
            self.wake()
        return undone
