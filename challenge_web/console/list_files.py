"""Lists in and out as files: a page that says what would change, before anything does."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from aiohttp import hdrs, web
from aiohttp.web_request import FileField

from challenge_web.console.bringing_words import told
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import spoken
from gateway.domain.entry_words import demand, for_whom, whom
from gateway.domain.lists import parse_scope
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.list_files import COLUMNS, cells
from gateway.flow.list_import import CSV, MOST_OCTETS, ListFiles
from gateway.flow.list_preview import Previews, Progress
from gateway.flow.list_work import Bringing, FileSaver

SAVED = say("list-imported", "Saved. The entries count from the next mail on.")
STOPPED = say("list-import-stopped", "Stopped. What was saved stays; what is left of the file can be saved again.")
NOT_STOPPED = say("list-import-ended", "It had ended already.", done=False)
GONE = say("list-import-gone", "That file is not there any more: it was saved, or it is too old.", done=False)

_NOT_YOURS = phrase("That is not yours to decide. Choose an address or a domain of your own.")
LOOK_AGAIN = 3
"""Seconds, for who lets the page look again by itself."""
_FORMS = ("csv", "allow", "deny")
_FORM = 100_000
"""Octets around the file in its form."""


class ListFilePages:
    """Import with its preview, and export."""

    def __init__(self, files: ListFiles, previews: Previews, saver: FileSaver, pages: ConsolePages) -> None:
        self._files = files
        self._previews = previews
        self._saver = saver
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        edit, one = Right.EDIT_LISTS, "/console/lists/import/{id:[0-9]{1,18}}"
        return (
            Route("list-bring", "/console/lists/import", edit, self.form, self.bring, octets=MOST_OCTETS + _FORM),
            Route("list-draft", one, edit, self.preview, self.save, Names.OTHER),
            Route("list-work", f"{one}/work", edit, self.work, self.stop, Names.OTHER),
            Route("list-work-state", f"{one}/work-state", edit, self.work_state, None, Names.OTHER),
            Route("list-export", "/console/lists/export.csv", Right.SEE_LISTS, self.export),
        )

    async def form(self, request: web.Request) -> web.Response:
        """Show where to paste or choose a file."""
        return self._form(request, {}, "")

    async def bring(self, request: web.Request) -> web.StreamResponse:
        """Keep what was brought, and show what it would do."""
        viewer, form = viewer_of(request), await request.post()
        told = {name: str(form.get(name, "")) for name in ("form", "for", "text")}
        kind = told["form"] if told["form"] in _FORMS else CSV
        try:
            words = _file(form.get("file")) or told["text"]
            draft_id = await self._files.bring(viewer, words, kind, parse_scope(told["for"]))
        except ValueError as fault:
            return self._form(request, told, words_of(fault))
        except PermissionError:
            return self._form(request, told, _NOT_YOURS)
        raise see_other(request, f"console/lists/import/{draft_id}")

    async def preview(self, request: web.Request) -> web.Response:
        """Say what saving would do; of a file that takes a while, how far it is read."""
        viewer, draft_id = viewer_of(request), int(request.match_info["id"])
        found = await self._previews.at(viewer, draft_id)
        if found is None:
            raise web.HTTPNotFound
        if isinstance(found, Progress):
            watched = "watch" in request.query
            path = f"console/lists/import/{draft_id}"
            words = {"progress": found, "path": path, "watched": watched}
            response = self._pages.page(request, "lists/reading", words, here="lists")
            if watched:
                response.headers["Refresh"] = str(LOOK_AGAIN)
            return response
        words = {
            "plan": found.plan,
            "counts": found.counts,
            "draft_id": draft_id,
            "whom": whom,
            "for_whom": for_whom,
            "demand": demand,
        }
        return self._pages.page(request, "lists/preview", words, here="lists")

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Save the good lines: a short file at once, a long one behind a page that tells how far it is."""
        draft_id = int(request.match_info["id"])
        order = await self._saver.save(viewer_of(request), draft_id)
        if order is None:
            raise web.HTTPNotFound
        if order.open:
            tell(request, "begun")
            raise see_other(request, f"console/lists/import/{draft_id}/work")
        saved = order.saved
        tell(request, f"{saved.new} new, {saved.changed} changed, {saved.known} known, {saved.refused} left out")
        raise see_other(request, "console/lists", SAVED)

    async def work(self, request: web.Request) -> web.Response:
        """Show how far a file is. Without script, the page can look again by itself."""
        order = await self._order(request)
        path = f"console/lists/import/{order.draft_id}"
        watched = order.open and "watch" in request.query
        words = {"order": order, "told": told(order), "path": path, "watched": watched}
        response = self._pages.page(request, "lists/work", words, here="lists")
        if watched:
            response.headers["Refresh"] = str(LOOK_AGAIN)
        return response

    async def work_state(self, request: web.Request) -> web.Response:
        """Tell the same to the page's script."""
        order = await self._order(request)
        words, said = told(order), spoken().said
        counts = {"done": order.done, "most": order.total, "open": order.open}
        return web.json_response(
            {"text": said(words.text), "more": said(words.more), "button": said(words.button), **counts}
        )

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Let it end where it is."""
        order = await self._order(request)
        stopped = await self._saver.stop(viewer_of(request), order.draft_id)
        raise see_other(request, f"console/lists/import/{order.draft_id}/work", STOPPED if stopped else NOT_STOPPED)

    async def _order(self, request: web.Request) -> Bringing:
        order = await self._saver.at(viewer_of(request), int(request.match_info["id"]))
        if order is None:
            raise web.HTTPNotFound
        return order

    async def export(self, request: web.Request) -> web.StreamResponse:
        """Give the viewer's entries as CSV, piece by piece."""
        verdict = request.query.get("verdict", "")
        response = web.StreamResponse(
            headers={
                "Content-Type": "text/csv; charset=utf-8",
                "Content-Disposition": 'attachment; filename="lists.csv"',
            }
        )
        await response.prepare(request)
        if request.method == hdrs.METH_HEAD:
            return response
        await response.write(_lines([COLUMNS]))
        async for page in self._files.export(viewer_of(request), verdict if verdict in ("allow", "deny") else ""):
            await response.write(_lines(list(cells(page))))
        await response.write_eof()
        return response

    def _form(self, request: web.Request, told: dict[str, str], fault: str) -> web.Response:
        viewer = viewer_of(request)
        words = {"told": told, "fault": fault, "whose": _whose(viewer), "columns": ",".join(COLUMNS)}
        return self._pages.page(request, "lists/import", words, 422 if fault else 200, here="lists")


def _whose(viewer: Viewer) -> list[tuple[str, str]]:
    """For whom lines may be that name nobody."""
    reach = viewer.reach
    everybody = [("", phrase("everybody"))] if reach.site else []
    return [*everybody, *((scope, scope) for scope in (*sorted(reach.domains), *sorted(reach.addresses)))]


def _file(field: object) -> str:
    """Return the text of an uploaded file; "" where there is none. Raises ValueError."""
    if not isinstance(field, FileField) or not field.filename:
        return ""
    octets = field.file.read()
    try:
        return octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise ValueError(phrase("It is not UTF-8. Save it as “CSV UTF-8”, or as text in UTF-8.")) from None


def _lines(rows: Sequence[Sequence[str]]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows(rows)
    return text.getvalue().encode()
