"""The demo's pages, with a gateway made of plain values."""

from __future__ import annotations

import asyncio
import re

import pytest

from gateway.domain.lifecycle import State
from tests.unit.demo.stage import FORGED, URL, Stage


async def test_page_at_first_offers_the_form_and_an_outlook(stage: Stage) -> None:
    page = await stage.get("/demo/")
    assert "You are a stranger" in page
    assert "ada@stranger.example" in page
    assert str(stage.door.endpoint) in page
    assert "What you will see" in page


async def test_page_without_slash_leads_to_the_page(stage: Stage) -> None:
    answer = await stage.client.get("/demo", allow_redirects=False)
    assert (answer.status, answer.headers["Location"]) == (302, "/demo/")


async def test_page_has_strict_headers_and_only_own_files(stage: Stage) -> None:
    answer = await stage.client.get("/demo/")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    page = await answer.text()
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith(("/demo/", "#")), address
        if "/static/" in address:
            assert (await stage.client.get(address)).status == 200
    assert "<style" not in page
    assert "style=" not in page


async def test_style_sheet_stands_on_the_common_ground(stage: Stage) -> None:
    sheet = await stage.get("/demo/static/demo.css")
    assert sheet.index("--ground:") < sheet.index("--good:")


async def test_send_brings_the_mail_to_the_gateway_over_smtp(stage: Stage) -> None:
    story = await stage.write(subject="Grüße\r\nBcc: x@y.example", text="Zeile\n.\n..ü")
    (mail,) = stage.door.mails("joe@example.org")
    assert mail.reverse_path == "ada@stranger.example"
    assert mail.content.endswith(b"\r\n\r\nZeile\r\n.\r\n..\xc3\xbc\r\n")
    assert b"\r\nBcc:" not in mail.content
    page = await stage.get(story)
    assert "MAIL FROM:&lt;ada@stranger.example&gt;" in page
    assert "250 2.0.0 Kept" in page


async def test_story_of_a_held_mail_goes_on_step_by_step(stage: Stage) -> None:
    story = await stage.write()
    assert await stage.status(story) == (False, {"sent": "done", "decided": "now"}, (await stage.status(story))[2])

    stage.hold()
    _, steps, text = await stage.status(story)
    assert steps == {
        "sent": "done", "decided": "done", "challenge": "now", "answer": "later", "delivered": "later", "again": "later"
    }  # fmt: skip
    assert "stranger.example lets this machine send for it" in text
    assert "unknown-sender" in text

    await stage.ask()
    _, steps, text = await stage.status(story)
    assert (steps["challenge"], steps["answer"]) == ("done", "now")
    assert f'href="{URL}/c/tokentokentoken"' in text
    assert 'href="http://evil.example' not in text
    assert "Auto: Hi - one small step" in text

    stage.hold(State.RELEASED)
    finished, steps, _ = await stage.status(story)
    assert (finished, steps["answer"], steps["delivered"]) == (False, "done", "now")

    stage.hold(State.DELIVERED)
    await stage.deliver()
    finished, steps, text = await stage.status(story)
    assert (finished, steps["delivered"], steps["again"]) == (True, "done", "now")
    assert "<strong>yes</strong>" in text
    assert "by gateway.example.org" in text
    assert "Send a second mail" in await stage.get(story)


async def test_story_of_a_changed_mail_says_that_it_was_changed(stage: Stage) -> None:
    story = await stage.write()
    stage.hold(State.DELIVERED)
    await stage.deliver(changed=True)
    assert "<strong>no</strong>" in await stage.get(story)


async def test_story_of_a_forger_is_silence(stage: Stage) -> None:
    story = await stage.write(person="bank")
    stage.hold(silence="unproven-sender", evidence=FORGED)
    finished, steps, text = await stage.status(story)
    assert (finished, steps) == (False, {"sent": "done", "decided": "done", "unasked": "done", "owner": "now"})
    assert "bank.example says that this machine may not send for it" in text
    assert "pending deliver 7 --config " in text
    assert "service@bank.example" in await stage.get(story)


async def test_story_of_a_known_sender_tells_milliseconds(stage: Stage) -> None:
    story = await stage.write()
    await stage.deliver()
    finished, steps, text = await stage.status(story)
    assert (finished, list(steps)) == (True, ["sent", "decided", "delivered", "again"])
    assert re.search(r"\d+&nbsp;ms</strong>", text)


async def test_story_of_a_second_mail_shows_the_question_that_waits(stage: Stage) -> None:
    await stage.write()
    await stage.ask()
    story = await stage.write(subject="Second")
    stage.hold(silence="asked-recently")
    _, steps, text = await stage.status(story)
    assert (steps["challenge"], steps["answer"]) == ("done", "now")
    assert "has been asked already" in text


@pytest.mark.parametrize("state", [State.DISOWNED, State.DELETED, State.BLOCKED, State.EXPIRED, State.REFUSED])
async def test_story_that_ended_otherwise_says_so(stage: Stage, state: State) -> None:
    story = await stage.write()
    stage.hold(state)
    finished, steps, _ = await stage.status(story)
    assert (finished, steps["closed"]) == (True, "failed")
    await stage.get(story)


async def test_story_of_a_refused_mail_shows_the_reply(stage: Stage) -> None:
    stage.door.replies.to_recipient["nobody@example.org"] = "550 5.1.1 No such recipient here"
    story = await stage.write(recipient="nobody@example.org")
    finished, steps, text = await stage.status(story)
    assert (finished, steps) == (True, {"sent": "failed"})
    assert "550 5.1.1 No such recipient here" in text


async def test_story_when_the_gateway_is_down_shows_why(stage: Stage) -> None:
    await stage.door.stop()
    page = await stage.get(await stage.write())
    assert "The connection failed" in page


async def test_story_unknown_is_told_as_lost(stage: Stage) -> None:
    assert "That story is over" in await stage.get("/demo/?story=nonsense")
    await stage.get("/demo/story/nonsense.json", 404)


async def test_send_again_as_somebody_new_keeps_the_same_person(stage: Stage) -> None:
    # The page counts from a number below a hundred, which it draws; this one it cannot come to by itself.
    page = await stage.get(await stage.write(person="new", number="1003"))
    assert "lena.ford7@river.example" in page
    assert 'name="number" value="1003"' not in page.split("data-steps")[0]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "none"},
        {"Sec-Fetch-Site": "same-site", "Origin": "http://127.0.0.1"},
    ],
)
async def test_send_from_another_page_is_refused(stage: Stage, headers: dict[str, str]) -> None:
    assert (await stage.post(headers)).status == 403
    assert stage.door.arrived == 0


async def test_send_from_own_page_is_taken_without_an_origin_too(stage: Stage) -> None:
    assert (await stage.post({"Sec-Fetch-Site": "same-origin", "Origin": "null"})).status == 303


async def test_send_is_taken_with_the_page_s_token_where_the_browser_does_not_tell(stage: Stage) -> None:
    found = re.search(r'name="csrf" value="(\w{32})"', await stage.get("/demo/"))
    assert found is not None
    for headers in ({"Origin": "null"}, {}):
        assert (await stage.post(headers, csrf=found[1][::-1])).status == 403
        assert (await stage.post(headers, csrf=found[1])).status == 303
    for headers in ({"Origin": "http://evil.example"}, {"Sec-Fetch-Site": "cross-site", "Origin": "null"}):
        assert (await stage.post(headers, csrf=found[1])).status == 403


async def test_page_under_a_foreign_name_is_refused(stage: Stage) -> None:
    for path in ("/demo/", "/demo/mailbox/", "/demo/mailbox/joe@example.org/"):
        answer = await stage.client.get(path, headers={"Host": "evil.example"})
        assert answer.status == 421
    assert (await stage.client.get("/demo/", headers={"Host": "[::1"})).status == 421
    assert (await stage.post({"Origin": "http://[::1"})).status == 403
    answer = await stage.post({"Host": "evil.example", "Origin": "http://evil.example"})
    assert answer.status == 421
    assert stage.door.arrived == 0


@pytest.mark.parametrize(
    ("body", "content_type", "status"),
    [
        (b"text=%ff", "application/x-www-form-urlencoded", 400),
        (b"text=" + b"a" * 300_000, "application/x-www-form-urlencoded", 413),
        (b"--x\r\nnonsense\r\n", "multipart/form-data; boundary=x", 415),
    ],
)
async def test_send_of_what_is_no_form_is_refused(stage: Stage, body: bytes, content_type: str, status: int) -> None:
    headers = {"Sec-Fetch-Site": "same-origin", "Content-Type": content_type}
    answer = await stage.client.post("/demo/send", data=body, headers=headers, allow_redirects=False)
    assert answer.status == status
    assert stage.door.arrived == 0


async def test_story_points_to_the_step_it_has_come_to(stage: Stage) -> None:
    story = await stage.write()
    stage.hold()
    await stage.ask()
    page = await stage.get(story.partition("#")[0])
    assert '<a href="#step-answer">Ada Tiler answers, once</a>' in page
    assert 'id="step-answer"' in page


@pytest.mark.parametrize(
    "fields", [{"person": "mallory"}, {"recipient": "x@elsewhere.example"}, {"recipient": "joe@example.org\r\nDATA"}]
)
async def test_send_with_other_people_than_offered_is_refused(stage: Stage, fields: dict[str, str]) -> None:
    assert (await stage.post(**fields)).status == 400
    assert stage.door.arrived == 0


HOSTILE = (
    b'Subject: <script>alert(1)</script>{{1337*7331}}\r\nFrom: "><img src=x onerror=alert(1)> <a@b.example>\r\n'
    b"To: \xff\xfe\r\nContent-Type: text/plain; charset=no-such-charset\r\n\r\n"
    b"<script>alert(2)</script> javascript:alert(3) \x00\x1b[31m \xe2\x80\xae\r\n"
)


async def test_mailbox_pages_show_hostile_mail_as_text(stage: Stage) -> None:
    await stage.put(stage.world.inside, HOSTILE, "joe@example.org")
    for path in ("/demo/mailbox/", "/demo/mailbox/joe@example.org/", "/demo/mailbox/joe@example.org/1/"):
        page = await stage.get(path)
        assert "&lt;script&gt;" in page
        assert "<script>" not in page
        assert "<img" not in page
        assert "\x1b" not in page
        assert "\x00" not in page
        assert "9801547" not in page.partition("<main")[2].partition("</main>")[0]


async def test_mailbox_download_gives_the_octets_as_they_came(stage: Stage) -> None:
    await stage.put(stage.world.inside, HOSTILE, "joe@example.org")
    answer = await stage.client.get("/demo/mailbox/joe@example.org/1/mail.eml")
    assert await answer.read() == HOSTILE
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["X-Content-Type-Options"] == "nosniff"


async def test_mailbox_of_nobody_is_empty_and_a_missing_mail_is_404(stage: Stage) -> None:
    assert "No mail here" in await stage.get("/demo/mailbox/who@nowhere.example/")
    await stage.get("/demo/mailbox/joe@example.org/1/", 404)
    await stage.get("/demo/mailbox/%3Cscript%3E/")


async def test_story_survives_many_looks_at_once(stage: Stage) -> None:
    story = await stage.write()
    stage.hold()
    answers = await asyncio.gather(*(stage.status(story) for _ in range(20)))
    assert len({str(answer) for answer in answers}) == 1


# --- the way into the console ---
