"""Put the console's rooms into the application of the public pages."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.gate import Gate
from challenge_web.console.routes import Room, Route


def add_console(app: web.Application, rooms: Sequence[Room], gate: Gate) -> tuple[Route, ...]:
    """Add every route of every room, behind one gate; return them."""
    routes = tuple(route for room in rooms for route in room.routes())
    for route in routes:
        resource = app.router.add_resource(route.path, name=route.name)
        if route.show is not None:
            resource.add_route("GET", route.show)
            resource.add_route("HEAD", route.show)
        if route.act is not None:
            resource.add_route("POST", route.act)
    app.middlewares.append(gate.before(routes))
    return routes
