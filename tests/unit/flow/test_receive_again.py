"""Receiving the same mail again, and receiving when nothing can be kept."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import Asking
from gateway.flow.ports import StoreDown, StoreFull
from gateway.flow.receive import senders_of
from gateway.flow.receive_rules import own_domains
from tests.store.audited import audited
from tests.unit.domain.letters import letter as facts
from tests.unit.flow.world import (
    ANNA,
    DAY,
    HOUR,
    JOE,
    KIM,
    NOW,
    World,
    letter,
    transaction,
    with_policy,
)

BOTH = "joe@example.org, kim@example.org"
OTHER = Address.of("liz@other.example")


# --- a client's retry ---


async def test_retry_of_a_client_finds_the_same_rows(world: World) -> None:
    await world.allow(scope="joe@example.org")
    for wait in (0.0, 60.0, HOUR, 20 * HOUR):
        world.clock.at = NOW + wait
        assert await world.arrive(letter(to=BOTH), JOE, KIM) == reply.HELD
    assert len(await world.pending()) == 2
    assert len(await world.challenges()) == 1
    while await world.deliverer().run_once():
        pass
    assert await world.arrive(letter(to=BOTH), JOE, KIM) == reply.HELD
    await world.deliverer().run_once()
    assert world.hop.delivered_to() == [JOE.text]


async def test_retry_with_a_further_recipient_keeps_that_one_only(world: World) -> None:
    await world.arrive(letter(to=BOTH), JOE)
    await world.arrive(letter(to=BOTH), JOE, KIM)
    assert sorted(row.recipient for row in await world.pending()) == [JOE.text, KIM.text]


async def test_twenty_copies_at_once_are_one_row_and_one_challenge(world: World) -> None:
    answers = await asyncio.gather(*(world.arrive(letter()) for _ in range(20)))
    assert set(answers) == {reply.HELD}
    assert len(await world.pending()) == 1
    assert len(await world.challenges()) == 1


async def test_same_octets_from_another_sender_or_after_the_window_are_another_mail(world: World) -> None:
    await world.arrive(letter())
    await world.arrive(letter(), sender=Address.of("eve@oak.example"))
    assert len(await world.pending()) == 2
    world.clock.at += DAY
    await world.arrive(letter())
    assert len(await world.pending()) == 3


async def test_mail_sent_again_after_it_was_deleted_is_held_again(world: World) -> None:
    await world.arrive(letter())
    (row,) = await world.pending()
    await world.answers().withdraw(await token_of(world))
    assert (await world.pending())[0].state == "deleted"
    await world.arrive(letter())
    assert [each.state for each in await world.pending()] == ["deleted", "pending"]
    assert row.id


async def token_of(world: World) -> str:
    await world.challenger().run_once()
    return world.outside.tokens()[-1]


# --- when nothing can be kept ---


async def test_r23_held_mail_is_not_acknowledged_while_the_store_is_down(world: World) -> None:
    receiver = world.receiver()
    await world.store.entries(("anna@oak.example", "@oak.example", "@.example"))
    await world.store.close()
    with pytest.raises(StoreDown):
        await receiver.message(transaction(JOE), letter())
    assert world.woken == []


async def test_r23_held_mail_is_not_acknowledged_when_the_disk_is_full(world: World) -> None:
    await world.store.transact(lambda tx: tx.connection.exec_driver_sql("PRAGMA max_page_count=60"))
    with pytest.raises(StoreFull):
        await world.arrive(letter(body="x" * 1_000_000))
    assert await world.pending() == []
    assert await world.arrive(letter()) == reply.HELD


async def test_r23_held_mail_is_on_disk_when_it_is_acknowledged(world: World) -> None:
    await world.arrive(letter(body="a body to be found again"))
    assert b"a body to be found again" in world.octets_on_disk()


async def test_everything_received_stands_in_exactly_one_state(world: World) -> None:
    await world.allow(scope="joe@example.org")
    for subject in ("a", "b"):
        await world.arrive(letter(subject, to=BOTH), JOE, KIM)
    await world.deliverer().run_once()
    report = await audited(world.store)
    assert report.faults == []
    assert report.states == {"delivered": 2, "pending": 2}


# --- small parts ---


def test_senders_of_a_mail_are_its_reverse_path_and_its_author() -> None:
    bounce = Address.of("b@esp.example")
    assert senders_of(ANNA, facts()) == (ANNA,)
    assert senders_of(bounce, facts()) == (bounce, ANNA)
    assert senders_of(NULL_PATH, facts()) == (ANNA,)
    assert senders_of(bounce, replace(facts(), author=None)) == (bounce,)
    assert senders_of(NULL_PATH, replace(facts(), author=None)) == ()


async def test_mail_without_any_sender_is_held_without_asking_the_lists(world: World) -> None:
    content = b"Subject: no author\r\n\r\nHello\r\n"
    assert await world.arrive(content, sender=NULL_PATH) == reply.HELD


def test_own_domains_are_compared_as_a_labels() -> None:
    assert own_domains(["Example.ORG.", "bücher.example"]) == {"example.org", "xn--bcher-kva.example"}


async def test_asking_switched_off_holds_in_silence(world: World) -> None:
    world.rules = with_policy(asking=Asking.OFF)
    await world.arrive(letter())
    assert [row.silence for row in await world.pending()] == ["challenges-off"]
