"""The lists pages, with the real services and a real store behind them, and somebody signed in."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from challenge_web.console.list_files import ListFilePages
from challenge_web.console.lists import ListPages
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Room
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.list_import import ListFiles, Plan
from gateway.flow.list_preview import Previews
from gateway.flow.list_work import Bringer, FileSaver
from gateway.flow.lists import Lists
from gateway.flow.order_work import OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.waiting_from import WaitingFrom
from gateway.store.store import Store
from tests.unit.web.conftest import MakeClient
from tests.unit.web.console.desk import Desk, open_desk

NOW = 1_800_000_000.0
DAY = 86_400.0
_PATIENCE = 30.0
HOSTILE = "<script>alert(1)</script>\"'{{1337*7331}}"
VIEWERS = {
    "joe": Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"})), time_zone="Asia/Tokyo"),
    "kim": Viewer(2, "kim@example.org", Role.USER, Reach(addresses=frozenset({"kim@example.org"}))),
    "dora": Viewer(3, "dora", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"}))),
    "root": Viewer(4, "root", Role.SITE_ADMIN, Reach(site=True)),
    "audit": Viewer(5, "audit", Role.AUDITOR, Reach(site=True)),
}  # fmt: skip


class HeldFiles(ListFiles):
    """Files whose reading can be held up."""

    def __init__(self, store: Store, now: Callable[[], float]) -> None:
        super().__init__(store, now=now)
        self.go_on = asyncio.Event()
        self.go_on.set()

    async def preview(
        self, viewer: Viewer, draft_id: int, tell: Callable[[int, int], None] = lambda done, total: None
    ) -> Plan | None:
        await self.go_on.wait()
        return await super().preview(viewer, draft_id, tell)


class ListsDesk(Desk):
    """A desk with entries to put on the lists, and files of them."""

    def __init__(self, desk: Desk, files: HeldFiles, previews: Previews) -> None:
        super().__init__(desk.client, desk.store, desk.journal, desk.clock)
        self.files = files
        self.previews = previews

    def hold_up(self) -> None:
        """Let no file come to its end, and no page wait for it."""
        self.files.go_on.clear()
        self.previews.patience = 0.0

    def let_go(self) -> None:
        """Let the files be read, and each page wait for its own."""
        self.files.go_on.set()
        self.previews.patience = _PATIENCE

    async def put(self, pattern: str, scope: str = "", verdict: Verdict = Verdict.ALLOW, note: str = "") -> int:
        entry = Entry(verdict, pattern, scope, ALIGNED)
        return await self.store.transact(lambda tx: tx.lists.add(entry, note, "cli:admin", 7, NOW - DAY))

    async def patterns(self) -> list[str]:
        """Patterns of all entries, the oldest first."""
        entries = [one async for page in self.files.export(VIEWERS["root"]) for one in page]
        return [one.pattern for one in entries]

    def worker(self) -> OrderWorker:
        """A worker, as a program that has just been started has it."""

        def now() -> float:
            return self.clock[0]

        bring = Bringer(self.store, now=now).step
        return OrderWorker(self.store, 10, _nothing, now=now, wake_deliveries=lambda: None, bring=bring)

    def _now(self) -> float:
        return self.clock[0]


async def _nothing(_order_id: int) -> None:
    """Move no days: no test here asks for it."""


@pytest.fixture
async def desk(make_client: MakeClient, store: Store) -> ListsDesk:
    clock = [NOW]

    def now() -> float:
        return clock[0]

    files = HeldFiles(store, now)
    previews = Previews(files, patience=_PATIENCE)

    def rooms(pages: ConsolePages, now: Callable[[], float]) -> list[Room]:
        orders = Orders(store, 10, now=now, wake=lambda: None)
        return [
            ListPages(Lists(store, 10, now=now), WaitingFrom(store, orders), pages),
            ListFilePages(files, previews, FileSaver(store, now=now, wake=lambda: None), pages),
        ]

    return ListsDesk(await open_desk(make_client, store, rooms, VIEWERS, clock), files, previews)
