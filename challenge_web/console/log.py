"""Who did what in the console."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from datetime import UTC, datetime

from aiohttp import web

from challenge_web.console.gate import viewer_of
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Route
from gateway.domain.roles import Right
from gateway.flow.journal import PAGE, Deed, Journal

EXPORTED_PAGES = 100
"""Pages of the journal that one export holds at most."""


class LogPages:
    """The journal as a page and as a file."""

    def __init__(self, journal: Journal, pages: ConsolePages) -> None:
        self._journal = journal
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """All of them."""
        return (
            Route("log", "/console/log", Right.SEE_LOG, self.show),
            Route("log-export", "/console/log.csv", Right.SEE_LOG, self.export),
        )

    async def show(self, request: web.Request) -> web.Response:
        """Show one page, the newest first."""
        actor, words = request.query.get("actor", "")[:320], request.query.get("words", "")[:200]
        before = _number(request.query.get("before", ""))
        deeds = await self._journal.page(viewer_of(request), actor=actor, words=words, before_id=before)
        older = deeds[-1].id if len(deeds) == PAGE else 0
        return self._pages.page(
            request,
            "log/log",
            {"deeds": deeds, "actor": actor, "words": words, "older": older, "paged": bool(before)},
            here="log",
        )

    async def export(self, request: web.Request) -> web.Response:
        """Give it as CSV, the newest first."""
        viewer, before = viewer_of(request), 0
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(["time", "who", "looked_as", "did", "to", "detail", "client"])
        for _ in range(EXPORTED_PAGES):
            deeds = await self._journal.page(viewer, before_id=before)
            lines.writerows(_cells(deed) for deed in deeds)
            if len(deeds) < PAGE:
                break
            before = deeds[-1].id
        return web.Response(
            body=text.getvalue().encode(),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": 'attachment; filename="log.csv"'},
        )


def _cells(deed: Deed) -> list[str]:
    at = datetime.fromtimestamp(deed.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [at, *map(_harmless, (deed.actor, deed.looked_as, deed.deed, deed.object, deed.detail, deed.client))]


def _harmless(text: str) -> str:
    """Keep a spreadsheet from taking a cell for a formula."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0
