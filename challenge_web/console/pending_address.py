"""Addresses of the pending list's pages: which rows, in which order, and where a page begins."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from urllib.parse import parse_qsl, urlencode

from challenge_web.console.forms import number_of
from gateway.flow.queue import SIZES, Ask
from gateway.flow.queue_ports import LANES, SORTS, Key

_PARAMETERS = ("q", "lane", "source", "sort", "desc", "after", "before", "at", "size")
LONGEST_SOURCE = 200


def read_ask(query: Mapping[str, str]) -> Ask:
    """Read which page is wanted; what makes no sense is as if it were not there."""
    sort, size = query.get("sort", ""), query.get("size", "")
    return Ask(
        box=query.get("q", ""),
        lane=query.get("lane", "") if query.get("lane", "") in LANES else "",
        source=query.get("source", "")[:LONGEST_SOURCE],
        sort=sort if sort in SORTS else "arrival",
        reverse=query.get("desc") == "1",
        after=read_key(query.get("after", "")),
        before=read_key(query.get("before", "")),
        size=int(size) if size in map(str, SIZES) else SIZES[0],
    )


def read_back(text: str) -> dict[str, str]:
    """Read the list's address out of a form; only what is a list's is kept."""
    return {name: value for name, value in parse_qsl(text[:4000]) if name in _PARAMETERS}


def address(query: Mapping[str, str], **changes: str) -> str:
    """Return the list's address below the root, with some parameters changed; those that are empty are left out."""
    merged = {**{name: query[name] for name in _PARAMETERS if query.get(name)}, **changes}
    text = urlencode({name: value for name, value in merged.items() if value})
    return f"console/pending?{text}" if text else "console/pending"


def read_mail(query: Mapping[str, str]) -> int:
    """Return which mail is read beside the list; 0 for none."""
    return number_of(query.get("mail", ""))


def with_mail(path: str, mail: int) -> str:
    """Return a list's address with a mail beside it."""
    return f"{path}{'&' if '?' in path else '?'}mail={mail}" if mail else path


def write_key(key: Key) -> str:
    """Write where a page begins, for its address."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def read_key(text: str) -> Key | None:
    """Read it again; None for what is none."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text[:1000] + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(found, list) or not found or len(found) > 4:
        return None
    well = all(isinstance(one, str | float) or (type(one) is int and abs(one) < 2**62) for one in found)
    return tuple(found) if well else None
