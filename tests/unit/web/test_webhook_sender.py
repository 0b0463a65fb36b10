"""Sending events to another program: what it can verify, and what it may not do to us."""

from __future__ import annotations

import asyncio
import base64
import json
import re
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from http.server import ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from standardwebhooks import Webhook

from challenge_web.webhook_sender import WebhookSender
from gateway.domain.webhook import FAULTS, body, fault_words
from gateway.flow.webhook_ports import Answer
from tests.architecture.tree import ROOT
from tests.certificates import make_certificate
from tests.closed_port import closed_port
from tests.unit.domain.test_webhook import HELD

Serve = Callable[..., Awaitable[TestServer]]
OLD, NEW, OTHER = (f"whsec_{base64.b64encode(bytes([n]) * 32).decode()}" for n in (1, 2, 3))
PAGE = (ROOT / "docs/webhook.md").read_text("utf-8")
BODY = '{"type":"webhook.test","data":{"gateway":"größer"}}'.encode()


class Receiver:
    """A program that keeps what it hears."""

    def __init__(self) -> None:
        self.heard: list[tuple[dict[str, str], bytes]] = []
        self.followed = 0
        self.app = web.Application()
        for path, handler in (
            ("take", self.take), ("away", self.away), ("busy", self.busy), ("slow", self.slow), ("here", self.here),
        ):  # fmt: skip
            self.app.router.add_post(f"/{path}", handler)

    async def take(self, request: web.Request) -> web.Response:
        self.heard.append((dict(request.headers), await request.read()))
        return web.Response(status=204, headers={"Set-Cookie": "a=b"})

    async def away(self, request: web.Request) -> web.Response:
        raise web.HTTPTemporaryRedirect("/here")

    async def here(self, request: web.Request) -> web.Response:
        self.followed += 1
        return web.Response()

    async def busy(self, request: web.Request) -> web.Response:
        return web.Response(status=503, text="x" * 100_000, headers={"Retry-After": "120"})

    async def slow(self, request: web.Request) -> web.Response:
        await asyncio.Event().wait()
        return web.Response()


def sender(
    url: object, secrets: Sequence[str] = (NEW,), seconds: float = 30.0, ca: Path | None = None
) -> WebhookSender:
    return WebhookSender(str(url), lambda: secrets, ca_file=ca, seconds=seconds, agent="tests")


async def test_event_is_signed_as_its_receiver_verifies_it_with_either_secret(aiohttp_server: Serve) -> None:
    receiver = Receiver()
    server = await aiohttp_server(receiver.app)
    sending = sender(server.make_url("/take"), (NEW, OLD))
    assert await sending("msg_1", BODY, time.time()) == Answer()
    assert await sending("msg_1", BODY, time.time()) == Answer()
    await sending.close()
    (headers, body), (again, _) = receiver.heard
    for secret in (NEW, OLD):
        assert Webhook(secret).verify(body, headers)["data"] == {"gateway": "größer"}
    for secret, forged in ((OTHER, body), (NEW, body + b" ")):
        with pytest.raises(Exception, match="No matching signature"):
            Webhook(secret).verify(forged, headers)
    assert (headers["webhook-id"], headers["Content-Type"]) == ("msg_1", "application/json")
    assert "Cookie" not in again


async def test_what_is_not_a_yes_is_a_fault_and_nobody_is_sent_elsewhere(aiohttp_server: Serve) -> None:
    receiver = Receiver()
    server = await aiohttp_server(receiver.app)
    for path, answer in (
        ("/away", Answer("307")),
        ("/busy", Answer("503", 120.0)),
        ("/none", Answer("404")),
        ("/slow", Answer("timeout")),
    ):
        sending = sender(server.make_url(path), seconds=0.3 if path == "/slow" else 30)
        assert await sending("msg_1", BODY, 0.0) == answer
        await sending.close()
    assert receiver.followed == 0
    with closed_port() as port:
        gone = sender(f"http://127.0.0.1:{port}/take")
        assert await gone("msg_1", BODY, 0.0) == Answer("connection")
        await gone.close()


async def test_secret_that_cannot_be_read_sends_nothing(aiohttp_server: Serve) -> None:
    receiver = Receiver()
    server = await aiohttp_server(receiver.app)

    def unreadable() -> Sequence[str]:
        raise OSError("gone")

    sending = WebhookSender(str(server.make_url("/take")), unreadable, ca_file=None, seconds=5, agent="tests")
    assert await sending("msg_1", BODY, 0.0) == Answer("secret")
    assert receiver.heard == []


async def test_certificate_must_come_from_an_authority_that_is_trusted(aiohttp_server: Serve, tmp_path: Path) -> None:
    certificate, key = tmp_path / "c.pem", tmp_path / "k.pem"
    make_certificate(certificate, key, "localhost", address="127.0.0.1")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    receiver = Receiver()
    server = await aiohttp_server(receiver.app, ssl=context)
    url = f"https://127.0.0.1:{server.port}/take"
    for trusted, answer in ((None, Answer("tls")), (certificate, Answer())):
        sending = sender(url, ca=trusted)
        assert await sending("msg_1", BODY, 0.0) == answer
        await sending.close()
    assert len(receiver.heard) == 1


async def test_receiver_of_the_document_takes_what_is_signed_once_and_nothing_else(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (example,) = re.findall(r"^```python\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    names: dict[str, Any] = {"__name__": "example"}
    monkeypatch.setenv("WEBHOOK_SECRET", OLD)
    exec(compile(example, "docs/webhook.md", "exec"), names)
    with ThreadingHTTPServer(("127.0.0.1", 0), names["Receiver"]) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        url, now = f"http://127.0.0.1:{server.server_port}/mail", time.time()
        both, forger = sender(url, (NEW, OLD)), sender(url, (OTHER,))
        for sending, at, answer in (
            (both, now, Answer()),
            (both, now, Answer()),
            (both, now - 400, Answer("401")),
            (forger, now, Answer("401")),
        ):
            assert await sending("msg_1", BODY, at) == answer
        await both.close()
        await forger.close()
        await asyncio.to_thread(server.shutdown)
    assert list(names["SEEN"]) == ["msg_1"]
    assert capsys.readouterr().out == "webhook.test \n"


def test_fields_and_faults_of_the_document_are_those_that_are_told() -> None:
    table = PAGE[PAGE.index("| field |") : PAGE.index("More fields")]
    fields = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.splitlines() if "|" in line))
    assert fields == list(json.loads(body(HELD, ""))["data"])
    for fault in ("401", "302", *FAULTS):
        assert f"| {fault_words(fault)} |" in PAGE
