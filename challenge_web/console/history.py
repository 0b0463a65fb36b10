"""What became of each mail, in and out, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlencode

from aiohttp import web

from challenge_web.console.gate import viewer_of
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Route
from gateway.domain.address import normal_form
from gateway.domain.roles import Right
from gateway.flow.history import KINDS, Asked, History, Line

STATES = ("relayed", "pending", "released", "delivered", "refused", "deferred", "deleted", "blocked", "expired")


class HistoryPages:
    """The page of history."""

    def __init__(self, history: History, pages: ConsolePages) -> None:
        self._history = history
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """It alone."""
        return (Route("history", "/console/history", Right.SEE_HISTORY, self.show),)

    async def show(self, request: web.Request) -> web.Response:
        """Show one page, the newest first."""
        query = request.query
        address, state = query.get("address", "").strip()[:320], query.get("state", "")
        state = state if state in STATES else ""
        start = _start(query.get("behind", ""))
        lines = await self._history.page(viewer_of(request), Asked(normal_form(address), state), start)
        asked = {name: value for name, value in (("address", address), ("state", state)) if value}
        behind = "-".join(map(str, lines.next or ()))
        words = {
            "lines": lines.rows,
            "link": _link,
            "address": address,
            "state": state,
            "states": [("", "any"), *((one, one) for one in STATES)],
            "filtered": bool(asked),
            "first": f"console/history?{urlencode(asked)}" if start else "",
            "next": f"console/history?{urlencode({**asked, 'behind': behind})}" if behind else "",
        }
        return self._pages.page(request, "history/history", words, here="history")


def _link(line: Line) -> str:
    """Return the page of a mail that was held; "" where a line has none."""
    return f"console/message/{line.id}" if line.kind == "held" else ""


def _start(text: str) -> tuple[int, ...]:
    numbers = text.split("-")
    good = len(numbers) == len(KINDS) and all(one.isascii() and one.isdigit() and len(one) < 19 for one in numbers)
    return tuple(map(int, numbers)) if good else ()
