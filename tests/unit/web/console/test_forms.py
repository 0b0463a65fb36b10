"""Forms that no browser sends."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from challenge_web.console.forms import form_of
from gateway.domain.roles import Role
from tests.unit.web.console.house import House

URLENCODED = "application/x-www-form-urlencoded"
MULTIPART = "multipart/form-data; boundary=x"


def part(head: str, value: bytes = b"x") -> bytes:
    return b"--x\r\n" + head.encode() + b"\r\n\r\n" + value + b"\r\n--x--\r\n"


UNREADABLE = (
    *((f"{URLENCODED}; charset={name}", b"address=a") for name in ("bogus", "rot13", "base64", "\xff")),
    (f"{URLENCODED}; charset=utf-8", b"address=\xff"),
    (f"{URLENCODED}; charset=utf-16", b"abc"),
    (URLENCODED, b"a=1&" * 2000),
    (MULTIPART, b"nothing"),
    ("multipart/form-data", part('Content-Disposition: form-data; name="a"')),
    (MULTIPART, part("Content-Disposition: form-data")),
    (MULTIPART, part('Content-Disposition: form-data; name="a"', b"\xff")),
    (MULTIPART, part('Content-Disposition: form-data; name="a"\r\nContent-Type: text/plain; charset=bogus')),
    (MULTIPART, part('Content-Disposition: form-data; name="a"\r\nContent-Type: multipart/mixed; boundary=y')),
    (MULTIPART, part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: bogus')),
    (MULTIPART, part('Content-Disposition: form-data; name="a"\r\nContent-Transfer-Encoding: base64')),
    (MULTIPART, part('Content-Disposition: form-data; name="a"')[:-9]),
)  # fmt: skip


async def test_form_that_cannot_be_read_is_refused_and_no_fault_of_ours(
    house: House, subtests: pytest.Subtests
) -> None:
    secret = house.secrets[Role.SITE_ADMIN]
    for kind, body in UNREADABLE:
        for path in ("/sign-in", "/console/account", "/console/lists/import"):
            with subtests.test(kind=kind, body=body[:80], path=path):
                headers = {"Content-Type": kind, "Cookie": f"session={secret}"}
                answer = await house.client.post(path, data=body, headers=headers, allow_redirects=False)
                assert answer.status in (400, 413)


async def test_form_that_takes_for_ever_is_not_waited_for() -> None:
    async def slow(request: web.Request) -> web.Response:
        try:
            await form_of(request, seconds=0.05)
        except web.HTTPRequestTimeout:
            return web.Response(text="late")
        raise AssertionError

    app = web.Application()
    app.router.add_post("/", slow)
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(f"POST / HTTP/1.1\r\nHost: a\r\nContent-Type: {URLENCODED}\r\nContent-Length: 9\r\n\r\na=".encode())
    assert b" 200 OK" in await reader.readline()
    writer.close()
    await writer.wait_closed()
    await runner.cleanup()
