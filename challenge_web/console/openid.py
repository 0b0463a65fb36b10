"""Sign-in at an identity provider: the way there, and the way back."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Protocol
from urllib.parse import urlsplit

from aiohttp import web

from challenge_web.console.gate import SIGN_IN
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Names, Route
from challenge_web.console.sign_in import Offer
from gateway.domain.sign_in import safe_path
from gateway.flow.openid import WAY, NotShown, Provider
from gateway.flow.sessions import Arrival, Entered
from gateway.flow.sign_in_ports import CheckDown, Identity
from gateway.log import warning

_log = logging.getLogger("gateway.sign_in")

_COOKIE_SECONDS = 600
_BACK = "/sign-in/openid/back"


class Admits(Protocol):
    """What lets proven people in; `gateway.flow.sign_in.SignIn`."""

    async def admit(self, identity: Identity, way: str, wanted: str, arrival: Arrival) -> Entered | None:
        """Let somebody in; None where he has no account here and may not get one."""


class Threshold(Protocol):
    """What every way to sign in ends in; `SignInPages`."""

    async def entered(self, request: web.Request, entered: Entered) -> web.StreamResponse:
        """Begin the session in this browser, and lead on. Raises HTTPSeeOther."""

    def arrival_of(self, request: web.Request) -> Arrival:
        """Return where somebody comes from."""


class OpenidPages:
    """The address that leads to the provider, and the one it leads back to."""

    def __init__(
        self,
        provider: Provider,
        sign_in: Admits,
        threshold: Threshold,
        pages: ConsolePages,
        public_urls: Sequence[str],
        *,
        secure: bool,
        label: str,
    ) -> None:
        """public_urls: under which browsers reach us, the main one first. label: whose accounts they are."""
        self._provider = provider
        self._sign_in = sign_in
        self._threshold = threshold
        self._pages = pages
        self._public_urls = tuple(public_urls)
        self._secure = secure
        self._cookie = "__Host-openid" if secure else "openid"
        self._label = label

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route(f"{SIGN_IN}-openid", "/sign-in/openid", None, self.begin, names=Names.OTHER),
            Route(f"{SIGN_IN}-openid-back", _BACK, None, self.back, names=Names.OTHER),
        )

    def offer(self, request: web.Request) -> Offer | None:
        """Return the button on the sign-in page."""
        return Offer(f"Sign in with {self._label}", "sign-in/openid", form=False)

    async def begin(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/openid: to the provider. A link and no form, for browsers follow no form to another site."""
        wanted = safe_path(request.query.get("next", ""))
        try:
            asking = await self._provider.begin(self._return_to(request), wanted)
        except CheckDown as fault:
            return self._trouble(request, fault)
        response = web.HTTPSeeOther(asking.url)
        # Lax, not Strict: the way back begins at the provider's page.
        response.set_cookie(
            self._cookie, asking.secret, max_age=_COOKIE_SECONDS, path="/", secure=self._secure, httponly=True,
            samesite="Lax",
        )  # fmt: skip
        raise response

    async def back(self, request: web.Request) -> web.StreamResponse:
        """GET of the address that the provider sends browsers back to. It works once: the cookie is used up."""
        try:
            return self._forget(await self._back(request))
        except web.HTTPSeeOther as response:
            self._forget(response)
            raise

    async def _back(self, request: web.Request) -> web.StreamResponse:
        secret = request.cookies.get(self._cookie, "")
        query = dict(request.query)
        arrival = self._threshold.arrival_of(request)
        try:
            if len(query) != len(request.query):
                raise NotShown("the answer says something twice")
            shown = await self._provider.finish(self._return_to(request), secret, query)
        except (NotShown, CheckDown) as fault:
            return self._trouble(request, fault)
        entered = await self._sign_in.admit(shown.identity, WAY, shown.wanted, arrival)
        if entered is None:
            words = {"label": self._label, "trouble": "nobody"}
            return self._pages.page(request, "sign_in/openid", words, 403)
        return await self._threshold.entered(request, entered)

    def _trouble(self, request: web.Request, fault: NotShown | CheckDown) -> web.Response:
        down = isinstance(fault, CheckDown)
        name = "sign-in-down" if down else "sign-in-refused"
        warning(_log, name, way=WAY, problem=str(fault), client=self._threshold.arrival_of(request).client)
        words = {"label": self._label, "trouble": "down" if down else "refused"}
        return self._pages.page(request, "sign_in/openid", words, 503 if down else 403)

    def _return_to(self, request: web.Request) -> str:
        """Return where the provider sends browsers back to: of our own addresses, the one this browser is at."""
        here = (url for url in self._public_urls if urlsplit(url).netloc == request.host.lower())
        return next(here, self._public_urls[0]) + _BACK

    def _forget(self, response: web.StreamResponse) -> web.StreamResponse:
        response.del_cookie(self._cookie, path="/", secure=self._secure, httponly=True, samesite="Lax")
        return response
