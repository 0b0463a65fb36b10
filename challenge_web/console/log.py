"""Who did what in the console."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.deed_words import place_of, words_of
from challenge_web.console.forms import number_of
from challenge_web.console.gate import viewer_of
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Route
from gateway.domain.roles import Right
from gateway.flow.journal import CSV_COLUMNS, PAGE, Journal, csv_cells

EXPORTED_PAGES = 100
"""Pages of the journal that one export holds at most."""


class LogPages:
    """The journal as a page and as a file."""

    def __init__(self, journal: Journal, pages: ConsolePages) -> None:
        self._journal = journal
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route("log", "/console/log", Right.SEE_LOG, self.show),
            Route("log-export", "/console/log.csv", Right.SEE_LOG, self.export),
        )

    async def show(self, request: web.Request) -> web.Response:
        """Show one page, the newest first."""
        actor, words = request.query.get("actor", "")[:320], request.query.get("words", "")[:200]
        before = number_of(request.query.get("before", ""))
        deeds = await self._journal.page(viewer_of(request), actor=actor, words=words, before_id=before)
        older = deeds[-1].id if len(deeds) == PAGE else 0
        told = {
            "deeds": deeds,
            "words_of": words_of,
            "place_of": place_of,
            "actor": actor,
            "words": words,
            "older": older,
            "paged": bool(before),
        }
        return self._pages.page(request, "log/log", told, here="log")

    async def export(self, request: web.Request) -> web.Response:
        """Give it as CSV, the newest first."""
        viewer, before = viewer_of(request), 0
        text = io.StringIO()
        lines = csv.writer(text)
        lines.writerow(CSV_COLUMNS)
        for _ in range(EXPORTED_PAGES):
            deeds = await self._journal.page(viewer, before_id=before)
            lines.writerows(map(csv_cells, deeds))
            if len(deeds) < PAGE:
                break
            before = deeds[-1].id
        return web.Response(
            body=text.getvalue().encode(),
            content_type="text/csv",
            charset="utf-8",
            headers={"Content-Disposition": 'attachment; filename="log.csv"'},
        )
