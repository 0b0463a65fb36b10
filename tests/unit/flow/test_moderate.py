"""What a person does with a message that waits."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain import reply
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.lifecycle import State
from gateway.flow.moderate import Action, Done
from tests.unit.flow.world import ANNA, DEFERRED, JOE, KIM, World, letter


async def held(world: World, *subjects: str, to: Address = JOE) -> list[int]:
    for subject in subjects:
        await world.arrive(letter(subject, to=to.text), to)
    return [row.id for row in await world.pending() if row.subject in subjects]


async def test_authorize_delivers_allows_and_settles_what_else_waits(world: World) -> None:
    one, _ = await held(world, "one", "two")
    await held(world, "kim's", to=KIM)
    world.woken.clear()
    assert await world.moderator().act(Action.AUTHORIZE, [one], "cli") == [Done(one, State.RELEASED)]
    assert await world.by_subject() == {"one": "released", "two": "released", "kim's": "pending"}
    assert await world.entries() == {("anna@oak.example", "joe@example.org", "dkim:oak.example spf:oak.example")}
    assert world.woken == ["deliveries"]
    assert await world.arrive(letter("three")) == reply.OK


async def test_authorize_does_not_settle_a_forged_mail_of_the_same_address(world: World) -> None:
    (one,) = await held(world, "one")
    world.checks.evidence = NO_EVIDENCE
    await world.arrive(letter("forged"), client="198.51.100.66")
    await world.moderator().act(Action.AUTHORIZE, [one], "cli")
    assert await world.by_subject() == {"one": "released", "forged": "pending"}


async def test_authorize_of_an_unproven_mail_binds_the_entry_to_its_network(world: World) -> None:
    world.checks.evidence = NO_EVIDENCE
    (one,) = await held(world, "one")
    await world.moderator().act(Action.AUTHORIZE, [one], "cli")
    assert {proof for _, _, proof in await world.entries()} == {"network:192.0.2.0/24"}
    assert await world.arrive(letter("same network"), client="192.0.2.99") == reply.OK
    assert await world.arrive(letter("elsewhere"), client="198.51.100.66") == reply.HELD


async def test_deliver_lets_this_one_go_and_allows_nobody(world: World) -> None:
    one, _ = await held(world, "one", "two")
    await world.moderator().act(Action.DELIVER, [one], "cli")
    assert await world.by_subject() == {"one": "released", "two": "pending"}
    assert await world.entries() == set()


async def test_blacklist_drops_denies_and_settles_what_else_waits(world: World) -> None:
    one, _ = await held(world, "one", "two")
    world.checks.evidence = NO_EVIDENCE
    await held(world, "forged too")
    await held(world, "kim's", to=KIM)
    await world.moderator().act(Action.BLACKLIST, [one], "cli")
    assert await world.by_subject() == {"one": "blocked", "two": "blocked", "forged too": "blocked", "kim's": "pending"}
    assert await world.arrive(letter("three")) == reply.REFUSED_BY_POLICY


async def test_delete_drops_this_one_only(world: World) -> None:
    one, _ = await held(world, "one", "two")
    assert await world.moderator().act(Action.DELETE, [one], "cli") == [Done(one, State.DELETED)]
    assert await world.by_subject() == {"one": "deleted", "two": "pending"}
    assert await world.arrive(letter("three")) == reply.HELD


async def test_one_that_cannot_be_moved_does_not_keep_the_others_from_it(world: World) -> None:
    one, two = await held(world, "one", "two")
    await world.moderator().act(Action.DELETE, [one], "cli")
    done = await world.moderator().act(Action.DELIVER, [one, 999, two], "cli")
    assert [(each.id, each.state) for each in done] == [(one, State.DELETED), (999, None), (two, State.RELEASED)]
    assert done[0].problem == "deliver is not possible: the message is deleted"
    assert done[1].problem == "no such message"
    assert done[2].problem == ""


async def test_two_persons_at_once_release_once(world: World) -> None:
    (one,) = await held(world, "one")
    await asyncio.gather(*(world.moderator().act(Action.AUTHORIZE, [one, one], f"p{n}") for n in range(10)))
    assert len([line for line in (await world.dump())["event"] if "authorize" in line]) == 1
    await asyncio.gather(*(world.deliverer().run_once() for _ in range(4)))
    assert world.hop.delivered_to() == [JOE.text]


async def test_person_against_person_ends_in_one_state(world: World) -> None:
    (one,) = await held(world, "one")
    results = await asyncio.gather(
        world.moderator().act(Action.DELETE, [one], "a"), world.moderator().act(Action.DELIVER, [one], "b")
    )
    assert [each[0].problem == "" for each in results].count(True) == 1


async def test_authorize_of_mail_that_was_delivered_still_allows_the_sender(world: World) -> None:
    (one,) = await held(world, "one")
    await world.moderator().act(Action.DELIVER, [one], "cli")
    await world.deliverer().run_once()
    assert await world.moderator().act(Action.AUTHORIZE, [one], "cli") == [Done(one, State.DELIVERED)]
    assert await world.arrive(letter("two")) == reply.OK
    await world.deliverer().run_once()
    assert len(world.hop.taken) == 2


@pytest.mark.parametrize("action", [Action.AUTHORIZE, Action.BLACKLIST])
async def test_null_reverse_path_is_put_on_no_list_but_its_proven_author_is(world: World, action: Action) -> None:
    await world.arrive(letter("bounce"), sender=NULL_PATH)
    await world.arrive(letter("other bounce"), sender=NULL_PATH)
    (row, _) = await world.pending()
    await world.moderator().act(action, [row.id], "cli")
    assert ["anna@oak.example" in str(line) for line in (await world.dump())["list_entry"]] == [True]
    assert [each.state for each in await world.pending()][1] == "pending"


async def test_author_nobody_vouched_for_is_put_on_no_list(world: World) -> None:
    world.checks.evidence = NO_EVIDENCE
    await world.arrive(letter("forged"), sender=Address.of("evil@elm.example"))
    (row,) = await world.pending()
    await world.moderator().act(Action.BLACKLIST, [row.id], "cli")
    assert ["evil@elm.example" in str(line) for line in (await world.dump())["list_entry"]] == [True]


async def test_released_mail_that_waits_for_its_next_attempt_is_due_when_asked_again(world: World) -> None:
    (one,) = await held(world, "one")
    await world.moderator().act(Action.DELIVER, [one], "cli")
    world.hop.answers[JOE.key] = DEFERRED
    await world.deliverer().run_once()
    world.hop.answers.clear()
    assert await world.deliverer().run_once() == 0
    await world.moderator().act(Action.DELIVER, [one], "cli")
    assert await world.deliverer().run_once() == 1


async def test_actor_is_in_the_audit_trail(world: World) -> None:
    (one,) = await held(world, "one")
    await world.moderator().act(Action.DELETE, [one], "ann the admin")
    assert any("ann the admin" in line for line in (await world.dump())["event"])


async def test_answer_after_authorize_by_hand_is_no_error(world: World) -> None:
    token = await world.ask()
    (row,) = await world.pending()
    await world.moderator().act(Action.AUTHORIZE, [row.id], "cli")
    assert await world.answers().solved(token, b"p" * 16, "image") is None
    assert await world.states() == {JOE.text: "released"}
    assert row.sender == ANNA.text
