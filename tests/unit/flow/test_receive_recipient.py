"""RCPT: who is taken, and what may be offered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.flow.ports import Features, StoreDown
from gateway.flow.receive_rules import Stage
from tests.unit.flow.world import (
    ANNA,
    DEFERRED,
    JOE,
    KIM,
    REFUSED,
    RULES,
    FakeHop,
    World,
    transaction,
    with_policy,
)

BOTH = "joe@example.org, kim@example.org"
OTHER = Address.of("liz@other.example")


async def rcpt(world: World, recipient: Address, sender: Address = ANNA) -> Reply:
    return await world.receiver().recipient(transaction(sender=sender), Recipient(recipient))


# --- RCPT ---


async def test_recipient_of_a_foreign_domain_is_refused(world: World) -> None:
    assert await rcpt(world, Address.of("x@elsewhere.example")) == reply.NOT_OUR_DOMAIN
    assert world.hop.verified == []


async def test_recipient_of_ours_is_taken_when_the_next_hop_takes_it(world: World) -> None:
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert world.hop.verified == [("anna@oak.example", "joe@example.org")]


@pytest.mark.parametrize("answer", [REFUSED, DEFERRED, reply.NEXT_HOP_DOWN])
async def test_r35_recipient_the_next_hop_refuses_is_answered_at_rcpt_with_its_words(
    world: World, answer: Reply
) -> None:
    world.hop.verdicts[JOE.key] = answer
    assert await rcpt(world, JOE) == answer


async def test_recipient_is_not_asked_about_where_the_site_does_not_want_it(world: World) -> None:
    world.rules = replace(RULES, check_recipients=False)
    world.hop.verdicts[JOE.key] = REFUSED
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert world.hop.verified == []


async def test_denied_reverse_path_is_refused_for_the_recipients_of_the_entry(world: World) -> None:
    await world.deny(scope="joe@example.org")
    assert await rcpt(world, JOE) == reply.REFUSED_BY_POLICY
    assert await rcpt(world, KIM) == reply.RCPT_OK
    assert world.hop.verified == [("anna@oak.example", "kim@example.org")]


async def test_who_was_denied_a_moment_ago_and_is_allowed_now_is_taken(world: World) -> None:
    await world.deny("@oak.example")
    assert await rcpt(world, JOE) == reply.REFUSED_BY_POLICY
    await world.allow("anna@oak.example")
    assert await rcpt(world, JOE) == reply.RCPT_OK


async def test_allow_entry_nearer_than_a_deny_entry_wins_at_rcpt(world: World) -> None:
    await world.deny("@oak.example")
    await world.allow("anna@oak.example")
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert await rcpt(world, JOE, Address.of("eve@oak.example")) == reply.REFUSED_BY_POLICY


async def test_null_reverse_path_is_denied_by_nothing(world: World) -> None:
    await world.deny("@oak.example")
    assert await rcpt(world, JOE, NULL_PATH) == reply.RCPT_OK


@pytest.mark.parametrize("local", ["postmaster", "abuse", "PostMaster"])
async def test_r25_postmaster_and_abuse_are_taken_from_denied_senders(world: World, local: str) -> None:
    await world.deny()
    assert await rcpt(world, Address.of(f"{local}@example.org")) == reply.RCPT_OK


async def test_after_queue_no_recipient_is_ever_refused_for_good(world: World) -> None:
    world.rules = with_policy(stage=Stage.AFTER_QUEUE)
    await world.deny()
    world.hop.verdicts[JOE.key] = REFUSED
    assert await rcpt(world, JOE) == reply.RCPT_OK
    assert (await rcpt(world, Address.of("x@elsewhere.example"))).temporary


async def test_recipient_while_the_store_is_down_is_not_answered_with_a_guess(world: World) -> None:
    await world.store.close()
    with pytest.raises(StoreDown):
        await rcpt(world, JOE)


# --- features ---


async def test_features_are_what_every_next_hop_offers(world: World) -> None:
    world.hops["other.example"] = FakeHop(Features(True, size=1000, eight_bit=True, smtputf8=False, dsn=True))
    world.hop.features = Features(True, size=0, eight_bit=False, smtputf8=True, dsn=True)
    assert world.receiver().features() == Features(True, size=1000, eight_bit=False, smtputf8=False, dsn=True)
    world.hop.features = replace(world.hop.features, known=False, size=500)
    assert world.receiver().features() == Features(False, size=500, eight_bit=False, smtputf8=False, dsn=True)
