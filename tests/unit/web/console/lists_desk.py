"""The lists pages, with the real services and a real store behind them, and somebody signed in."""

from __future__ import annotations

import pytest
from aiohttp import web

from challenge_web.console.app import add_console
from challenge_web.console.gate import CSRF_FIELD, Cookie, csrf_token
from challenge_web.console.list_files import ListFilePages
from challenge_web.console.lists import ListPages
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Room
from challenge_web.pages import Pages
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.list_import import ListFiles
from gateway.flow.list_preview import Previews
from gateway.flow.list_work import Bringer, FileSaver
from gateway.flow.lists import Lists
from gateway.flow.orders import Orders, OrderWorker
from gateway.flow.waiting_from import WaitingFrom
from gateway.store.store import Store
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.markup import faults

NOW = 1_800_000_000.0
DAY = 86_400.0
HOSTILE = "<script>alert(1)</script>\"'{{1337*7331}}"
VIEWERS = {
    "joe": Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})), time_zone="Asia/Tokyo"),
    "kim": Viewer(2, "kim@example.org", Role.USER, Reach(addresses=frozenset({"kim@example.org"}))),
    "dora": Viewer(3, "dora", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"}))),
    "root": Viewer(4, "root", Role.SITE_ADMIN, Reach(site=True)),
    "audit": Viewer(5, "audit", Role.AUDITOR, Reach(site=True)),
}  # fmt: skip


class Sessions:
    async def viewer(self, secret: str, client: str) -> Viewer | None:
        return VIEWERS.get(secret)


class Journal:
    def __init__(self) -> None:
        self.deeds: list[tuple[str, str, str]] = []

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        self.deeds.append((viewer.name, deed, detail))


class Desk:
    """A client with somebody signed in, and the store behind."""

    def __init__(self, client: Client, store: Store, journal: Journal, clock: list[float], previews: Previews) -> None:
        self.client = client
        self.previews = previews
        self.store = store
        self.journal = journal
        self.clock = clock

    async def get(self, who: str, path: str, status: int = 200) -> str:
        """Return a page, which is sound."""
        answer = await self.client.get(path, cookies={"session": who})
        assert answer.status == status, path
        text = await answer.text()
        assert faults(text) == [], path
        return text

    async def post(self, who: str, path: str, status: int = 303, /, **fields: str) -> str:
        """Send a form; return where it leads to, or the page."""
        data = {CSRF_FIELD: csrf_token(who), **{name.rstrip("_"): value for name, value in fields.items()}}
        answer = await self.client.post(path, data=data, cookies={"session": who}, allow_redirects=False)
        assert answer.status == status, (path, await answer.text())
        return answer.headers.get("Location", "") if status == 303 else await answer.text()

    async def put(self, pattern: str, scope: str = "", verdict: Verdict = Verdict.ALLOW, note: str = "") -> int:
        entry = Entry(verdict, pattern, scope, ALIGNED)
        return await self.store.transact(lambda tx: tx.lists.add(entry, note, "cli:admin", 7, NOW - DAY))

    async def patterns(self) -> list[str]:
        """Patterns of all entries, the oldest first."""
        entries = [one async for page in self.files().export(VIEWERS["root"]) for one in page]
        return [one.pattern for one in entries]

    def worker(self) -> OrderWorker:
        """A worker, as a program that has just been started has it."""
        bring = Bringer(self.store, now=self._now).step
        return OrderWorker(self.store, 10, _nothing, now=self._now, wake_deliveries=lambda: None, bring=bring)

    def _now(self) -> float:
        return self.clock[0]

    def files(self) -> ListFiles:
        return ListFiles(self.store, now=lambda: self.clock[0])


async def _nothing(_order_id: int) -> None:
    """Move no days: no test here asks for it."""


@pytest.fixture
async def desk(make_client: MakeClient, store: Store) -> Desk:
    journal, clock = Journal(), [NOW]
    files = ListFiles(store, now=lambda: clock[0])
    previews = Previews(files, patience=30.0)

    def add(app: web.Application, pages: Pages) -> None:
        console = ConsolePages(pages)
        orders = Orders(store, 10, now=lambda: clock[0], wake=lambda: None)
        rooms: list[Room] = [
            ListPages(Lists(store, 10, now=lambda: clock[0]), WaitingFrom(store, orders), console),
            ListFilePages(files, previews, FileSaver(store, now=lambda: clock[0], wake=lambda: None), console),
        ]
        add_console(app, rooms, Sessions(), Cookie(secure=False), lambda request: "192.0.2.1", journal)

    return Desk(await make_client(add), store, journal, clock, previews)
