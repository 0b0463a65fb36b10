"""What admins look at first: numbers, what needs a person, and what is stuck on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, tzinfo
from urllib.parse import urlencode

from aiohttp import web

from challenge_web.console.chart import stacked
from challenge_web.console.forms import words_and_after
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import spoken
from gateway.domain.address import normal_domain
from gateway.domain.names import PAGE
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right
from gateway.domain.sentences import answer_of, short_reason
from gateway.flow.moderate import Action, Moderator
from gateway.flow.overview import Overview, Picture, Span
from gateway.flow.overview_charts import ARRIVED, FUNNEL, MOST_WRONG, ScoreBand
from gateway.flow.overview_ports import Frequent, Stuck
from gateway.flow.reader_days import zone_of
from gateway.flow.tally import Happening

TRIED = say("tried", "It is tried again now. The answer of the other server appears here in a moment.")
NOT_TRIED = say("not-tried", "There was nothing to try again: somebody else may have done it.", done=False)
DROPPED = say("dropped", "Deleted. It does not go out any more.")

_SPANS = ((Span.DAY, phrase("24 hours")), (Span.WEEK, phrase("7 days")), (Span.MONTH, phrase("30 days")))


_HAPPENINGS = {
    Happening.RELAYED: phrase("passed on at once"),
    Happening.HELD: phrase("held"),
    Happening.REFUSED: phrase("refused"),
    Happening.DELIVERED: phrase("delivered after waiting"),
    Happening.ASKED: phrase("senders asked"),
    Happening.SOLVED: phrase("answered"),
    Happening.EXPIRED: phrase("expired"),
    Happening.DISOWNED: phrase("disowned"),
    Happening.UNDELIVERABLE: phrase("not deliverable"),
    Happening.BOUNCED: phrase("came back"),
}


class OverviewPages:
    """The overview and the outgoing queue."""

    def __init__(self, overview: Overview, moderator: Moderator, pages: ConsolePages) -> None:
        self._overview = overview
        self._moderator = moderator
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route("overview", "/console/overview", Right.SEE_OVERVIEW, self.show),
            Route("domains", "/console/domains", Right.SEE_OVERVIEW, self.domains),
            Route("outgoing", "/console/outgoing", Right.SEE_OVERVIEW, self.outgoing),
            Route(
                "outgoing-mail", "/console/outgoing/mail/{id:[0-9]{1,18}}", Right.RETRY_OUTGOING,
                act=self.act_on_mail, names=Names.ROW,
            ),
            Route(
                "outgoing-challenge", "/console/outgoing/challenge/{id:[0-9]{1,18}}", Right.RETRY_OUTGOING,
                act=self.retry_challenge, names=Names.OTHER,
            ),
        )  # fmt: skip

    async def show(self, request: web.Request) -> web.Response:
        """Show how much came, what became of it, and what needs a person."""
        viewer = viewer_of(request)
        span = _span(request.query.get("span", ""))
        zone = zone_of(viewer)
        domain = request.query.get("domain", "")
        picture = await self._overview.picture(viewer, span, zone, normal_domain(domain) if domain else "")
        if picture is None:
            raise web.HTTPNotFound if domain else web.HTTPForbidden
        return self._pages.page(request, "overview/overview", _words(picture, zone), here="overview")

    async def domains(self, request: web.Request) -> web.Response:
        """Show our domains, page by page: the server of each, and what came in the last day."""
        words, after = words_and_after(request)
        domains = await self._overview.domains(viewer_of(request), words, after)
        told = {
            "domains": domains,
            "what": Happening,
            "words": words,
            "after": after,
            "next": domains[-1].name if len(domains) == PAGE else "",
        }
        return self._pages.page(request, "overview/domains", told, here="domains")

    async def outgoing(self, request: web.Request) -> web.Response:
        """Show what has not gone out yet, with the other server's words."""
        stuck = await self._overview.outgoing(viewer_of(request))
        return self._pages.page(request, "overview/outgoing", {"stuck": stuck, "answer_of": answer_of}, here="outgoing")

    async def act_on_mail(self, request: web.Request) -> web.StreamResponse:
        """Try a mail again, or delete it."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        stuck = {item.id: item for item in await self._overview.outgoing(viewer) if item.kind == "mail"}
        if row_id not in stuck:
            raise web.HTTPNotFound
        action = {"retry": Action.DELIVER, "delete": Action.DELETE}.get(str((await request.post()).get("do", "")))
        if action is None:
            raise web.HTTPBadRequest
        (done,) = await self._moderator.act(action, [row_id], viewer.name)
        tell(request, action.value)
        said = NOT_TRIED if done.problem else DROPPED if action is Action.DELETE else TRIED
        raise see_other(request, "console/outgoing", said)

    async def retry_challenge(self, request: web.Request) -> web.StreamResponse:
        """Try to send a challenge again."""
        viewer, challenge_id = viewer_of(request), int(request.match_info["id"])
        if not any(item.id == challenge_id for item in await self._challenges(request)):
            raise web.HTTPNotFound
        tried = await self._overview.retry_challenge(viewer, challenge_id)
        raise see_other(request, "console/outgoing", TRIED if tried else NOT_TRIED)

    async def _challenges(self, request: web.Request) -> list[Stuck]:
        return [item for item in await self._overview.outgoing(viewer_of(request)) if item.kind == "challenge"]


def _span(text: str) -> Span:
    return next((span for span in Span if span.value == text), Span.DAY)


def _range(band: ScoreBand) -> str:
    if band.low is None:
        return f"< {band.high}"
    return f"≥ {band.low}" if band.high is None else f"{band.low}–{band.high}"


def _tiles(picture: Picture, arrived: int) -> list[tuple[int, str, str]]:
    """Return each total with its words, and the address of the list behind it."""
    place = {"address": f"@{picture.domain}"} if picture.domain else {}

    def tile(what: Happening, text: str, state: str) -> tuple[int, str, str]:
        return picture.total(what), text, f"console/history?{urlencode({**place, 'state': state})}"

    waiting = f"console/pending?{urlencode({'q': f'to:{picture.domain}'})}" if picture.domain else "console/pending"
    return [
        (arrived, phrase("arrived"), f"console/history?{urlencode(place)}" if place else "console/history"),
        tile(Happening.RELAYED, phrase("passed on at once"), "relayed"),
        (picture.total(Happening.HELD), phrase("held"), waiting),
        tile(Happening.REFUSED, phrase("refused"), "refused"),
        tile(Happening.ASKED, phrase("senders asked"), "sent"),
        tile(Happening.SOLVED, phrase("answered"), "answered"),
        tile(Happening.DELIVERED, phrase("delivered after waiting"), "delivered"),
        tile(Happening.EXPIRED, phrase("expired"), "expired"),
    ]


def _words(picture: Picture, zone: tzinfo) -> dict[str, object]:
    names = [
        f"{datetime.fromtimestamp(bar.start, zone):%H:%M}"
        if picture.span.by_hour
        else spoken().short_day(bar.start, zone)
        for bar in picture.bars
    ]
    chart = stacked(
        [kind.value for kind in ARRIVED],
        [(name, [bar.of(kind) for kind in ARRIVED]) for name, bar in zip(names, picture.bars, strict=True)],
    )
    arrived = sum(picture.total(kind) for kind in ARRIVED)
    rows = [
        (name, bar.start, sum(bar.of(kind) for kind in ARRIVED), *(bar.of(what) for what in Happening))
        for name, bar in zip(names, picture.bars, strict=True)
    ]
    by_hour = [(f"{one.hour:02}:00", [one.of(kind) for kind in ARRIVED]) for one in picture.hours]
    bands = [(_range(band), [band.times]) for band in picture.standing.scores]
    gauge = picture.backscatter
    return {
        "hours": stacked([kind.value for kind in ARRIVED], by_hour, marks=8),
        "hour_rows": [(name, sum(values), *values) for name, values in by_hour],
        "scores": stacked(["held"], bands, marks=len(bands)) if bands else None,
        "score_rows": [(name, times) for name, (times,) in bands],
        "funnel": [Frequent(_HAPPENINGS[what], picture.total(what)) for what in FUNNEL],
        "gauge": gauge,
        "too_many_wrong": gauge.share is not None and gauge.share > MOST_WRONG,
        "domain": picture.domain,
        "choices": picture.choices,
        "domain_choices": [(name, name) for name in picture.choices],
        "picture": picture,
        "standing": picture.standing,
        "chart": chart,
        "tiles": _tiles(picture, arrived),
        "arrived": arrived,
        "rows": rows,
        "spans": [(span.value, text) for span, text in _SPANS],
        "reasons": [Frequent(short_reason(one.name), one.times) for one in picture.standing.reasons],
        "happenings": [_HAPPENINGS[what] for what in Happening],
    }
