"""What pages behind the links of our letters have in common; nobody signs in for them.

A GET shows, a POST acts. Whoever has no link that counts sees one and the same page, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from aiohttp import web

from challenge_web.pages import Pages, wants_data

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


def add_page(app: web.Application, path: str, name: str, shows: Handler, acts: Handler) -> None:
    """Add the route of one page; HEAD is answered as GET (RFC 9110 §9.3.2)."""
    resource = app.router.add_resource(path, name=name)
    resource.add_route("GET", shows)
    resource.add_route("HEAD", shows)
    resource.add_route("POST", acts)


def gone(pages: Pages, request: web.Request) -> web.Response:
    """Answer a link that is none, is over, or is not for this."""
    if wants_data(request):
        return pages.problem(request, 404, "gone")
    return pages.page(request, "public/held-gone", {}, 404)
