"""A browser before the console's pages, with the real services and a real store behind them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from aiohttp import web

from challenge_web.console.app import add_console
from challenge_web.console.gate import CSRF_FIELD, Cookie, Gate, csrf_token
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Room
from challenge_web.pages import Pages
from gateway.domain.roles import Reach, Role, Viewer
from gateway.store.store import Store
from tests.unit.web.conftest import Client, MakeClient
from tests.unit.web.console.markup import faults

NOW = 1_700_000_000.0
VIEWERS = {
    "joe": Viewer(1, "joe@example.org", Role.USER, Reach(addresses=frozenset({"joe@example.org"}))),
    "two": Viewer(2, "two", Role.USER, Reach(addresses=frozenset({"joe@example.org", "kim@example.org"}))),
    "none": Viewer(3, "none", Role.USER, Reach()),
    "dora": Viewer(4, "dora", Role.DOMAIN_ADMIN, Reach(domains=frozenset({"example.org"}))),
    "root": Viewer(5, "root", Role.SITE_ADMIN, Reach(site=True)),
    "audit": Viewer(6, "audit", Role.AUDITOR, Reach(site=True)),
}
"""By the secret in their cookie."""


class Sessions:
    def __init__(self, viewers: Mapping[str, Viewer]) -> None:
        self._viewers = viewers

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        return self._viewers.get(secret)


class Journal:
    def __init__(self) -> None:
        self.deeds: list[tuple[str, str, str, str]] = []

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        self.deeds.append((viewer.name, deed, named, detail))


def open_gate(journal: Journal, viewers: Mapping[str, Viewer] = VIEWERS) -> Gate:
    """Return a gate that lets these people in. viewers: by the secret in their cookie."""
    return Gate(Sessions(viewers), Cookie(secure=False), lambda request: "192.0.2.1", journal)


class Desk:
    """Somebody is signed in for each request."""

    def __init__(self, client: Client, store: Store, journal: Journal, clock: list[float]) -> None:
        self.client = client
        self.store = store
        self.journal = journal
        self.clock = clock
        """One number: the time."""

    async def get(self, who: str, path: str, status: int = 200) -> str:
        """Return a page, which is sound."""
        answer = await self.client.get(path, cookies={"session": who})
        assert answer.status == status, (path, await answer.text())
        text = await answer.text()
        assert faults(text) == [], path
        return text

    async def post(self, who: str, path: str, status: int = 303, /, **fields: str) -> str:
        """Send a form; return where it leads to, or the page."""
        data = {CSRF_FIELD: csrf_token(who), **{name.rstrip("_"): value for name, value in fields.items()}}
        answer = await self.client.post(path, data=data, cookies={"session": who}, allow_redirects=False)
        text = await answer.text()
        assert answer.status == status, (path, text)
        if status == 303:
            return answer.headers["Location"]
        assert faults(text) == [], path
        return text


async def open_desk(
    make_client: MakeClient,
    store: Store,
    rooms: Callable[[ConsolePages, Callable[[], float]], Sequence[Room]],
    viewers: Mapping[str, Viewer] = VIEWERS,
    clock: list[float] | None = None,
) -> Desk:
    """Open a console with these rooms, for these people. clock: one number, the time."""
    journal, clock = Journal(), clock or [NOW]

    def add(app: web.Application, pages: Pages) -> None:
        add_console(app, rooms(ConsolePages(pages), lambda: clock[0]), open_gate(journal, viewers))

    return Desk(await make_client(add), store, journal, clock)
