"""What holds for every answer: headers, errors as pages, limits, the log."""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from typing import Any

import pytest
from aiohttp import web

from challenge_web.app import make_app
from challenge_web.limits import Limit, Limits
from challenge_web.puzzle import Puzzles
from challenge_web.site import Admission, Site
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.fakes import KEY, SITE, STATUS, TEMPLATES, TOKEN, Clock, FakeAnswers, puzzle_in
from tests.unit.web.talk import PAGE

PATHS = ("/", PAGE, f"{PAGE}/disown", "/nowhere", "/a/b/c/d/e", f"/status/{STATUS}", "/static/x.css", "/robots.txt")


@pytest.mark.parametrize("path", PATHS)
async def test_every_answer_has_the_headers(client: Client, path: str) -> None:
    headers = (await client.get(path)).headers
    policy = dict(part.strip().partition(" ")[::2] for part in headers["Content-Security-Policy"].split(";"))
    assert policy["default-src"] == "'none'"
    assert policy["frame-ancestors"] == "'none'"
    assert policy["base-uri"] == "'none'"
    assert set(policy.values()) == {"'none'", "'self'"}
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["Cache-Control"] == "no-store"
    assert "noindex" in headers["X-Robots-Tag"]
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert "camera=()" in headers["Permissions-Policy"]
    assert headers["Server"] == "challenge-gateway"
    assert "Set-Cookie" not in headers


@pytest.mark.parametrize("path", PATHS)
async def test_no_page_has_anything_inline(client: Client, path: str) -> None:
    page = await (await client.get(path)).text()
    assert " style=" not in page
    assert "<style" not in page
    assert not re.search(r"\son[a-z]+=", page)
    assert all("src=" in script for script in re.findall(r"<script[^>]*>", page))


async def test_static_files_are_named_by_content_and_kept_long(client: Client) -> None:
    page = await (await client.get(PAGE)).text()
    paths = set(re.findall(r"\.\./(static/[^\"]+)", page))
    assert len(paths) == 5
    for path in paths:
        response = await client.get(f"/{path}")
        assert response.status == 200
        assert "immutable" in response.headers["Cache-Control"]
        assert (await client.get("/" + re.sub(r"\.[0-9a-f]{12}\.", ".000000000000.", path))).status == 404


async def test_style_sheet_stands_on_the_common_ground(client: Client) -> None:
    (path,) = re.findall(r"\.\./(static/page\.[^\"]+)", await (await client.get(PAGE)).text())
    sheet = await (await client.get(f"/{path}")).text()
    assert sheet.index("--ground:") < sheet.index("--gap:")


@pytest.mark.parametrize("path", ["/static/../app.py", "/static/%2e%2e/app.py", "/static/..%2fapp.py", "/static/"])
async def test_static_files_are_only_those(client: Client, path: str) -> None:
    assert (await client.get(path)).status == 404


async def test_page_of_an_error_reaches_its_style_sheet_from_any_depth(client: Client) -> None:
    for path, root in (("/nowhere", "./"), ("/a/b", "../"), ("/a/b/c", "../../")):
        assert f'href="{root}static/page.' in await (await client.get(path)).text()


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1:1", "a<b>", "[::1]"])
async def test_host_and_forwarded_host_appear_nowhere(client: Client, host: str) -> None:
    headers = {
        "Host": host,
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "Forwarded": "host=evil",
    }
    for path in (PAGE, "/nowhere"):
        response = await client.get(path, headers=headers)
        assert host not in await response.text()
        assert "evil" not in str(response.headers)


async def test_bug_of_ours_shows_a_page_and_no_traceback(make_client: MakeClient, clock: Clock) -> None:
    class Broken(FakeAnswers):
        async def look(self, token: str) -> None:
            raise RuntimeError("secret detail")

    client = await make_client(answers=Broken(clock))
    response = await client.get(PAGE)
    page = await response.text()
    assert response.status == 500
    assert "Something went wrong here, not with you" in page
    assert "secret" not in page
    assert "Traceback" not in page
    data = await (await client.get(PAGE, headers={"Accept": "application/json"})).json()
    assert data["error"] == "fault"


# -------------------------------------------------------------- limits


async def test_posts_of_one_network_are_limited_and_come_back(make_client: MakeClient, clock: Clock) -> None:
    client = await make_client(admission=Admission(limits=Limits(posts=Limit(per_minute=60, burst=3))))
    statuses = [(await client.post(PAGE, data={"puzzle": "x", "answer": "y"})).status for _ in range(4)]
    assert statuses == [422, 422, 422, 429]
    refused = await client.post(f"{PAGE}/disown")
    assert refused.status == 429
    assert refused.headers["Retry-After"] == "1"
    assert "Please come back in 1 minute." in await refused.text()
    assert (await client.get(PAGE)).status == 200
    clock.pass_(2)
    assert (await client.post(PAGE, data={"puzzle": "x", "answer": "y"})).status == 422


async def test_pictures_of_one_network_are_limited(make_client: MakeClient) -> None:
    client = await make_client(admission=Admission(limits=Limits(pictures=Limit(per_minute=60, burst=2))))
    puzzle = puzzle_in(await (await client.get(PAGE)).text())
    statuses = [(await client.get(f"{PAGE}/picture/{puzzle}")).status for _ in range(3)]
    assert statuses == [200, 200, 429]
    assert (await client.head(f"{PAGE}/picture/{puzzle}")).status == 429


@pytest.mark.parametrize(("trusted", "limited"), [((), True), ((ip_network("127.0.0.1/32"),), False)])
async def test_forwarded_address_counts_only_from_a_trusted_proxy(
    make_client: MakeClient, trusted: Any, limited: bool
) -> None:
    client = await make_client(admission=Admission((), trusted, Limits(posts=Limit(60, 1))))
    statuses = {
        (await client.post(PAGE, headers={"X-Forwarded-For": f"192.0.{n}.1"}, data={"puzzle": "x"})).status
        for n in range(3)
    }
    assert (429 in statuses) == limited


# -------------------------------------------------------------- the log


class Lines(logging.Handler):
    """Keeps what is logged."""

    def __init__(self) -> None:
        super().__init__()
        self.records: list[logging.LogRecord] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.records.append(record)


@pytest.fixture
def lines() -> Iterator[Lines]:
    handler = Lines()
    root, ours = logging.getLogger(), logging.getLogger("gateway.web")
    levels = root.level, ours.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    ours.setLevel(logging.DEBUG)
    yield handler
    root.removeHandler(handler)
    root.setLevel(levels[0])
    ours.setLevel(levels[1])


async def test_log_has_one_line_for_each_request_and_no_token(
    client: Client, lines: Lines, answers: FakeAnswers
) -> None:
    page = await (await client.get(PAGE)).text()
    await client.get(f"{PAGE}/picture/{puzzle_in(page)}")
    await client.post(PAGE, data={"puzzle": puzzle_in(page), "answer": "WRONG7"})
    await client.get(f"/status/{STATUS}")
    await client.get(f"/{TOKEN}")
    told = [vars(record) for record in lines.records if record.name == "gateway.web"]
    assert [(t["fields"]["route"], t["fields"]["status"]) for t in told] == [
        ("challenge", 200),
        ("picture", 200),
        ("challenge", 422),
        ("status", 404),
        ("none", 404),
    ]
    # The test server has an access log of its own; the listener has none.
    ours = [vars(record) for record in lines.records if record.name != "aiohttp.access"]
    everything = json.dumps(ours, default=str)
    for secret in (TOKEN, STATUS, puzzle_in(page), "WRONG7"):
        assert secret not in everything


# -------------------------------------------------------------- pages of others


async def test_pages_of_others_get_headers_and_errors_as_pages(make_client: MakeClient) -> None:
    async def extra(request: web.Request) -> web.Response:
        return web.Response(text="extra", headers={"Content-Security-Policy": "default-src 'self'"})

    client = await make_client(lambda app, _: app.router.add_get("/demo/", extra))
    response = await client.get("/demo/")
    assert await response.text() == "extra"
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert (await client.get("/demo/nothing")).status == 404


async def test_templates_of_an_operator_win_over_ours(aiohttp_client: Any, tmp_path: Any, clock: Clock) -> None:
    folder = tmp_path / "public"
    await asyncio.to_thread(folder.mkdir)
    await asyncio.to_thread((folder / "front.html").write_text, "own front")
    client = await aiohttp_client(make_app(FakeAnswers(clock), Puzzles(KEY), Site([tmp_path, TEMPLATES])))
    assert await (await client.get("/")).text() == "own front"
    assert (await client.get(PAGE)).status == 200


@pytest.mark.parametrize("captcha", [(), ("image", "nonsense")])
def test_captcha_that_cannot_be_offered_is_refused(captcha: tuple[str, ...], clock: Clock) -> None:
    with pytest.raises(ValueError, match="captcha"):
        make_app(FakeAnswers(clock), Puzzles(KEY), replace(SITE, captcha=captcha))
