"""Sockets: what is no HTTP, what is too much, and the documented client on a real connection."""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import web

from challenge_web.app import make_app
from challenge_web.listener import Listener
from challenge_web.puzzle import Puzzles
from tests.unit.web.fakes import KEY, SITE, STATUS, TOKEN, Clock, FakeAnswers

PAGE_OF_DOCS = Path(__file__).parents[3] / "docs" / "challenge-page.md"


@pytest.fixture
def app(answers: FakeAnswers, clock: Clock) -> web.Application:
    return make_app(answers, Puzzles(KEY, work_bits=4), SITE, now=clock.now)


@pytest.fixture
async def port(app: web.Application) -> AsyncIterator[int]:
    listener = Listener(app, max_connections=3)
    ((_, port),) = await listener.start([("127.0.0.1", 0)])
    yield port
    await listener.stop()


async def said(port: int, octets: bytes) -> bytes:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(octets)
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    return answer


@pytest.mark.parametrize(
    "octets",
    [
        b"EHLO client.example\r\n\r\n",
        b"GET /challenge/" + TOKEN.encode() + b" HTTP/9.9\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n" + b"A: " + b"b" * 20_000 + b"\r\n\r\n",
        b"GET /" + TOKEN.encode() * 400 + b" HTTP/1.1\r\n\r\n",
        b"POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nBad Header: <script>\r\n\r\n",
    ],
)
async def test_what_is_no_http_is_refused_without_an_echo(
    port: int, octets: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await said(port, octets)
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.")
    assert b" 400 " in head.partition(b"\r\n")[0]
    assert b"Content-Security-Policy" in head
    assert b"aiohttp" not in head
    assert body == b"This request cannot be answered.\n"
    assert TOKEN not in caplog.text


_FORM = (
    b"POST /challenge/" + TOKEN.encode() + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n"
    b"Content-Type: application/x-www-form-urlencoded\r\n"
)


@pytest.mark.parametrize("packing", [b"gzip", b"deflate"])
async def test_body_that_is_not_packed_as_it_says_is_no_bug_of_ours(
    port: int, answers: FakeAnswers, packing: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    answer = await said(port, _FORM + b"Content-Encoding: " + packing + b"\r\nContent-Length: 5\r\n\r\nabcde")
    assert answer.startswith(b"HTTP/1.1 415 ")
    assert answers.changes == []
    assert not [record for record in caplog.records if record.exc_info or "bug" in record.message]


async def test_client_that_goes_away_within_its_body_is_no_bug_of_ours(
    app: web.Application, answers: FakeAnswers, caplog: pytest.LogCaptureFixture
) -> None:
    listener = Listener(app)
    ((_, port),) = await listener.start([("127.0.0.1", 0)])
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(_FORM + b"Content-Length: 17\r\n\r\npuz")
    await writer.drain()
    # An answer on a later connection: by then the body has begun to be read.
    assert (await said(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")).startswith(
        b"HTTP/1.1 200"
    )
    writer.close()
    await writer.wait_closed()
    assert (await said(port, b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")).startswith(
        b"HTTP/1.1 200"
    )
    await listener.stop()
    assert answers.changes == []
    assert not [record for record in caplog.records if record.exc_info or "bug" in record.message]


async def test_connection_too_many_is_closed_and_later_ones_are_served(port: int) -> None:
    held = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
    for _, writer in held:
        writer.write(b"GET / HTTP/1.1\r\n")
        await writer.drain()
    assert await said(port, b"") == b""
    for _, writer in held:
        writer.close()
        await writer.wait_closed()
    # The server hears of the three ends on its next turns; until then it still counts them.
    request = b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n"
    answers = [await said(port, request) for _ in range(20)]
    assert answers[-1].startswith(b"HTTP/1.1 200")


async def test_listener_on_a_port_in_use_raises_and_leaves_nothing_open(port: int, clock: Clock) -> None:
    other = Listener(make_app(FakeAnswers(clock), Puzzles(KEY), SITE))
    with pytest.raises(OSError, match="in use"):
        await other.start([("127.0.0.1", 0), ("127.0.0.1", port)])


async def test_documented_client_solves_the_challenge(port: int, answers: FakeAnswers, tmp_path: Path) -> None:
    text = await asyncio.to_thread(PAGE_OF_DOCS.read_text)
    code = re.findall(r"```python\n(.*?)```", text, re.DOTALL)[-1]
    script = tmp_path / "client.py"
    await asyncio.to_thread(script.write_text, code)

    async def run(token: str) -> tuple[int | None, str, str]:
        url = f"http://127.0.0.1:{port}/challenge/{token}"
        process = await asyncio.create_subprocess_exec(
            sys.executable, str(script), url, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    assert await run(TOKEN) == (0, f"http://127.0.0.1:{port}/status/{STATUS} to-be-delivered\n", "")
    assert answers.changes == ["solved by proof-of-work"]
    code_of_exit, _, err = await run("nobody")
    assert code_of_exit == 1
    assert err.startswith("404: ")
