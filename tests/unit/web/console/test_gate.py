from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient, TestServer
from aiohttp.typedefs import Handler

from challenge_web.console.app import add_console
from challenge_web.console.gate import CSRF_FIELD, SIGN_IN, Cookie, csrf_token, tell, viewer_of
from challenge_web.console.routes import Names, Route
from gateway.domain.roles import Reach, Right, Role, Viewer

Client = TestClient[web.Request, web.Application]

JOE = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ROOT = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True))
SECRETS = {"s-joe": JOE, "s-root": ROOT}


class Sessions:
    async def viewer(self, secret: str, client: str) -> Viewer | None:
        return SECRETS.get(secret)


class Journal:
    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str, str]] = []

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        self.lines.append((viewer.name, deed, named, detail, client))


class Pages:
    def routes(self) -> Sequence[Route]:
        return (
            Route(SIGN_IN, "/sign-in", None, self.show, self.show),
            Route("mail", "/console/mail/{id}", Right.SEE_PENDING, self.show, self.act, Names.ROW, Right.MODERATE),
            Route("log", "/console/log", Right.SEE_LOG, self.show),
            Route("preview", "/console/try", Right.SEE_PENDING, act=self.show, reads=True),
            Route("code", "/console/code/{secret}", Right.SEE_PENDING, act=self.act),
        )

    async def show(self, request: web.Request) -> web.Response:
        return web.Response(text="page")

    async def act(self, request: web.Request) -> web.Response:
        assert viewer_of(request).name
        tell(request, "in a word")
        if request.match_info.get("id") == "404":
            raise web.HTTPNotFound
        raise web.HTTPSeeOther("/console/log")


@pytest.fixture
def journal() -> Journal:
    return Journal()


async def opened(journal: Journal, secure: bool = False) -> Client:
    app = web.Application()
    add_console(app, [Pages()], Sessions(), Cookie(secure), lambda request: "192.0.2.1", journal)

    @web.middleware
    async def outer(request: web.Request, handler: Handler) -> web.StreamResponse:
        return await handler(request)

    client = TestClient(TestServer(app))
    await client.start_server()
    return client


def cookies(secret: str, secure: bool = False) -> dict[str, str]:
    return {"Cookie": f"{'__Host-session' if secure else 'session'}={secret}"}


async def post(client: Client, path: str, secret: str = "", headers: Mapping[str, str] = {}, token: str = "") -> int:
    answer = await client.post(
        path, headers={**(cookies(secret) if secret else {}), **headers}, data={CSRF_FIELD: token},
        allow_redirects=False,
    )  # fmt: skip
    return answer.status


async def test_gate_sends_strangers_to_the_sign_in_page_and_back(journal: Journal) -> None:
    client = await opened(journal)
    answer = await client.get("/console/mail/7?sort=size", allow_redirects=False)
    assert answer.status == 303
    assert answer.headers["Location"] == "../../sign-in?next=/console/mail/7?sort%3Dsize"
    assert await post(client, "/console/mail/7") == 303
    assert journal.lines == []
    await client.close()


async def test_gate_refuses_what_the_role_may_not(journal: Journal) -> None:
    client = await opened(journal)
    assert (await client.get("/console/log", headers=cookies("s-joe"))).status == 403
    assert (await client.get("/console/log", headers=cookies("s-root"))).status == 200
    assert (await client.get("/console/log", headers=cookies("wrong"), allow_redirects=False)).status == 303
    await client.close()


async def test_gate_takes_only_forms_that_bear_the_session_s_token(journal: Journal) -> None:
    client = await opened(journal)
    right = csrf_token("s-joe")
    assert await post(client, "/console/mail/7", "s-joe", token=right) == 303
    for wrong in ("", "x", right[:-1], csrf_token("s-root"), "s-joe"):
        assert await post(client, "/console/mail/7", "s-joe", token=wrong) == 403
    assert journal.lines == [("joe@example.org", "mail", "7", "in a word", "192.0.2.1")]
    await client.close()


@pytest.mark.parametrize(
    ("headers", "taken"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, True),
        ({"Sec-Fetch-Site": "same-site"}, False),
        ({"Sec-Fetch-Site": "cross-site"}, False),
        ({"Sec-Fetch-Site": "none"}, False),
        ({"Origin": "https://evil.example"}, False),
        ({"Origin": "http://["}, False),
        ({"Origin": "null"}, True),
        ({}, True),
    ],
)
async def test_gate_takes_only_forms_from_our_own_pages(journal: Journal, headers: dict[str, str], taken: bool) -> None:
    client = await opened(journal)
    status = await post(client, "/console/mail/7", "s-joe", headers, csrf_token("s-joe"))
    assert status == (303 if taken else 403)
    assert await post(client, "/sign-in", "", headers) == (200 if taken else 403)
    await client.close()


async def test_gate_by_https_takes_no_form_of_unknown_origin(journal: Journal) -> None:
    client = await opened(journal, secure=True)
    headers = {**cookies("s-joe", secure=True), "Origin": "null"}
    data = {CSRF_FIELD: csrf_token("s-joe")}
    answer = await client.post("/console/mail/7", headers=headers, data=data, allow_redirects=False)
    assert answer.status == 403
    ours = {**headers, "Origin": f"http://{client.host}:{client.port}"}
    assert (await client.post("/console/mail/7", headers=ours, data=data, allow_redirects=False)).status == 303
    await client.close()


async def test_journal_has_no_line_for_what_was_not_done_or_changes_nothing(journal: Journal) -> None:
    client = await opened(journal)
    token = csrf_token("s-joe")
    assert await post(client, "/console/mail/404", "s-joe", token=token) == 404
    assert await post(client, "/console/try", "s-joe", token=token) == 200
    assert (await client.get("/console/mail/7", headers=cookies("s-joe"))).status == 200
    assert journal.lines == []
    await client.close()


async def test_journal_never_holds_what_a_path_keeps_secret(journal: Journal) -> None:
    client = await opened(journal)
    assert await post(client, "/console/code/abc123", "s-joe", token=csrf_token("s-joe")) == 303
    assert journal.lines == [("joe@example.org", "code", "", "in a word", "192.0.2.1")]
    await client.close()


def test_cookie_by_https_cannot_be_set_by_a_neighbour() -> None:
    response = web.Response()
    Cookie(secure=True).set(response, "secret", 60)
    morsel = response.cookies["__Host-session"]
    assert (morsel["secure"], morsel["httponly"], morsel["path"], morsel["samesite"]) == (True, True, "/", "Lax")
    assert not morsel["domain"]
