"""What answers to a challenge do: right, wrong, late, twice, and too often."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from challenge_web.puzzle import Kind, Puzzles
from tests.unit.web.conftest import Client
from tests.unit.web.fakes import (
    OPEN,
    OTHER,
    STATUS,
    TOKEN,
    Chance,
    Clock,
    FakeAnswers,
    counter_for,
    letters_of,
    puzzle_in,
)
from tests.unit.web.talk import JSON, PAGE, sent, shown


async def test_right_letters_release_and_lead_to_the_status(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    puzzle = puzzle_in(await shown(client))
    status, _, where = await sent(client, puzzle, letters_of(puzzles, puzzle).lower())
    assert (status, where) == (303, f"../status/{STATUS}")
    assert answers.changes == ["solved by image"]
    assert answers.released == 1


async def test_right_work_releases(client: Client, answers: FakeAnswers) -> None:
    puzzle = puzzle_in(await shown(client), "work")
    status, _, _ = await sent(client, puzzle, counter_for(puzzle, 3))
    assert status == 303
    assert answers.changes == ["solved by proof-of-work"]


async def test_twenty_same_answers_at_once_release_once_and_lead_to_one_place(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    puzzle = puzzle_in(await shown(client))
    answer = letters_of(puzzles, puzzle)
    outcomes = await asyncio.gather(*(sent(client, puzzle, answer) for _ in range(20)))
    assert {(status, where) for status, _, where in outcomes} == {(303, f"../status/{STATUS}")}
    assert answers.released == 1


async def test_right_answers_to_two_puzzles_release_once(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    first, second = puzzle_in(await shown(client)), puzzle_in(await shown(client))
    assert (await sent(client, first, letters_of(puzzles, first)))[0] == 303
    assert (await sent(client, second, letters_of(puzzles, second)))[0] == 404
    assert answers.released == 1


async def test_wrong_letters_are_counted_and_get_a_fresh_picture(client: Client, answers: FakeAnswers) -> None:
    puzzle = puzzle_in(await shown(client))
    status, page, _ = await sent(client, puzzle, "wrong!")
    assert status == 422
    assert "That was not quite right. Here is a new picture. Your mail is still waiting." in page
    assert puzzle_in(page) != puzzle
    assert answers.wrong == 1
    assert "Not quite right" in page.partition("</title>")[0]
    assert 'aria-invalid="true"' in page
    assert 'aria-describedby="problem hint"' in page
    assert "wrong!" not in page


async def test_wrong_work_is_counted(client: Client, answers: FakeAnswers) -> None:
    puzzle = puzzle_in(await shown(client), "work")
    assert (await sent(client, puzzle, "no counter"))[0] == 422
    assert answers.wrong == 1


async def test_right_answer_to_a_used_puzzle_gets_a_fresh_one(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    puzzle = puzzle_in(await shown(client))
    await sent(client, puzzle, "wrong!")
    status, page, _ = await sent(client, puzzle, letters_of(puzzles, puzzle))
    assert status == 422
    assert "Here is a new one" in page
    assert puzzle_in(page) != puzzle
    assert answers.wrong == 1
    assert answers.released == 0


@pytest.mark.parametrize("answer", ["", "   "])
async def test_empty_answer_is_not_counted_and_keeps_the_picture(
    client: Client, answers: FakeAnswers, answer: str
) -> None:
    puzzle = puzzle_in(await shown(client))
    status, page, _ = await sent(client, puzzle, answer)
    assert status == 422
    assert "Please type the letters first." in page
    assert puzzle_in(page) == puzzle
    assert answers.changes == []


async def test_answer_to_an_old_puzzle_is_not_counted(
    client: Client, answers: FakeAnswers, clock: Clock, puzzles: Puzzles
) -> None:
    puzzle = puzzle_in(await shown(client))
    clock.pass_(1801)
    status, page, _ = await sent(client, puzzle, letters_of(puzzles, puzzle))
    assert status == 422
    assert "This picture was open too long. Here is a new one." in page
    assert answers.changes == []


async def test_answer_to_the_puzzle_of_another_challenge_is_worth_nothing(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    answers.open[OTHER] = OPEN
    puzzle = puzzle_in(await shown(client))
    status, _, _ = await sent(client, puzzle, letters_of(puzzles, puzzle), f"/challenge/{OTHER}")
    assert status == 422
    assert answers.changes == []


async def test_too_many_wrong_answers_pause_and_say_for_how_long(
    client: Client, answers: FakeAnswers, clock: Clock, puzzles: Puzzles
) -> None:
    for _ in range(4):
        assert (await sent(client, puzzle_in(await shown(client)), "wrong!"))[0] == 422
    response = await client.post(PAGE, data={"puzzle": puzzle_in(await shown(client)), "answer": "wrong!"})
    assert response.status == 429
    assert response.headers["Retry-After"] == "900"
    assert "Please come back in 15 minutes. Nothing is lost." in await response.text()
    page = await shown(client)
    assert "Please come back in 15 minutes" in page
    assert 'id="letters"' not in page
    # A puzzle kept from before does not help during the break, and is not counted.
    kept = puzzles.make(Kind.LETTERS, TOKEN, clock.now(), Chance())
    for answer in (letters_of(puzzles, kept.text), "wrong!"):
        assert (await sent(client, kept.text, answer))[0] == 429
    assert answers.wrong == 5
    clock.pass_(901)
    puzzle = puzzle_in(await shown(client))
    assert (await sent(client, puzzle, letters_of(puzzles, puzzle)))[0] == 303


async def test_pause_for_programs_has_a_time_and_no_puzzles(client: Client, answers: FakeAnswers, clock: Clock) -> None:
    answers.open[TOKEN] = replace(OPEN, paused_until=clock.now() + 600)
    response = await client.post(PAGE, data={"puzzle": "x", "answer": "y"}, headers=JSON)
    facts = await response.json()
    assert response.status == 429
    assert facts["error"] == "paused"
    assert facts["paused_until"] == "2026-11-20T14:15:00Z"
    assert facts["puzzles"] == []


async def test_answers_for_programs_name_the_error_and_bring_puzzles(client: Client) -> None:
    puzzle = puzzle_in(await shown(client))
    for answer, error in (("", "empty"), ("wrong!", "wrong"), ("wrong!", "wrong")):
        response = await client.post(PAGE, data={"puzzle": puzzle, "answer": answer}, headers=JSON)
        facts = await response.json()
        assert (response.status, facts["error"], len(facts["puzzles"])) == (422, error, 2)
    response = await client.post(PAGE, data={"puzzle": "x", "answer": "y"}, headers=JSON)
    assert (await response.json())["error"] == "stale"
