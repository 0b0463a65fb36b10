"""Where a form was, as the browser that sends it tells."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from aiohttp import hdrs, web


def from_own_page(request: web.Request, public_hosts: Sequence[str] = ()) -> bool | None:
    """Return True for a page of ours, False for one of somebody else, None where the browser does not tell.

    Our pages let no referrer out, so their forms come with `Origin: null`, as do those of pages that want to hide
    where they are. Sec-Fetch-Site tells one from the other; browsers before 2021 (Safari: 2023) do not send it, and none does
    by plain http to another machine. Whoever gets None must ask for the form's token, which no other page knows.

    public_hosts: names besides the request's own Host under which proxies serve us.
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get(hdrs.ORIGIN)
    if origin is None or origin == "null":
        return None
    try:
        host = urlsplit(origin).netloc
    except ValueError:
        return False
    return host != "" and host in (request.host, *public_hosts)
