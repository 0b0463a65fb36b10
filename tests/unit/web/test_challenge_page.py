"""The challenge page: what it shows, what it leaves alone, and how links look that are not in use."""

from __future__ import annotations

from copy import deepcopy
from dataclasses import replace

import pytest

from challenge_web.puzzle import Kind, Puzzles
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.fakes import (
    OPEN,
    OTHER,
    SITE,
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
    page = await shown(await make_client(site=replace(SITE, organisation="Oak & Sons", contact="help@example.org")))
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
    assert response.headers["Vary"] == "Accept, Accept-Language, Cookie"


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
    page = await shown(await make_client(site=replace(SITE, captcha=captcha)))
    assert ('id="letters"' in page) == letters
    assert ('id="work"' in page) == work
    assert ("<audio" in page) == audio
    assert ("<img class" in page) == ("image" in captcha)


async def test_puzzle_of_a_kind_no_longer_offered_is_stale(
    make_client: MakeClient, puzzles: Puzzles, clock: Clock
) -> None:
    client = await make_client(site=replace(SITE, captcha=("image",)))
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
    with_sound = await make_client(site=replace(SITE, captcha=("image", "audio")))
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
    assert "This link is no longer valid" in page
    assert "14 days" in page
