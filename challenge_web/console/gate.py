"""Who comes in: the session's cookie, the rights of each route, and forms that are ours."""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Protocol

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from challenge_web.console.form_origin import from_own_page
from challenge_web.console.forms import close_files, form_of, typed_words
from challenge_web.console.routes import Names, Proof, Route
from challenge_web.page_language import OWN
from challenge_web.pages import root_of
from challenge_web.query import unreadable
from gateway.domain.durations import DAY
from gateway.domain.roles import Viewer

VIEWER = web.RequestKey("viewer", Viewer)
"""Key in the request: who is signed in; missing where nobody is."""
SECRET = web.RequestKey("console-secret", str)
"""Key in the request: the session's secret, or ""."""
FORM_SECRET = web.RequestKey("console-form-secret", str)
"""Key in the request: what the token in its page's forms is made of."""


@dataclass(frozen=True, slots=True)
class Typed:
    """What would be lost with a session that ended while somebody wrote."""

    words: Sequence[str]
    sign_in: str
    """Where one signs in, and comes back to the form."""


TYPED = web.RequestKey("console-typed", Typed)
"""Key in the request: what its refusal gives back; missing where there is nothing."""
CSRF_FIELD = "csrf"
SIGN_IN = "signin"
"""Name of the route that asks who one is; aiohttp takes no name with a keyword of Python in it, as sign-in."""
PROOF = "account-proof"
"""Name of the route that asks once more who one is."""
_DETAIL = web.RequestKey("console-detail", str)
_GIVEN_BACK_OCTETS = 200_000
"""Of a form that is read for somebody who is not signed in: several times the words of a challenge."""
_FORM_SECRET_OCTETS = 16
_FORM_SECRET = re.compile(r"[0-9a-f]{32}")


class Sessions(Protocol):
    """Knows who a session's secret belongs to."""

    async def viewer(self, secret: str, client: str) -> Viewer | None:
        """Return who it is, or None for a secret that is wrong, old, or was revoked. Raises StoreDown."""


class Cookie:
    """The session's cookie: `__Host-` where the site is served by https, for browsers refuse that prefix elsewhere.

    Whoever has no session has a second one, of which the tokens of the sign-in page's forms are made.
    """

    def __init__(self, secure: bool, seconds: float = DAY) -> None:
        """seconds: how long a browser keeps the session's; the server ends a session by itself."""
        self._seconds = int(seconds)
        prefix = "__Host-" if secure else ""
        self.secure = secure
        self.name = f"{prefix}session"
        self.form_name = f"{prefix}form"

    def read(self, request: web.Request) -> str:
        """Return the session's secret; "" where there is none."""
        return request.cookies.get(self.name, "")

    def read_form(self, request: web.Request) -> str:
        """Return the secret of the forms before a session; "" where there is none of ours."""
        secret = request.cookies.get(self.form_name, "")
        return secret if _FORM_SECRET.fullmatch(secret) else ""

    def set(self, response: web.StreamResponse, secret: str) -> None:
        """Give the browser a session."""
        self._set(response, self.name, secret, self._seconds)

    def set_form(self, response: web.StreamResponse, secret: str) -> None:
        """Give the browser what the forms before a session are known by; it is gone when the browser is closed."""
        self._set(response, self.form_name, secret, None)

    def _set(self, response: web.StreamResponse, name: str, secret: str, max_age: int | None) -> None:
        # Lax: it comes with links from mails, and with no form of another site.
        response.set_cookie(name, secret, max_age=max_age, path="/", secure=self.secure, httponly=True, samesite="Lax")

    def clear(self, response: web.StreamResponse) -> None:
        """Take the session away."""
        response.del_cookie(self.name, path="/", secure=self.secure, httponly=True, samesite="Lax")


def viewer_of(request: web.Request) -> Viewer:
    """Return who is signed in; only for handlers of routes that ask for a right."""
    return request[VIEWER]


def csrf_token(secret: str) -> str:
    """Return what the forms of a page bear; it tells nothing about the secret."""
    return hmac.new(b"console form", secret.encode(), sha256).hexdigest() if secret else ""


class Journal(Protocol):
    """Writes down who did what."""

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        """Write one line. Raises StoreDown."""


class ClientOf(Protocol):
    """Tells the address a request came from, behind trusted proxies too."""

    def __call__(self, request: web.Request) -> str:
        """Return an IP address as text; "" where it is not known."""


@dataclass(frozen=True, slots=True)
class Gate:
    """Lets a request through to a console's route only as the route's line says, and writes down what was done."""

    sessions: Sessions
    cookie: Cookie
    client_of: ClientOf
    journal: Journal
    public_hosts: Sequence[str] = ()
    """Under which browsers reach us: a form from one of their pages is ours."""
    chance: Callable[[int], bytes] = secrets.token_bytes
    """Gives unforeseeable octets."""

    def before(self, routes: Iterable[Route]) -> Middleware:
        """Return the middleware that stands before these routes; all others pass."""
        by_name = {route.name: route for route in routes}

        @web.middleware
        async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
            info = request.match_info
            route = None if info.http_exception is not None else by_name.get(info.route.name or "")
            return await (handler(request) if route is None else self._receive(request, handler, route))

        return middleware

    async def _receive(self, request: web.Request, handler: Handler, route: Route) -> web.StreamResponse:
        """Find out who it is, and ask who is nobody for his name where the route wants one."""
        secret = self.cookie.read(request)
        viewer = await self.sessions.viewer(secret, self.client_of(request)) if secret else None
        if viewer is not None:
            request[VIEWER] = viewer
            request[OWN] = viewer.language
        request[SECRET] = secret if viewer is not None else ""
        known = self.cookie.read_form(request)
        request[FORM_SECRET] = request[SECRET] or known or self.chance(_FORM_SECRET_OCTETS).hex()
        if unreadable(request):
            raise web.HTTPBadRequest
        acting = request.method == hdrs.METH_POST
        right = route.right_to_act if acting else route.right
        if right is not None and viewer is None:
            return await _to_sign_in(request, route, acting, self.public_hosts)
        if acting and route.octets and right is not None and viewer is not None and viewer.may(right):
            return await _large(request, route.octets, lambda large: self._enter(large, handler, route, viewer, secret))
        response = await self._enter(request, handler, route, viewer, secret)
        if viewer is None and not known and route.act is not None:
            self.cookie.set_form(response, request[FORM_SECRET])
        return response

    async def _enter(
        self, request: web.Request, handler: Handler, route: Route, viewer: Viewer | None, secret: str
    ) -> web.StreamResponse:
        """Check the form, the right and the proof; then let it be done, and write that down."""
        acting = request.method == hdrs.METH_POST
        right = route.right_to_act if acting else route.right
        if acting:
            await _check_form(request, viewer, secret, self.public_hosts)
        if right is not None and viewer is not None and not viewer.may(right):
            raise web.HTTPForbidden
        if viewer is not None and not viewer.fresh and _needs_proof(route, acting):
            raise web.HTTPSeeOther(_to_proof(request, route, acting))
        if not acting or viewer is None or route.reads:
            return await handler(request)
        try:
            response = await handler(request)
        except web.HTTPRedirection:
            await self.journal.note(viewer, route.name, *_deed(request, route), self.client_of(request))
            raise
        if response.status < 400:
            await self.journal.note(viewer, route.name, *_deed(request, route), self.client_of(request))
        return response


def tell(request: web.Request, detail: str) -> None:
    """Say for the journal what this POST does, in a few words: what was added, changed, or how many rows."""
    request[_DETAIL] = detail


def _deed(request: web.Request, route: Route) -> tuple[str, str]:
    """What a POST was about: what the path names, unless that may be a secret, and what the handler told."""
    told = route.names not in (Names.NOTHING, Names.OTHER)
    named = " ".join(request.match_info.values()) if told else ""
    return named, request.get(_DETAIL, "")


async def _large(
    request: web.Request, octets: int, enter: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Go on with a request that may be larger than others."""
    large = request.clone(client_max_size=octets)
    try:
        return await enter(large)
    finally:
        close_files(large)


async def _check_form(request: web.Request, viewer: Viewer | None, secret: str, public_hosts: Sequence[str]) -> None:
    """Refuse a form that is not ours. secret: of the session's cookie, also of one that is over. Raises HTTPForbidden."""
    ours = from_own_page(request, public_hosts)
    if ours is False:
        raise web.HTTPForbidden
    form = await form_of(request)
    if viewer is None and ours:
        return  # No session, nothing that a foreign page could abuse; and the browser says that this is none.
    sent = form.get(CSRF_FIELD, "")
    # A page may have been shown before its session was over: the token still tells that it was ours.
    expected = {secret} if viewer is not None else {secret, request[FORM_SECRET]} - {""}
    if not isinstance(sent, str) or not any(
        hmac.compare_digest(sent.encode(), csrf_token(one).encode()) for one in expected
    ):
        raise web.HTTPForbidden


async def _to_sign_in(
    request: web.Request, route: Route, acting: bool, public_hosts: Sequence[str]
) -> web.StreamResponse:
    """Send a reader to the sign-in page, and back to here afterwards; what he wanted to do he must press again.

    Words that were typed while the session ended are given back first, for no browser keeps them. Raises HTTPForbidden
    then, and else HTTPSeeOther.
    """
    back = "" if acting and route.show is None else request.rel_url.raw_path_qs
    there = request.app.router[SIGN_IN].url_for().with_query({"next": back} if back else {})
    sign_in = root_of(request) + str(there).lstrip("/")
    short = 0 < (request.content_length or 0) <= _GIVEN_BACK_OCTETS
    if acting and short and from_own_page(request, public_hosts):
        typed = typed_words(await form_of(request))
        if typed:
            request[TYPED] = Typed(typed, sign_in)
            raise web.HTTPForbidden
    raise web.HTTPSeeOther(sign_in)


def _needs_proof(route: Route, acting: bool) -> bool:
    return route.proof is Proof.TO_SEE or (acting and route.proof is Proof.TO_ACT)


def _to_proof(request: web.Request, route: Route, acting: bool) -> str:
    """Return where one shows once more who one is, and gets back from to here, or to the page with the button."""
    back = request.rel_url.raw_path_qs
    if acting:
        # Of the route, and not of the request: so it is a page of ours, whatever a form says.
        back = route.button_on.format_map(request.match_info) or request.rel_url.raw_path
    there = request.app.router[PROOF].url_for().with_query({"next": back})
    return root_of(request) + str(there).lstrip("/")
