"""The frame of the console's pages: the menu, the banners, and what a person is told when something goes wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest
from aiohttp import web

from challenge_web.console.gate import SECRET, VIEWER
from challenge_web.console.home import HomePages
from challenge_web.console.menu import MENU, menu
from challenge_web.console.pages import Call, ConsolePages, say
from challenge_web.pages import Pages
from gateway.domain.roles import RIGHTS, Reach, Right, Role, Viewer
from gateway.flow.ports import StoreDown
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.markup import Markup, faults

JOE = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ADMIN = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True), time_zone="Europe/Vienna")
DONE = say("test-frame-done", "The test's thing is done.")
NOT_DONE = say("test-frame-not-done", "It was not done.", done=False)
PATHS = frozenset("/" + entry.path for entry in MENU)


def _console(viewer: Viewer | None, *calls: Call) -> object:
    def add(app: web.Application, pages: Pages) -> None:
        console = ConsolePages(pages, lambda _: calls)

        def sign_in(request: web.Request) -> None:
            if viewer is not None:
                request[VIEWER] = viewer
            request[SECRET] = "secret" if viewer else ""

        async def show(request: web.Request) -> web.Response:
            sign_in(request)
            return console.page(request, "problem", {"status": 404, "typed": None}, here="lists")

        async def fail(request: web.Request) -> web.Response:
            sign_in(request)
            what = request.match_info["what"]
            if what == "store":
                raise StoreDown
            if what == "bug":
                raise RuntimeError("secret of the house")
            refusals: dict[str, type[web.HTTPException]] = {
                "forbidden": web.HTTPForbidden,
                "gone": web.HTTPNotFound,
                "large": web.HTTPRequestTimeout,
                "odd": web.HTTPUnprocessableEntity,
            }
            raise refusals[what]

        app.router.add_get("/console/lists", show)
        app.router.add_get("/console/fail/{what}", fail)

    return add


async def _page(client: Client, path: str, status: int = 200) -> str:
    response = await client.get(path)
    assert response.status == status
    text = await response.text()
    assert faults(text) == []
    return text


@pytest.mark.parametrize("role", Role)
def test_menu_has_what_the_role_may_see_and_nothing_else(role: Role) -> None:
    viewer = Viewer(1, "somebody", role, Reach())
    assert {entry.right for entry in menu(viewer.may, PATHS)} == {e.right for e in MENU} & RIGHTS[role]


def test_menu_leaves_out_what_has_no_route() -> None:
    assert [entry.key for entry in menu(ADMIN.may, {"/console/log", "/console/lists"})] == ["lists", "log"]


def test_menu_keys_and_paths_are_each_there_once() -> None:
    assert len({entry.key for entry in MENU}) == len({entry.path for entry in MENU}) == len(MENU)


async def test_page_marks_where_one_is_and_says_who_one_is(make_client: MakeClient) -> None:
    page = await _page(await make_client(_console(JOE)), "/console/lists")
    # Once in the wide menu, once in the folded one; only one of them is shown.
    assert page.count('<a href="../console/lists" aria-current="page">') == 2
    assert "joe@example.org" in page
    assert 'action="../sign-out"' in page
    assert "console/pending" not in page  # No such route in this application.


async def test_page_before_the_sign_in_has_no_menu_and_no_name(make_client: MakeClient) -> None:
    page = await _page(await make_client(_console(None)), "/console/lists")
    assert 'class="menu' not in page
    assert "sign-out" not in page


async def test_page_says_what_was_done_but_no_words_of_others(make_client: MakeClient) -> None:
    client = await make_client(_console(JOE))
    assert '<p class="note note--done" role="status">The test&#39;s thing is done.</p>' in await _page(
        client, f"/console/lists?said={DONE}"
    )
    assert "evil" not in await _page(client, "/console/lists?said=evil")
    # What was not done does not look like a success.
    page = await _page(client, f"/console/lists?said={NOT_DONE}")
    assert (
        '<p class="note note--warn" role="status"><strong class="note__word">Note:</strong> It was not done.</p>'
        in page
    )


async def test_page_of_one_who_looks_as_another_says_so(make_client: MakeClient) -> None:
    looking = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True), looks_as="mia@example.org<b>")
    page = await _page(await make_client(_console(looking)), "/console/lists")
    assert "You see the pages of mia@example.org&lt;b&gt;" in page
    assert "Back to my own pages" in page


async def test_page_shows_what_needs_a_person(make_client: MakeClient) -> None:
    calls = (Call("12 mails <cannot> go on.", "console/lists", grave=True), Call("Look at this."))
    page = await _page(await make_client(_console(ADMIN, *calls)), "/console/lists")
    assert "12 mails &lt;cannot&gt; go on." in page
    assert page.count("See to it") == 1
    assert page.count("banner--bad") == 1
    assert "Europe/Vienna" in page


async def test_page_with_a_hostile_name_stays_sound(make_client: MakeClient) -> None:
    hostile = '"><script>alert(1)</script>\u202e' + "x" * 10_000
    plain = await _page(await make_client(_console(JOE)), "/console/lists")
    page = await _page(await make_client(_console(Viewer(1, hostile, Role.USER, Reach()))), "/console/lists")
    assert Markup(page).tags == Markup(plain).tags
    assert "\u202e" not in page


@pytest.mark.parametrize(
    ("what", "status", "words"),
    [
        ("forbidden", 403, "This is not for you to do"),
        ("gone", 404, "There is no such page"),
        ("large", 408, "That took too long"),
        ("odd", 422, "This cannot be understood"),
        ("bug", 500, "Something went wrong here, not with you"),
        ("store", 503, "The store cannot be reached"),
    ],
)
async def test_problem_is_told_within_the_console(make_client: MakeClient, what: str, status: int, words: str) -> None:
    client = await make_client(_console(JOE))
    page = await _page(client, f"/console/fail/{what}", status)
    assert f"<h1>{words}</h1>" in page
    assert "joe@example.org" in page
    assert "secret of the house" not in page


async def test_unknown_address_below_the_console_has_its_look(make_client: MakeClient) -> None:
    client = await make_client(_console(None))
    assert "There is no such page" in await _page(client, "/console/nowhere", 404)
    # Senders' pages keep their own words.
    assert "This link is no longer valid" in await _page(client, "/challenge/nobody", 404)


def test_rights_of_the_menu_are_rights_to_look() -> None:
    acting = {Right.MODERATE, Right.EDIT_LISTS, Right.EDIT_POLICY, Right.RETRY_OUTGOING, Right.EDIT_ACCOUNTS}
    assert not {entry.right for entry in MENU} & acting


async def test_first_page_is_what_waits(make_client: MakeClient) -> None:
    def add(app: web.Application, pages: Pages) -> None:
        for route in HomePages().routes():
            assert route.show is not None
            app.router.add_get(route.path, route.show, name=route.name)

    client = await make_client(add)
    answer = await client.get("/console/", allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "../console/pending"


@pytest.mark.parametrize(
    ("tag", "lists", "out"),
    [
        ("de", "Listen", "Abmelden"),
        ("fr", "Listes", "Se déconnecter"),
        ("es", "Listas", "Cerrar sesión"),
        ("cs", "Seznamy", "Odhlásit se"),
    ],
)
async def test_console_speaks_the_language_its_reader_chose(
    make_client: MakeClient, tag: str, lists: str, out: str
) -> None:
    client = await make_client(_console(replace(JOE, language=tag)))
    response = await client.get("/console/lists", headers={"Accept-Language": "en"})
    text = await response.text()
    assert f'<html lang="{tag}">' in text
    assert f">{out}</button>" in text
    assert response.headers["Content-Language"] == tag
    assert faults(text) == []
