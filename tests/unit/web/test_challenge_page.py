"""The challenge page: what it shows, what it takes, what it leaves alone."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import AsyncIterator
from copy import deepcopy
from dataclasses import replace

import pytest

from challenge_web.puzzle import Kind, Puzzles
from gateway.flow.ports import StoreDown
from tests.unit.web.conftest import Client, MakeClient
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

PAGE = f"/challenge/{TOKEN}"
JSON = {"Accept": "application/json"}


async def shown(client: Client, path: str = PAGE) -> str:
    response = await client.get(path)
    assert response.status == 200
    return await response.text()


async def sent(client: Client, puzzle: str, answer: str, path: str = PAGE) -> tuple[int, str, str]:
    response = await client.post(path, data={"puzzle": puzzle, "answer": answer}, allow_redirects=False)
    return response.status, await response.text(), response.headers.get("Location", "")


# -------------------------------------------------------------- the page


async def test_page_says_who_asks_why_for_what_and_how_long(client: Client) -> None:
    page = await shown(client)
    for words in (
        "One small step",
        "joe@example.org",
        "anna@oak.example",
        "Offer for the roof",
        "Mail desk of example.org",
        "show us that you are a person",
        "first mail we have had",
        '<time datetime="2026-11-20T14:05:00Z">20 November 2026, 14:05 UTC</time>',
        '<time datetime="2026-12-04T14:05:00Z">4 December 2026, 14:05 UTC</time>',
        "I did not write this mail",
        "Take my mail back",
        "New picture",
        "Let my device do it",
    ):
        assert words in page
    assert 'lang="en"' in page


async def test_page_with_organisation_and_contact_names_them(make_client: MakeClient) -> None:
    page = await shown(await make_client(organisation="Oak & Sons", contact="help@example.org"))
    assert "Oak &amp; Sons" in page
    assert 'href="mailto:help@example.org"' in page


async def test_page_of_several_mails_says_how_many(client: Client, answers: FakeAnswers) -> None:
    answers.open[TOKEN] = replace(OPEN, waiting=3)
    assert "3 mails from you" in await shown(client)


async def test_page_has_no_answer_in_it(client: Client, puzzles: Puzzles) -> None:
    page = await shown(client)
    assert letters_of(puzzles, puzzle_in(page)) not in page.upper()


async def test_page_gives_fresh_puzzles_each_time(client: Client) -> None:
    first, second = await shown(client), await shown(client)
    assert puzzle_in(first) != puzzle_in(second)
    assert puzzle_in(first, "work") != puzzle_in(second, "work")


async def test_page_references_are_relative_so_that_a_proxy_may_add_a_prefix(client: Client) -> None:
    page = await shown(client)
    for attribute in ('href="/', 'src="/', 'action="/', 'href="http', 'src="http', 'data-worker="/'):
        assert attribute not in page


async def test_page_for_programs_has_the_same_facts(client: Client) -> None:
    facts = await (await client.get(PAGE, headers=JSON)).json()
    assert facts["sender"] == "anna@oak.example"
    assert facts["recipient"] == "joe@example.org"
    assert facts["subject"] == "Offer for the roof"
    assert facts["received_at"] == "2026-11-20T14:05:00Z"
    assert facts["expires_at"] == "2026-12-04T14:05:00Z"
    assert facts["waiting"] == 1
    assert facts["error"] is None
    assert facts["paused_until"] is None
    work, image = facts["puzzles"]
    assert (work["kind"], work["bits"], work["iterations"]) == ("proof-of-work", 3, 2000)
    assert (image["kind"], image["letters"]) == ("image", 6)
    assert image["picture_url"] == f"./{TOKEN}/picture/{image['puzzle']}"
    assert work["expires_at"] == "2026-11-20T14:35:00Z"


@pytest.mark.parametrize("accept", ["text/html,application/json", "*/*", "text/html"])
async def test_page_for_browsers_is_html(client: Client, accept: str) -> None:
    response = await client.get(PAGE, headers={"Accept": accept})
    assert response.content_type == "text/html"
    assert response.headers["Vary"] == "Accept"


@pytest.mark.parametrize(
    ("captcha", "letters", "work", "audio"),
    [
        (("image",), True, False, False),
        (("proof-of-work",), False, True, False),
        (("image", "proof-of-work", "audio"), True, True, True),
        (("audio",), True, False, True),
    ],
)
async def test_page_offers_what_is_configured(
    make_client: MakeClient, captcha: tuple[str, ...], letters: bool, work: bool, audio: bool
) -> None:
    page = await shown(await make_client(captcha=captcha))
    assert ('id="letters"' in page) == letters
    assert ('id="work"' in page) == work
    assert ("<audio" in page) == audio
    assert ("<img class" in page) == ("image" in captcha)


async def test_puzzle_of_a_kind_no_longer_offered_is_stale(
    make_client: MakeClient, puzzles: Puzzles, clock: Clock
) -> None:
    client = await make_client(captcha=("image",))
    work = puzzles.make(Kind.WORK, TOKEN, clock.now(), Chance())
    status, _, _ = await sent(client, work.text, counter_for(work.text, 3))
    assert status == 422


# -------------------------------------------------------------- picture and sound


async def test_picture_is_the_same_each_time(client: Client) -> None:
    puzzle = puzzle_in(await shown(client))
    responses = [await client.get(f"{PAGE}/picture/{puzzle}") for _ in range(2)]
    first, second = [await response.read() for response in responses]
    assert responses[0].content_type == "image/png"
    assert first == second
    assert first.startswith(b"\x89PNG")


async def test_picture_of_foreign_stale_or_work_puzzle_is_not_found(
    client: Client, puzzles: Puzzles, clock: Clock
) -> None:
    page = await shown(client)
    foreign = puzzles.make(Kind.LETTERS, OTHER, clock.now(), Chance())
    gone = await (await client.get(f"{PAGE}x/picture/{puzzle_in(page)}")).read()
    for puzzle in ("x", puzzle_in(page, "work"), foreign.text):
        response = await client.get(f"{PAGE}/picture/{puzzle}")
        assert response.status == 404
        assert await response.read() == gone
    clock.pass_(3600)
    assert (await client.get(f"{PAGE}/picture/{puzzle_in(page)}")).status == 404


async def test_sound_exists_only_where_audio_is_offered(client: Client, make_client: MakeClient) -> None:
    puzzle = puzzle_in(await shown(client))
    assert (await client.get(f"{PAGE}/sound/{puzzle}")).status == 404
    with_sound = await make_client(captcha=("image", "audio"))
    response = await with_sound.get(f"{PAGE}/sound/{puzzle}")
    assert response.status == 200
    assert response.content_type == "audio/wav"
    assert (await response.read()).startswith(b"RIFF")


# -------------------------------------------------------------- looking changes nothing


async def test_get_and_head_ten_times_change_nothing_and_the_answer_still_works(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    page = await shown(client)
    before = deepcopy((answers.open, answers.spent, answers.wrong, answers.changes))
    for path in (PAGE, f"{PAGE}/disown", f"{PAGE}/withdraw", f"{PAGE}/picture/{puzzle_in(page)}", f"{PAGE}?answer=1"):
        for _ in range(10):
            assert (await client.get(path)).status == 200
            assert (await client.head(path)).status == 200
    assert (answers.open, answers.spent, answers.wrong, answers.changes) == before
    puzzle = puzzle_in(page)
    status, _, where = await sent(client, puzzle, letters_of(puzzles, puzzle))
    assert (status, where) == (303, f"../status/{STATUS}")


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "PROPFIND", "TRACE"])
async def test_other_methods_change_nothing(client: Client, answers: FakeAnswers, method: str) -> None:
    response = await client.request(method, PAGE)
    assert response.status == 405
    assert set(response.headers["Allow"].split(",")) == {"GET", "HEAD", "POST"}
    assert answers.changes == []


# -------------------------------------------------------------- answers


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


# -------------------------------------------------------------- links that are not in use


async def test_every_link_not_in_use_gets_the_same_answer(
    client: Client, answers: FakeAnswers, puzzles: Puzzles
) -> None:
    answers.open["used-before"] = OPEN
    before = puzzle_in(await shown(client, "/challenge/used-before"))
    await sent(client, before, letters_of(puzzles, before, "used-before"), "/challenge/used-before")
    tokens = [
        OTHER,
        "used-before",
        "x",
        TOKEN.upper(),
        TOKEN[:-1],
        TOKEN + "a",
        "%00",
        "..%2f..",
        "<script>",
        "a" * 4000,
    ]
    for method in ("GET", "HEAD", "POST"):
        for below in ("", "/disown", "/withdraw", f"/picture/{before}", "/sound/x", "/nothing"):
            seen = set()
            for token in tokens:
                response = await client.request(
                    method,
                    f"/challenge/{token}{below}",
                    data={"puzzle": "x", "answer": "y"} if method == "POST" else None,
                )
                headers = {k: v for k, v in response.headers.items() if k != "Date"}
                seen.add((response.status, await response.read(), tuple(headers.items())))
            assert len(seen) == 1, (method, below)
    status, page, _ = await sent(client, "x", "y", f"/challenge/{OTHER}")
    assert status == 404
    assert "This link is not in use any more" in page
    assert "14 days" in page


# -------------------------------------------------------------- bodies


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"puzzle=x&answer=" + b"a" * 20_000, "application/x-www-form-urlencoded", 413),
        (b"&".join(b"a%d=b" % n for n in range(1000)), "application/x-www-form-urlencoded", 400),
        (b"puzzle=%ff&answer=%fe", "application/x-www-form-urlencoded", 400),
        (b"\xff\xfe=1", "application/x-www-form-urlencoded", 400),
        (b'{"answer": 1}', "application/json", 415),
        (b'{"answer": 1}', "text/plain", 415),
        (b"--x\r\n\r\n--x--", "multipart/form-data; boundary=x", 415),
        (b"", "application/x-www-form-urlencoded", 422),
        (b"puzzle=%00%0d%0a&answer=%00", "application/x-www-form-urlencoded", 422),
        (b"puzzle=a&puzzle=b&answer=c&answer=d", "application/x-www-form-urlencoded", 422),
    ],
)
async def test_body_that_is_no_answer_gets_a_page_and_is_not_counted(
    client: Client, answers: FakeAnswers, body: bytes, content_type: str, status: int
) -> None:
    response = await client.post(PAGE, data=body, headers={"Content-Type": content_type})
    assert response.status == status
    assert "<h1>" in await response.text()
    assert answers.changes == []


@pytest.mark.parametrize("encoding", ["gzip", "deflate", "identity"])
async def test_body_that_says_it_is_packed_is_refused(client: Client, answers: FakeAnswers, encoding: str) -> None:
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Content-Encoding": encoding}
    response = await client.post(PAGE, data=gzip.compress(b"puzzle=x&answer=y"), headers=headers)
    assert response.status == 415
    assert answers.changes == []


async def test_body_in_chunks_without_a_length_is_bounded(client: Client) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(20):
            yield b"a" * 2000

    response = await client.post(PAGE, data=endless(), headers={"Content-Type": "application/x-www-form-urlencoded"})
    assert response.status == 413


async def test_form_from_another_site_is_refused(client: Client, answers: FakeAnswers, puzzles: Puzzles) -> None:
    puzzle = puzzle_in(await shown(client))
    fields = {"puzzle": puzzle, "answer": letters_of(puzzles, puzzle)}
    response = await client.post(
        PAGE, data=fields, headers={"Sec-Fetch-Site": "cross-site", "Origin": "https://evil.example"}
    )
    assert response.status == 403
    assert answers.changes == []
    # What browsers send from our own page, which lets no referrer out.
    ours = {"Sec-Fetch-Site": "same-origin", "Origin": "null"}
    assert (await client.post(PAGE, data=fields, headers=ours, allow_redirects=False)).status == 303


async def test_store_that_is_down_gets_our_fault_and_when_to_come_back(make_client: MakeClient, clock: Clock) -> None:
    class Down(FakeAnswers):
        async def look(self, token: str) -> None:
            raise StoreDown("disk full at /var/lib/gateway")

    response = await (await make_client(answers=Down(clock))).get(PAGE)
    page = await response.text()
    assert response.status == 503
    assert response.headers["Retry-After"] == "60"
    assert "Something went wrong here, not with you" in page
    assert "disk" not in page
