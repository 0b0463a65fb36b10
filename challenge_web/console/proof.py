"""Fresh proof: the page that asks once more who one is, before what changes how people sign in."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Protocol

from aiohttp import hdrs, web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import PROOF, ClientOf, Cookie, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Route
from challenge_web.console.sign_in import arrival_of, asked_lately, too_many_tries
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.domain.sign_in import safe_path
from gateway.flow.proof import Proven, Ways
from gateway.flow.sessions import Arrival
from gateway.flow.sign_in import Asked, Refused
from gateway.flow.sign_in_ports import CheckDown

HERE = "account"
IT_IS_YOU = say("proven", "Thank you: it is you. Nothing is changed yet; go on here.")
_FIRST = "console/account"


class Proofs(Protocol):
    """What asks and judges; `gateway.flow.proof.FreshProof`."""

    async def ways(self, viewer: Viewer, host: str) -> Ways | None:
        """Return how the viewer can show who he is."""

    async def by_code(self, viewer: Viewer, code: str, arrival: Arrival) -> Proven | Refused:
        """Prove oneself by a code of the app, or a recovery code."""

    async def by_passkey(
        self, viewer: Viewer, cookie_secret: str, host: str, answer: str, arrival: Arrival
    ) -> Proven | Refused:
        """Show a passkey's answer."""

    async def by_password(self, viewer: Viewer, password: str, arrival: Arrival) -> Proven | Refused:
        """Show the password. Raises CheckDown."""

    async def by_link(self, viewer: Viewer, wanted: str, arrival: Arrival) -> Asked | None:
        """Let a link be sent."""


class ProofPages:
    """One page, that leads back to where it was asked for."""

    def __init__(self, proofs: Proofs, cookie: Cookie, client_of: ClientOf, pages: ConsolePages) -> None:
        self._proofs = proofs
        self._cookie = cookie
        self._client_of = client_of
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route(PROOF, "/console/account/proof", Right.OWN_ACCOUNT, self.show, self.judge),)

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET /console/account/proof?next=…"""
        return await self._show(request, request.query.get("next", ""))

    async def _show(
        self, request: web.Request, wanted: str, status: int = 200, error: str = "", wait: float = 0.0
    ) -> web.StreamResponse:
        ways = await self._proofs.ways(viewer_of(request), request.host)
        if ways is None:
            raise web.HTTPNotFound
        words = {"ways": ways, "next": safe_path(wanted), "error": error}
        response = self._pages.page(request, "account/proof", words, status, here=HERE)
        if wait:
            response.headers[hdrs.RETRY_AFTER] = str(math.ceil(wait))
        return response

    async def judge(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/proof: a code, a passkey's answer, a password, or the wish for a link."""
        form, viewer = await request.post(), viewer_of(request)
        arrival = arrival_of(request, self._client_of)
        wanted, answer, password = text_of(form, "next"), text_of(form, "answer"), text_of(form, "password")
        if text_of(form, "link"):
            return await self._send_link(request, viewer, wanted, arrival)
        if answer:
            secret = self._cookie.read(request)
            done = await self._proofs.by_passkey(viewer, secret, request.host, answer, arrival)
            wrong = phrase("The passkey did not fit. Try again, or use a code.")
        elif password:
            try:
                done = await self._proofs.by_password(viewer, password, arrival)
            except CheckDown:
                return await self._show(request, wanted, 503, phrase("Passwords cannot be checked just now."), 60)
            wrong = phrase("This is not your password.")
        else:
            done = await self._proofs.by_code(viewer, text_of(form, "code"), arrival)
            wrong = phrase("This code is not right, or it was used before. Wait for the next one.")
        if isinstance(done, Refused):
            if done.wait:
                return await self._show(request, wanted, 429, too_many_tries(done.wait), done.wait)
            return await self._show(request, wanted, 403, wrong)
        response = see_other(request, safe_path(wanted).lstrip("/") or _FIRST, IT_IS_YOU)
        self._cookie.set(response, done.secret)
        raise response

    async def _send_link(
        self, request: web.Request, viewer: Viewer, wanted: str, arrival: Arrival
    ) -> web.StreamResponse:
        asked = await self._proofs.by_link(viewer, safe_path(wanted) or f"/{_FIRST}", arrival)
        if asked is None:
            raise web.HTTPNotFound
        if asked.wait:
            return await self._show(request, wanted, 429, asked_lately(asked.wait), asked.wait)
        raise see_other(request, "sign-in/sent")
