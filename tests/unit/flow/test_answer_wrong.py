"""Wrong answers: counted, paused, and never worth a second try."""

from __future__ import annotations

import asyncio

import pytest

from gateway.domain.address import Address
from gateway.flow.answer import Paused, PuzzleSpent
from tests.unit.flow.world import (
    JOE,
    MINUTE,
    NOW,
    PUZZLE,
    World,
    puzzle,
)


async def test_wrong_answers_pause_the_link_and_the_pause_ends(world: World) -> None:
    token = await world.ask()
    answers = world.answers(attempts=3, pause_minutes=15)
    until = NOW + 15 * MINUTE
    assert [await answers.failed(token, puzzle(number)) for number in range(3)] == [None, None, until]
    challenge = await answers.look(token)
    assert challenge is not None
    assert challenge.paused_until == until
    assert await answers.failed(token, puzzle(9)) == until
    with pytest.raises(Paused) as caught:
        await answers.solved(token, puzzle(10), "image")
    assert caught.value.until == until
    assert await world.states() == {JOE.text: "pending"}  # R39: failing does not destroy the mail.
    world.clock.at = until
    assert await answers.solved(token, puzzle(10), "image") is not None


async def test_wrong_answers_are_counted_anew_after_a_pause(world: World) -> None:
    token = await world.ask()
    answers = world.answers(attempts=3, pause_minutes=15)
    for number in range(3):
        await answers.failed(token, puzzle(number))
    world.clock.at += 15 * MINUTE
    later = [await answers.failed(token, puzzle(number)) for number in range(3, 6)]
    assert later == [None, None, NOW + 30 * MINUTE]


async def test_r39_puzzle_is_good_for_one_try_only(world: World) -> None:
    token = await world.ask()
    answers = world.answers()
    await answers.failed(token, PUZZLE)
    with pytest.raises(PuzzleSpent):
        await answers.solved(token, PUZZLE, "image")
    assert await world.states() == {JOE.text: "pending"}
    assert await answers.solved(token, puzzle(1), "image") is not None


async def test_r39_puzzle_of_one_link_is_spent_for_every_other(world: World) -> None:
    one = await world.ask("one")
    two = await world.ask("two", sender=Address.of("b@oak.example"))
    assert await world.answers().solved(one, PUZZLE, "image") is not None
    with pytest.raises(PuzzleSpent):
        await world.answers().solved(two, PUZZLE, "image")


async def test_wrong_answer_sent_twice_counts_once(world: World) -> None:
    token = await world.ask()
    answers = world.answers(attempts=2)
    assert [await answers.failed(token, PUZZLE) for _ in range(5)] == [None] * 5
    assert await answers.failed(token, puzzle(1)) is not None


async def test_parallel_wrong_answers_are_all_counted(world: World) -> None:
    token = await world.ask()
    answers = world.answers(attempts=5)
    results = await asyncio.gather(*(answers.failed(token, puzzle(number)) for number in range(20)))
    assert results.count(None) == 4
