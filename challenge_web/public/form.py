"""Read the few fields of a form from a request, with every bound there is."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import hdrs, web

MAX_OCTETS = 16_384
READ_SECONDS = 15.0
_MAX_FIELDS = 16


@dataclass(frozen=True, slots=True)
class Submission:
    """What was sent; both "" where it was not."""

    puzzle: str
    answer: str


async def read_submission(request: web.Request) -> Submission:
    """Read an answer. Raises HTTPException: 400, 408, 413, 415."""
    fields = await read_fields(request, MAX_OCTETS)
    return Submission(fields.get("puzzle", ""), fields.get("answer", ""))


async def read_fields(request: web.Request, max_octets: int) -> Mapping[str, str]:
    """Read a form; of a field that comes twice, the first. Raises HTTPException: 400, 408, 413, 415."""
    # No browser compresses a form; what unpacks to more than was sent is not unpacked (`listener`).
    if request.content_type != "application/x-www-form-urlencoded" or hdrs.CONTENT_ENCODING in request.headers:
        raise web.HTTPUnsupportedMediaType
    octets = await _read(request, max_octets)
    try:
        fields = parse_qs(octets.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise web.HTTPBadRequest from None
    return {name: values[0] for name, values in fields.items()}


async def _read(request: web.Request, max_octets: int) -> bytes:
    if request.content_length is not None and request.content_length > max_octets:
        raise web.HTTPRequestEntityTooLarge(max_octets, request.content_length)
    octets = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.content.iter_any():
                octets += piece
                if len(octets) > max_octets:
                    raise web.HTTPRequestEntityTooLarge(max_octets, len(octets))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (web.RequestPayloadError, ConnectionError):
        # Chunks that are none, or a client that went away in the middle.
        raise web.HTTPBadRequest from None
    return bytes(octets)
