"""Who may use the demo's page: a browser that has this very page open, under an address of this machine."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from aiohttp import web

HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; "
        "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    # Not no-referrer: browsers then send `Origin: null` with our own forms.
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def check_host(request: web.Request) -> None:
    """Refuse a request whose Host is not this machine: the page of a stranger's name that points here.

    Raises HTTPMisdirectedRequest.
    """
    name = _host_of(f"//{request.host}")[0]
    if name != "localhost" and not _is_loopback(name):
        raise web.HTTPMisdirectedRequest(text="The demo answers to addresses of this machine only.")


def _host_of(url: str) -> tuple[str, str]:
    """Return the host of a URL without and with its port; "" where it cannot be read."""
    try:
        parts = urlsplit(url)
        return parts.hostname or "", parts.netloc
    except ValueError:
        return "", ""


def _is_loopback(name: str) -> bool:
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def check_origin(request: web.Request) -> None:
    """Refuse a form that was sent from another page. Raises HTTPForbidden."""
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        same = site == "same-origin"
    else:
        origin = request.headers.get("Origin", "")
        same = _host_of(origin)[1] == request.host and origin != ""
    if not same:
        raise web.HTTPForbidden(text="This form was not sent from the demo's own page.")
