"""Asking another web server: what it may not do to us."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from challenge_web.console.fetch import JsonFetch
from gateway.flow.openid import Answer
from gateway.flow.sign_in_ports import CheckDown
from tests.closed_port import closed_port

Serve = Callable[[web.Application], Awaitable[TestServer]]


async def _object(request: web.Request) -> web.Response:
    return web.json_response({"form": dict(await request.post()), "said": request.headers.get("X-Said", "")})


async def _elsewhere(request: web.Request) -> web.Response:
    raise web.HTTPFound("/object")


async def _large(request: web.Request) -> web.Response:
    response = web.Response(body=b" " * 300_000 + b"{}")
    response.enable_compression(web.ContentCoding.gzip)  # On the wire it is small.
    return response


async def _list(request: web.Request) -> web.Response:
    return web.Response(text="[" * 10_000)


async def _slow(request: web.Request) -> web.StreamResponse:
    response = web.StreamResponse()
    await response.prepare(request)
    while True:
        await response.write(b" ")
        await asyncio.sleep(0.02)


async def test_fetch_reads_objects_within_its_limits(aiohttp_server: Serve) -> None:
    app = web.Application()
    for name, handler in (
        ("object", _object),
        ("elsewhere", _elsewhere),
        ("large", _large),
        ("list", _list),
        ("slow", _slow),
    ):
        app.router.add_route("*", f"/{name}", handler)
    server = await aiohttp_server(app)
    fetch = JsonFetch(None, 30.0)
    told = await fetch(str(server.make_url("/object")), {"a": "1 & 2"}, {"X-Said": "hello"})
    assert told == Answer(200, {"form": {"a": "1 & 2"}, "said": "hello"})
    assert await fetch(str(server.make_url("/elsewhere"))) == Answer(302, {})
    assert await fetch(str(server.make_url("/list"))) == Answer(200, {})
    with pytest.raises(CheckDown):
        await fetch(str(server.make_url("/large")))
    with pytest.raises(CheckDown):
        await JsonFetch(None, 0.3)(str(server.make_url("/slow")))
    with closed_port() as port, pytest.raises(CheckDown):
        await fetch(f"http://127.0.0.1:{port}/object")
