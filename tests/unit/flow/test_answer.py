"""What the holder of a link may see, and what a right answer opens."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain.address import Address
from gateway.domain.challenge import Asking, token_text
from gateway.domain.evidence import NO_EVIDENCE, Evidence, Method, Proof
from gateway.domain.policy import Scope
from gateway.flow.answer import OpenChallenge
from gateway.flow.moderate import Action
from gateway.flow.ports import StoreDown
from tests.unit.flow.world import (
    ANNA,
    DAY,
    JOE,
    KIM,
    NOW,
    PROVEN,
    PUZZLE,
    World,
    letter,
    puzzle,
    with_policy,
)

LIZ = Address.of("liz@other.example")


# --- look ---


async def test_look_tells_the_sender_about_his_own_mail(world: World) -> None:
    token = await world.ask("Grüße")
    assert await world.answers().look(token) == OpenChallenge(
        sender=ANNA.text,
        recipient=JOE.text,
        recipient_domain="example.org",
        subject="Grüße",
        received_at=NOW,
        expires_at=NOW + 14 * DAY,
        waiting=1,
        paused_until=None,
    )


async def test_look_counts_every_mail_an_answer_lets_go(world: World) -> None:
    token = await world.ask("one")
    await world.arrive(letter("two"))
    await world.arrive(letter("three", to="liz@other.example"), LIZ)  # Another domain: out of scope.
    challenge = await world.answers().look(token)
    assert challenge is not None
    assert challenge.waiting == 2


async def test_link_that_is_wrong_expired_used_or_foreign_looks_the_same_to_every_verb(world: World) -> None:
    answers = world.answers()
    used = await world.ask("used")
    await answers.solved(used, PUZZLE, "image")
    gone = await world.ask("gone", sender=Address.of("b@oak.example"))
    await answers.withdraw(gone)
    false = await world.ask("false", sender=Address.of("c@oak.example"))
    await answers.disown(false)
    moved = await world.ask("moved", sender=Address.of("d@oak.example"))
    row = (await world.pending())[-1]
    await world.moderator().act(Action.DELETE, [row.id], "cli")
    late = await world.ask("late", sender=Address.of("e@oak.example"))
    world.clock.at += 14 * DAY
    before = await world.dump()
    for token in (used, gone, false, moved, late, "", "x", token_text(bytes(20)), "é\ud800", "a" * 10_000):
        assert await answers.look(token) is None
        assert await answers.failed(token, puzzle(7)) is None
        assert await answers.solved(token, puzzle(7), "image") is None
        assert await answers.disown(token) is False
        assert await answers.withdraw(token) is False
        assert await answers.status(token) is None
    assert await world.dump() == before


async def test_r36_looking_changes_nothing_however_often(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    before = await world.dump()
    for _ in range(10):
        assert await answers.look(token) is not None
        assert await answers.status(token) is None
    assert await world.dump() == before
    status = await answers.solved(token, PUZZLE, "image")
    assert status is not None
    before = await world.dump()
    for _ in range(10):
        assert await answers.look(token) is None
        assert await answers.status(status) is not None
    assert await world.dump() == before


# --- solved ---


async def test_right_answer_allows_the_sender_and_releases_all_that_waits_from_it(world: World) -> None:
    token = await world.ask("one")
    await world.arrive(letter("two"))
    world.woken.clear()
    assert await world.answers().solved(token, PUZZLE, "image") is not None
    assert await world.by_subject() == {"one": "released", "two": "released"}
    assert world.woken == ["deliveries"]
    assert await world.entries() == {("anna@oak.example", "@example.org", "dkim:oak.example spf:oak.example")}
    await world.deliverer().run_once()
    assert len(world.hop.taken) == 2
    assert (await world.arrive(letter("three"))).accepted
    assert len(world.hop.taken) == 3  # Asked only once: it goes straight through now.


async def test_answer_whose_store_fails_half_way_leaves_nothing_behind(world: World) -> None:
    token = await world.ask()
    before = await world.dump()
    await world.store.transact(
        lambda tx: tx.connection.exec_driver_sql(
            "CREATE TEMP TRIGGER fault BEFORE UPDATE OF status_hash ON challenge BEGIN SELECT RAISE(ABORT, 'fault'); END"
        )
    )
    with pytest.raises(StoreDown):
        await world.answers().solved(token, PUZZLE, "image")
    assert await world.dump() == before
    # The connection that failed is gone, and its trigger with it.
    assert await world.answers().solved(token, PUZZLE, "image") is not None


async def test_r42_twenty_parallel_answers_are_one_release(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    same = await asyncio.gather(*(answers.solved(token, PUZZLE, "image") for _ in range(20)))
    assert len(set(same)) == 1
    assert same[0] is not None
    (row,) = await world.pending()
    history = await world.dump()
    assert len([line for line in history["event"] if line[2] == row.id]) == 2
    await asyncio.gather(*(world.deliverer().run_once() for _ in range(5)))
    assert world.hop.delivered_to() == [JOE.text]


async def test_r42_parallel_answers_with_different_puzzles_are_one_release(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    results = await asyncio.gather(*(answers.solved(token, puzzle(number), "image") for number in range(50)))
    assert len([result for result in results if result is not None]) == 1
    assert await world.states() == {JOE.text: "released"}
    assert len((await world.dump())["list_entry"]) == 1


async def test_same_answer_again_gets_the_same_page_and_changes_nothing(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    status = await answers.solved(token, PUZZLE, "image")
    before = await world.dump()
    world.clock.at += 3 * DAY
    assert await answers.solved(token, PUZZLE, "image") == status
    assert await answers.solved(token, puzzle(1), "image") is None
    assert await world.dump() == before


@pytest.mark.parametrize(
    ("scope", "entries", "states"),
    [
        (
            Scope.RECIPIENT,
            {"joe@example.org"},
            {"joe": "released", "joe+tag": "released", "kim": "pending", "liz": "pending"},
        ),
        (
            Scope.DOMAIN,
            {"@example.org"},
            {"joe": "released", "joe+tag": "released", "kim": "released", "liz": "pending"},
        ),
        (Scope.SITE, {""}, {"joe": "released", "joe+tag": "released", "kim": "released", "liz": "released"}),
    ],
)
async def test_answer_opens_the_door_as_wide_as_the_scope_says(
    world: World, scope: Scope, entries: set[str], states: dict[str, str]
) -> None:
    world.rules = with_policy(scope=scope)
    token = await world.ask("joe")
    await world.arrive(letter("joe+tag"), Address.of("joe+tag@example.org"))
    await world.arrive(letter("kim", to=KIM.text), KIM)
    await world.arrive(letter("liz", to=LIZ.text), LIZ)
    await world.answers().solved(token, PUZZLE, "image")
    assert await world.by_subject() == states
    assert {each for _, each, _ in await world.entries()} == entries


async def test_answer_for_a_mail_to_several_opens_for_each_of_them(world: World) -> None:
    world.rules = with_policy(scope=Scope.RECIPIENT)
    token = await world.ask("Hi", JOE, KIM)
    await world.answers().solved(token, PUZZLE, "image")
    assert await world.states() == {JOE.text: "released", KIM.text: "released"}
    assert {scope for _, scope, _ in await world.entries()} == {JOE.text, KIM.text}


async def test_answer_leaves_recipients_alone_whose_mail_a_person_has_moved(world: World) -> None:
    world.rules = with_policy(scope=Scope.RECIPIENT)
    token = await world.ask("Hi", JOE, KIM)
    joe, _ = await world.pending()
    await world.moderator().act(Action.DELETE, [joe.id], "cli")
    await world.answers().solved(token, PUZZLE, "image")
    assert await world.states() == {JOE.text: "deleted", KIM.text: "released"}
    assert {scope for _, scope, _ in await world.entries()} == {KIM.text}


@pytest.mark.parametrize(
    "evidence",
    [
        NO_EVIDENCE,
        Evidence(proofs=(Proof(Method.DKIM, "evil.example"),)),
        Evidence(proofs=(Proof(Method.SPF, "evil.example"),)),
    ],
)
async def test_forged_mail_of_the_same_address_is_not_released_by_the_answer(world: World, evidence: Evidence) -> None:
    world.checks.by_subject["forged"] = evidence
    await world.arrive(letter("forged"), client="198.51.100.66")
    token = await world.ask("true")
    await world.answers().solved(token, PUZZLE, "image")
    assert await world.by_subject() == {"forged": "pending", "true": "released"}


async def test_mail_vouched_for_by_a_weaker_method_alone_is_not_released(world: World) -> None:
    world.checks.by_subject["asked"] = replace(PROVEN, proofs=(Proof(Method.DKIM, "oak.example"),))
    world.checks.by_subject["weaker"] = replace(PROVEN, proofs=(Proof(Method.SPF, "oak.example"),))
    await world.arrive(letter("weaker", "Auto-Submitted: auto-replied"))
    token = await world.ask("asked")
    await world.answers().solved(token, PUZZLE, "image")
    assert await world.by_subject() == {"weaker": "pending", "asked": "released"}


@pytest.mark.parametrize("client", ["192.0.2.7", "unknown"])
async def test_unproven_sender_asked_by_choice_gets_his_mail_through_from_his_network_alone(
    world: World, client: str
) -> None:
    world.rules = with_policy(asking=Asking.ALL)
    world.checks.evidence = NO_EVIDENCE
    await world.arrive(letter("asked"), client=client)
    await world.challenger().run_once()
    await world.arrive(letter("elsewhere"), client="198.51.100.66")
    assert await world.answers().solved(world.outside.tokens()[-1], PUZZLE, "image") is not None
    assert await world.by_subject() == {"asked": "released", "elsewhere": "pending"}
