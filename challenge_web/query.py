"""The query of an address: whether it is text."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import unquote_plus, unquote_to_bytes

from aiohttp import web


def unreadable(request: web.Request) -> Sequence[str]:
    """Return the names of the parameters that are not UTF-8, each once.

    Read as if they were, they would have characters of replacement in them: a search for what nobody typed.
    """
    raw = request.rel_url.raw_query_string
    if "%" not in raw:
        return ()  # Octets beyond ASCII that come without it are no HTTP.
    parts = (part for part in raw.split("&") if not _is_text(part))
    return tuple(dict.fromkeys(unquote_plus(part.partition("=")[0], errors="replace") for part in parts))


def _is_text(part: str) -> bool:
    try:
        unquote_to_bytes(part).decode("utf-8")
    except ValueError:
        return False
    return True
