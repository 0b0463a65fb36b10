"""Orders: what people do with mail that waits, kept for the seconds in which it can be undone, then carried out.

    gathering → waiting → running → done
         └──────────┴──→ undoing → undone        running → (stop) → undoing what is left → done

An order has its rows in hand from the moment it is given: they leave the list, and a second order does not get them.
Until its time comes nothing leaves and no entry is made. Order and rows are in the store, and each batch of rows is
moved in the transaction that notes it: whatever is cut off is taken up again where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol, TypeVar

from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import Action, Breadth, Done, act_on_one
from gateway.flow.ports import Tx
from gateway.flow.queue_ports import Place, Selection
from gateway.log import event

T = TypeVar("T")
_log = logging.getLogger("gateway.orders")

BATCH = 50
"""Rows of one transaction: mail that comes in meanwhile waits some 15 ms for it."""
SWIFT = 150
"""The same for what only moves rows: entries, and rows that leave or come back to the search, take longer."""
AT_ONCE = 200
"""Rows named one by one; as many as a page shows. A form with more was not made by our page."""
MOST_PROBLEMS = 100
"""Told of one order."""


class OrderState(Enum):
    """Stored by value: add members, never rename them."""

    GATHERING = "gathering"  # Takes the rows of a search in hand, batch by batch.
    WAITING = "waiting"  # Can be undone until its time comes.
    RUNNING = "running"
    UNDOING = "undoing"  # Gives rows back.
    DONE = "done"  # Final.
    UNDONE = "undone"  # Final.


OPEN = (OrderState.GATHERING, OrderState.WAITING, OrderState.RUNNING, OrderState.UNDOING)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form asks for."""

    action: Action
    nonce: str
    """Of the form: one that is sent twice makes one order."""
    breadth: Breadth = Breadth.ADDRESS


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    id: int
    account: int
    actor: str
    action: Action
    breadth: Breadth
    state: OrderState
    created_at: float
    due_at: float
    """When it is carried out, once all its rows are gathered."""
    total: int
    done: int
    """Rows carried out; of one that was undone, rows given back."""
    failed: int
    missed: int
    """Rows that were named, but not to be had: not there, moved meanwhile, or in another's hand."""
    selection: Selection | None = None
    """What is still to be gathered."""

    @property
    def can_be_undone(self) -> bool:
        """True while nothing has left."""
        return self.state in (OrderState.GATHERING, OrderState.WAITING)

    @property
    def can_be_stopped(self) -> bool:
        """True while it is carried out, and for the rows that are left."""
        return self.state is OrderState.RUNNING


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that an order could not move."""

    row_id: int
    words: str


@dataclass(frozen=True, slots=True)
class Due:
    """An order that asks for work."""

    id: int
    redates: bool
    """It is one of `flow.redate`, that has no rows in hand."""
    brings: bool = False
    """It is one of `flow.list_work`, which has none either."""


class OrderTable(Protocol):
    """Orders and their rows in the store."""

    def open(
        self, viewer: Viewer, wish: Wish, selection: Selection | None, now: float, due_at: float
    ) -> tuple[int, bool]:
        """Keep a new order; return its id, and False where the same form has made it before."""

    def take(self, order_id: int, ids: Sequence[int], place: Place) -> int:
        """Take in hand those rows that lie in the place, can be moved, and are nobody's; return how many."""

    def gather(self, order_id: int, selection: Selection, most: int) -> int:
        """Take up to `most` rows of a selection in hand; return how many: fewer than `most` were all that is left."""

    def gathered(self, order_id: int, due_at: float) -> None:
        """Note that it has all its rows, and when its time comes."""

    def missed(self, order_id: int, count: int) -> None:
        """Note how many rows were not to be had."""

    def get(self, order_id: int) -> Order | None:
        """Return one order."""

    def latest(self, account: int, since: float, most: int) -> Sequence[Order]:
        """Return the orders of an account that are open, or changed since then, the newest first."""

    def problems(self, order_id: int, most: int) -> Sequence[Problem]:
        """Return rows that it could not move."""

    def due(self, now: float, latest_due: float) -> Due | None:
        """Return an order that asks for work: one that gathers, undoes or runs, or whose time has come."""

    def turn(self, order_id: int, states: Collection[OrderState], to: OrderState, now: float) -> bool:
        """Change its state, if it is in one of these."""

    def left(self, order_id: int, most: int) -> Sequence[int]:
        """Return rows it still has in hand."""

    def settled(self, order_id: int, outcomes: Mapping[int, str], now: float) -> None:
        """Give rows out of hand, and note what became of each: "" is well, else why it could not be moved."""

    def give_back(self, order_id: int, ids: Sequence[int], now: float) -> None:
        """Put rows back into the list."""

    def forget(self, before: float) -> None:
        """Drop orders that ended before then."""


class OrdersTx(Tx, Protocol):
    """What orders need of a transaction."""

    @property
    def orders(self) -> OrderTable:
        """Orders."""


class OrdersStore(Protocol):
    """Where they are kept."""

    async def transact(self, work: Callable[[OrdersTx], T]) -> T:
        """Run work in one writing transaction."""

    async def look(self, work: Callable[[OrdersTx], T]) -> T:
        """Run work on a consistent view."""


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
            _give_back(tx, order_id, now)
            return True

        undone = await self._store.transact(work)
        if undone:
            event(_log, "order-undone", order=order_id, actor=viewer.name)
            self.wake()
        return undone


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
    ) -> None:
        """redate: does a bit of an order to move days; see `flow.redate`.

        bring: does a bit of one to save a file of entries; see `flow.list_work`.
        """
        self._bring = bring
        self._store = store
        self._redate = redate
        self._undo_seconds = undo_seconds
        self._now = now
        self._wake_deliveries = wake_deliveries

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
        moved = await self._store.transact(lambda tx: self._step(tx, order_id, now))
        if moved is not None:
            order, done = moved
            for one in done:
                event(_log, order.action.value, pending=one.id, actor=order.actor, order=order.id,
                      state=one.state.value if one.state else "unknown", problem=one.problem)  # fmt: skip
            self._wake_deliveries()
        return 1

    def _step(self, tx: OrdersTx, order_id: int, now: float) -> tuple[Order, list[Done]] | None:
        order = tx.orders.get(order_id)
        if order is None:
            return None
        if order.state is OrderState.GATHERING:
            assert order.selection is not None
            if tx.orders.gather(order_id, order.selection, BATCH) < BATCH:
                # The time to undo begins when all can be seen.
                tx.orders.gathered(order_id, now + self._undo_seconds)
            return None
        if order.state is OrderState.UNDOING:
            _give_back(tx, order_id, now)
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


def _give_back(tx: OrdersTx, order_id: int, now: float) -> None:
    ids = tx.orders.left(order_id, BATCH)
    if ids:
        tx.orders.give_back(order_id, ids, now)
    if len(ids) < BATCH:
        order = tx.orders.get(order_id)
        # Stopped midway, it is done as far as it came.
        ended = OrderState.DONE if order is not None and order.done + order.failed else OrderState.UNDONE
        tx.orders.turn(order_id, (OrderState.UNDOING,), ended, now)
