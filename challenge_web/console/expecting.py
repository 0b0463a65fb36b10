"""Expected mail: start a window or make a tagged address, see what came, stop it."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from aiohttp import web

from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Route
from gateway.domain.expecting import parse_days, parse_minutes, parse_sender_domain
from gateway.domain.phrase import phrase, phrases, words_of
from gateway.domain.roles import Right
from gateway.flow.expecting import MOST_SHOWN, Expecting, Refused

OPENED = say("expecting-started", "Started. Mail that somebody vouches for comes straight to the mailbox.")
STOPPED = say("expecting-stopped", "Stopped. Unknown senders wait again.")

_MINUTES = (
    *((str(count), phrases(count, "{n} minute", "{n} minutes")) for count in (15, 30)),
    *((str(60 * count), phrases(count, "{n} hour", "{n} hours")) for count in (1, 2)),
)
_DAYS = (
    *((str(count), phrases(count, "{n} day", "{n} days")) for count in (1, 7, 30, 90)),
    ("365", phrase("1 year")),
)


class ExpectingPages:
    """The page of windows."""

    def __init__(self, expecting: Expecting, pages: ConsolePages, *, now: Callable[[], float]) -> None:
        self._expecting = expecting
        self._pages = pages
        self._now = now

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route(
                "expecting", "/console/expecting", Right.SEE_POLICY, self.show, self.start, act_right=Right.MODERATE
            ),
            Route(
                "expecting-stop", "/console/expecting/{id:[0-9]{1,18}}/stop", Right.MODERATE,
                act=self.stop, names=Names.OTHER,
            ),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.Response:
        """Show what is open, what came in, and the forms."""
        return await self._page(request, {})

    async def start(self, request: web.Request) -> web.StreamResponse:
        """Open a window."""
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        tagged = form.get("kind") == "tag"
        try:
            seconds = parse_days(form.get("days", "")) if tagged else parse_minutes(form.get("minutes", ""))
            window = await self._expecting.start(
                viewer_of(request),
                form.get("address", ""),
                seconds,
                tagged=tagged,
                once=bool(form.get("once")),
                domain=parse_sender_domain(form.get("from", "")),
            )
        except ValueError as fault:
            return await self._page(request, {**form, "error": words_of(fault)}, 400)
        except Refused as refused:
            return await self._page(request, {**form, "error": words_of(refused)}, 400)
        if window is None:
            raise web.HTTPNotFound
        tell(request, f"{window.opens} {window.domain}".strip()[:500])
        raise see_other(request, "console/expecting", OPENED)

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Shut a window."""
        if not await self._expecting.stop(viewer_of(request), int(request.match_info["id"])):
            raise web.HTTPNotFound
        raise see_other(request, "console/expecting", STOPPED)

    async def _page(self, request: web.Request, typed: dict[str, str], status: int = 200) -> web.Response:
        hall = await self._expecting.hall(viewer_of(request))
        now = self._now()
        words = {
            "hall": hall,
            "open_to": [address for address in hall.addresses if address not in hall.forbidden],
            "left": {shown.window.id: _left(shown.window.ends_at - now) for shown in hall.windows if shown.open},
            "most": MOST_SHOWN,
            "minutes": _MINUTES,
            "days": _DAYS,
            "typed": typed,
            "kind": typed.get("kind", ""),
            "error": typed.get("error", ""),
        }
        return self._pages.page(request, "expecting/expecting", words, status, here="expecting")


def _left(seconds: float) -> str:
    """Say how long a window still is open."""
    minutes = max(1, math.ceil(seconds / 60))
    if minutes >= 2880:
        return phrases(minutes // 1440, "{n} day left", "{n} days left")
    if minutes >= 120:
        return phrases(minutes // 60, "{n} hour left", "{n} hours left")
    return phrases(minutes, "{n} minute left", "{n} minutes left")
