"""What waits is moved to its new days bit by bit, by any program, from where the one before was cut off."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.policy import Policy
from gateway.flow.moderate import Action, Moderator
from gateway.flow.order_ports import OrderState
from gateway.flow.order_work import OrderWorker
from gateway.flow.redate import BATCH, Piece, Progress, Redater, Redating
from gateway.store.store import Store
from tests.store.letters import DAY, JOE, KIM, NOW, keep, message, row

ELM = Address.of("joe@elm.example")


class Desk:
    """A worker over a store, and the policy it works by."""

    def __init__(self, store: Store) -> None:
        self.store = store
        self.now = NOW + 60
        self.redater = Redater(store, Policy(), now=lambda: self.now, span=BATCH)
        self.worker = OrderWorker(store, 10.0, self.redater.step, now=lambda: self.now, wake_deliveries=lambda: None)

    async def hold(self, count: int, to: Address = JOE) -> None:
        for number in range(count):
            await keep(self.store, message(f"Mail {number}"), row(to))

    async def choose(self, scope: str, days: int) -> None:
        choice = Choice(scope, PolicySetting.DAYS, str(days))
        await self.store.transact(lambda tx: tx.policies.put(choice, "root", NOW))

    async def order(self, scope: str = "") -> int:
        return await self.store.transact(lambda tx: tx.redatings.open(scope, "root", self.now))

    async def get(self, order_id: int) -> Redating:
        found = await self.store.look(lambda tx: tx.redatings.get(order_id))
        assert found is not None
        return found

    async def steps(self) -> int:
        done = 0
        while await self.worker.run_once():
            done += 1
        return done

    async def days(self, scope: str = "") -> list[float]:
        """Return until when each mail waits, in days from when it came."""
        stretch = await self.store.look(lambda tx: tx.redatings.stretch(scope, 0, 1_000_000, 10_000))
        return [(row.expires_at - row.held_at) / DAY for row in stretch.rows]


async def test_redating_goes_through_all_in_batches_and_tells_how_far_it_is(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(BATCH + 5)
    await desk.choose("", 30)
    order_id = await desk.order()
    assert (await desk.get(order_id)).state is OrderState.GATHERING
    await desk.worker.run_once()
    counted = await desk.get(order_id)
    assert (counted.state, counted.total, counted.done) == (OrderState.RUNNING, BATCH + 5, 0)
    await desk.worker.run_once()
    midway = await desk.get(order_id)
    assert (midway.open, midway.done, midway.progress.moved) == (True, BATCH, BATCH)
    assert await desk.days() == [30.0] * BATCH + [14.0] * 5
    await desk.steps()
    ended = await desk.get(order_id)
    assert (ended.state, ended.done, ended.progress.moved) == (OrderState.DONE, BATCH + 5, BATCH + 5)
    assert await desk.days() == [30.0] * (BATCH + 5)


async def test_redating_cut_off_midway_is_taken_up_by_the_next_program(store: Store, url: str) -> None:
    desk = Desk(store)
    await desk.hold(BATCH + 5)
    await desk.choose("", 30)
    order_id = await desk.order()
    for _ in range(2):
        await desk.worker.run_once()
    again = Store(url)
    after = Desk(again)
    await after.steps()
    ended = await after.get(order_id)
    assert (ended.state, ended.progress.moved) == (OrderState.DONE, BATCH + 5)
    await again.close()


async def test_redating_by_two_programs_at_once_counts_each_step_once(store: Store, url: str) -> None:
    desk = Desk(store)
    await desk.hold(5)
    await desk.choose("", 30)
    order_id = await desk.order()
    await desk.worker.run_once()
    seen = await desk.get(order_id)
    assert await store.transact(lambda tx: tx.redatings.go_on(seen, Piece(2, 2, []), NOW)) is not None
    assert await store.transact(lambda tx: tx.redatings.go_on(seen, Piece(2, 2, []), NOW)) is None
    assert not await store.transact(lambda tx: tx.redatings.begin(seen, 9, 9, NOW))
    assert (await desk.get(order_id)).done == 2


async def test_redating_ordered_again_begins_anew_and_is_still_one(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(BATCH + 5)
    await desk.choose("", 30)
    order_id = await desk.order()
    for _ in range(2):
        await desk.worker.run_once()
    await desk.choose("", 20)
    assert await desk.order() == order_id
    assert (await desk.get(order_id)).progress == Progress(0, 0, 0)
    await desk.steps()
    assert await desk.days() == [20.0] * (BATCH + 5)
    assert await desk.order("@example.org") != order_id


async def test_redating_stopped_leaves_what_was_moved_where_it_is(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(BATCH + 5)
    await desk.choose("", 30)
    order_id = await desk.order()
    for _ in range(2):
        await desk.worker.run_once()
    assert await store.transact(lambda tx: tx.redatings.stop(order_id, NOW))
    assert not await store.transact(lambda tx: tx.redatings.stop(order_id, NOW))
    assert await desk.steps() == 0
    assert (await desk.days()).count(30.0) == BATCH
    await desk.redater.step(order_id)
    assert (await desk.get(order_id)).state is OrderState.UNDONE


async def test_redating_of_a_scope_leaves_others_alone_and_looks_at_no_more_than_a_stretch(store: Store) -> None:
    desk = Desk(store)
    for to in (ELM, JOE, KIM, ELM, JOE):
        await desk.hold(1, to)
    first = await store.look(lambda tx: tx.redatings.stretch("@example.org", 0, 100, 2))
    assert [len(first.rows), first.end] == [1, 2]
    rest = await store.look(lambda tx: tx.redatings.stretch("@example.org", first.end, 100, 10))
    assert [len(rest.rows), rest.end] == [2, 100]
    await desk.choose("", 30)
    order_id = await desk.order("@example.org")
    await desk.steps()
    ended = await desk.get(order_id)
    assert (ended.total, ended.progress.moved) == (3, 3)
    assert await desk.days("@elm.example") == [14.0, 14.0]


async def test_redating_of_nothing_ends(store: Store) -> None:
    desk = Desk(store)
    order_id = await desk.order("@example.org")
    await desk.steps()
    assert (await desk.get(order_id)).state is OrderState.DONE


async def test_redating_leaves_what_was_settled_or_came_meanwhile_and_ends_all_the_same(store: Store) -> None:
    desk = Desk(store)
    await desk.hold(3)
    await desk.choose("", 30)
    order_id = await desk.order()
    await desk.worker.run_once()
    moderator = Moderator(store, now=lambda: NOW, wake_deliveries=lambda: None)
    await moderator.act(Action.DELETE, [3], "root")
    await desk.hold(1)
    await desk.steps()
    ended = await desk.get(order_id)
    assert (ended.state, ended.done, ended.total, ended.progress.moved) == (OrderState.DONE, 3, 3, 2)
    assert await desk.days() == [30.0, 30.0, 14.0]


async def test_redating_keeps_the_challenge_open_as_long_as_the_mail(store: Store) -> None:
    desk = Desk(store)
    kept = await keep(store, message(), row(), ask=True)

    async def closes() -> float:
        challenge = await store.look(lambda tx: tx.challenges.get(kept.challenge))
        assert challenge is not None
        return challenge.expires_at

    await desk.choose("", 30)
    await desk.order()
    await desk.steps()
    assert await closes() == NOW + 30 * DAY
    await desk.choose("", 3)
    await desk.order()
    await desk.steps()
    assert await desk.days() == [3.0]
    # A link that is out stays good: its answer still lets the sender in.
    assert await closes() == NOW + 30 * DAY


async def test_redating_is_no_order_of_a_person_about_rows(store: Store) -> None:
    desk = Desk(store)
    order_id = await desk.order()
    assert await store.look(lambda tx: tx.orders.get(order_id)) is None
    assert await store.look(lambda tx: tx.orders.latest(0, 0.0, 10)) == []
    assert await store.look(lambda tx: tx.redatings.of_scope("@example.org")) is None
    due = await store.look(lambda tx: tx.orders.due(desk.now, desk.now + 10))
    assert due is not None
    assert (due.id, due.redates) == (order_id, True)
    await desk.steps()
    await store.transact(lambda tx: tx.orders.forget(desk.now + 1))
    assert await store.look(lambda tx: tx.redatings.get(order_id)) is None
