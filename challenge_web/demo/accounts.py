"""The way from the demo's page into the console: one press signs a newcomer in, as a recipient or one of three others."""

from __future__ import annotations

from aiohttp import hdrs, web

from challenge_web.console.gate import Cookie
from challenge_web.demo.guard import check_host, check_origin, check_token
from challenge_web.demo.view import DemoView
from challenge_web.public.form import read_fields

_FORM_OCTETS = 1024

ACCOUNTS = (
    ("joe", "Open Joe’s console", "the mail that waits for him: read it, let it in, block a sender"),
    ("domain-admin", "Open the domain admin’s console", "all of it for example.org, and nothing of the other domain"),
    ("auditor", "Open the auditor’s console", "who wrote to whom and what became of it, but no content and no button"),
    ("admin", "Open the admin’s console", "all mail, lists, policies, accounts, numbers"),
)
"""In whose account one can be signed in: key, words on the button, what is there."""


class AccountButtons:
    """Signs in. Only under the demo, only from its own page, only on this machine."""

    def __init__(self, view: DemoView, token: str) -> None:
        """token: what our forms bear."""
        self._view = view
        self._token = token
        self._cookie = Cookie(secure=False)

    async def enter(self, request: web.Request) -> web.Response:
        """Begin a session and show the console."""
        check_host(request)
        ours = check_origin(request)
        form = await read_fields(request, _FORM_OCTETS)
        if not ours:
            check_token(form.get("csrf", ""), self._token)
        who = form.get("who", "")
        if who not in (key for key, _, _ in ACCOUNTS):
            raise web.HTTPBadRequest(text="This form is not complete; go back to /demo/ and try again.")
        secret = await self._view.enter(who, request.remote or "", request.headers.get(hdrs.USER_AGENT, ""))
        answer = web.Response(status=303, headers={hdrs.LOCATION: "/console/"})
        self._cookie.set(answer, secret)
        return answer
