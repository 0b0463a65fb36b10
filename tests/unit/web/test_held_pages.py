"""The pages behind a digest's links, with the real services and a real store."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlsplit

import pytest
from aiohttp import web

from challenge_web.limits import Limit, Limits
from challenge_web.pages import Pages
from challenge_web.public.held import HeldPages
from challenge_web.public.mail_number import NumberPages
from challenge_web.public.stop import StopPages
from challenge_web.site import Admission
from gateway.domain.levels import Choice, PolicySetting
from gateway.domain.outline import Marks, Outline, Piece, Unreadable
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.moderate import Action
from tests.unit.flow.digest_desk import SIX, DigestDesk, secrets_in, stop_in
from tests.unit.flow.world import DAY, JOE, World
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.markup import faults
from tests.unit.web.pseudo import PSEUDO, strange

HOSTILE = "\"'<script>alert(1)</script>{{7*7}}\u202e"
NOBODY_S = "a" * 32
EVE = Viewer(7, "eve", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})))


class Reading:
    def __init__(self) -> None:
        self.fault: Exception | None = None
        self.text = "Dear Jo"

    async def outline(self, viewer: Viewer, row_id: int, marks: Marks) -> Outline | None:
        if self.fault is not None:
            raise self.fault
        return Outline(pieces=(Piece(0, self.text),)) if viewer.may(Right.READ_CONTENT) else None


@dataclass
class Room:
    desk: DigestDesk
    client: Client
    reading: Reading
    secret: str
    stop: str

    async def get(self, path: str, status: int = 200) -> str:
        answer = await self.client.get(path)
        text = await answer.text()
        assert answer.status == status, text
        assert faults(text) == [], path
        return text

    async def post(self, path: str, status: int = 200, **fields: str) -> str:
        answer = await self.client.post(path, data=fields)
        text = await answer.text()
        assert answer.status == status, text
        return text

    async def state(self) -> str:
        return (await self.desk.world.states())[JOE.text]


@pytest.fixture
async def room(tmp_path: Path, make_client: MakeClient) -> AsyncIterator[Room]:
    async for opened in open_room(tmp_path, make_client):
        yield opened


async def open_room(tmp_path: Path, make_client: MakeClient, **more: object) -> AsyncIterator[Room]:
    """Serve the pages of links, in an application that is made with more."""
    world = World(tmp_path)
    desk, reading = DigestDesk(world), Reading()
    desk.on()

    def add(app: web.Application, pages: Pages) -> None:
        HeldPages(desk.links(), desk.releases(), reading, pages, now=world.clock.now).add_to(app)
        StopPages(desk.links(), pages).add_to(app)
        NumberPages(desk.releases(), pages).add_to(app)

    client = await make_client(add, admission=Admission(limits=Limits(posts=Limit(1, 8))), **more)
    await desk.arrive("Offer")
    (mail,) = await desk.until(SIX)
    yield Room(desk, client, reading, secrets_in(mail)[0], stop_in(mail))
    await world.close()


async def test_page_of_a_link_says_nothing_that_cannot_be_translated(tmp_path: Path, make_client: MakeClient) -> None:
    data = r"[^\s,]+@[^\s,]+|Anna Roth|Offer|Dear Jo|UTC|oak\.example|example\.org|\d+-[a-z0-9]+"
    async for room in open_room(tmp_path, make_client, language_for=lambda request: PSEUDO):
        for path in ("", "/allow", "/block", "/delete"):
            assert strange(await room.get(f"/held/{room.secret}{path}"), data) == [], path
        for path in (f"/held/{room.secret}", f"/digest/stop/{room.stop}"):
            assert strange(await room.post(path), data) == [], path
        assert strange(await room.get(f"/digest/stop/{room.stop}"), data) == []
        assert strange(await room.get(f"/held/{NOBODY_S}", 404), data) == []
        assert strange(await room.get("/release"), data) == []


@pytest.mark.parametrize("method", ["GET", "HEAD"])
async def test_looking_ten_times_changes_nothing_and_the_button_still_works(room: Room, method: str) -> None:
    before = await room.desk.world.dump()
    for _ in range(10):
        for more in ("", "/allow", "/block", "/delete"):
            assert (await room.client.request(method, f"/held/{room.secret}{more}")).status == 200
        assert (await room.client.request(method, f"/digest/stop/{room.stop}")).status == 200
    assert await room.desk.world.dump() == before
    assert "Delivered" in await room.post(f"/held/{room.secret}")
    assert await room.state() == "released"


async def test_page_has_one_button_and_shows_the_mail(room: Room) -> None:
    page = await room.get(f"/held/{room.secret}")
    for words in ("Deliver this mail", "Offer", "Anna Roth", "anna@oak.example", "joe@example.org", "Dear Jo", "UTC"):
        assert words in page
    assert page.count("<button") == 1
    assert page.count("<form") == 1
    assert f'action="./{room.secret}"' in page
    page = await room.get(f"/held/{room.secret}/block")
    assert page.count("<button") == 1
    assert f'action="../{room.secret}/block"' in page


@pytest.mark.parametrize(
    ("path", "words", "state"),
    [
        ("", "Delivered", "released"),
        ("/allow", "may always write to", "released"),
        ("/block", "cannot write to", "blocked"),
        ("/delete", "Its sender is told nothing", "deleted"),
    ],
)
async def test_button_does_what_it_says_and_says_so_again(room: Room, path: str, words: str, state: str) -> None:
    for _ in range(2):
        assert words in await room.post(f"/held/{room.secret}{path}")
        assert await room.state() == state
    await room.get(f"/held/{room.secret}{path}", 404)


async def test_links_that_do_not_count_all_look_the_same(room: Room) -> None:
    await room.desk.arrive("Other", sender="ben@oak.example")
    (mail,) = await room.desk.until(SIX + DAY)
    ended = secrets_in(mail)[0]
    await room.desk.world.moderator().act(Action.DELETE, [2], "tests")
    wrong = {NOBODY_S, ended, room.stop, "x", "%00", "ä"}
    for more in ("", "/allow"):
        pages = {await room.get(f"/held/{secret}{more}", 404) for secret in wrong}
        assert len(pages) == 1
    assert len({await room.get(f"/digest/stop/{secret}", 404) for secret in (NOBODY_S, room.secret)}) == 1
    assert len({await room.post(f"/held/{secret}", 404) for secret in (NOBODY_S, ended, room.stop)}) == 1
    assert (await room.desk.world.by_subject())["Offer"] == "pending"


async def test_hostile_mail_is_shown_and_does_nothing(room: Room) -> None:
    room.reading.text = HOSTILE
    await room.desk.arrive(HOSTILE, sender="ben@oak.example")
    (mail,) = await room.desk.until(SIX + DAY)
    (secret,) = secrets_in(mail)
    page = await room.get(f"/held/{secret}")
    assert "<script>alert" not in page
    # Of the files beside it, each name bears a hash of the content, which may hold any two figures.
    shown = re.sub(r"/static/\w+\.[0-9a-f]{12}\.", "", page)
    assert shown != page
    assert "49" not in shown.replace("1.49", "")
    assert " style=" not in page


async def test_author_who_can_be_taken_for_another_is_marked_above_the_button(room: Room) -> None:
    await room.desk.arrive("Hi", sender="anna@xn--pple-43d.example")
    (mail,) = await room.desk.until(SIX + DAY)
    (secret,) = secrets_in(mail)
    page, button, _ = (await room.get(f"/held/{secret}/allow")).partition("<button")
    assert button
    assert "Take care with the address: It mixes letters of different scripts: Cyrillic, Latin." in page
    assert "(xn--pple-43d.example)" in page
    assert "Take care" not in await room.get(f"/held/{room.secret}/allow")


@pytest.mark.parametrize("fault", [Unreadable("Odd."), None])
async def test_mail_that_cannot_be_read_still_has_its_button(room: Room, fault: Exception | None) -> None:
    room.reading.fault, room.reading.text = fault, "x" * 9000
    page = await room.get(f"/held/{room.secret}")
    assert "<button" in page
    assert ("The mail</h2>" in page) is (fault is None)
    assert "x" * 4001 not in page


async def test_who_may_not_let_mail_go_has_no_button_for_it(room: Room) -> None:
    room.desk.policies.taken = frozenset({Right.MODERATE})
    page = await room.get(f"/held/{room.secret}")
    assert "people in charge" in page
    assert page.count("<button") == 1
    assert "/request" in page
    for more in ("/allow", "/block", "/delete"):
        await room.get(f"/held/{room.secret}{more}", 404)
    await room.post(f"/held/{room.secret}", 404)
    assert await room.state() == "pending"


async def test_program_is_told_the_same_as_data(room: Room) -> None:
    data = {"Accept": "application/json"}
    facts = await (await room.client.get(f"/held/{room.secret}", headers=data)).json()
    assert (facts["subject"], facts["recipient"]) == ("Offer", "joe@example.org")
    assert facts["may"] == ["authorize", "deliver", "blacklist", "delete"]
    assert (await (await room.client.get(f"/held/{NOBODY_S}", headers=data)).json())["error"] == "gone"
    assert await (await room.client.post(f"/held/{room.secret}", headers=data)).json() == {"done": "deliver"}


async def test_one_click_of_a_mail_program_stops_the_digests(room: Room) -> None:
    answer = await room.client.post(
        f"/digest/stop/{room.stop}",
        data={"List-Unsubscribe": "One-Click"},
        headers={"Content-Type": "application/x-www-form-urlencoded"},
    )
    assert answer.status == 200
    assert "Set-Cookie" not in answer.headers
    assert "joe@example.org" in await answer.text()
    assert "is stopped" in await room.get(f"/digest/stop/{room.stop}")
    await room.desk.arrive("More", sender="ben@oak.example")
    assert await room.desk.until(SIX + DAY) == []


async def test_form_of_another_site_is_refused(room: Room) -> None:
    answer = await room.client.post(f"/held/{room.secret}", headers={"Sec-Fetch-Site": "cross-site"})
    assert answer.status == 403
    assert await room.state() == "pending"


async def test_who_presses_too_often_waits(room: Room) -> None:
    answers = [(await room.client.post(f"/held/{NOBODY_S}")).status for _ in range(9)]
    assert answers == [404] * 8 + [429]
    assert (await room.client.post(f"/digest/stop/{NOBODY_S}")).status == 429


# --- who may not let it go ---


async def test_who_may_not_deliver_asks_the_people_in_charge_and_sees_what_came_of_it(room: Room) -> None:
    room.desk.policies.taken = frozenset({Right.MODERATE})
    path = f"/held/{room.secret}"
    page = ""
    for _ in range(10):
        page = await room.get(path)
        assert f'action="../{room.secret}/request"' in await room.get(f"{path}/request")
    assert f'action="./{room.secret}/request"' in page
    assert await room.desk.releases().page(EVE) == ([], 0)
    asked = await room.post(f"{path}/request", words=HOSTILE)
    assert "The people in charge were asked" in asked
    assert "<form" not in asked.partition("<main")[2].partition("</main")[0]
    await room.desk.releases().refuse(EVE, 1, HOSTILE)
    page = await room.get(path)
    assert "eve decided on" in page
    assert "<script>alert" not in page
    assert await room.state() == "pending"


async def test_who_may_deliver_has_nobody_to_ask(room: Room) -> None:
    assert "/request" not in await room.get(f"/held/{room.secret}")
    await room.post(f"/held/{room.secret}/request", 404)
    await room.post(f"/held/{NOBODY_S}/request", 404)
    assert await room.desk.releases().page(EVE) == ([], 0)


async def test_number_alone_opens_nothing_and_each_gets_the_same_answer(room: Room) -> None:
    number = room.desk.releases().number(1)
    for _ in range(10):
        assert f'value="{number}"' in await room.get(f"/release?number={number}")
    answers = {await room.post("/release", number=text) for text in (number, "1", "1-aaaaaaaa", HOSTILE, "")}
    assert len(answers) == 1
    assert "Offer" not in answers.pop()
    assert HOSTILE not in await room.get("/release?number=" + quote(HOSTILE))
    assert await room.desk.release_mail().run_once() > 0
    page = await room.desk.releases().page(EVE)
    assert page is not None
    assert [case.request.asked_by for case in page[0]] == [""]


async def test_numbers_cannot_be_tried_without_end(room: Room) -> None:
    answers = [await room.client.post("/release", data={"number": "1-aaaaaaaa"}) for _ in range(13)]
    assert [answer.status for answer in answers] == [200] * 12 + [429]


async def test_notice_s_link_stops_notices_with_one_post_and_digests_go_on(room: Room) -> None:
    desk = room.desk
    choice = Choice("joe@example.org", PolicySetting.NOTICES, "on")
    await desk.world.store.transact(lambda tx: tx.policies.put(choice, "tests", desk.world.clock.at))
    await desk.arrive("News", sender="ben@oak.example")
    while await desk.notices().run_once():
        pass
    mail = desk.mails()[-1]
    path = urlsplit(mail["List-Unsubscribe"].strip("<>")).path
    before = await desk.world.dump()
    for _ in range(10):
        page = await room.get(path)
        assert "Stop the notices?" in page
    assert await desk.world.dump() == before
    assert "no longer be told" in await room.post(path, one_click="yes")
    assert "The notices are stopped" in await room.get(path)
    assert await desk.links().stopping(room.stop) is not None
    await room.get(f"/notice/stop/{NOBODY_S}", 404)
    await room.get(f"/held/{secrets_in(mail)[0]}")
