"""Events for another program: read from the audit trail, tried until they are taken or too old."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeVar

import pytest

from gateway.domain.address import Address
from gateway.domain.lifecycle import Event, State
from gateway.domain.roles import Reach, Role, Viewer
from gateway.domain.webhook import Kind
from gateway.flow.history import History
from gateway.flow.webhook import SIDE_BY_SIDE, Webhook, WebhookRules, WebhookView
from gateway.flow.webhook_ports import Answer, Post, Standing
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.letters import DAY, JOE, NOW, keep, message, row

T = TypeVar("T")
ROOT = Viewer(1, "root", Role.SITE_ADMIN, Reach(site=True))
MOST = 40
RULES = WebhookRules("https://hook.example/", tuple(Kind), 3, "mx.example.org", "https://{recipient_domain}/mail")


@dataclass
class Receiver:
    """Takes events, or does not."""

    fault: str = ""
    retry_after: float = 0.0
    heard: list[tuple[str, bytes]] = field(default_factory=list)

    async def __call__(self, event_id: str, body: bytes, now: float) -> Answer:
        self.heard.append((event_id, body))
        return Answer(self.fault, self.retry_after)

    @property
    def kinds(self) -> list[str]:
        return [json.loads(body)["type"] for _, body in self.heard]


class Desk:
    """A webhook on a store, with a clock that stands still."""

    def __init__(self, store: Store, rules: WebhookRules = RULES, post: Post | None = None) -> None:
        self.store = store
        self.time = NOW
        self.receiver = Receiver()
        self.webhook = Webhook(
            rules,
            store,
            post or self.receiver,
            now=lambda: self.time,
            chance=lambda: 0.5,
            random_octets=bytes,
            most=MOST,
        )

    async def run(self) -> None:
        while await self.webhook.run_once():
            pass

    async def standing(self) -> Standing:
        return (await self.shown()).standing

    async def shown(self) -> WebhookView:
        shown = await self.webhook.show(ROOT)
        assert shown is not None
        return shown

    async def move(self, row_id: int, to: State, event: Event) -> None:
        def work(tx: Transaction) -> None:
            waiting = tx.pending.get(row_id)
            assert waiting is not None
            tx.pending.move(waiting, to, event, "joe@example.org", self.time, "")

        await self.store.transact(work)

    async def hold(self, count: int = 1) -> list[int]:
        rows = [row(Address.of(f"u{number}@example.org")) for number in range(count)]
        return (await keep(self.store, message(), *rows)).rows


@pytest.fixture
async def desk(store: Store) -> Desk:
    desk = Desk(store)
    await desk.run()  # It begins behind what is there.
    return desk


async def test_moves_of_mail_are_told_once_each_and_nothing_else(store: Store) -> None:
    await keep(store, message("before"))
    desk = Desk(store)
    await desk.run()
    kept = (await keep(store, message("a"), row(), row(event=Event.OWE), row(event=Event.DROP), row())).rows
    await desk.move(kept[0], State.RELEASED, Event.AUTHORIZE)
    await desk.move(kept[3], State.EXPIRED, Event.EXPIRE)
    await desk.run()
    assert desk.receiver.kinds == ["message.held", "message.held", "message.released", "message.expired"]
    told = json.loads(desk.receiver.heard[2][1])["data"]
    assert (told["id"], told["actor"], told["how"]) == (kept[0], "joe@example.org", "authorize")
    assert told["url"] == f"https://example.org/mail/console/message/{kept[0]}"
    await desk.run()
    assert len(desk.receiver.heard) == 4


async def test_mail_that_is_tried_again_by_hand_is_not_told_twice(desk: Desk) -> None:
    (one,) = await desk.hold()
    await desk.move(one, State.RELEASED, Event.DELIVER)
    await desk.move(one, State.REFUSED, Event.GAVE_UP)
    await desk.move(one, State.RELEASED, Event.DELIVER)
    await desk.run()
    assert desk.receiver.kinds == ["message.held", "message.released"]


async def test_only_the_chosen_events_are_told(store: Store) -> None:
    desk = Desk(store, WebhookRules("https://hook.example/", (Kind.EXPIRED,), 3, "mx", "http://x"))
    await desk.run()
    (one,) = await desk.hold()
    await desk.move(one, State.RELEASED, Event.EXPIRE_AS_SPAM)
    await desk.run()
    assert desk.receiver.kinds == ["message.expired"]
    assert json.loads(desk.receiver.heard[0][1])["data"]["state"] == "released"


async def test_event_that_is_not_taken_comes_again_under_its_id_and_later_each_time(desk: Desk) -> None:
    desk.receiver.fault = "503"
    await desk.hold()
    waits = []
    for _ in range(4):
        await desk.run()
        shown = await desk.shown()
        waits.append(shown.items[0].due_at - desk.time)
        desk.time = shown.items[0].due_at
    assert waits == [5.0, 10.0, 20.0, 40.0]
    desk.receiver.fault = ""
    await desk.run()
    assert len(set(desk.receiver.heard)) == 1
    assert len(desk.receiver.heard) == 5
    shown = await desk.shown()
    assert (shown.standing.waiting, shown.standing.failing_since, shown.standing.sent_at) == (0, None, desk.time)


async def test_killed_service_sends_again_under_the_same_id(desk: Desk) -> None:
    await desk.hold()

    class Killed(Receiver):
        async def __call__(self, event_id: str, body: bytes, now: float) -> Answer:
            await super().__call__(event_id, body, now)
            raise asyncio.CancelledError

    killed = Killed()
    with pytest.raises(asyncio.CancelledError):
        await Desk(desk.store, post=killed).run()
    after = Desk(desk.store)
    await after.run()
    assert after.receiver.heard == killed.heard


async def test_receiver_may_ask_for_more_time_but_not_for_days(desk: Desk) -> None:
    desk.receiver.fault, desk.receiver.retry_after = "429", 900.0
    await desk.hold()
    await desk.run()
    shown = await desk.shown()
    assert shown.items[0].due_at == NOW + 900
    desk.receiver.retry_after, desk.time = 80_000.0, NOW + 900
    await desk.run()
    shown = await desk.shown()
    assert shown.items[0].due_at == desk.time + 3600


async def test_dead_receiver_fills_nothing_and_its_events_are_dropped_in_the_end(desk: Desk) -> None:
    desk.receiver.fault = "timeout"
    await desk.hold(MOST + 30)
    await desk.run()
    standing = await desk.standing()
    assert standing.waiting == MOST
    assert standing.newest - standing.cursor == 30
    assert await desk.webhook.failing_since() == NOW
    for _ in range(3):
        desk.time += 3 * DAY
        await desk.run()
    standing = await desk.standing()
    assert (standing.waiting, standing.newest - standing.cursor, standing.dropped) == (0, 0, MOST + 30)


async def test_receiver_that_is_back_gets_at_once_what_waited(desk: Desk) -> None:
    desk.receiver.fault = "connection"
    await desk.hold(3)
    for _ in range(6):
        await desk.run()
        desk.time += 50
    assert await desk.webhook.failing_since() == NOW
    desk.receiver.fault = ""
    desk.receiver.heard.clear()
    await keep(desk.store, message("new"), row(JOE, at=desk.time))
    await desk.run()
    assert len(desk.receiver.heard) == 4
    assert (await desk.standing()).waiting == 0


async def test_many_events_are_sent_side_by_side_but_not_all(desk: Desk) -> None:
    at_once = most = 0

    async def post(event_id: str, body: bytes, now: float) -> Answer:
        nonlocal at_once, most
        at_once += 1
        most = max(most, at_once)
        await asyncio.sleep(0)
        at_once -= 1
        return Answer()

    await desk.hold(30)
    await Desk(desk.store, post=post).run()
    assert most == SIDE_BY_SIDE
    assert (await desk.standing()).waiting == 0


async def test_what_is_erased_is_not_told_any_more_and_what_comes_after_is(desk: Desk) -> None:
    desk.receiver.fault = "503"
    (one,) = await desk.hold()
    await desk.move(one, State.DELETED, Event.DELETE)
    await desk.run()
    desk.receiver.heard.clear()
    desk.receiver.fault = ""
    history = History(desk.store, 90, {}, now=lambda: desk.time)
    exported = await history.export(ROOT, "u0@example.org")
    assert exported is not None
    assert len(exported["webhook"]) == 1
    await history.erase(ROOT, "u0@example.org")
    # Its line was the last of the trail, so the next one has its number.
    (two,) = await desk.hold()
    desk.time += 60
    await desk.run()
    assert [json.loads(body)["data"]["id"] for _, body in desk.receiver.heard] == [two]


@pytest.mark.parametrize("erased", ["u0@example.org", "u1@example.org"])
async def test_what_is_erased_while_the_trail_is_read_is_not_told(desk: Desk, erased: str) -> None:
    class Erasing:
        """Erases an address, whose mail has just been read, before that is kept."""

        async def look(self, work: Callable[[Transaction], T]) -> T:
            return await desk.store.look(work)

        async def transact(self, work: Callable[[Transaction], T]) -> T:
            await History(desk.store, 90, {}, now=lambda: desk.time).erase(ROOT, erased)
            return await desk.store.transact(work)

    for number in range(2):
        (held,) = (await keep(desk.store, message(), row(Address.of(f"u{number}@example.org")))).rows
        await desk.move(held, State.DELETED, Event.DELETE)
    cut = Desk(desk.store)
    assert await Webhook(
        RULES, Erasing(), cut.receiver, now=lambda: NOW, chance=lambda: 0.5, random_octets=bytes
    ).run_once() == (3 if erased.startswith("u0") else 0)
    # Where the last lines were erased, those of later mail have their numbers, and are told.
    (new,) = (await keep(desk.store, message(), row(Address.of("u2@example.org")))).rows
    await desk.run()
    told = [json.loads(body)["data"] for _, body in [*cut.receiver.heard, *desk.receiver.heard]]
    assert erased not in {data["recipient"] for data in told}
    assert len(told) == 2
    assert new in {data["id"] for data in told}


@pytest.mark.parametrize("role", [Role.USER, Role.DOMAIN_ADMIN, Role.AUDITOR])
async def test_webhook_is_for_site_admins(desk: Desk, role: Role) -> None:
    eve, webhook = Viewer(2, "eve", role, Reach(site=True)), desk.webhook
    assert (await webhook.show(eve), await webhook.test(eve), await webhook.retry(eve)) == (None, None, None)
    assert desk.receiver.heard == []


async def test_person_lets_what_waits_be_tried_now(desk: Desk) -> None:
    desk.receiver.fault = "500"
    await desk.hold(2)
    await desk.run()
    desk.receiver.fault = ""
    assert await desk.webhook.retry(ROOT) == 2
    await desk.run()
    assert (await desk.standing()).waiting == 0


async def test_test_event_is_sent_where_there_is_a_webhook_only(desk: Desk, store: Store) -> None:
    assert await desk.webhook.test(ROOT) == Answer()
    assert desk.receiver.kinds == ["webhook.test"]
    without = Desk(store, WebhookRules("", (), 3, "mx", "http://x"))
    assert await without.webhook.test(ROOT) is None
    assert await without.webhook.retry(ROOT) is None
