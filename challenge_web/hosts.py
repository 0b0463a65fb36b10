"""Under which names we answer: a page of a stranger's name that points here gets nothing (RFC 9110 §7.4)."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from challenge_web.client import read_address
from gateway.log import warning

_log = logging.getLogger("gateway.web")

_LONGEST = 260


def known_hosts(names: Iterable[str]) -> Middleware:
    """Refuse what was meant for another host: 421; and what names none, or two: 400.

    names: in lower-case A-labels, without ports. Besides, we answer to the very address that a connection was made to,
    and to localhost on this machine: a proxy that does not pass the field on writes that, and no name can lead there
    by a trick. Ports do not count: a proxy, or a forwarded port, has another one than we.
    """
    ours = frozenset(names)

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        values = request.headers.getall(hdrs.HOST, ())
        name = _name(values[0]) if len(values) == 1 else ""
        if not name:
            raise web.HTTPBadRequest
        if name not in ours and not _is_here(request, name):
            warning(_log, "unknown-host", host=name)
            raise web.HTTPMisdirectedRequest
        return await handler(request)

    return middleware


def _name(value: str) -> str:
    """Return the host of a Host field without its port, in lower case; "" for what is none."""
    if len(value) > _LONGEST:
        return ""
    if value.startswith("["):
        name, end, rest = value[1:].partition("]")
        rest = rest if end and read_address(name) is not None else "?"
    else:
        name, colon, port = value.partition(":")
        rest = colon + port
    if rest and not (rest[0] == ":" and (rest == ":" or (rest[1:].isascii() and rest[1:].isdigit()))):
        return ""
    return name.lower().removesuffix(".")


def _is_here(request: web.Request, name: str) -> bool:
    """True for the address at our end of the connection."""
    end = request.transport.get_extra_info("sockname") if request.transport is not None else None
    here = read_address(str(end[0])) if isinstance(end, tuple) else None
    if here is None:
        return False
    return here.is_loopback if name == "localhost" else read_address(name) == here
