"""Signing in and out: a one-time link by mail, name and password, the second factor."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from aiohttp import hdrs, web

from challenge_web.console.forms import text_of
from challenge_web.console.gate import SECRET, SIGN_IN, ClientOf, Cookie
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import language_of
from challenge_web.pages import whole_minutes
from gateway.domain.phrase import Phrase, phrase, phrases
from gateway.domain.sign_in import safe_path
from gateway.flow.account_ports import Account
from gateway.flow.second_factor import Enrolled, Enrolment, Half
from gateway.flow.session_ports import Stage
from gateway.flow.sessions import Arrival, Entered
from gateway.flow.sign_in import Asked, Refused

_FIRST_PAGE = "console/"
_LONGEST_AGENT = 500
SIGNED_OUT = say("signed-out", "You are signed out.")


class SignIn(Protocol):
    """What lets people in; `gateway.flow.sign_in.SignIn`."""

    @property
    def by_password(self) -> bool:
        """True where there is a way to come in by name and password."""

    async def ask_link(self, text: str, wanted: str, arrival: Arrival) -> Asked:
        """Let a link be sent to an address."""

    async def whose_link(self, token: str) -> str | None:
        """Return whom a link signs in."""

    async def enter_by_link(self, token: str, arrival: Arrival) -> Entered | None:
        """Use a link up."""

    async def enter_by_password(self, name: str, password: str, wanted: str, arrival: Arrival) -> Entered | Refused:
        """Try name and password."""


class Factors(Protocol):
    """The second factor; `gateway.flow.second_factor.SecondFactor`."""

    async def half(self, secret: str, host: str) -> Half | None:
        """Return who is half-way in."""

    async def enter_by_code(self, secret: str, code: str, arrival: Arrival) -> Entered | Refused | None:
        """Come in by a code of the app, or a recovery code. None: nobody is half-way in with this secret."""

    async def enter_by_passkey(self, secret: str, host: str, answer: str, arrival: Arrival) -> Entered | Refused | None:
        """Show a passkey's answer."""

    async def enrolling(self, cookie_secret: str) -> tuple[Account, Enrolment] | None:
        """Return what somebody sees who must set up a second factor."""

    async def confirm_codes(self, cookie_secret: str, code: str, arrival: Arrival) -> Enrolled | Refused | None:
        """Take an app's secret into use."""


class Out(Protocol):
    """Ends sessions; `gateway.flow.sessions.Sessions`."""

    async def sign_out(self, secret: str) -> None:
        """End the session of this secret."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A button on the sign-in page, for a way that needs no words there."""

    text: str
    path: str
    """Below the application's root."""
    form: bool
    """It is pressed, and not just followed."""


class SignInPages:
    """The room before the console."""

    def __init__(
        self,
        sign_in: SignIn,
        factors: Factors,
        sessions: Out,
        cookie: Cookie,
        client_of: ClientOf,
        pages: ConsolePages,
        *,
        links: bool,
    ) -> None:
        self._sign_in = sign_in
        self._factors = factors
        self._sessions = sessions
        self._cookie = cookie
        self._client_of = client_of
        self._pages = pages
        self._links = links
        self._offers: list[Callable[[web.Request], Offer | None]] = []

    def also(self, offer: Callable[[web.Request], Offer | None]) -> None:
        """Show one more way on the page, to those for whom there is one."""
        self._offers.append(offer)

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route(SIGN_IN, "/sign-in", None, self.form, self.ask_link),
            Route(f"{SIGN_IN}-sent", "/sign-in/sent", None, self.sent),
            Route(f"{SIGN_IN}-password", "/sign-in/password", None, self.form, self.enter_by_password),
            Route(f"{SIGN_IN}-link", "/sign-in/link/{token}", None, self.link, self.enter_by_link, Names.OTHER),
            Route(f"{SIGN_IN}-second", "/sign-in/second", None, self.second, self.enter_by_second),
            Route(f"{SIGN_IN}-enrol", "/sign-in/enrol", None, self.enrol, self.confirm_enrolment),
            Route("signout", "/sign-out", None, self.ask_sign_out, self.sign_out),
        )

    # --- the form ---

    async def form(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in and /sign-in/password."""
        if request[SECRET]:
            raise self._onward(request, safe_path(request.query.get("next", "")))
        return self._form(request, request.query.get("next", ""))

    def _form(
        self, request: web.Request, wanted: str, status: int = 200, *, link_error: str = "", password_error: str = "",
        address: str = "", name: str = "", wait: float = 0.0,
    ) -> web.Response:  # fmt: skip
        words = {
            "next": safe_path(wanted),
            "links": self._links,
            "by_password": self._sign_in.by_password,
            "offers": [found for offer in self._offers if (found := offer(request)) is not None],
            "link_error": link_error,
            "password_error": password_error,
            "address": address,
            "name": name,
        }
        response = self._pages.page(request, "sign_in/form", words, status)
        if wait:
            response.headers[hdrs.RETRY_AFTER] = str(math.ceil(wait))
        return response

    async def ask_link(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-in: the answer is the same for every address."""
        form = await request.post()
        address, wanted = text_of(form, "address"), text_of(form, "next")
        if not self._links:
            raise web.HTTPNotFound
        asked = await self._sign_in.ask_link(address, wanted, self.arrival_of(request))
        if asked.fault:
            return self._form(request, wanted, 400, link_error=asked.fault, address=address)
        if asked.wait:
            error = asked_lately(asked.wait)
            return self._form(request, wanted, 429, link_error=error, address=address, wait=asked.wait)
        raise see_other(request, "sign-in/sent")

    async def sent(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/sent."""
        return self._pages.page(request, "sign_in/sent", {})

    async def enter_by_password(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-in/password: wrong names and wrong passwords are answered alike."""
        form = await request.post()
        name, wanted = text_of(form, "name"), text_of(form, "next")
        if not self._sign_in.by_password:
            raise web.HTTPNotFound
        done = await self._sign_in.enter_by_password(name, text_of(form, "password"), wanted, self.arrival_of(request))
        if isinstance(done, Entered):
            return await self.entered(request, done)
        if done.wait:
            error = too_many_tries(done.wait)
            return self._form(request, wanted, 429, password_error=error, name=name, wait=done.wait)
        if done.down:
            error = phrase("Passwords cannot be checked just now. Try again in a few minutes, or let a link be sent.")
            return self._form(request, wanted, 503, password_error=error, name=name, wait=60)
        error = phrase("Name and password do not fit together.")
        return self._form(request, wanted, 403, password_error=error, name=name)

    # --- the link ---

    async def link(self, request: web.Request) -> web.StreamResponse:
        """GET of a link: shows a button and uses nothing up, for mail scanners open links too."""
        name = await self._sign_in.whose_link(request.match_info["token"])
        if name is None:
            return self._pages.page(request, "sign_in/gone", {"links": self._links}, 410)
        return self._pages.page(request, "sign_in/link", {"name": name})

    async def enter_by_link(self, request: web.Request) -> web.StreamResponse:
        """POST of a link: comes in, in whatever browser."""
        entered = await self._sign_in.enter_by_link(request.match_info["token"], self.arrival_of(request))
        if entered is None:
            return self._pages.page(request, "sign_in/gone", {"links": self._links}, 410)
        return await self.entered(request, entered)

    # --- the second factor ---

    async def second(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/second."""
        return await self._second(request)

    async def _second(
        self, request: web.Request, status: int = 200, error: str = "", wait: float = 0.0
    ) -> web.StreamResponse:
        half = await self._factors.half(self._cookie.read(request), request.host)
        if half is None:
            raise see_other(request, "sign-in")
        if half.stage is Stage.ENROL:
            raise see_other(request, "sign-in/enrol")
        words = {
            "name": half.account.name,
            "question": half.question,
            "codes": bool(half.account.totp_secret),
            "recovery": half.account.recovery_codes,
            "error": error,
        }
        response = self._pages.page(request, "sign_in/second", words, status)
        if wait:
            response.headers[hdrs.RETRY_AFTER] = str(math.ceil(wait))
        return response

    async def enter_by_second(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-in/second: a code of the app, a recovery code, or a passkey's answer."""
        form, secret = await request.post(), self._cookie.read(request)
        answer = text_of(form, "answer")
        if answer:
            done = await self._factors.enter_by_passkey(secret, request.host, answer, self.arrival_of(request))
            wrong = phrase("The passkey did not fit. Try again, or use a code.")
        else:
            done = await self._factors.enter_by_code(secret, text_of(form, "code"), self.arrival_of(request))
            wrong = phrase("This code is not right, or it was used before. Wait for the next one.")
        if done is None:
            raise see_other(request, "sign-in")
        if isinstance(done, Entered):
            return await self.entered(request, done)
        if done.wait:
            return await self._second(request, 429, too_many_tries(done.wait), done.wait)
        return await self._second(request, 403, wrong)

    async def enrol(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-in/enrol: an admin must set up a second factor before he is in."""
        return await self._enrol(request)

    async def _enrol(self, request: web.Request, status: int = 200, error: str = "") -> web.StreamResponse:
        found = await self._factors.enrolling(self._cookie.read(request))
        if found is None:
            raise see_other(request, "sign-in")
        words = {"name": found[0].name, "enrolment": found[1], "error": error}
        return self._pages.page(request, "sign_in/enrol", words, status)

    async def confirm_enrolment(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-in/enrol: the app shows right codes."""
        code = text_of(await request.post(), "code")
        done = await self._factors.confirm_codes(self._cookie.read(request), code, self.arrival_of(request))
        if done is None:
            raise see_other(request, "sign-in")
        if isinstance(done, Refused):
            error = too_many_tries(done.wait) if done.wait else phrase("This code is not right.")
            return await self._enrol(request, 429 if done.wait else 403, error)
        entered = done.entered
        if entered is None:
            raise see_other(request, "sign-in")
        onward = safe_path(entered.wanted).lstrip("/") or _FIRST_PAGE
        response = self._pages.page(request, "sign_in/recovery", {"codes": done.codes, "onward": onward})
        self._cookie.set(response, entered.secret)
        return response

    # --- out ---

    async def ask_sign_out(self, request: web.Request) -> web.StreamResponse:
        """GET /sign-out: a page with the button."""
        return self._pages.page(request, "sign_in/out", {})

    async def sign_out(self, request: web.Request) -> web.StreamResponse:
        """POST /sign-out."""
        await self._sessions.sign_out(self._cookie.read(request))
        response = see_other(request, "sign-in", SIGNED_OUT)
        self._cookie.clear(response)
        response.headers["Clear-Site-Data"] = '"cache"'
        raise response

    # --- all ---

    async def entered(self, request: web.Request, entered: Entered) -> web.StreamResponse:
        """Begin the session in this browser, and lead on. Raises HTTPSeeOther."""
        old = self._cookie.read(request)
        if old:
            # One browser is one person: what was here before does not live on unseen.
            await self._sessions.sign_out(old)
        if entered.stage is Stage.FULL:
            response = self._onward(request, entered.wanted)
        else:
            response = see_other(request, "sign-in/second" if entered.stage is Stage.SECOND else "sign-in/enrol")
        self._cookie.set(response, entered.secret)
        raise response

    def _onward(self, request: web.Request, wanted: str) -> web.HTTPSeeOther:
        return see_other(request, safe_path(wanted).lstrip("/") or _FIRST_PAGE)

    def arrival_of(self, request: web.Request) -> Arrival:
        """Return where somebody comes from."""
        return arrival_of(request, self._client_of)


def arrival_of(request: web.Request, client_of: ClientOf) -> Arrival:
    """Return where somebody comes from: address, browser, and the language of the page."""
    agent = request.headers.get(hdrs.USER_AGENT, "")[:_LONGEST_AGENT]
    return Arrival(client_of(request), agent, language_of(request).tag)


def wait_words(seconds: float) -> Phrase:
    """Tell how long somebody has to wait."""
    if seconds < 90:
        whole = max(1, math.ceil(seconds))
        return phrases(whole, "Wait {n} second, then try again.", "Wait {n} seconds, then try again.")
    return phrases(whole_minutes(seconds), "Wait {n} minute, then try again.", "Wait {n} minutes, then try again.")


def too_many_tries(seconds: float) -> Phrase:
    """Tell that there were too many, and how long to wait."""
    return phrase("There were too many tries. {wait}", wait=wait_words(seconds))


def asked_lately(seconds: float) -> Phrase:
    """Tell that a link was asked for before, and how long to wait for another."""
    return phrase(
        "A link was asked for a short while ago. {wait} The newest link is in your mailbox, or among the junk.",
        wait=wait_words(seconds),
    )
