"""The pending page over a real store, with a browser before it and the workers by hand."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from html import unescape
from typing import Any

from aiohttp import web

from challenge_web.console.app import add_console
from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.machine_mail import MachineMailPages
from challenge_web.console.mail_view import MailView
from challenge_web.console.orders import OrderPages
from challenge_web.console.pages import ConsolePages
from challenge_web.console.pending import PendingPages
from challenge_web.console.routes import Room
from challenge_web.console.saved_searches import SavedSearchPages
from challenge_web.pages import Pages
from gateway.domain.address import Address
from gateway.domain.lifecycle import State
from gateway.domain.policy import Policy
from gateway.domain.reply import Reply
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.courier import Courier
from gateway.flow.describe import Describer
from gateway.flow.forward import Forwarder, ForwardRules
from gateway.flow.order_work import OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.ports import Hop
from gateway.flow.queue import Queue
from gateway.flow.read import Reading
from gateway.flow.redate import Redater
from gateway.flow.saved_searches import SavedSearches
from gateway.flow.sources import Sources
from gateway.reading.reader import Reader
from gateway.relay.copies import compose_copy
from gateway.store.store import Store
from tests.store.letters import HOUR, JOE, NOW, keep, message, row
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.desk import Journal, open_gate
from tests.unit.web.console.markup import faults

UNDO = 10.0
VIEWERS = {
    "joe": Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"}))),
    "dora": Viewer(2, "dora", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"})), time_zone="Asia/Tokyo"),
    "root": Viewer(3, "root", Role.SITE_ADMIN, Reach(site=True)),
    "audit": Viewer(4, "audit", Role.AUDITOR, Reach(site=True)),
    "else": Viewer(5, "else", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.net"}))),
}


class Desk:
    """A browser, the store behind the pages, and the workers by hand."""

    def __init__(self, client: Client, store: Store, clock: list[float], journal: Journal) -> None:
        self.client = client
        self.store = store
        self.journal = journal
        self.clock = clock
        self._forms = itertools.count(1)
        redate = Redater(store, Policy(), now=lambda: self.clock[0]).step
        self.worker = OrderWorker(store, UNDO, redate, now=lambda: self.clock[0], wake_deliveries=lambda: None)

    async def hold(
        self, *subjects: str, to: Address = JOE, sender: str = "anna@oak.example", at: float = NOW
    ) -> list[int]:
        rows: list[int] = []
        for subject in subjects:
            kept = await keep(self.store, message(subject, sender=Address.of(sender), at=at), row(to, at=at))
            rows += kept.rows
        while await Describer(self.store).run_once():
            pass
        return rows

    async def get(self, who: str, path: str, status: int = 200) -> str:
        answer = await self.client.get(f"/console/pending{path}", cookies={"session": who})
        assert answer.status == status, path
        text = await answer.text()
        assert faults(text) == [], path
        return text

    async def post(self, who: str, fields: Mapping[str, Any], path: str = "", status: int = 303) -> str:
        data = {"nonce": f"form {next(self._forms)}", CSRF_FIELD: csrf_token(who), **fields}
        answer = await self.client.post(
            f"/console/pending{path}", data=data, cookies={"session": who}, allow_redirects=False
        )
        assert answer.status == status, await answer.text()
        return answer.headers.get("Location", "")

    async def later(self, seconds: float = UNDO + 1) -> None:
        self.clock[0] += seconds
        while await self.worker.run_once():
            pass

    async def state(self, row_id: int) -> State:
        found = await self.store.look(lambda tx: tx.pending.get(row_id))
        assert found is not None
        return found.state


def subjects(page: str) -> list[str]:
    return [unescape(text).strip() for text in re.findall(r'<p class="list__subject">([^<]*)', page)]


def order_of(page: str) -> int:
    found = re.search(r'data-order="(\d+)"', page)
    assert found is not None
    return int(found.group(1))


async def nothing_goes_out(*mail: object) -> Reply:
    raise AssertionError("nothing is sent here")


def nowhere(domain: str) -> Hop:
    raise AssertionError("nothing is sent here")


async def open_pending(make_client: MakeClient, store: Store, reader: Reader) -> Desk:
    """Open a console with the pending page."""
    clock = [NOW + HOUR]

    def now() -> float:
        return clock[0]

    queue, searches = Queue(store, now=now), SavedSearches(store, now=now)
    reading = Reading(store, reader, [])
    forwarder = Forwarder(
        ForwardRules(()), reading, store, compose_copy, Courier((), nowhere, nothing_goes_out, now=now, mark_key=b""),
        now=now, random_octets=bytes,
    )  # fmt: skip
    view, journal = MailView(reading, forwarder, queue, now=now), Journal()

    def add(app: web.Application, pages: Pages) -> None:
        shown = ConsolePages(pages)
        orders = Orders(store, UNDO, now=now, wake=lambda: None)
        rooms: list[Room] = [
            PendingPages(queue, orders, view, shown, searches, now=now, scored=True),
            MachineMailPages(queue, Sources(store, now=now, wake_deliveries=lambda: None), shown),
            OrderPages(orders, shown, now=now),
            SavedSearchPages(searches, shown),
        ]
        add_console(app, rooms, open_gate(journal, VIEWERS))

    return Desk(await make_client(add), store, clock, journal)
