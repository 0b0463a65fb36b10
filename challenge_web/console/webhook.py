"""The webhook: how the program stands that is told what becomes of mail; try it out, and let it be told again."""

from __future__ import annotations

from collections.abc import Sequence

from aiohttp import web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Route
from gateway.domain.phrase import chain, phrase, phrase_in
from gateway.domain.roles import Right
from gateway.domain.webhook import Kind, fault_words
from gateway.flow.webhook import Webhook

TAKEN = say("webhook-taken", "It took the event.")
RETRIED = say("webhook-retried", "All that waits is sent again now. Look again in a moment.")
NO_WEBHOOK = say("webhook-none", "There is no webhook: nothing was sent.", done=False)

KINDS = {
    Kind.HELD: phrase_in("event", "held"),
    Kind.RELEASED: phrase_in("event", "released"),
    Kind.EXPIRED: phrase_in("event", "expired"),
}


class WebhookPages:
    """The page of the webhook."""

    def __init__(self, webhook: Webhook, pages: ConsolePages) -> None:
        self._webhook = webhook
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route("webhook", "/console/webhook", Right.WEBHOOK, self.show, self.act),)

    async def show(self, request: web.Request) -> web.Response:
        """Show how it stands, and what waits."""
        return await self._page(request)

    async def _page(self, request: web.Request, status: int = 200, problem: str = "") -> web.Response:
        found = await self._webhook.show(viewer_of(request))
        if found is None:
            raise web.HTTPForbidden
        fault = found.standing.fault
        words = {
            "webhook": found,
            "standing": found.standing,
            "kinds": KINDS,
            "told": chain(", ", [KINDS[kind] for kind in found.kinds]),
            "fault": fault_words(fault) if fault else "",
            "fault_words": fault_words,
            "problem": problem,
        }
        return self._pages.page(request, "webhook/webhook", words, status, here="overview")

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Send a test event, or let all that waits be sent now."""
        viewer, form = viewer_of(request), await request.post()
        if text_of(form, "do") == "retry":
            count = await self._webhook.retry(viewer)
            raise see_other(request, "console/webhook", NO_WEBHOOK if count is None else RETRIED)
        answer = await self._webhook.test(viewer)
        if answer is None:
            raise see_other(request, "console/webhook", NO_WEBHOOK)
        if not answer.fault:
            raise see_other(request, "console/webhook", TAKEN)
        problem = phrase("The test event was not taken. {fault}", fault=fault_words(answer.fault))
        return await self._page(request, 502, problem)
