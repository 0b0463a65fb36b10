"""One's own account: name, time zone, password, second factor, and where one is signed in."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_address
from typing import Protocol

from aiohttp import web

from challenge_web.console.accounts import NAMES
from challenge_web.console.forms import text_of
from challenge_web.console.gate import ClientOf, Cookie, tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.routes import Names, Proof, Route
from challenge_web.console.sign_in import arrival_of, too_many_tries
from challenge_web.console.time_zones import time_zones
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.account_ports import Account, Passkey
from gateway.flow.account_rights import Wrong
from gateway.flow.second_factor import Enrolled, Enrolment
from gateway.flow.session_ports import Session
from gateway.flow.sessions import Arrival
from gateway.flow.sign_in import Refused
from gateway.flow.sign_in_ports import CheckDown
from gateway.languages.language import known, language_name

HERE = "account"
SAVED = say("account-saved", "Your choices are saved.")
PASSWORD = say("password-saved", "Your password is changed, and every other browser is signed out.")
APP_GONE = say("app-removed", "The app's codes are no longer asked for.")
KEY_GONE = say("passkey-removed", "The passkey is removed.")
KEY_ADDED = say("passkey-added", "The passkey is added.")
APP_ADDED = say("app-added", "The app is set up; its codes are asked for from now on.")
ENDED = say("session-ended", "That browser is signed out.")
ENDED_ALL = say("sessions-ended", "Every other browser is signed out.")

LANGUAGES = (("", phrase("As the browser asks")), *((tag, language_name(tag)) for tag in known()))
KINDS = {
    "own": phrase("your own"),
    "alias": phrase("another name of yours"),
    "delegated": phrase("somebody else's, whose mail you see to"),
}
WAYS = {"link": phrase("a link by mail"), "password": phrase("a password")}


class Own(Protocol):
    """What one may change of oneself; `gateway.flow.own_account.OwnAccount`."""

    @property
    def least_password(self) -> int:
        """Characters of the shortest password."""

    async def own(self, viewer: Viewer) -> Account | None:
        """Return the viewer's account."""

    async def set_person(self, viewer: Viewer, full_name: str, time_zone: str, language: str) -> None:
        """Save what one chooses for oneself. Raises Wrong."""

    async def set_password(self, viewer: Viewer, old: str, new: str) -> str:
        """Change the password; return this session's new secret. Raises Wrong, CheckDown."""


class OwnFactors(Protocol):
    """Second factors of one's own; `gateway.flow.second_factor.SecondFactor`."""

    async def own_codes(self, viewer: Viewer, cookie_secret: str) -> Enrolment | None:
        """Return a secret for an app; the same one until it is confirmed. None: the session is over."""

    async def confirm_codes(self, cookie_secret: str, code: str, arrival: Arrival) -> Enrolled | Refused | None:
        """Take it into use."""

    async def remove_codes(self, viewer: Viewer) -> None:
        """Forget the app's secret."""

    async def fresh_recovery(self, viewer: Viewer) -> tuple[str, ...]:
        """Return new recovery codes."""

    async def passkeys(self, viewer: Viewer) -> Sequence[Passkey]:
        """Return the viewer's passkeys."""

    async def ask_for_passkey(self, viewer: Viewer, host: str) -> str:
        """Return what the browser is told to make one."""

    async def add_passkey(
        self, viewer: Viewer, cookie_secret: str, host: str, answer: str, name: str
    ) -> Enrolled | None:
        """Keep a key that the browser has made; None where its answer does not fit."""

    async def remove_passkey(self, viewer: Viewer, passkey_id: int) -> bool:
        """Forget a passkey; False where the viewer has none such."""


class OwnSessions(Protocol):
    """Where one is signed in; `gateway.flow.sessions.Sessions`."""

    async def of(self, viewer: Viewer) -> Sequence[Session]:
        """Return the viewer's sessions."""

    async def end(self, viewer: Viewer, session_id: int) -> bool:
        """End one of the viewer's sessions; False where there is none such."""

    async def end_all(self, viewer: Viewer, *, but_this: bool) -> int:
        """End the viewer's sessions; return how many."""


class AccountPages:
    """The room of one's own account."""

    def __init__(
        self,
        accounts: Own,
        factors: OwnFactors,
        sessions: OwnSessions,
        cookie: Cookie,
        client_of: ClientOf,
        pages: ConsolePages,
    ) -> None:
        self._accounts = accounts
        self._factors = factors
        self._sessions = sessions
        self._cookie = cookie
        self._client_of = client_of
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        own, at = Right.OWN_ACCOUNT, "/console/account"
        return (
            Route("account", at, own, self.show, self.save),
            Route("account-password", f"{at}/password", own, self.password, self.set_password, proof=Proof.TO_SEE),
            Route("account-app", f"{at}/app", own, self.app, self.confirm_app, proof=Proof.TO_SEE),
            Route("account-app-remove", f"{at}/app/remove", own, None, self.remove_app, proof=Proof.TO_ACT, button_on=at),
            Route("account-recovery", f"{at}/recovery", own, None, self.recovery, proof=Proof.TO_ACT, button_on=at),
            Route("account-passkeys", f"{at}/passkeys", own, self.passkey, self.add_passkey, proof=Proof.TO_SEE),
            Route("account-passkey-remove", f"{at}/passkeys/{{id:[0-9]{{1,18}}}}/remove", own, None, self.remove_passkey, Names.OTHER, proof=Proof.TO_ACT, button_on=at),
            Route("account-session-end", f"{at}/sessions/{{id:[0-9]{{1,18}}}}/end", own, None, self.end, Names.SESSION),
            Route("account-sessions-end", f"{at}/sessions/end", own, None, self.end_all),
        )  # fmt: skip

    # --- the page, and what one chooses ---

    async def show(self, request: web.Request) -> web.StreamResponse:
        """GET /console/account."""
        return await self._show(request)

    async def _show(self, request: web.Request, error: str = "", status: int = 200) -> web.StreamResponse:
        viewer = viewer_of(request)
        account = await self._account(viewer)
        words = {
            "account": account,
            "kinds": KINDS,
            "ways": WAYS,
            "role_names": NAMES,
            "languages": LANGUAGES,
            "zones": (("", "UTC"), *time_zones()),
            "passkeys": await self._factors.passkeys(viewer),
            "sessions": await self._sessions.of(viewer),
            "error": error,
        }
        return self._pages.page(request, "account/show", words, status, here=HERE)

    async def _account(self, viewer: Viewer) -> Account:
        account = await self._accounts.own(viewer)
        if account is None:
            raise web.HTTPNotFound
        return account

    async def save(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account: name, time zone, language."""
        form = await request.post()
        chosen = text_of(form, "full_name"), text_of(form, "time_zone"), text_of(form, "language")
        try:
            await self._accounts.set_person(viewer_of(request), *chosen)
        except Wrong as wrong:
            return await self._show(request, words_of(wrong), 400)
        raise see_other(request, "console/account", SAVED)

    # --- password ---

    async def password(self, request: web.Request) -> web.StreamResponse:
        """GET /console/account/password."""
        return await self._password(request)

    async def _password(self, request: web.Request, error: str = "", status: int = 200) -> web.StreamResponse:
        account = await self._account(viewer_of(request))
        words = {"has_one": bool(account.password), "least": self._accounts.least_password, "name": account.name}
        return self._pages.page(request, "account/password", {**words, "error": error}, status, here=HERE)

    async def set_password(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/password."""
        form = await request.post()
        try:
            secret = await self._accounts.set_password(viewer_of(request), text_of(form, "old"), text_of(form, "new"))
        except Wrong as wrong:
            return await self._password(request, words_of(wrong), 400)
        except CheckDown:
            return await self._password(request, phrase("This cannot be done just now. Try again in a minute."), 503)
        answer = see_other(request, "console/account", PASSWORD)
        self._cookie.set(answer, secret)
        raise answer

    # --- second factor ---

    async def app(self, request: web.Request) -> web.StreamResponse:
        """GET /console/account/app."""
        return await self._app(request)

    async def _app(self, request: web.Request, error: str = "", status: int = 200) -> web.StreamResponse:
        enrolment = await self._factors.own_codes(viewer_of(request), self._cookie.read(request))
        if enrolment is None:
            raise web.HTTPNotFound
        return self._pages.page(request, "account/app", {"enrolment": enrolment, "error": error}, status, here=HERE)

    async def confirm_app(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/app: the app shows right codes."""
        code = text_of(await request.post(), "code")
        done = await self._factors.confirm_codes(self._cookie.read(request), code, self._arrival(request))
        if done is None:
            raise see_other(request, "console/account/app")
        if isinstance(done, Refused):
            error = too_many_tries(done.wait) if done.wait else phrase("This code is not right.")
            return await self._app(request, error, 429 if done.wait else 400)
        return self._enrolled(request, done, APP_ADDED)

    async def remove_app(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/app/remove."""
        await self._factors.remove_codes(viewer_of(request))
        raise see_other(request, "console/account", APP_GONE)

    async def recovery(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/recovery: new codes, shown once."""
        codes = await self._factors.fresh_recovery(viewer_of(request))
        if not codes:
            raise see_other(request, "console/account")
        return self._pages.page(request, "account/recovery", {"codes": codes}, here=HERE)

    async def passkey(self, request: web.Request) -> web.StreamResponse:
        """GET /console/account/passkeys: the form that adds one."""
        return await self._passkey(request)

    async def _passkey(self, request: web.Request, error: str = "", status: int = 200) -> web.StreamResponse:
        words = {
            "question": await self._factors.ask_for_passkey(viewer_of(request), request.host),
            "numbered": _is_number(request.url.host or ""),
            "error": error,
        }
        return self._pages.page(request, "account/passkey", words, status, here=HERE)

    async def add_passkey(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/passkeys."""
        form, viewer = await request.post(), viewer_of(request)
        name = text_of(form, "name")
        done = await self._factors.add_passkey(
            viewer, self._cookie.read(request), request.host, text_of(form, "answer"), name
        )
        if done is None:
            return await self._passkey(request, phrase("The browser's answer did not fit. Try again."), 400)
        tell(request, name[:60])
        return self._enrolled(request, done, KEY_ADDED)

    async def remove_passkey(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/passkeys/{id}/remove."""
        if not await self._factors.remove_passkey(viewer_of(request), _id(request)):
            raise web.HTTPNotFound
        raise see_other(request, "console/account", KEY_GONE)

    def _enrolled(self, request: web.Request, done: Enrolled, said: str) -> web.StreamResponse:
        if not done.codes:
            raise see_other(request, "console/account", said)
        return self._pages.page(request, "account/recovery", {"codes": done.codes}, here=HERE)

    # --- sessions ---

    async def end(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/sessions/{id}/end."""
        if not await self._sessions.end(viewer_of(request), _id(request)):
            raise web.HTTPNotFound
        raise see_other(request, "console/account", ENDED)

    async def end_all(self, request: web.Request) -> web.StreamResponse:
        """POST /console/account/sessions/end: everywhere else."""
        await self._sessions.end_all(viewer_of(request), but_this=True)
        raise see_other(request, "console/account", ENDED_ALL)

    def _arrival(self, request: web.Request) -> Arrival:
        return arrival_of(request, self._client_of)


def _is_number(host: str) -> bool:
    """True for a page that was opened by its machine's number; a passkey belongs to a name (WebAuthn §5.1.2)."""
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _id(request: web.Request) -> int:
    """Return the id in the path; one that no row has where it is longer than any."""
    digits = request.match_info["id"]
    return int(digits) if len(digits) <= 18 else 0
