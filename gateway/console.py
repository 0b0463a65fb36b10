"""The console put together: each room of pages with the service behind it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from aiohttp import web

from challenge_web.console.app import add_console
from challenge_web.console.gate import ClientOf, Cookie, Sessions
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Room, Route
from challenge_web.pages import Pages
from gateway.flow.moderate import Moderator
from gateway.settings import Settings
from gateway.store.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rooms are made of."""

    settings: Settings
    store: Store
    moderator: Moderator
    now: Callable[[], float]


def console_rooms(parts: Parts, pages: ConsolePages) -> list[Room]:
    """Make every room."""
    return []


def open_console(
    app: web.Application, pages: Pages, parts: Parts, sessions: Sessions, cookie: Cookie, client_of: ClientOf
) -> tuple[Route, ...]:
    """Add the console to the application of the public pages."""
    return add_console(app, console_rooms(parts, ConsolePages(pages)), sessions, cookie, client_of)
