"""The console's first page: the mail that waits."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.pages import see_other
from challenge_web.console.routes import Route
from gateway.domain.roles import Right


class HomePages:
    """Leads from the console's root to the mail that waits."""

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route("home", "/console/", Right.SEE_PENDING, self.show),)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show what waits."""
        raise see_other(request, "console/pending")
