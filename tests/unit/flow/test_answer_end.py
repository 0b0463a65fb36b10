"""The other ways a challenge ends - disowned, withdrawn - and what is told of the mails afterwards."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.address import Address
from gateway.domain.lifecycle import State
from gateway.flow.moderate import Action
from gateway.flow.tally import HOUR, TALLY, Happening, Slot
from tests.unit.flow.world import (
    DAY,
    JOE,
    KIM,
    NOW,
    PUZZLE,
    World,
    letter,
    puzzle,
)

# --- disown, withdraw ---


async def test_disown_drops_the_mail_and_asks_the_address_no_more(world: World) -> None:
    token = await world.ask("Hi", JOE, KIM)
    assert await world.answers().disown(token)
    assert await world.states() == {JOE.text: "disowned", KIM.text: "disowned"}
    assert await world.entries() == set()
    world.clock.at += 80 * DAY
    await world.arrive(letter("again"))
    assert (await world.pending())[-1].silence == "sender-said-not-me"
    world.clock.at += 11 * DAY
    await world.ask("much later")


async def test_disown_counts_once_in_the_gauge_and_withdraw_does_not(world: World) -> None:
    TALLY.take()
    token = await world.ask("Hi", JOE, KIM)
    assert await world.answers().disown(token)
    await world.answers().disown(token)
    world.clock.at += 200 * DAY
    assert await world.answers().withdraw(await world.ask("later"))
    counted = {slot: times for slot, times in TALLY.take().items() if slot.happening is Happening.DISOWNED}
    assert counted == {Slot(int(NOW) // HOUR * HOUR, JOE.domain, Happening.DISOWNED): 1}


async def test_disown_leaves_another_mail_of_the_address_waiting(world: World) -> None:
    token = await world.ask("false")
    await world.arrive(letter("other"))
    await world.answers().disown(token)
    assert await world.by_subject() == {"false": "disowned", "other": "pending"}


async def test_withdraw_takes_the_mail_back_and_nothing_else(world: World) -> None:
    token = await world.ask("mine")
    await world.arrive(letter("other"))
    assert await world.answers().withdraw(token)
    assert await world.by_subject() == {"mine": "deleted", "other": "pending"}
    assert [view.state for view in await world.challenges()] == ["withdrawn"]
    assert await world.entries() == set()


@pytest.mark.parametrize("verb", ["disown", "withdraw"])
async def test_ending_twice_says_so_and_changes_nothing(world: World, verb: str) -> None:
    token = await world.ask()
    assert await getattr(world.answers(), verb)(token)
    before = await world.dump()
    assert not await getattr(world.answers(), verb)(token)
    assert await world.dump() == before


async def test_withdraw_leaves_what_a_person_has_released_alone(world: World) -> None:
    token = await world.ask("Hi", JOE, KIM)
    joe, _ = await world.pending()
    await world.moderator().act(Action.DELIVER, [joe.id], "cli")
    assert await world.answers().withdraw(token)
    assert await world.states() == {JOE.text: "released", KIM.text: "deleted"}


async def test_answer_disown_and_withdraw_at_once_end_in_exactly_one_way(world: World) -> None:
    for number in range(5):
        token = await world.ask(str(number), sender=Address.of(f"a{number}@oak.example"))
        answers = world.answers()
        results = await asyncio.gather(
            answers.solved(token, puzzle(number), "image"), answers.disown(token), answers.withdraw(token)
        )
        assert [bool(result) for result in results].count(True) == 1
    assert len((await world.dump())["event"]) == 10


# --- status ---


async def test_status_follows_the_mails_to_their_end(world: World) -> None:
    token = await world.ask("one")
    await world.arrive(letter("two"))
    answers = world.answers()
    status = await answers.solved(token, PUZZLE, "image")
    assert status is not None
    assert status != token
    passages = await answers.status(status)
    assert passages is not None
    assert [(each.recipient_domain, each.state) for each in passages] == [("example.org", State.RELEASED)] * 2
    world.clock.at += 60
    await world.deliverer().run_once()
    passages = await answers.status(status)
    assert passages is not None
    assert [(each.state, each.changed_at) for each in passages] == [(State.DELIVERED, NOW + 60)] * 2


async def test_status_token_is_no_link_and_is_in_the_store_as_a_hash_only(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    status = await answers.solved(token, PUZZLE, "image")
    assert status is not None
    assert await answers.look(status) is None
    assert await answers.status(token) is None
    await world.store.close()
    assert status.encode() not in world.octets_on_disk()
