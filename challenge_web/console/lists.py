"""The lists page: who is let in and who is kept out, for whom, by what proof, and until when."""

from __future__ import annotations

import secrets
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time, timedelta, tzinfo
from hashlib import sha256
from urllib.parse import urlencode

from aiohttp import web

from challenge_web.console.forms import number_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_words import count_words
from challenge_web.console.routes import Names, Route
from gateway.domain.entry_words import demand, for_whom, whom
from gateway.domain.lists import Verdict
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.list_files import typed
from gateway.flow.list_ports import WRITTEN_TO
from gateway.flow.list_rights import may_be_unproven
from gateway.flow.lists import SITE, Lists, TooLate, Wanted
from gateway.flow.reader_days import zone_of
from gateway.flow.typed_entries import NewEntry, Refused
from gateway.flow.waiting_from import WaitingFrom

ADDED = say("list-added", "Added. It counts from the next mail on.")
THERE = say("list-there", "It was on the list already, and now has what is new of this one.")
CHANGED = say("list-changed", "Saved.")
UNDONE = say("list-undone", "It is back, as it was.")
PARTLY_UNDONE = say(
    "list-partly-undone", "What could come back is back. Others of the same name were made meanwhile.", done=False
)
TOO_LATE = say("list-too-late", "It is too late to take that back. Add the entry again instead.", done=False)
NOTHING = say("list-nothing", "Nothing was chosen. Tick some entries first.", done=False)

SIZES = (50, 100, 200)
_ID = "{id:[0-9]{1,18}}"


class ListPages:
    """Entries as a list, and each on a page of its own."""

    def __init__(self, lists: Lists, waiting: WaitingFrom, pages: ConsolePages) -> None:
        self._lists = lists
        self._waiting = waiting
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        see, edit, entry = Right.SEE_LISTS, Right.EDIT_LISTS, Names.ENTRY
        return (
            Route("lists", "/console/lists", see, self.show),
            Route("list-new", "/console/lists/new", edit, self.new, self.add),
            Route("list-entry", f"/console/lists/{_ID}", see, self.entry, self.change, entry, edit),
            Route("list-remove", f"/console/lists/{_ID}/remove", edit, act=self.remove, names=entry),
            Route("list-remove-some", "/console/lists/remove", edit, act=self.remove_some),
            Route("list-undo", f"/console/lists/removals/{_ID}/undo", edit, act=self.undo, names=Names.OTHER),
        )

    async def show(self, request: web.Request) -> web.Response:
        """Show some entries, the newest first; where a whole address is looked for, also which entry decides on it."""
        viewer, query = viewer_of(request), request.query
        wanted = _wanted(query)
        page = await self._lists.page(viewer, wanted)
        judged = None
        if _is_address(wanted.words):
            recipient = query.get("to", "") or next(iter(sorted(viewer.reach.addresses)), "")
            judged = await self._lists.judge(viewer, wanted.words, recipient) if _is_address(recipient) else None
        return self._pages.page(
            request,
            "lists/list",
            {
                **_words(viewer),
                "page": page,
                "judged": judged,
                "wanted": wanted,
                "to": query.get("to", "")[:320],
                "filtered": bool(wanted.verdict or wanted.words or wanted.whose or wanted.origin),
                "paged": wanted.before is not None or wanted.after is not None,
                "removal": number_of(query.get("removal", "")),
                "seconds": round(self._lists.undo_seconds),
                "link": lambda **change: _link(wanted, query.get("to", ""), change),
            },
            here="lists",
        )

    async def new(self, request: web.Request) -> web.Response:
        """Show an empty form, or one that a link has filled in."""
        query = request.query
        told = {name: query.get(name, "")[:400] for name in ("verdict", "pattern", "for", "note")}
        return await self._form(request, {**told, "proof": "aligned", "expires": ""}, None)

    async def add(self, request: web.Request) -> web.StreamResponse:
        """Add what was typed; with a fault, show it beside its field. Or only count what waits from there."""
        viewer, form = viewer_of(request), await _texts(request)
        if form.get("do") == "count":
            return await self._form(request, form, None)
        try:
            added = await self._lists.add(
                viewer,
                NewEntry(
                    verdict=form.get("verdict", ""),
                    pattern=form.get("pattern", ""),
                    whose=form.get("for", ""),
                    proof=form.get("proof", "") or "aligned",
                    note=form.get("note", ""),
                    expires_at=end_of_day(form.get("expires", ""), zone_of(viewer)),
                ),
            )
        except Refused as refused:
            return await self._form(request, form, refused)
        tell(request, f"{added.view.verdict} {added.view.pattern} for {for_whom(added.view.scope)}")
        if form.get("waiting") == "1" and added.view.verdict == Verdict.DENY.value:
            nonce = sha256(f"also waiting {form.get('nonce', '')}".encode()).hexdigest()
            order = await self._waiting.delete(viewer, nonce, form.get("pattern", ""), form.get("for", ""))
            if order is not None:
                # Its page tells how many, and has the undo.
                raise see_other(request, f"console/pending/order/{order.id}", ADDED if added.new else THERE)
        raise see_other(request, "console/lists", ADDED if added.new else THERE)

    async def entry(self, request: web.Request) -> web.Response:
        """Show all that is known of one entry."""
        return await self._entry(request, None, None)

    async def change(self, request: web.Request) -> web.StreamResponse:
        """Save a note and an end."""
        viewer, form, entry_id = viewer_of(request), await _texts(request), int(request.match_info["id"])
        try:
            expires_at = end_of_day(form.get("expires", ""), zone_of(viewer))
            changed = await self._lists.change(viewer, entry_id, form.get("note", ""), expires_at)
        except Refused as refused:
            return await self._entry(request, form, refused)
        if changed is None:
            raise web.HTTPNotFound
        tell(request, f"note or end of {changed.pattern}")
        raise see_other(request, f"console/lists/{entry_id}", CHANGED)

    async def remove(self, request: web.Request) -> web.StreamResponse:
        """Take one entry out; the page after it offers to take that back."""
        return await self._removed(request, [int(request.match_info["id"])])

    async def remove_some(self, request: web.Request) -> web.StreamResponse:
        """Take out what was ticked."""
        ids = [number_of(text) for text in (await request.post()).getall("id", []) if isinstance(text, str)]
        chosen = [entry_id for entry_id in ids if entry_id]
        if not chosen:
            raise see_other(request, "console/lists", NOTHING)
        return await self._removed(request, chosen)

    async def undo(self, request: web.Request) -> web.StreamResponse:
        """Put back what was just removed."""
        try:
            done = await self._lists.undo(viewer_of(request), int(request.match_info["id"]))
        except TooLate:
            raise see_other(request, "console/lists", TOO_LATE) from None
        if done is None:
            raise web.HTTPNotFound
        tell(request, f"{done[0]} entries")
        raise see_other(request, "console/lists", PARTLY_UNDONE if done[1] else UNDONE)

    async def _removed(self, request: web.Request, ids: Sequence[int]) -> web.StreamResponse:
        removal = await self._lists.remove(viewer_of(request), ids)
        if removal is None:
            raise web.HTTPNotFound
        tell(request, f"{removal.count} entries")
        raise see_other(request, f"console/lists?removal={removal.id}")

    async def _form(self, request: web.Request, typed_in: Mapping[str, str], refused: Refused | None) -> web.Response:
        viewer = viewer_of(request)
        names = typed_in.get("pattern", "") and typed_in.get("verdict") == Verdict.DENY.value
        count = await self._waiting.count(viewer, typed_in["pattern"], typed_in.get("for", "")) if names else None
        words = {
            **_words(viewer),
            "typed_in": {
                name: typed_in.get(name, "") for name in ("verdict", "pattern", "for", "note", "proof", "expires")
            },
            "faults": {refused.field: refused.sentence} if refused else {},
            "unproven": may_be_unproven(viewer),
            "count": None if count is None else count_words(count),
            "waiting": typed_in.get("waiting") == "1",
            "nonce": secrets.token_hex(16),
            "seconds": round(self._lists.undo_seconds),
        }
        return self._pages.page(request, "lists/new", words, 422 if refused else 200, here="lists")

    async def _entry(
        self, request: web.Request, typed_in: Mapping[str, str] | None, refused: Refused | None
    ) -> web.Response:
        viewer = viewer_of(request)
        shown = await self._lists.get(viewer, int(request.match_info["id"]))
        if shown is None:
            raise web.HTTPNotFound
        zone = zone_of(viewer)
        words = {
            **_words(viewer),
            "shown": shown,
            "note": typed_in["note"] if typed_in else shown.view.note,
            "expires": typed_in["expires"] if typed_in else last_day(shown.view.expires_at, zone),
            "faults": {refused.field: refused.sentence} if refused else {},
        }
        return self._pages.page(request, "lists/entry", words, 422 if refused else 200, here="lists")


def end_of_day(text: str, zone: tzinfo) -> float | None:
    """Return the end of a day in the reader's zone; None for no day. Raises Refused."""
    if not text.strip():
        return None
    try:
        after = date.fromisoformat(text.strip()) + timedelta(days=1)
        return datetime.combine(after, time.min, zone).timestamp()
    except (ValueError, OverflowError):
        raise Refused("expires", phrase("That is no date. Write it as 2026-12-31, or leave it empty.")) from None


def last_day(expires_at: float | None, zone: tzinfo) -> str:
    """Return the last day an entry holds, as a date field has it."""
    return "" if expires_at is None else datetime.fromtimestamp(expires_at - 1, zone).date().isoformat()


def _words(viewer: Viewer) -> dict[str, object]:
    """What each of the templates asks for."""
    return {
        "demand": lambda view: demand(view.entry),
        "whom": whom,
        "for_whom": for_whom,
        "typed": typed,
        "addresses": sorted(viewer.reach.addresses),
        "site_wide": viewer.reach.site,
        "domains": sorted(viewer.reach.domains),
    }


def _wanted(query: Mapping[str, str]) -> Wanted:
    verdict, whose = query.get("verdict", ""), query.get("for", "").strip()[:320]
    size = number_of(query.get("most", ""))
    return Wanted(
        verdict=verdict if verdict in ("allow", "deny") else "",
        words=query.get("words", "").strip()[:200],
        whose=SITE if whose == SITE else whose,
        before=number_of(query.get("before", "")) or None,
        after=number_of(query.get("after", "")) or None,
        most=size if size in SIZES else SIZES[0],
        origin=WRITTEN_TO if query.get("origin") == WRITTEN_TO else "",
    )


def _link(wanted: Wanted, to: str, change: Mapping[str, object]) -> str:
    """Return the query of a link that shows the same, but for what is named; a new filter begins at the first page."""
    told: dict[str, object] = {
        "verdict": wanted.verdict,
        "origin": wanted.origin,
        "words": wanted.words,
        "for": wanted.whose,
        "to": to[:320],
        "most": wanted.most if wanted.most != SIZES[0] else "",
        **{name.rstrip("_"): value for name, value in change.items()},
    }
    return urlencode({name: value for name, value in told.items() if value})


def _is_address(text: str) -> bool:
    local, _, domain = text.rpartition("@")
    return bool(local) and "." in domain and not any(c.isspace() for c in text) and "*" not in text


async def _texts(request: web.Request) -> dict[str, str]:
    return {name: value[:2000] for name, value in (await request.post()).items() if isinstance(value, str)}
