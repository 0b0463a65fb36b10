"""I did not write this; take it back; how far has it come."""

from __future__ import annotations

from dataclasses import replace

import pytest

from challenge_web.pages import contact, duration, foreign
from gateway.domain.lifecycle import State
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.fakes import OPEN, PROGRESS, SITE, STATUS, TOKEN, FakeAnswers
from tests.unit.web.talk import JSON, PAGE


@pytest.mark.parametrize(
    ("name", "question", "button", "done"),
    [
        ("disown", "Did somebody else use your address?", "No, I did not write it", "Thank you for telling us"),
        ("withdraw", "Shall we delete your message?", "Yes, take it back", "Your mail was not passed on."),
    ],
)
async def test_button_is_asked_for_by_get_and_acts_by_post_once(
    client: Client, answers: FakeAnswers, name: str, question: str, button: str, done: str
) -> None:
    page = await (await client.get(f"{PAGE}/{name}")).text()
    assert question in page
    assert button in page
    assert f'action="./{name}"' in page
    assert f'href="../{TOKEN}"' in page
    assert answers.changes == []
    response = await client.post(f"{PAGE}/{name}")
    assert response.status == 200
    assert done in await response.text()
    assert answers.changes == [name]
    again = await client.post(f"{PAGE}/{name}")
    assert again.status == 404
    assert (await client.get(PAGE)).status == 404


async def test_disown_says_for_how_many_days(make_client: MakeClient) -> None:
    client = await make_client(site=replace(SITE, disowned_days=30))
    assert "for 30 days" in await (await client.get(f"{PAGE}/disown")).text()


@pytest.mark.parametrize("name", ["disown", "withdraw"])
async def test_button_for_programs_says_what_was_done(client: Client, name: str) -> None:
    response = await client.post(f"{PAGE}/{name}", headers=JSON)
    assert await response.json() == {"done": name}


@pytest.mark.parametrize(
    ("state", "words", "shown"),
    [
        (State.PENDING, "Your mail is waiting.", "waiting"),
        (State.RELEASED, "Your mail is on its way to", "to-be-delivered"),
        (State.DELIVERED, "Your mail was passed on to", "delivered"),
        (State.REFUSED, "has not taken it yet", "refused"),
        (State.EXPIRED, "and was not passed on. Please send it again if it still matters.", "expired"),
        (State.DELETED, "Your mail was not passed on.", "deleted"),
        (State.BLOCKED, "Your mail was not passed on.", "deleted"),
        (State.DISOWNED, "Your mail was not passed on.", "deleted"),
    ],
)
async def test_status_of_each_state_has_its_words(
    client: Client, answers: FakeAnswers, state: State, words: str, shown: str
) -> None:
    answers.statuses[STATUS] = [replace(PROGRESS, state=state)]
    page = await (await client.get(f"/status/{STATUS}")).text()
    assert words in page
    assert ("Thank you!" in page) == (state in (State.RELEASED, State.DELIVERED))
    assert "You can close this page." in page or state not in (State.RELEASED, State.DELIVERED)
    facts = await (await client.get(f"/status/{STATUS}", headers=JSON)).json()
    assert [mail["state"] for mail in facts["mails"]] == [shown]


async def test_status_shows_blocked_and_disowned_as_deleted_alike(client: Client, answers: FakeAnswers) -> None:
    pages = set()
    for state in (State.DELETED, State.BLOCKED, State.DISOWNED):
        answers.statuses[STATUS] = [replace(PROGRESS, state=state)]
        pages.add(await (await client.get(f"/status/{STATUS}")).read())
    assert len(pages) == 1


async def test_status_of_several_mails_lists_each(client: Client, answers: FakeAnswers) -> None:
    answers.statuses[STATUS] = [PROGRESS, replace(PROGRESS, recipient="mia@example.org", state=State.DELIVERED)]
    page = await (await client.get(f"/status/{STATUS}")).text()
    assert page.partition('class="mails"')[2].partition("</ul>")[0].count("<li>") == 2
    assert "mia@example.org" in page


async def test_status_unknown_or_empty_is_not_found_with_the_same_bytes(client: Client, answers: FakeAnswers) -> None:
    answers.statuses["empty"] = []
    bodies = set()
    for token in ("empty", "nobody", TOKEN):
        response = await client.get(f"/status/{token}")
        assert response.status == 404
        bodies.add(await response.read())
    assert len(bodies) == 1


async def test_status_and_challenge_tokens_are_not_interchangeable(client: Client, answers: FakeAnswers) -> None:
    answers.statuses[STATUS] = [PROGRESS]
    assert (await client.get(f"/challenge/{STATUS}")).status == 404
    assert (await client.get(f"/status/{TOKEN}")).status == 404


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("a family: \U0001f469\u200d\U0001f467", "a family: \U0001f469\u200d\U0001f467"),
        ("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645"),
        ("pay\u200dpal\u200c", "pay\ufffdpal\ufffd"),
        ("\u05d0\u202e\u200d\u05d1\u200d", "\u05d0\ufffd\ufffd\u05d1\ufffd"),
    ],
)
def test_foreign_text_keeps_joiners_only_where_a_script_needs_them(text: str, shown: str) -> None:
    assert foreign(text) == shown


@pytest.mark.parametrize(
    ("minutes", "words"),
    [(1, "1 minute"), (15, "15 minutes"), (119, "119 minutes"), (121, "3 hours"), (1440, "24 hours")],
)
def test_duration_is_in_minutes_and_then_in_hours(minutes: int, words: str) -> None:
    assert duration(minutes) == words


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("help@example.org", '<a href="mailto:help@example.org">help@example.org</a>'),
        (
            "https://a.example/?b=1&c",
            '<a href="https://a.example/?b=1&amp;c" rel="noopener">https://a.example/?b=1&amp;c</a>',
        ),
        (
            'https://a.example/"><b>',
            '<a href="https://a.example/%22%3E%3Cb%3E" rel="noopener">https://a.example/&#34;&gt;&lt;b&gt;</a>',
        ),
        ("javascript:alert(1)", "javascript:alert(1)"),
        ("+49 30 1234", "+49 30 1234"),
    ],
)
def test_contact_becomes_a_link_where_it_is_one(text: str, shown: str) -> None:
    assert str(contact(text)) == shown


HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "javascript:alert(1)",
    "</title><svg onload=alert(1)>",
    "${1337*7331}{{1337*7331}}{% raw %}",
    "' autofocus onfocus=alert(1) x='",
    "a\r\nSet-Cookie: x=y\r\n\r\n\x00\x1b[2J",
    "\u202eevil\u2066\u200b\ud800",
    "x" * 100_000,
)


@pytest.mark.parametrize("text", HOSTILE)
async def test_hostile_text_in_every_field_is_shown_as_text(client: Client, answers: FakeAnswers, text: str) -> None:
    answers.open[TOKEN] = replace(OPEN, sender=text, recipient=text, recipient_domain=text, subject=text, waiting=2)
    answers.statuses[STATUS] = [
        replace(PROGRESS, recipient=text, recipient_domain=text, state=state)
        for state in (State.DELIVERED, State.RELEASED)
    ]
    for path in (PAGE, f"{PAGE}/disown", f"{PAGE}/withdraw", f"/status/{STATUS}"):
        response = await client.get(path)
        page = await response.text()
        assert response.status == 200
        assert "Set-Cookie" not in response.headers
        for forbidden in (
            "<script>",
            "<img src=x",
            "<svg",
            "' autofocus",
            "9801547",
            "\x00",
            "\x1b",
            "\u202e",
            "\u200b",
        ):
            assert forbidden not in page.replace("'s", ""), (path, forbidden)
        assert len(page) < 20_000
    response = await client.get(PAGE, headers=JSON)
    assert response.content_type == "application/json"
    assert "\n" not in await response.text()
