"""Mail that waits: the list, its sources, and orders with their undo."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import (
    LARGEST_ID,
    Call,
    Created,
    CursorText,
    Nothing,
    Operation,
    PageSize,
    when,
)
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.deed_words import order_deed
from challenge_web.console.routes import Names
from gateway.domain.durations import DAY
from gateway.domain.roles import Right, Viewer
from gateway.flow.moderate import NO_SOURCE, UNVOUCHED, Action, Breadth
from gateway.flow.order_ports import Order, Wish
from gateway.flow.orders import AT_ONCE, Orders
from gateway.flow.queue import MOST_COUNTED, SIZES, Ask, Queue
from gateway.flow.queue_ports import LANES, Group, Row
from gateway.flow.sources import NoSource, Sources, Unvouched

Id = Annotated[int, Meta(ge=1, le=LARGEST_ID)]
Search = Annotated[
    str,
    Meta(max_length=300, description="As in the console: roof from:anna reason:unknown state:delivered has:file after:2026-11-01 after:digest digest:17"),
]  # fmt: skip
Lane = Annotated[Literal["", "people", "machine"], Meta(description='"" is both.')]
Sort = Literal["arrival", "sender", "subject", "recipient", "size", "reason", "expiry", "score"]
SourceKey = Annotated[str, Meta(max_length=200, description="Of machine mail, as listPendingSources tells it.")]


class PendingQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which mail."""

    q: Search = ""
    lane: Lane = ""
    source: SourceKey = ""
    sort: Sort = "arrival"
    reverse: Annotated[bool, Meta(description="Against the sort's own direction.")] = False
    limit: PageSize = 50
    cursor: CursorText = ""


class Mail(Struct, frozen=True):
    """One mail for one recipient."""

    id: int
    state: str
    author: str
    author_name: str
    sender: Annotated[str, Meta(description='The reverse-path; "" is the null one.')]
    recipient: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    size: Annotated[int, Meta(description="Octets.")]
    held_at: datetime
    expires_at: datetime
    changed_at: datetime
    reason: Annotated[str, Meta(description="Why it waits.")]
    silence: Annotated[str, Meta(description='Why its sender was not asked; "" where he was.')]
    challenge: Annotated[str, Meta(description='State of its challenge; "" where there is none.')]
    proofs: Annotated[tuple[str, ...], Meta(description="Identities that vouch for its sender.")]
    files: tuple[str, ...]
    lane: str
    source: str
    seen: Annotated[bool, Meta(description="By the account.")]
    last_reply: Annotated[str, Meta(description="What the next hop said.")]
    score: Annotated[float | None, Meta(description="How spam-like, says the filter in front; null: it says nothing.")]


class MailPage(Struct, frozen=True):
    """Some mail."""

    items: tuple[Mail, ...]
    total: Annotated[int, Meta(description=f"{MOST_COUNTED + 1} stands for more than {MOST_COUNTED}.")]
    next: Annotated[str | None, Meta(description="Cursor of the next page; null where none follows.")]
    faults: Annotated[tuple[str, ...], Meta(description="What of the search was not understood.")]


class Counts(Struct, frozen=True):
    """How much waits."""

    people: int
    machine: int


class SourcesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which sources."""

    cursor: CursorText = ""


class Source(Struct, frozen=True):
    """The machine mail of one source."""

    source: str
    count: int
    newest: Mail


class SourcePage(Struct, frozen=True):
    """Some sources."""

    items: tuple[Source, ...]
    next: str | None


class Settlement(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a source."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    do: Literal["accept", "refuse"]


class Settled(Struct, frozen=True):
    """What became of it."""

    entries: int
    mails: tuple[int, ...]


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


class PendingResource:
    """The operations on mail that waits."""

    def __init__(self, queue: Queue, orders: Orders, sources: Sources) -> None:
        self._queue = queue
        self._orders = orders
        self._sources = sources

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, act, order = Right.SEE_PENDING, Right.MODERATE, Names.ORDER
        return (
            Operation("listPending", "GET", "/pending", see, self.page, "List mail.", MailPage, PendingQuery),
            Operation("countPending", "GET", "/pending/counts", see, self.counts, "Count what waits.", Counts),
            Operation(
                "listPendingSources", "GET", "/pending/sources", see, self.sources,
                "List newsletters and machines whose mail waits.", SourcePage, SourcesQuery,
            ),
            Operation(
                "settlePendingSource", "POST", "/pending/sources/settle", act, self.settle,
                "Let in, or keep out, all mail of a source.", Settled, body=Settlement, also=(Right.EDIT_LISTS,), problems=(404,),
            ),
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

    async def page(self, call: Call[PendingQuery, None]) -> MailPage:
        """Return a page of mail that waits."""
        wanted = call.query
        size = next((size for size in SIZES if size >= wanted.limit), SIZES[-1])
        after = call.cursors.read(wanted.cursor)
        ask = Ask(wanted.q, wanted.lane, wanted.source, wanted.sort, wanted.reverse, after, size=size)
        page = await self._queue.page(call.viewer, ask)
        rows = page.rows[: wanted.limit]
        follows = rows[-1].key if rows and (page.next is not None or len(page.rows) > len(rows)) else None
        return MailPage(tuple(map(mail, rows)), page.total, call.cursors.write(follows), page.query.faults)

    async def counts(self, call: Call[Nothing, None]) -> Counts:
        """Return how much waits."""
        counts = await self._queue.counts(call.viewer)
        return Counts(*(counts[lane] for lane in LANES))

    async def sources(self, call: Call[SourcesQuery, None]) -> SourcePage:
        """Return a page of sources of machine mail."""
        behind = call.cursors.read(call.query.cursor, str)
        page = await self._queue.groups(call.viewer, str(behind[0]) if behind else "")
        items = tuple(map(source_item, page.groups))
        return SourcePage(items, call.cursors.write((page.more_groups,) if page.more_groups else None))

    async def settle(self, call: Call[Nothing, Settlement]) -> Settled:
        """Accept a source, or refuse it."""
        settle = self._sources.accept if call.body.do == "accept" else self._sources.refuse
        try:
            done = await settle(call.viewer, call.body.source)
        except NoSource:
            raise Problem("conflict", sentence(NO_SOURCE)) from None
        except Unvouched:
            raise Problem("conflict", sentence(UNVOUCHED)) from None
        if done is None:
            raise not_found()
        call.deeds.append(f"{call.body.do}: {call.body.source}, {len(done.rows)}")
        return Settled(len(done.entries), done.rows)

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


def mail(row: Row) -> Mail:
    """Write one mail."""
    return Mail(
        id=row.id,
        state=row.state.value,
        author=row.author,
        author_name=row.author_name,
        sender=row.sender,
        recipient=row.recipient,
        subject=row.subject,
        size=row.size,
        held_at=when(row.held_at),
        expires_at=when(row.expires_at),
        changed_at=when(row.changed_at),
        reason=row.reason,
        silence=row.silence,
        challenge=row.challenge,
        proofs=tuple(str(proof) for proof in row.proofs),
        files=row.files,
        lane=row.lane,
        source=row.source,
        seen=row.seen,
        last_reply=row.last_reply,
        score=row.score,
    )


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


def source_item(group: Group) -> Source:
    """Return a source as programs are told it."""
    return Source(group.source, group.count, mail(group.newest))
