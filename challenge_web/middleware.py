"""What holds for every request: headers, limits, errors as pages, one line in the log."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from challenge_web.client import Network, address_of
from challenge_web.limits import Buckets, Limits, counted_network
from challenge_web.pages import Pages
from challenge_web.studio import StudioBusy
from gateway.flow.ports import StoreDown
from gateway.log import bug, event, warning

_log = logging.getLogger("gateway.web")

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; media-src 'self'; "
        "worker-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
    # A token is in the address of the page: nobody else may learn or keep it.
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex, nofollow, noarchive",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
"""On every answer that does not say otherwise itself."""

# What has a page of its own; every other refusal is shown as "bad".
_PAGES = {
    404: "gone",
    405: "method",
    408: "slow",
    413: "large",
    415: "bad",
    403: "elsewhere",
    421: "host",
    429: "break",
}
_AGAIN_SECONDS = 60

# Routes whose POSTs are counted together, for each network. The store counts tries to sign in besides, for each name.
_LIMITED_POSTS = (
    "challenge", "disown", "withdraw", "held", "held-more", "held-request", "digest-stop", "notice-stop",
    "signin", "signin-password", "signin-link", "signin-second", "signin-enrol",
)  # fmt: skip


async def add_headers(request: web.BaseRequest, response: web.StreamResponse) -> None:
    """Signal on_response_prepare: also answers made by aiohttp itself get the headers."""
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    response.headers[hdrs.SERVER] = "challenge-gateway"  # aiohttp has put its own there, with all versions.


def refusals_as_pages(pages: Pages) -> Middleware:
    """Show what went wrong in plain words; what it was goes to the log only."""

    def page(request: web.Request, status: int, name: str) -> web.Response:
        response = pages.problem(request, status, name)
        if status == 503:
            response.headers[hdrs.RETRY_AFTER] = str(_AGAIN_SECONDS)
        return response

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        try:
            return await handler(request)
        except web.HTTPException as refusal:
            if refusal.status < 400:
                raise
            response = page(request, refusal.status, _PAGES.get(refusal.status, "bad"))
            if hdrs.ALLOW in refusal.headers:
                response.headers[hdrs.ALLOW] = refusal.headers[hdrs.ALLOW]
            return response
        except (StoreDown, StudioBusy) as cannot_now:
            warning(_log, "web-cannot-now", route=route_name(request), reason=type(cannot_now).__name__)
            return page(request, 503, "fault")
        except Exception:
            bug(_log, "web-bug", route=route_name(request))
            return page(request, 500, "fault")

    return middleware


def limited(pages: Pages, limits: Limits, trusted: Sequence[Network], tick: Callable[[], float]) -> Middleware:
    """Refuse what a network asks for too often, before anything is looked up or drawn."""
    posts = Buckets(limits.posts, limits.max_networks)
    buckets = {
        **{(hdrs.METH_POST, name): posts for name in _LIMITED_POSTS},
        (hdrs.METH_POST, "release"): Buckets(limits.knocks, limits.max_networks),
        (hdrs.METH_GET, "picture"): Buckets(limits.pictures, limits.max_networks),
        (hdrs.METH_GET, "sound"): Buckets(limits.sounds, limits.max_networks),
    }

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        method = hdrs.METH_GET if request.method == hdrs.METH_HEAD else request.method
        bucket = buckets.get((method, route_name(request)))
        if bucket is not None:
            wait = bucket.take(counted_network(address_of(request, trusted)), tick())
            if wait:
                return pages.pause(request, wait)
        return await handler(request)

    return middleware


@web.middleware
async def own_forms_only(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Refuse a form that another site's page sends: our buttons are pressed on our pages.

    There is no session that such a form could abuse; it would have to know the token. Origin cannot be held
    against anything, for browsers send `Origin: null` from pages without referrer.
    """
    if request.method == hdrs.METH_POST and request.headers.get("Sec-Fetch-Site") == "cross-site":
        raise web.HTTPForbidden
    return await handler(request)


def logged(tick: Callable[[], float]) -> Middleware:
    """Write one line for each request: the route's name, never its address, for that holds a token."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        begun = tick()
        status = 499  # The client went away.
        try:
            response = await handler(request)
            status = response.status
            return response
        except web.HTTPException as answer:
            status = answer.status
            raise
        finally:
            ms = round((tick() - begun) * 1000, 1)
            event(_log, "request", method=_method(request), route=route_name(request), status=status, ms=ms)

    return middleware


def route_name(request: web.Request) -> str:
    """Return the name of the route, "other" for a route without one, "none" where nothing answers."""
    info = request.match_info
    return "none" if info.http_exception is not None else info.route.name or "other"


def _method(request: web.Request) -> str:
    return request.method if request.method in hdrs.METH_ALL else "other"
