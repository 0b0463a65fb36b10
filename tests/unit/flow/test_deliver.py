"""Handing released mail on: once, the original octets, again and again until it is over."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from itertools import pairwise

import pytest

from gateway.domain import header, reply
from gateway.domain.address import Address
from gateway.domain.envelope import Envelope
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.policy import Expiry
from gateway.domain.reply import Reply
from gateway.flow.deliver import LEASE, PUT_OFF
from gateway.flow.late_attempts import MOST_LATE
from gateway.flow.moderate import Action
from gateway.flow.ports import Delivery, StoreDown
from tests.unit.flow.world import (
    DAY,
    DEFERRED,
    HOUR,
    JOE,
    KIM,
    NOW,
    OWN_SERVER,
    REFUSED,
    FakeHop,
    World,
    letter,
    unmarked,
)

ELSEWHERE = Address.of("liz@other.example")

RAW = letter(
    "=?utf-8?q?Gr=C3=BC=C3=9Fe?=",
    "Authentication-Results: gw.example.org; dkim=pass",
    "X-Odd:\tfolded\r\n  twice",
    body="8bit \udcff octets\r\n.dot\r\n..\r\n" + "long " * 500,
)


async def release(world: World, content: bytes = RAW, *recipients: Address) -> None:
    """Hold a mail and let it go by hand."""
    await world.arrive(content, *recipients)
    rows = [row.id for row in await world.pending() if row.state == "pending"]
    await world.moderator().act(Action.DELIVER, rows, "cli")


async def test_released_mail_is_handed_on_octet_for_octet_with_its_own_reverse_path(world: World) -> None:
    await release(world)
    assert await world.deliverer().run_once() == 1
    ((envelope, taken),) = world.hop.taken
    assert envelope.reverse_path.text == "anna@oak.example"
    assert [recipient.address for recipient in envelope.recipients] == [JOE]
    assert unmarked(taken) == RAW.replace(b"Authentication-Results: gw.example.org; dkim=pass\r\n", b"")
    head = header.split(taken)
    assert [each.name for each in head.fields][:3] == [b"x-gateway-release", b"authentication-results", b"received"]
    assert (head.first(b"received") or b"").endswith(b"+0000")
    assert await world.states() == {JOE.text: "delivered"}
    assert await world.deliverer().run_once() == 0


async def test_trace_fields_of_released_mail_tell_when_it_came_in(world: World) -> None:
    await world.arrive(letter())
    world.clock.at += 3 * DAY
    (row,) = await world.pending()
    await world.moderator().act(Action.DELIVER, [row.id], "cli")
    await world.deliverer().run_once()
    received = header.split(world.hop.taken[0][1]).first(b"received") or b""
    assert b"14 Nov 2023" in received


async def test_a13_released_mail_that_comes_through_us_again_is_not_held_again(world: World) -> None:
    await release(world)
    await world.deliverer().run_once()
    world.checks.evidence = NO_EVIDENCE
    again = b"Received: from mta by mta; now\r\n" + world.hop.taken[0][1]
    assert await world.arrive(again, client=OWN_SERVER) == reply.OK
    assert len(world.hop.taken) == 2


async def test_r42_released_once_is_delivered_once_by_competing_workers(world: World) -> None:
    for number in range(15):
        await world.arrive(letter(str(number), "Auto-Submitted: auto-replied"))
    ids = [row.id for row in await world.pending()]
    await asyncio.gather(*(world.moderator().act(Action.DELIVER, ids, "cli") for _ in range(4)))
    await asyncio.gather(*(world.deliverer().run_once(most=4) for _ in range(10)))
    assert len(world.hop.taken) == 15


async def test_stalled_worker_that_comes_back_cannot_undo_what_another_did(world: World) -> None:
    await release(world, letter())
    stalled = world.deliverer()
    hop = world.hop
    other = world.deliverer()

    class Slow:
        features = hop.features
        verify = hop.verify

        async def deliver(self, envelope: object, content: object, all_or_nothing: bool) -> object:
            world.clock.at += LEASE + 1
            stalled._hop_for = world.hop_for
            await other.run_once()
            return await hop.deliver(envelope, content, all_or_nothing)  # type: ignore[arg-type]

    stalled._hop_for = lambda domain: Slow()  # type: ignore[assignment, return-value]
    hop.answers[JOE.key] = reply.OK
    await stalled.run_once()
    assert await world.states() == {JOE.text: "delivered"}
    events = (await world.dump())["event"]
    assert len([line for line in events if "accepted" in line]) == 1


async def test_next_hop_that_lets_mail_wait_holds_up_none_for_another(world: World) -> None:
    waiting, gate = FakeHop(), asyncio.Event()

    class Stuck(FakeHop):
        async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Delivery:
            self.attempts.append(envelope)
            await gate.wait()
            return await waiting.deliver(envelope, content, all_or_nothing)

    stuck, deliverer = Stuck(), world.deliverer()
    deliverer._patience = 0.05
    deliverer._hop_for = lambda domain: stuck if domain == "example.org" else world.hop
    for number in range(MOST_LATE + 5):
        await release(world, letter(str(number)), Address.of(f"joe{number}@example.org"))
    world.clock.at += 1
    await release(world, letter("other"), ELSEWHERE)
    taken_up = [await deliverer.run_once(MOST_LATE), await deliverer.run_once(MOST_LATE)]
    assert taken_up == [MOST_LATE, 6]
    # On a busy machine an attempt may take longer than a worker waits for it, also where nobody holds it up.
    while not world.hop.taken or len(stuck.attempts) < MOST_LATE:
        await asyncio.sleep(0)
    assert world.hop.delivered_to() == [ELSEWHERE.text]
    assert len(stuck.attempts) == MOST_LATE
    assert await deliverer.run_once() == 0
    gate.set()
    while len(waiting.taken) < MOST_LATE or deliverer._late.many(id(stuck)):
        await asyncio.sleep(0)
    world.clock.at += PUT_OFF
    while await deliverer.run_once():
        pass
    await deliverer.close(60)
    assert set((await world.states()).values()) == {"delivered"}
    assert len(waiting.taken) == MOST_LATE + 5


async def test_row_left_by_a_crash_is_taken_up_when_its_lease_ends(world: World) -> None:
    await release(world, letter())
    await world.store.transact(lambda tx: tx.pending.claim(NOW, 10, 999, NOW + LEASE, NOW + DAY))
    assert await world.deliverer().run_once() == 0
    world.clock.at += LEASE + 1
    assert await world.deliverer().run_once() == 1
    assert await world.states() == {JOE.text: "delivered"}


async def test_attempt_whose_lease_is_lost_before_it_begins_sends_nothing(world: World) -> None:
    await release(world, letter())
    (row,) = await world.pending()
    await world.deliverer()._attempt(row.id, 12345)
    assert world.hop.attempts == []


async def test_temporary_failure_is_retried_with_growing_waits_up_to_five_days(world: World) -> None:
    await release(world, letter())
    world.hop.answers[JOE.key] = DEFERRED
    deliverer = world.deliverer()
    tried: list[float] = []
    due: float | None = NOW
    while due is not None:
        world.clock.at = due - 1
        assert await deliverer.run_once() == 0
        world.clock.at = due
        assert await deliverer.run_once() == 1
        tried.append(due)
        ((due),) = [row.due_at for row in await world.pending()]
    waits = [later - earlier for earlier, later in pairwise(tried)]
    assert waits[:4] == [60, 120, 240, 480]
    assert max(waits) <= 1.5 * HOUR
    assert 5 * DAY <= tried[-1] - NOW < 5 * DAY + 2 * HOUR
    (row,) = await world.pending()
    assert (row.state, row.last_reply) == ("refused", str(DEFERRED))
    assert any("gave-up" in line for line in (await world.dump())["event"])


async def test_waits_are_shaken_by_chance(world: World) -> None:
    await release(world, letter())
    world.hop.answers[JOE.key] = DEFERRED
    deliverer = world.deliverer()
    deliverer._chance = lambda: 0.0
    await deliverer.run_once()
    (row,) = await world.pending()
    assert (row.due_at, row.attempts, row.state) == (NOW + 30, 1, "released")


async def test_permanent_refusal_stays_visible_and_can_be_retried_by_hand(world: World) -> None:
    await release(world, letter())
    world.hop.answers[JOE.key] = REFUSED
    await world.deliverer().run_once()
    (row,) = await world.pending()
    assert (row.state, row.last_reply, row.attempts) == ("refused", str(REFUSED), 1)
    assert await world.deliverer().run_once() == 0
    world.hop.answers.clear()
    world.clock.at += 30 * DAY
    await world.moderator().act(Action.DELIVER, [row.id], "cli")
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "delivered"}


async def test_retry_by_hand_has_the_whole_period_again(world: World) -> None:
    await release(world, letter())
    world.hop.answers[JOE.key] = REFUSED
    await world.deliverer().run_once()
    world.clock.at += 30 * DAY
    (row,) = await world.pending()
    await world.moderator().act(Action.AUTHORIZE, [row.id], "cli")
    world.hop.answers[JOE.key] = DEFERRED
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "released"}


async def test_no_bounce_and_no_notification_leave_us_for_what_is_refused_or_given_up(world: World) -> None:
    await release(world, letter("Hi", "Disposition-Notification-To: anna@oak.example"))
    world.hop.answers[JOE.key] = REFUSED
    await world.deliverer().run_once()
    await world.challenger().run_once()
    # R22, R24: the one mail that ever went out is none at all, for the mail was moved before it was asked.
    assert world.outside.sent == []


@pytest.mark.parametrize("jump", [400 * DAY, -400 * DAY])
async def test_clock_that_jumps_gives_nothing_up_at_its_first_failure_and_delivers_once(
    world: World, jump: float
) -> None:
    await release(world, letter())
    world.clock.at += jump
    world.hop.answers[JOE.key] = DEFERRED
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "released"}
    world.hop.answers.clear()
    for _ in range(5):
        world.clock.at += 2 * HOUR
        await world.deliverer().run_once()
    assert len(world.hop.taken) == 1


# --- as spam ---


async def expire_as_spam(world: World, content: bytes, **rules: str) -> bytes:
    await world.arrive(content)
    world.clock.at += 14 * DAY
    await world.expirer(Expiry.DELIVER_AS_SPAM).run_once()
    await world.deliverer(**rules).run_once()
    ((_, taken),) = world.hop.taken
    return taken


async def test_expired_mail_is_delivered_marked_as_spam_and_otherwise_unchanged(world: World) -> None:
    content = letter()
    taken = await expire_as_spam(world, content)
    head = header.split(taken)
    assert head.first(b"x-spam-flag") == b"YES"
    assert (head.first(b"x-spam-status") or b"").startswith(b"Yes")
    assert unmarked(taken) == content
    assert world.hop.delivered_to() == [JOE.text]


async def test_expired_mail_with_a_tag_has_it_in_the_subject_alone(world: World) -> None:
    forged = "Authentication-Results: gw.example.org; dkim=pass"
    content = letter("Hi", forged)
    taken = await expire_as_spam(world, content, spam_subject_tag="[unasked]")
    assert unmarked(taken) == content.replace(b"Subject: Hi", b"Subject: [unasked] Hi").replace(
        forged.encode() + b"\r\n", b""
    )


async def test_expired_mail_with_a_tag_that_comes_through_us_again_is_not_held_again(world: World) -> None:
    taken = await expire_as_spam(world, letter(), spam_subject_tag="[unasked]")
    world.checks.evidence = NO_EVIDENCE
    assert await world.arrive(taken, client=OWN_SERVER) == reply.OK


async def test_expired_mail_goes_to_the_plus_address_where_one_is_set(world: World) -> None:
    await expire_as_spam(world, letter(), spam_plus_address="spam", delimiter="-")
    assert world.hop.delivered_to() == ["joe-spam@example.org"]


async def test_released_mail_is_never_marked_as_spam(world: World) -> None:
    await release(world)
    await world.deliverer(spam_subject_tag="[unasked]", spam_plus_address="spam").run_once()
    assert b"X-Spam" not in world.hop.taken[0][1]
    assert b"unasked" not in world.hop.taken[0][1]
    assert world.hop.delivered_to() == [JOE.text]


# --- when the store is down ---


async def test_worker_whose_store_is_down_says_so(world: World) -> None:
    await release(world, letter())
    deliverer = world.deliverer()
    await world.store.close()
    with pytest.raises(StoreDown):
        await deliverer.run_once()


async def test_recipients_of_one_mail_are_delivered_each_on_its_own(world: World) -> None:
    await release(world, letter(to="joe@example.org, kim@example.org"), JOE, KIM)
    world.hop.answers = {KIM.key: Reply(450, "4.2.2", "Mailbox full")}
    await world.deliverer().run_once()
    assert await world.states() == {JOE.text: "delivered", KIM.text: "released"}
    world.hop.answers.clear()
    world.clock.at += HOUR
    await world.deliverer().run_once()
    assert world.hop.delivered_to() == [JOE.text, KIM.text]
