"""Who may use the demo's page: a browser that has this very page open, under an address of this machine."""

from __future__ import annotations

import hmac
import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

from challenge_web.console.form_origin import from_own_page

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_host(request: web.Request) -> None:
    """Refuse a request whose Host is not this machine: the page of a stranger's name that points here.

    Raises HTTPMisdirectedRequest.
    """
    name = _host_of(request.host)
    if name != "localhost" and not _is_loopback(name):
        raise web.HTTPMisdirectedRequest(text="The demo answers to addresses of this machine only.")


def _host_of(authority: str) -> str:
    """Return the host without its port; "" where it cannot be read."""
    try:
        return urlsplit(f"//{authority}").hostname or ""
    except ValueError:
        return ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_origin(request: web.Request) -> bool:
    """Refuse a form that was sent from another page; return True where the browser says that it was ours.

    Raises HTTPForbidden.
    """
    ours = from_own_page(request)
    if ours is False:
        raise _foreign()
    return ours is True


def check_token(sent: str, token: str) -> None:
    """Refuse a form without the token that ours bear, where the browser does not tell from where it is.

    Raises HTTPForbidden.
    """
    if not hmac.compare_digest(sent.encode(), token.encode()):
        raise _foreign()


def _foreign() -> web.HTTPForbidden:
    return web.HTTPForbidden(text="This form was not sent from the demo's own page.")
