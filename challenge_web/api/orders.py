"""Orders on mail that waits: giving them, how far they are, and their undo."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import LARGEST_ID, Call, Created, Nothing, Operation, when
from challenge_web.api.pending import Lane, Search, SourceKey
from challenge_web.api.problems import Problem, invalid, not_found
from challenge_web.console.deed_words import order_deed
from challenge_web.console.routes import Names
from gateway.domain.durations import DAY
from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.order_ports import Order, Wish
from gateway.flow.orders import AT_ONCE, Orders
from gateway.flow.queue import Queue

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]


class Everything(Struct, frozen=True, forbid_unknown_fields=True):
    """All that match a search."""

    q: Search = ""
    lane: Lane = ""
    source: SourceKey = ""


class NewOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be done with mail: with those named by `ids`, or with all that match `all`."""

    action: Literal["authorize", "deliver", "blacklist", "delete"]
    ids: Annotated[tuple[Id, ...], Meta(max_length=AT_ONCE)] = ()
    all: Everything | None = None
    breadth: Annotated[
        Literal["address", "domain", "source"], Meta(description="Whom authorize and blacklist mean by the sender.")
    ] = "address"


class OrderState(Struct, frozen=True):
    """How far an order is. It can be undone until it runs, and stopped while it does."""

    id: int
    action: str
    breadth: str
    state: str
    created_at: datetime
    due_at: datetime
    total: int
    done: int
    failed: int
    missed: Annotated[int, Meta(description="Named, but not to be had.")]
    can_be_undone: bool
    can_be_stopped: bool


class OrderProblem(Struct, frozen=True):
    """A mail that an order could not move."""

    id: int
    reason: str


class OrderDetail(Struct, frozen=True):
    """An order, with what it could not do."""

    order: OrderState
    problems: tuple[OrderProblem, ...]


class OrderList(Struct, frozen=True):
    """Orders of the last day."""

    items: tuple[OrderState, ...]


class OrderResource:
    """The operations on orders."""

    def __init__(self, orders: Orders, queue: Queue) -> None:
        self._orders = orders
        self._queue = queue

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        act, order = Right.MODERATE, Names.ORDER
        return (
            Operation(
                "listOrders", "GET", "/pending/orders", act, self.orders, "List one's orders of the last day.", OrderList
            ),
            Operation(
                "orderPending", "POST", "/pending/orders", act, self.order,
                "Deliver, allow, block or delete mail.", OrderDetail, body=NewOrder, status=201,
            ),
            Operation(
                "getOrder", "GET", "/pending/orders/{id}", act, self.one_order, "See how far an order is.",
                OrderDetail, names=order,
            ),
            Operation(
                "undoOrder", "POST", "/pending/orders/{id}/undo", act, self.undo,
                "Take an order back, or stop it.", OrderDetail, names=order,
            ),
        )  # fmt: skip

    async def orders(self, call: Call[Nothing, None]) -> OrderList:
        """Return the orders of who calls."""
        return OrderList(tuple(map(state, await self._orders.latest(call.viewer, DAY, 100))))

    async def order(self, call: Call[Nothing, NewOrder]) -> Created:
        """Take an order for mails that are named, or for all that match."""
        told = call.body
        if bool(told.ids) == (told.all is not None):
            raise invalid("ids", "Name mails by `ids`, or a search by `all`.")
        nonce = hashlib.sha256(secrets.token_bytes(16)).hexdigest()
        wish = Wish(Action(told.action), nonce, Breadth(told.breadth))
        if told.all is None:
            order = await self._orders.give(call.viewer, wish, told.ids)
        else:
            query = await self._queue.query(call.viewer, told.all.q)
            if query.faults:
                # What was not understood is not part of the search: it would hit more than was meant.
                raise Problem("invalid", errors=[("all.q", fault) for fault in query.faults])
            chosen = self._queue.selection(call.viewer, query, told.all.lane, told.all.source)
            order = await self._orders.give_all(call.viewer, wish, chosen)
        if order is None:
            raise not_found()
        call.deeds.append(order_deed(order, told.ids))
        return Created(await self._detail(call.viewer, order), f"/pending/orders/{order.id}")

    async def one_order(self, call: Call[Nothing, None]) -> OrderDetail:
        """Return one order of who calls, with what it could not do."""
        return await self._detail(call.viewer, await self._own(call))

    async def undo(self, call: Call[Nothing, None]) -> OrderDetail:
        """Take an order back."""
        await self._own(call)
        if not await self._orders.undo(call.viewer, call.id):
            raise Problem("conflict", "That can no longer be undone.")
        return await self._detail(call.viewer, await self._own(call))

    async def _own(self, call: Call[Nothing, None]) -> Order:
        order = await self._orders.get(call.viewer, call.id)
        if order is None:
            raise not_found()
        return order

    async def _detail(self, viewer: Viewer, order: Order) -> OrderDetail:
        problems = await self._orders.problems(viewer, order.id)
        return OrderDetail(state(order), tuple(OrderProblem(one.row_id, one.words) for one in problems))


def state(order: Order) -> OrderState:
    """Write one order."""
    return OrderState(
        id=order.id,
        action=order.action.value,
        breadth=order.breadth.value,
        state=order.state.value,
        created_at=when(order.created_at),
        due_at=when(order.due_at),
        total=order.total,
        done=order.done,
        failed=order.failed,
        missed=order.missed,
        can_be_undone=order.can_be_undone,
        can_be_stopped=order.can_be_stopped,
    )
