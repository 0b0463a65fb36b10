"""The pages behind the links that end digests and notices."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Protocol

from aiohttp import web

from challenge_web.pages import Pages, segment
from challenge_web.public.by_link import Handler, add_page, gone
from gateway.flow.held_links import Stopping

Ask = Callable[[str], Awaitable[Stopping | None]]
"""Secret of a link → whose mail it stops."""


class StopLinks(Protocol):
    """What the holder of such a link may do. Looking changes nothing."""

    async def stopping(self, secret: str) -> Stopping | None:
        """Return whose digests a link stops; None for a link that is none."""

    async def stop(self, secret: str) -> Stopping | None:
        """Send no more digests to whom the link was sent; None for a link that is none."""

    async def stopping_notices(self, secret: str) -> Stopping | None:
        """Return whose notices a link stops; None for a link that is none."""

    async def stop_notices(self, secret: str) -> Stopping | None:
        """Send no more notices; None for a link that is none."""


class StopPages:
    """Handlers of /digest/stop/{secret} and /notice/stop/{secret}."""

    def __init__(self, links: StopLinks, pages: Pages) -> None:
        self._links = links
        self._pages = pages

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        links = self._links
        for kind, stopping, stop in (
            ("digest", links.stopping, links.stop),
            ("notice", links.stopping_notices, links.stop_notices),
        ):
            shows, acts = self._shows(f"public/{kind}-stop", stopping), self._acts(f"public/{kind}-stopped", stop)
            add_page(app, f"/{kind}/stop/{{secret}}", f"{kind}-stop", shows, acts)

    def _shows(self, page: str, stopping: Ask) -> Handler:
        """Return what answers GET: shall this mail come no more?"""

        async def show(request: web.Request) -> web.Response:
            found = await stopping(request.match_info["secret"])
            if found is None:
                return gone(self._pages, request)
            here = f"./{segment(request.match_info['secret'])}"
            return self._pages.page(request, page, {"found": found, "here": here})

        return show

    def _acts(self, page: str, stop: Ask) -> Handler:
        """Return what answers POST, from our page or from a mail program's button (RFC 8058 §3.2)."""

        async def act(request: web.Request) -> web.Response:
            found = await stop(request.match_info["secret"])
            if found is None:
                return gone(self._pages, request)
            return self._pages.page(request, page, {"found": found})

        return act
