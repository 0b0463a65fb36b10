"""Put the console's rooms into the application of the public pages."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from aiohttp import web

from challenge_web.console.gate import ClientOf, Cookie, Journal, Sessions, gate
from challenge_web.console.routes import Room, Route


def add_console(
    app: web.Application,
    rooms: Sequence[Room],
    sessions: Sessions,
    cookie: Cookie,
    client_of: ClientOf,
    journal: Journal,
    public_hosts: Sequence[str] = (),
    chance: Callable[[int], bytes] = secrets.token_bytes,
) -> tuple[Route, ...]:
    """Add every route of every room, behind one gate; return them."""
    routes = tuple(route for room in rooms for route in room.routes())
    for route in routes:
        resource = app.router.add_resource(route.path, name=route.name)
        if route.show is not None:
            resource.add_route("GET", route.show)
            resource.add_route("HEAD", route.show)
        if route.act is not None:
            resource.add_route("POST", route.act)
    app.middlewares.append(gate(routes, sessions, cookie, client_of, journal, public_hosts, chance))
    return routes
