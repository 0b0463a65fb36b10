from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain import reply as r
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.flow.ports import Delivery, Features, Hop
from gateway.relay.connection import Connection
from gateway.relay.faults import Unreachable
from gateway.relay.hop import NextHop
from gateway.relay.opening import HopSettings, open_connection
from tests.closed_port import closed_port
from tests.unit.relay.far_end import CLOSE, EVERYTHING, FarEnd, far_end
from tests.unit.relay.letters import CONTENT, ON_THE_WIRE, settings, to

ANNA, EVE = Address.of("anna@oak.example"), Address.of("eve@evil.example")
JO = Recipient(Address.of("jo@example.org"))
FINE = Reply(250, "2.1.5", "recipient fine")
TAKEN = Reply(250, "2.0.0", "taken")
NO_MAILBOX = Reply(550, "5.1.1", "no mailbox")


async def closed_by_far_end(far: FarEnd) -> None:
    """The far end drops what is idle, and that has reached us: the loop has polled the sockets."""
    await far.hang_up()
    for _ in range(5):
        await asyncio.sleep(0)


async def test_deliver_kept_connection_serves_many() -> None:
    async with far_end() as far:
        hop: Hop = NextHop(settings(far.port))
        for _ in range(5):
            assert await hop.deliver(to("jo@example.org"), [CONTENT], True) == Delivery((TAKEN,), True)
        assert far.connections == 1
        assert far.contents == [ON_THE_WIRE] * 5


async def test_deliver_idle_connection_dropped_by_far_end_goes_over_a_fresh_one() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        await hop.deliver(to("jo@example.org"), [CONTENT], True)
        await closed_by_far_end(far)
        assert (await hop.deliver(to("jo@example.org"), [CONTENT], True)).sent
        assert far.connections == 2
        assert len(far.contents) == 2
        await hop.close()


@pytest.mark.parametrize("reply", [CLOSE, "421 4.4.2 idle too long"])
async def test_deliver_connection_found_dead_at_mail_is_tried_once_more(reply: str) -> None:
    async with far_end({"MAIL": ["250 ok", reply, "250 ok"]}) as far:
        hop = NextHop(settings(far.port))
        assert (await hop.deliver(to("jo@example.org"), [CONTENT], True)).sent
        assert (await hop.deliver(to("jo@example.org"), [CONTENT], True)).sent
        assert far.connections == 2
        assert len(far.contents) == 2
        await hop.close()


@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
async def test_deliver_connection_lost_after_mail_is_not_tried_again(verb: str) -> None:
    usual = {"RCPT": "250 ok", "DATA": "354 go on", ".": "250 2.0.0 taken"}[verb]
    async with far_end({verb: [usual, CLOSE, usual]}) as far:
        hop = NextHop(settings(far.port))
        assert (await hop.deliver(to("jo@example.org"), [CONTENT], True)).sent
        assert await hop.deliver(to("jo@example.org"), [CONTENT], True) == Delivery((r.NEXT_HOP_DOWN,), False)
        assert far.connections == 1
        await hop.close()


async def test_deliver_server_down_puts_every_recipient_off() -> None:
    with closed_port() as port:
        hop = NextHop(settings(port))
        for _ in range(10):
            delivery = await hop.deliver(to("a@example.org", "b@example.org"), [CONTENT], False)
            assert delivery == Delivery((r.NEXT_HOP_DOWN, r.NEXT_HOP_DOWN), False)
        assert await hop.verify(ANNA, JO, False) == r.NEXT_HOP_DOWN
        assert not await hop.probe()
        await hop.close()


async def test_deliver_unsafe_address_is_put_off_and_never_sent() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        evil = replace(to("jo@example.org"), recipients=(Recipient(Address("a\r\nRSET", "a")),))
        assert await hop.deliver(evil, [CONTENT], True) == Delivery((r.TRY_LATER,), False)
        assert await hop.verify(ANNA, evil.recipients[0], False) == r.TRY_LATER
        assert far.verbs == ["EHLO"]
        await hop.close()


async def test_deliver_twenty_at_once_stay_within_the_limit() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port, connections=4))
        deliveries = await asyncio.gather(*(hop.deliver(to("jo@example.org"), [CONTENT], True) for _ in range(20)))
        assert all(delivery.sent for delivery in deliveries)
        assert far.connections == 4
        assert hop.connections == 4
        await hop.close()


async def test_deliver_refusal_at_rcpt_is_remembered_for_verify() -> None:
    async with far_end({"RCPT": ["250 ok", "550 5.1.1 no mailbox"]}) as far:
        hop = NextHop(settings(far.port))
        assert (await hop.verify(ANNA, JO, False)).accepted
        assert (await hop.deliver(to("jo@example.org"), [CONTENT], True)).replies == (NO_MAILBOX,)
        assert await hop.verify(EVE, JO, False) == NO_MAILBOX
        assert far.verbs.count("RCPT") == 2
        await hop.close()


async def test_deliver_final_refusal_says_nothing_of_the_recipient() -> None:
    async with far_end({".": "550 5.1.1 content not wanted"}) as far:
        hop = NextHop(settings(far.port))
        await hop.deliver(to("jo@example.org"), [CONTENT], True)
        assert await hop.verify(ANNA, JO, False) == FINE
        await hop.close()


async def test_verify_asks_once_and_remembers() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        assert [await hop.verify(ANNA, JO, False) for _ in range(3)] == [FINE] * 3
        assert await hop.verify(EVE, JO, False) == FINE
        assert far.commands[1:3] == ["MAIL FROM:<anna@oak.example>", "RCPT TO:<jo@example.org>"]
        assert far.verbs.count("RCPT") == 1
        await hop.close()


async def test_verify_same_question_at_once_is_asked_once() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        assert await asyncio.gather(*(hop.verify(ANNA, JO, False) for _ in range(50))) == [FINE] * 50
        assert far.verbs.count("RCPT") == 1
        await hop.close()


async def test_verify_one_asker_goes_away_the_others_get_their_answer() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        first = asyncio.create_task(hop.verify(ANNA, JO, False))
        second = asyncio.create_task(hop.verify(ANNA, JO, False))
        await asyncio.sleep(0)
        first.cancel()
        assert await second == FINE
        assert first.cancelled()
        await hop.close()


async def test_verify_temporary_refusal_is_asked_again() -> None:
    async with far_end({"RCPT": ["450 4.2.1 greylisted", "250 2.1.5 recipient fine"]}) as far:
        hop = NextHop(settings(far.port))
        assert await hop.verify(ANNA, JO, False) == Reply(450, "4.2.1", "greylisted")
        assert await hop.verify(ANNA, JO, False) == FINE
        await hop.close()


async def test_verify_sender_refused_closes_the_mailbox_to_nobody_else() -> None:
    async with far_end({"RCPT": ["550 5.7.1 sender blocked", "250 2.1.5 recipient fine"]}) as far:
        hop = NextHop(settings(far.port))
        assert (await hop.verify(EVE, JO, False)).permanent
        assert await hop.verify(ANNA, JO, False) == FINE
        assert (await hop.verify(EVE, JO, False)).permanent
        await hop.close()


async def test_verify_refusal_of_mail_is_not_remembered() -> None:
    async with far_end(
        {"MAIL": ["550 5.1.1 what sender", "250 ok"], "RCPT": ["503 no", "250 2.1.5 recipient fine"]}
    ) as far:
        hop = NextHop(settings(far.port))
        assert (await hop.verify(NULL_PATH, JO, False)).permanent
        assert await hop.verify(NULL_PATH, JO, False) == FINE
        assert "MAIL FROM:<>" in far.commands
        await hop.close()


async def test_start_learns_the_features_in_the_background() -> None:
    async with far_end() as far:
        hop = NextHop(settings(far.port))
        assert hop.features == Features()
        hop.start()
        far.seen.clear()
        while not hop.features.known:
            await asyncio.sleep(0)
        assert hop.features == Features(True, 1_000_000, True, True, True, False)
        await hop.close()


async def test_start_server_not_there_yet_is_looked_for_again() -> None:
    attempts: list[HopSettings] = []

    async def connect(to_whom: HopSettings) -> Connection:
        attempts.append(to_whom)
        if len(attempts) < 3:
            raise Unreachable("not yet")
        return await open_connection(to_whom)

    async with far_end() as far:
        hop = NextHop(settings(far.port), connect, first_contact_pause=0.0)
        hop.start()
        while not hop.features.known:
            await asyncio.sleep(0)
        assert len(attempts) == 3
        await hop.close()


async def test_features_follow_what_was_last_seen() -> None:
    async with far_end({"EHLO": [EVERYTHING, "250 far.example"]}) as far:
        hop = NextHop(settings(far.port))
        assert await hop.probe()
        assert hop.features.smtputf8
        await closed_by_far_end(far)
        assert await hop.probe()
        assert not hop.features.smtputf8
        await hop.close()


async def test_close_while_looking_for_the_server_ends_the_search() -> None:
    with closed_port() as port:
        hop = NextHop(settings(port))
        hop.start()
        await asyncio.sleep(0)
        await hop.close()
        assert not hop.features.known
