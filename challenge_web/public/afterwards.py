"""What else a sender can do with the link: say that the mail is not theirs, take it back, see how far it has come."""

from __future__ import annotations

from aiohttp import web

from challenge_web.pages import Pages, segment, stamp, wants_data
from challenge_web.public.answers import Answers
from challenge_web.public.by_link import add_page
from gateway.domain.lifecycle import State
from gateway.flow.rows import Progress

# What a sender may know of a state: who moved the mail, and why, stays with the recipient.
_SHOWN = {
    State.PENDING: "waiting",
    State.RELEASED: "to-be-delivered",
    State.DELIVERED: "delivered",
    State.REFUSED: "refused",
    State.EXPIRED: "expired",
    State.DELETED: "deleted",
    State.BLOCKED: "deleted",
    State.DISOWNED: "deleted",
}


class SenderPages:
    """Handlers of /challenge/{token}/disown, /challenge/{token}/withdraw and /status/{status_token}."""

    def __init__(self, answers: Answers, pages: Pages) -> None:
        self._answers = answers
        self._pages = pages

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        add_page(app, "/challenge/{token}/disown", "disown", self.ask_disown, self.disown)
        add_page(app, "/challenge/{token}/withdraw", "withdraw", self.ask_withdraw, self.withdraw)
        app.router.add_get("/status/{status_token}", self.status, name="status")

    async def ask_disown(self, request: web.Request) -> web.Response:
        """GET: did somebody else use your address?"""
        return await self._question(request, "disown")

    async def ask_withdraw(self, request: web.Request) -> web.Response:
        """GET: shall we delete the mail?"""
        return await self._question(request, "withdraw")

    async def disown(self, request: web.Request) -> web.Response:
        """POST: the mail is dropped, and this address is not asked again."""
        return self._done(request, "disown", await self._answers.disown(request.match_info["token"]))

    async def withdraw(self, request: web.Request) -> web.Response:
        """POST: the mail is dropped."""
        return self._done(request, "withdraw", await self._answers.withdraw(request.match_info["token"]))

    async def status(self, request: web.Request) -> web.Response:
        """GET: how far each mail has come."""
        mails = await self._answers.status(request.match_info["status_token"])
        if not mails:
            raise web.HTTPNotFound
        if wants_data(request):
            return self._pages.data({"mails": [_facts(mail) for mail in mails]})
        here = f"./{segment(request.match_info['status_token'])}"
        return self._pages.page(
            request, "public/status", {"mails": [(mail, _SHOWN[mail.state]) for mail in mails], "here": here}
        )

    async def _question(self, request: web.Request, name: str) -> web.Response:
        challenge = await self._answers.look(request.match_info["token"])
        if challenge is None:
            raise web.HTTPNotFound
        back = f"../{segment(request.match_info['token'])}"
        return self._pages.page(request, f"public/{name}", {"challenge": challenge, "back": back, "here": f"./{name}"})

    def _done(self, request: web.Request, name: str, done: bool) -> web.Response:
        if not done:
            raise web.HTTPNotFound
        if wants_data(request):
            return self._pages.data({"done": name})
        return self._pages.page(request, f"public/{name}-done", {})


def _facts(mail: Progress) -> dict[str, object]:
    return {
        "recipient": mail.recipient,
        "recipient_domain": mail.recipient_domain,
        "received_at": stamp(mail.received_at),
        "state": _SHOWN[mail.state],
        "changed_at": stamp(mail.changed_at),
        "expires_at": stamp(mail.expires_at),
    }
