"""The message page and the list over a real store and a real reader, with nothing behind them that sends."""

from __future__ import annotations

import hashlib
from dataclasses import replace

import pytest
from aiohttp import web

from challenge_web.console.app import add_console
from challenge_web.console.machine_mail import MachineMailPages
from challenge_web.console.mail_view import MailView
from challenge_web.console.message import MessagePages
from challenge_web.console.orders import OrderPages
from challenge_web.console.pages import ConsolePages
from challenge_web.console.pending import PendingPages
from challenge_web.console.routes import Room
from challenge_web.pages import Pages
from gateway.domain import header, reply
from gateway.domain.challenge import Caps
from gateway.domain.message import read_message
from gateway.domain.policy import Policy
from gateway.domain.reply import Reply
from gateway.domain.roles import Role
from gateway.flow.ask_again import AskAgain
from gateway.flow.courier import Courier
from gateway.flow.describe import Describer
from gateway.flow.forward import Forwarder, ForwardRules
from gateway.flow.orders import Orders
from gateway.flow.queue import Queue
from gateway.flow.read import Reading
from gateway.flow.saved_searches import SavedSearches
from gateway.flow.sources import Sources
from gateway.reading.reader import Reader
from gateway.relay.copies import compose_copy
from gateway.requests_and_notices import make_releases
from gateway.store.store import Store
from tests.corpus import with_crlf
from tests.store.letters import HOUR, NOW, keep, message, row
from tests.unit.flow.world import FakeHop
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.desk import Journal, open_gate
from tests.unit.web.console.markup import faults
from tests.unit.web.console.pending_desk import VIEWERS

MARK_KEY = b"m" * 32
INSPECTOR, OUTSIDE = "abuse@example.org", "lab@inspect.example"
HTML_MAIL = with_crlf(
    b"From: Anna Roth <anna@oak.example>\nTo: joe@example.org\nSubject: Offer\nMIME-Version: 1.0\n"
    b'Content-Type: multipart/mixed; boundary="m"\n\n--m\nContent-Type: text/html; charset=utf-8\n\n'
    b'<p onclick="x()">Hello <b>Joe</b></p><script>alert(1)</script><img src="http://127.0.0.1:9/x.png" alt="logo">'
    b'<img src="cid:pic@oak" alt="a roof"><a href="https://evil.example/">https://bank.example/login</a>'
    b'<style>@import url(http://127.0.0.1:9/)</style><form action="http://evil.example"><input name=p></form>\n'
    b"--m\nContent-Type: image/png; name=roof.png\nContent-ID: <pic@oak>\nContent-Transfer-Encoding: base64\n\n"
    b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==\n"
    b"--m\nContent-Type: application/octet-stream\n"
    b"Content-Disposition: attachment; filename*=utf-8''..%2F..%2Finvoice.pdf%E2%80%AE.exe\n"
    b"Content-Transfer-Encoding: base64\n\nTVqQAAMAAAA=\n--m--\n"
)


class Outside:
    def __init__(self) -> None:
        self.answer: Reply = reply.OK
        self.sent: list[tuple[str, str, bytes]] = []

    async def send(self, reverse_path: str, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        self.sent.append((reverse_path, recipient, content))
        return self.answer


class Desk:
    def __init__(self, client: Client, store: Store, outside: Outside, hop: FakeHop) -> None:
        self.client = client
        self.store = store
        self.outside = outside
        self.hop = hop

    async def hold(self, content: bytes) -> int:
        found = message()
        head = header.split(content)
        found = replace(
            found,
            key=hashlib.sha256(content + str(content).encode()).digest(),
            sha256=hashlib.sha256(content).digest(),
            facts=read_message(head),
            content=content,
        )
        kept = await keep(self.store, found, row())
        while await Describer(self.store).run_once():
            pass
        return kept.rows[0]

    async def get(self, path: str, who: str = "joe", status: int = 200) -> str:
        answer = await self.client.get(f"/console/message/{path}", cookies={"session": who})
        text = await answer.text()
        assert answer.status == status, text
        if answer.status == 200 and answer.content_type == "text/html" and "/frame/" not in path:
            assert faults(text) == [], path
        return text


@pytest.fixture
async def mail_desk(make_client: MakeClient, store: Store, reader: Reader) -> Desk:
    def now() -> float:
        return NOW + HOUR

    outside, hop = Outside(), FakeHop()
    queue = Queue(store, now=now)
    reading = Reading(store, reader, [Role.USER, Role.SITE_ADMIN])
    forwarder = Forwarder(
        ForwardRules((INSPECTOR, OUTSIDE)), reading, store, compose_copy,
        Courier({"example.org"}, lambda domain: hop, outside.send, now=now, mark_key=MARK_KEY),
        now=now, random_octets=lambda n: b"x" * n,
    )  # fmt: skip
    asker = AskAgain(store, Policy(), Caps(), now=now, wake_challenges=lambda: None)
    view = MailView(reading, forwarder, queue, now=now)

    def console(app: web.Application, pages: Pages) -> None:
        shown = ConsolePages(pages)
        orders = Orders(store, 10, now=now, wake=lambda: None)
        sources = Sources(store, now=now, wake_deliveries=lambda: None)
        rooms: list[Room] = [
            MessagePages(view, asker, make_releases(store, b"k" * 32, now), shown),
            PendingPages(queue, orders, view, shown, SavedSearches(store, now=now), now=now),
            MachineMailPages(queue, sources, shown),
            OrderPages(orders, shown, now=now),
        ]
        add_console(app, rooms, open_gate(Journal(), VIEWERS))

    return Desk(await make_client(console), store, outside, hop)
