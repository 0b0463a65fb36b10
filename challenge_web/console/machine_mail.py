"""The machine lane: what machines sent and waits, a line for each source, to be accepted or blocked as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from aiohttp import web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_address import address
from challenge_web.console.pending_words import clock, count_words, doubts_about, octets, source_title, tabs
from challenge_web.console.routes import Route
from challenge_web.pages import root_of
from gateway.domain.lookalike import look_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.queue import Ask, Queue
from gateway.flow.queue_ports import MACHINE
from gateway.flow.reader_days import zone_of
from gateway.flow.sources import NoSource, Settled, Unvouched

ACCEPTED = say("source-accepted", "This source is accepted. What waits from it with as good a proof is on its way.")
REFUSED = say("source-refused", "This source is blocked. What waits from it is gone.")
UNVOUCHED = say(
    "source-unvouched",
    "Nobody vouches for this source, so it cannot be accepted: anyone could write in its name.",
    done=False,
)
NO_SOURCE = say("source-gone", "Nothing from this source waits any more.", done=False)
_PATH = "console/pending/machine"


class Sources(Protocol):
    """Accepts and refuses sources of machine mail."""

    async def accept(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Let its mail in from now on; None for what is not there."""

    async def refuse(self, viewer: Viewer, source: int | str, scope: str | None = None) -> Settled | None:
        """Keep its mail out from now on; None for what is not there."""


class MachineMailPages:
    """The lane's one page."""

    def __init__(self, queue: Queue, sources: Sources, pages: ConsolePages) -> None:
        self._queue = queue
        self._sources = sources
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        see, act = Right.SEE_PENDING, Right.MODERATE
        return (Route("pending-machine", f"/{_PATH}", see, self.show, self.settle, act_right=act),)

    async def show(self, request: web.Request) -> web.Response:
        """Show the machine lane, a line for each source."""
        viewer = viewer_of(request)
        zone = zone_of(viewer)
        page = await self._queue.groups(viewer, request.query.get("behind", "")[:200])
        counts = await self._queue.counts(viewer)
        groups = [
            {
                "group": group,
                "title": source_title(group),
                "time": clock(group.newest.held_at, zone, dated=True),
                "size": octets(group.newest.size),
                "url": address({}, source=group.source),
                "ascii": look_of(group.source.partition(":")[2]).ascii_domain,
                "doubts": doubts_about(group.newest),
                "vouched": not group.source.startswith("from:"),
            }
            for group in page.groups
        ]
        words = {
            "groups": groups,
            "more": page.more_groups,
            "tabs": tabs(root_of(request), counts, Ask(lane=MACHINE)),
            "total": count_words(page.total),
        }
        return self._pages.page(request, "pending/machine", words, here="pending")

    async def settle(self, request: web.Request) -> web.StreamResponse:
        """Accept a source, or block it."""
        viewer, form = viewer_of(request), await request.post()
        source, wish = text_of(form, "source")[:200], text_of(form, "do")
        if wish not in ("accept", "refuse"):
            raise web.HTTPBadRequest
        settle = self._sources.accept if wish == "accept" else self._sources.refuse
        try:
            done = await settle(viewer, source)
        except (Unvouched, NoSource):
            raise see_other(request, _PATH, UNVOUCHED) from None
        if done is not None:
            tell(request, f"{wish}: {source}, {len(done.rows)}")
        said = NO_SOURCE if done is None else ACCEPTED if wish == "accept" else REFUSED
        raise see_other(request, _PATH, said)
