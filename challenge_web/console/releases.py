"""Requests of release: who asks for which mail, and the page to decide on."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.forms import number_of, text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Route
from gateway.domain.roles import Right, Viewer
from gateway.flow.forward import Forwarder
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.release_ports import Case, RequestState
from gateway.flow.releases import Asked, Decided, Releases

ASKED = {
    Asked.SENT: say("release-asked", "The people in charge are asked. Their answer comes by mail, and stands below."),
    Asked.AGAIN: say("release-again", "They were asked before, and have not decided yet."),
    Asked.REFUSED: say("release-settled", "They were asked before, and have decided."),
    Asked.LIMITED: say(
        "release-limited", "Too many requests are open, or were made today. Please wait for the answers.", done=False
    ),
}
NOT_ASKED = say(
    "release-not-asked",
    "There is nothing to ask for: the mail does not wait, or you can let it go yourself.",
    done=False,
)
RELEASED = say("request-released", "The mail is on its way to its recipient. The person who asked is told by mail.")
REFUSED = say("request-refused", "The mail stays here. The person who asked is told by mail.")
SETTLED = say(
    "request-settled", "Nothing was done: somebody else has decided before, or the mail has ended.", done=False
)
COPIED = say("request-copied", "A copy is on its way to your own mailbox.")
COPY_LATER = say("request-copy-later", "No copy was sent: the server cannot take it now. Try again later.", done=False)
COPY_REFUSED = say("request-copy-refused", "No copy was sent: the server refused it.", done=False)
NO_MAILBOX = say("request-no-mailbox", "No copy was sent: your account has no mailbox of its own.", done=False)


class ReleasePages:
    """The list for those who decide, the page of one request, and the button of those who ask."""

    def __init__(self, releases: Releases, forwarder: Forwarder, pages: ConsolePages) -> None:
        self._releases = releases
        self._forwarder = forwarder
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        one, see, decide = "/console/requests/{id:[0-9]{1,18}}", Right.SEE_OVERVIEW, Right.DECIDE_RELEASE
        named = Names.REQUEST
        return (
            Route("requests", "/console/requests", see, self.index),
            Route("request", one, see, self.show, names=named),
            Route("request-release", f"{one}/release", decide, act=self.release, names=named),
            Route("request-refuse", f"{one}/refuse", decide, act=self.refuse, names=named),
            Route("request-inspect", f"{one}/inspect", decide, act=self.inspect, names=named),
            Route(
                "message-ask-release", "/console/message/{id:[0-9]{1,18}}/ask-release", Right.ASK_RELEASE,
                act=self.ask, names=Names.ROW,
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """Show what is open, or everything."""
        everything = request.query.get("show") == "all"
        start = number_of(request.query.get("before", ""))
        found = await self._releases.page(viewer_of(request), None if everything else RequestState.OPEN, start)
        cases, more = found or ((), 0)
        shown = "show=all&" if everything else ""
        words = {
            "cases": cases,
            "everything": everything,
            "next": f"console/requests?{shown}before={more}" if more else "",
            "first": f"console/requests?{shown}" if start else "",
        }
        return self._pages.page(request, "requests/list", words, here="requests")

    async def show(self, request: web.Request) -> web.Response:
        """Show one request, with what can be done."""
        viewer = viewer_of(request)
        case = await self._case(request, viewer)
        words = {
            "case": case,
            "decides": viewer.may(Right.DECIDE_RELEASE) and case.request.state is RequestState.OPEN,
            "mailbox": await self._releases.own_mailbox(viewer) if viewer.may(Right.FORWARD) else "",
            "content": viewer.may(Right.READ_CONTENT),
        }
        return self._pages.page(request, "requests/one", words, here="requests")

    async def release(self, request: web.Request) -> web.StreamResponse:
        """Let the mail go to its recipient."""
        why = text_of(await request.post(), "why")
        raise _answered(request, await self._releases.release(viewer_of(request), _id(request), why), RELEASED)

    async def refuse(self, request: web.Request) -> web.StreamResponse:
        """Say no, with a word to who asked."""
        why = text_of(await request.post(), "why")
        raise _answered(request, await self._releases.refuse(viewer_of(request), _id(request), why), REFUSED)

    async def inspect(self, request: web.Request) -> web.StreamResponse:
        """Send a copy to who decides."""
        viewer = viewer_of(request)
        case = await self._case(request, viewer)
        here, mailbox = f"console/requests/{case.request.id}", await self._releases.own_mailbox(viewer)
        if not mailbox:
            raise see_other(request, here, NO_MAILBOX)
        try:
            answer = await self._forwarder.inspect(viewer, case.request.row, mailbox)
        except (ContentGone, WrongContent):
            answer = None
        if answer is None:
            raise see_other(request, here, SETTLED)
        tell(request, f"copy to {mailbox}: {answer.code}")
        if answer.accepted:
            await self._releases.inspected(viewer, case.request.id)
        raise see_other(request, here, COPIED if answer.accepted else COPY_LATER if answer.temporary else COPY_REFUSED)

    async def ask(self, request: web.Request) -> web.StreamResponse:
        """Ask the people in charge for a mail."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        if not await self._releases.sees(viewer, row_id):
            raise web.HTTPNotFound
        asked = await self._releases.ask(viewer, row_id, text_of(await request.post(), "words"))
        tell(request, asked.value if asked is not None else "not asked")
        raise see_other(request, f"console/message/{row_id}", NOT_ASKED if asked is None else ASKED[asked])

    async def _case(self, request: web.Request, viewer: Viewer) -> Case:
        case = await self._releases.one(viewer, _id(request))
        if case is None:
            raise web.HTTPNotFound
        return case


def _id(request: web.Request) -> int:
    return int(request.match_info["id"])


def _answered(request: web.Request, decided: Decided | None, said: str) -> web.HTTPException:
    if decided is None:
        return web.HTTPNotFound()
    tell(
        request, f"mail {decided.request.row} for {decided.request.recipient_key}" if decided.done else "settled before"
    )
    return see_other(request, f"console/requests/{decided.request.id}", said if decided.done else SETTLED)
