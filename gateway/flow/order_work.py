"""Orders carried out, one batch at a time. See `flow.order_ports`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from gateway.flow.moderate import Action, Done, act_on_one
from gateway.flow.order_ports import Order, OrdersStore, OrderState, OrdersTx
from gateway.log import event

_log = logging.getLogger("gateway.orders")

BATCH = 50
"""Rows of one transaction: mail that comes in meanwhile waits some 15 ms for it."""
SWIFT = 150
"""The same for what only moves rows: entries, and rows that leave or come back to the search, take longer."""
AHEAD = 1000
"""Rows that are looked for at a time while an order gathers: a search among many domains takes some 50 ms."""


@dataclass(frozen=True, slots=True)
class _Next:
    """Rows that an order takes in hand next."""

    ids: Sequence[int]
    fresh: bool
    """They were looked for just now."""
    last: bool
    """There are no more."""


class OrderWorker:
    """Carries out orders whose time has come, one batch at a time."""

    def __init__(
        self,
        store: OrdersStore,
        undo_seconds: float,
        redate: Callable[[int], Awaitable[None]],
        *,
        now: Callable[[], float],
        wake_deliveries: Callable[[], None],
        bring: Callable[[int], Awaitable[object]] | None = None,
        ahead: int = AHEAD,
    ) -> None:
        """redate: does a bit of an order to move days; see `flow.redate`.

        bring: does a bit of one to save a file of entries; see `flow.list_work`. ahead: see AHEAD.
        """
        self._most = ahead
        self._bring = bring
        self._store = store
        self._redate = redate
        self._undo_seconds = undo_seconds
        self._now = now
        self._wake_deliveries = wake_deliveries
        self._ahead: tuple[int, Sequence[int], bool] = 0, (), True

    async def run_once(self) -> int:
        """Do one batch of one order; return 1, or 0 where there is nothing to do."""
        now = self._now()
        # A due time further off than that was noted by a clock that has been set back since.
        due = await self._store.look(lambda tx: tx.orders.due(now, now + self._undo_seconds + 1))
        if due is None:
            return 0
        if due.redates:
            await self._redate(due.id)
            return 1
        if due.brings:
            assert self._bring is not None
            await self._bring(due.id)
            return 1
        order_id = due.id
        following = await self._next_of(order_id)
        moved = await self._store.transact(lambda tx: self._step(tx, order_id, following, now))
        if moved is not None:
            order, done = moved
            for one in done:
                event(_log, order.action.value, pending=one.id, actor=order.actor, order=order.id,
                      state=one.state.value if one.state else "unknown", problem=one.problem)  # fmt: skip
            self._wake_deliveries()
        return 1

    async def _next_of(self, order_id: int) -> _Next:
        """Return what an order that gathers takes next.

        It is found before the store is written to, so that mail that comes in does not wait for it.
        """
        known, ids, whole = self._ahead
        fresh = known != order_id or not ids
        if fresh:
            ids = await self._store.look(lambda tx: _to_be_gathered(tx, order_id, self._most))
            whole = len(ids) < self._most
        self._ahead = order_id, ids[BATCH:], whole
        return _Next(ids[:BATCH], fresh, whole and len(ids) <= BATCH)

    def _step(self, tx: OrdersTx, order_id: int, following: _Next, now: float) -> tuple[Order, list[Done]] | None:
        order = tx.orders.get(order_id)
        if order is None:
            return None
        if order.state is OrderState.GATHERING:
            assert order.selection is not None
            place = order.selection.place
            taken = tx.orders.take(order_id, following.ids, place)
            if following.fresh and not taken:
                # Others may have moved just these since they were found.
                taken = tx.orders.take(order_id, tx.orders.find(order.selection, BATCH), place)
            # What can never be moved would be found again.
            if following.last or (following.fresh and not taken):
                # The time to undo begins when all can be seen.
                tx.orders.gathered(order_id, now + self._undo_seconds)
            return None
        if order.state is OrderState.UNDOING:
            give_back(tx, order_id, now)
            return None
        tx.orders.turn(order_id, (OrderState.WAITING,), OrderState.RUNNING, now)
        ids = tx.orders.left(order_id, SWIFT if order.action in (Action.DELIVER, Action.DELETE) else BATCH)
        if not ids:
            tx.orders.turn(order_id, (OrderState.RUNNING,), OrderState.DONE, now)
            return None
        done = [act_on_one(tx, order.action, row_id, order.actor, now, order.breadth) for row_id in ids]
        tx.orders.settled(order_id, {one.id: one.problem for one in done}, now)
        return order, done

    async def forget(self, seconds: float) -> None:
        """Drop orders that ended longer ago than that."""
        before = self._now() - seconds
        await self._store.transact(lambda tx: tx.orders.forget(before))


def _to_be_gathered(tx: OrdersTx, order_id: int, most: int) -> Sequence[int]:
    order = tx.orders.get(order_id)
    if order is None or order.state is not OrderState.GATHERING or order.selection is None:
        return ()
    return tx.orders.find(order.selection, most)


def give_back(tx: OrdersTx, order_id: int, now: float) -> None:
    """Put a batch of an order's rows back into the list, and end it where they were the last."""
    ids = tx.orders.left(order_id, BATCH)
    if ids:
        tx.orders.give_back(order_id, ids, now)
    if len(ids) < BATCH:
        order = tx.orders.get(order_id)
        # Stopped midway, it is done as far as it came.
        ended = OrderState.DONE if order is not None and order.done + order.failed else OrderState.UNDONE
        tx.orders.turn(order_id, (OrderState.UNDOING,), ended, now)
