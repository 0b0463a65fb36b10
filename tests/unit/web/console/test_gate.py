from __future__ import annotations

from collections.abc import Mapping, Sequence

import pytest
from aiohttp import DummyCookieJar, web
from aiohttp.test_utils import TestClient, TestServer
from markupsafe import escape

from challenge_web.console.app import add_console
from challenge_web.console.gate import CSRF_FIELD, FORM_SECRET, SIGN_IN, Cookie, Gate, csrf_token, tell, viewer_of
from challenge_web.console.routes import Names, Route
from gateway.domain.roles import Reach, Right, Role, Viewer
from tests.unit.web.console.house import House
from tests.unit.web.console.markup import faults

Client = TestClient[web.Request, web.Application]

JOE = Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})))
ROOT = Viewer(2, "root", Role.SITE_ADMIN, Reach(site=True))
FORM = "f0" * 16
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
        return web.Response(text=csrf_token(request[FORM_SECRET]))

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
    drawn = b"\x07"  # By chance, for the test.
    gate = Gate(Sessions(), Cookie(secure), lambda request: "192.0.2.1", journal, chance=drawn.__mul__)
    add_console(app, [Pages()], gate)

    client = TestClient(TestServer(app), cookie_jar=DummyCookieJar())
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


OURS, THEIRS, UNTOLD = True, False, None


@pytest.mark.parametrize("secure", [False, True])
@pytest.mark.parametrize(
    ("headers", "told"),
    [
        ({"Sec-Fetch-Site": "same-origin", "Origin": "null"}, OURS),
        ({"Sec-Fetch-Site": "same-site"}, THEIRS),
        ({"Sec-Fetch-Site": "same-site", "Origin": "null"}, THEIRS),
        ({"Sec-Fetch-Site": "cross-site"}, THEIRS),
        ({"Sec-Fetch-Site": "cross-site", "Origin": "null"}, THEIRS),
        ({"Sec-Fetch-Site": "none"}, THEIRS),
        ({"Origin": "OWN"}, OURS),
        ({"Origin": "https://evil.example"}, THEIRS),
        ({"Origin": "http://["}, THEIRS),
        ({"Origin": "file://"}, THEIRS),
        # Browsers without Sec-Fetch-Site, and every one by plain http: from pages without referrer, ours or not.
        ({"Origin": "null"}, UNTOLD),
        ({}, UNTOLD),
    ],
)
async def test_gate_takes_no_form_from_another_page(
    journal: Journal, headers: dict[str, str], told: bool | None, secure: bool
) -> None:
    client = await opened(journal, secure)
    own = {name: value.replace("OWN", f"http://{client.host}:{client.port}") for name, value in headers.items()}
    prefix = "__Host-" if secure else ""

    async def sent(path: str, cookie: str, token: str) -> int:
        given = {"Cookie": f"{prefix}{cookie}"} if cookie else {}
        data = {CSRF_FIELD: token} if token else {}
        return (await client.post(path, headers=own | given, data=data, allow_redirects=False)).status

    refused = told is THEIRS
    # A session's form needs its token, whatever the browser tells.
    assert await sent("/console/mail/7", "session=s-joe", csrf_token("s-joe")) == (403 if refused else 303)
    for wrong in ("", "x", csrf_token(FORM), csrf_token("s-root")):
        assert await sent("/console/mail/7", f"session=s-joe; {prefix}form={FORM}", wrong) == 403
    # Before a session: where the browser does not tell, the token of the cookie that comes with no form of another site.
    assert await sent("/sign-in", "", "") == (200 if told is OURS else 403)
    assert await sent("/sign-in", f"form={FORM}", csrf_token(FORM)) == (403 if refused else 200)
    for cookie, wrong in (("", csrf_token(FORM)), (f"form={FORM}", ""), (f"form={FORM}", csrf_token("0" * 32)),
                          ("form=x", csrf_token("x")), ("form=", csrf_token(""))):  # fmt: skip
        assert await sent("/sign-in", cookie, wrong) == (200 if told is OURS else 403)
    # Of a page that was shown before the session was over.
    assert await sent("/sign-in", "session=over", csrf_token("over")) == (403 if refused else 200)
    await client.close()


async def test_words_typed_while_the_session_ended_are_given_back_to_our_own_page_alone(house: House) -> None:
    words = "Dear reader,\n\n<b>please</b> {{ url }}"
    path = "/console/templates/example.org?language=de"
    sent = {CSRF_FIELD: "x", "text": words, "subject": "Step", "password": "four words of mine", "do": "save"}

    async def answer(site: str, **fields: str) -> tuple[int, str, str]:
        headers = {"Sec-Fetch-Site": site} if site else {}
        got = await house.client.post(path, data=fields, headers=headers, allow_redirects=False)
        return got.status, got.headers.get("Location", ""), await got.text()

    status, _, page = await answer("same-origin", **sent)
    assert status == 403
    assert "You are no longer signed in" in page
    assert f">\n{escape(words)}</textarea>" in page
    assert page.count("<textarea") == 1
    assert "four words" not in page
    assert 'href="../../sign-in?next=/console/templates/example.org?language%3Dde"' in page
    assert faults(page) == []
    for site in ("same-site", ""):
        status, there, page = await answer(site, **sent)
        assert (status, there.partition("?")[0]) == (303, "../../sign-in")
        assert "please" not in page
    assert "please" not in (await answer("cross-site", **sent))[2]
    # Nothing to lose, or more than anybody writes.
    assert (await answer("same-origin", subject="Step"))[0] == 303
    assert (await answer("same-origin", text="a b" * 100_000))[0] == 303


@pytest.mark.parametrize("secure", [False, True])
async def test_gate_gives_who_is_not_signed_in_one_secret_for_all_forms(journal: Journal, secure: bool) -> None:
    client = await opened(journal, secure)
    first = await client.get("/sign-in")
    name = "__Host-form" if secure else "form"
    given = first.headers["Set-Cookie"]
    assert given.startswith(f"{name}={'07' * 16}; ")
    assert {"HttpOnly", "Path=/", "SameSite=Lax"} | ({"Secure"} if secure else set()) == set(given.split("; ")[1:])
    assert await first.text() == csrf_token("07" * 16)
    again = await client.get("/sign-in", headers={"Cookie": f"{name}={FORM}"})
    assert await again.text() == csrf_token(FORM)
    assert "Set-Cookie" not in again.headers
    # Who comes with what we never gave gets another; who is signed in needs none.
    assert "Set-Cookie" in (await client.get("/sign-in", headers={"Cookie": f"{name}=x"})).headers
    signed_in = await client.get("/sign-in", headers=cookies("s-joe", secure))
    assert await signed_in.text() == csrf_token("s-joe")
    assert "Set-Cookie" not in signed_in.headers
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
    Cookie(secure=True, seconds=60.5).set(response, "secret")
    morsel = response.cookies["__Host-session"]
    assert (morsel["secure"], morsel["httponly"], morsel["path"], morsel["samesite"]) == (True, True, "/", "Lax")
    assert (morsel["domain"], morsel["max-age"]) == ("", "60")
