"""The page on which somebody asks for the release of a mail by its number, and shows nothing else."""

from __future__ import annotations

from typing import Protocol

from aiohttp import web

from challenge_web.pages import Pages, wants_data
from challenge_web.public.by_link import add_page
from gateway.domain.mail_number import LONGEST


class Knock(Protocol):
    """Takes numbers of mails from anybody."""

    async def knock(self, text: str) -> None:
        """Take a mail's number from somebody who shows nothing else. Whatever it is, the same is done now."""


class NumberPages:
    """Handlers of /release."""

    def __init__(self, releases: Knock, pages: Pages) -> None:
        self._releases = releases
        self._pages = pages

    def add_to(self, app: web.Application) -> None:
        """Add the route."""
        add_page(app, "/release", "release", self.show, self.ask)

    async def show(self, request: web.Request) -> web.Response:
        """GET: which mail? The same page, whatever number the link bears."""
        return self._pages.page(request, "public/release", {"number": request.query.get("number", "")[:LONGEST]})

    async def ask(self, request: web.Request) -> web.Response:
        """POST: taken, whatever it is. What is behind it is looked at later: neither words nor time tell."""
        number = (await request.post()).get("number", "")
        await self._releases.knock(number if isinstance(number, str) else "")
        if wants_data(request):
            return self._pages.data({"asked": "if-there"})
        return self._pages.page(request, "public/release-asked", {})
