"""Orders outlive the program: whatever is cut off is carried out, or undone, by the next one."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import TypeVar

from sqlalchemy import func, select

from gateway.domain.address import Address
from gateway.domain.lifecycle import Event, State
from gateway.domain.policy import Policy
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.describe import Describer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.order_ports import Order, OrderState, Wish
from gateway.flow.order_work import BATCH, SWIFT, OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.queue_ports import Place, Selection
from gateway.flow.redate import Redater
from gateway.store.store import Store
from gateway.store.tables import pending
from gateway.store.transaction import Transaction
from tests.store.letters import DAY, JOE, KIM, NOW, keep, message, move, row

T = TypeVar("T")
UNDO = 10.0
VIEWER = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
MINE = Selection(Place.of(VIEWER.reach))


class Desk:
    """The services over one store, with a clock."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW + 60
        self.woken = 0
        self.orders = Orders(store, UNDO, now=lambda: self.now, wake=lambda: None)
        redate = Redater(store, Policy(), now=lambda: self.now).step
        self.worker = OrderWorker(store, UNDO, redate, now=lambda: self.now, wake_deliveries=self._wake)

    def _wake(self) -> None:
        self.woken += 1

    async def hold(self, count: int, to: Address = JOE) -> list[int]:
        rows = []
        for number in range(count):
            rows += (await keep(self.store, message(f"Mail {number}"), row(to))).rows
        while await Describer(self.store).run_once():
            pass
        return rows

    async def steps(self, most: int = 1000) -> int:
        done = 0
        while done < most and await self.worker.run_once():
            done += 1
        return done

    async def order(self, order_id: int) -> Order:
        found = await self.orders.get(VIEWER, order_id)
        assert found is not None
        return found

    async def states(self) -> dict[State, int]:
        """Return how many rows are in each state."""
        query = select(pending.c.state, func.count()).group_by(pending.c.state)
        rows = await self.store.look(lambda tx: tx.connection.execute(query).all())
        return {State(state): count for state, count in rows}

    async def listed(self) -> int:
        return await self.store.look(lambda tx: tx.queue.count(MINE, 10_000))


async def given(desk: Desk, action: Action, ids: list[int], nonce: str = "n") -> Order:
    order = await desk.orders.give(VIEWER, Wish(action, nonce), ids)
    assert order is not None
    return order


async def given_all(desk: Desk, action: Action) -> Order:
    order = await desk.orders.give_all(VIEWER, Wish(action, "n"), MINE)
    assert order is not None
    return order


async def test_order_is_carried_out_by_the_next_program(store: Store, url: str) -> None:
    desk = Desk(store)
    ids = await desk.hold(3)
    order = await given(desk, Action.DELIVER, ids)
    assert await desk.listed() == 0
    assert await desk.steps() == 0
    again = Store(url)
    after = Desk(again)
    after.now = desk.now + UNDO
    await after.steps()
    assert (await after.order(order.id)).state is OrderState.DONE
    assert await after.states() == {State.RELEASED: 3}
    assert after.woken
    await again.close()


async def test_order_cut_off_midway_is_taken_up_where_it_was(store: Store, url: str) -> None:
    desk = Desk(store)
    await desk.hold(SWIFT + 5)
    order = await given_all(desk, Action.DELETE)
    assert await desk.steps(1) == 1
    assert (await desk.order(order.id)).total == BATCH
    again = Store(url)
    after = Desk(again)
    after.now = desk.now
    await after.steps()
    assert (await after.order(order.id)).total == SWIFT + 5
    after.now += UNDO
    assert await after.steps(1) == 1
    assert await after.states() == {State.DELETED: SWIFT, State.PENDING: 5}
    await desk.steps()
    desk.now = after.now
    await desk.steps()
    ended = await desk.order(order.id)
    assert (ended.state, ended.done, ended.failed) == (OrderState.DONE, SWIFT + 5, 0)
    history = "SELECT count(*) FROM event WHERE event = 'delete'"
    assert await store.look(lambda tx: tx.connection.exec_driver_sql(history).scalar()) == SWIFT + 5
    await again.close()


async def test_order_undone_gives_all_rows_back_also_in_batches(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(2 * BATCH + 5)
    order = await given_all(desk, Action.DELETE)
    await desk.steps()
    assert await desk.listed() == 0
    assert await desk.orders.undo(VIEWER, order.id)
    assert await desk.listed() == BATCH
    await desk.steps()
    assert await desk.listed() == 2 * BATCH + 5
    assert (await desk.order(order.id)).state is OrderState.UNDONE
    assert not await desk.orders.undo(VIEWER, order.id)


async def test_order_gathers_what_is_left_where_others_take_rows_meanwhile(store: Store) -> None:
    desk = Desk(store)
    rows = await desk.hold(3 * BATCH + 5)
    order = await given_all(desk, Action.DELETE)
    await desk.steps(1)
    # The newest are in hand; all of the next batch are taken by another order.
    other = await given(desk, Action.DELIVER, rows[BATCH + 5 : 2 * BATCH + 5], "other")
    while (await desk.order(order.id)).state is OrderState.GATHERING:
        assert await desk.steps(1)
    assert (other.total, (await desk.order(order.id)).total) == (BATCH, 2 * BATCH + 5)
    assert await desk.listed() == 0


class Overtaken(Store):
    """A store where others have done something by the time the second look is answered."""

    def __init__(self, url: str, others: Callable[[], Awaitable[object]]) -> None:
        super().__init__(url)
        self._others = others
        self._looks = 0

    async def look(self, work: Callable[[Transaction], T]) -> T:
        found = await super().look(work)
        self._looks += 1
        if self._looks == 2:
            await self._others()
        return found


async def test_order_whose_next_rows_are_taken_when_they_were_just_found_goes_on(store: Store, url: str) -> None:
    desk = Desk(store)
    rows = await desk.hold(BATCH + 5)
    order = await given_all(desk, Action.DELETE)

    async def others() -> None:
        await given(desk, Action.DELIVER, rows[5:], "other")

    busy = Overtaken(url, others)
    worker = OrderWorker(busy, UNDO, Redater(store, Policy(), now=lambda: NOW).step, now=lambda: desk.now,
                         wake_deliveries=lambda: None, ahead=BATCH)  # fmt: skip
    await worker.run_once()
    assert (await desk.order(order.id)).total == 5
    await busy.close()


async def test_order_for_what_cannot_be_moved_ends_though_there_is_very_much_of_it(store: Store) -> None:
    desk = Desk(store)
    rows = await desk.hold(BATCH + 5)
    for row_id in rows:
        await store.transact(lambda tx: move(tx, row_id, State.DELETED, Event.DELETE))  # noqa: B023 awaited here
    worker = OrderWorker(store, UNDO, Redater(store, Policy(), now=lambda: NOW).step, now=lambda: desk.now,
                         wake_deliveries=lambda: None, ahead=BATCH)  # fmt: skip
    ended = replace(MINE, states=(State.DELETED,))
    order = await desk.orders.give_all(VIEWER, Wish(Action.DELIVER, "n"), ended)
    assert order is not None
    await worker.run_once()
    assert ((await desk.order(order.id)).state, (await desk.order(order.id)).total) == (OrderState.WAITING, 0)


async def test_order_undone_while_it_gathers_keeps_nothing(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(BATCH + 5)
    order = await given_all(desk, Action.DELETE)
    await desk.steps(1)
    assert await desk.orders.undo(VIEWER, order.id)
    desk.now += DAY
    await desk.steps()
    assert await desk.listed() == BATCH + 5
    assert await desk.states() == {State.PENDING: BATCH + 5}


async def test_order_stopped_midway_leaves_the_rest_in_the_list(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(SWIFT + 5)
    order = await given_all(desk, Action.DELETE)
    await desk.steps()
    desk.now += UNDO
    await desk.steps(1)
    assert (await desk.order(order.id)).can_be_stopped
    assert await desk.orders.undo(VIEWER, order.id)
    await desk.steps()
    ended = await desk.order(order.id)
    assert (ended.state, ended.done, ended.total) == (OrderState.DONE, SWIFT, SWIFT + 5)
    assert await desk.listed() == 5


async def test_order_waits_by_a_clock_that_was_set_back_no_longer_than_its_time(store: Store) -> None:
    desk = Desk(store)
    ids = await desk.hold(1)
    await given(desk, Action.DELETE, ids)
    desk.now -= DAY
    await desk.steps()
    assert await desk.states() == {State.DELETED: 1}


async def test_same_form_makes_one_order_and_another_form_another(store: Store) -> None:
    desk = Desk(store)
    ids = await desk.hold(2)
    first = await given(desk, Action.DELETE, ids[:1])
    assert (await given(desk, Action.DELETE, ids[:1])).id == first.id
    assert (await given(desk, Action.DELETE, ids[1:], "m")).id != first.id


async def test_order_for_rows_that_cannot_be_had_is_done_at_once(store: Store) -> None:
    desk = Desk(store)
    foreign = await desk.hold(1, KIM)
    order = await given(desk, Action.DELETE, [*foreign, 4711])
    assert (order.state, order.total, order.missed) == (OrderState.DONE, 0, 2)


async def test_order_of_one_who_may_not_is_none(store: Store) -> None:
    desk = Desk(store)
    ids = await desk.hold(1)
    mute = Viewer(1, "joe", Role.USER, VIEWER.reach, withheld=frozenset({Right.MODERATE}))
    assert await desk.orders.give(mute, Wish(Action.DELETE, "n"), ids) is None
    assert await desk.orders.give_all(mute, Wish(Action.DELETE, "n"), MINE) is None
    assert await desk.orders.give(VIEWER, Wish(Action.DELETE, "n"), []) is None
    order = await given(desk, Action.DELETE, ids)
    assert not await desk.orders.undo(mute, order.id)
    assert await desk.orders.problems(Viewer(2, "kim", Role.USER, Reach()), order.id) == ()


async def test_order_retries_what_the_mail_server_refused(store: Store) -> None:
    desk = Desk(store)
    (row_id,) = await desk.hold(1)

    async def moved(to: State, event: Event) -> None:
        await store.transact(lambda tx: move(tx, row_id, to, event))

    await moved(State.RELEASED, Event.DELIVER)
    assert (await given(desk, Action.DELIVER, [row_id], "a")).total == 0
    await moved(State.REFUSED, Event.REFUSED)
    assert (await given(desk, Action.DELIVER, [row_id], "b")).total == 1
    desk.now += UNDO
    await desk.steps()
    assert await desk.states() == {State.RELEASED: 1}


async def test_order_to_allow_keeps_how_wide_it_was_meant(store: Store) -> None:
    desk = Desk(store)
    ids = await desk.hold(1)
    await desk.orders.give(VIEWER, Wish(Action.AUTHORIZE, "n", Breadth.DOMAIN), ids)
    assert await store.look(lambda tx: tx.lists.entries(["@oak.example"])) == []
    desk.now += UNDO
    await desk.steps()
    (entry,) = await store.look(lambda tx: tx.lists.entries(["@oak.example"]))
    assert entry.scope == "joe@example.org"


async def test_orders_that_ended_long_ago_are_forgotten_and_open_ones_are_not(store: Store) -> None:
    desk = Desk(store)
    ids = await desk.hold(2)
    old, new = await given(desk, Action.DELETE, ids[:1], "a"), await given(desk, Action.DELETE, ids[1:], "b")
    await desk.orders.undo(VIEWER, old.id)
    desk.now += 2 * DAY
    await desk.worker.forget(DAY)
    assert await desk.orders.get(VIEWER, old.id) is None
    assert (await desk.order(new.id)).state is OrderState.WAITING
    assert [order.id for order in await desk.orders.latest(VIEWER, 30)] == [new.id]
