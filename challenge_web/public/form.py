"""Read the few fields of an answer from a request, with every bound there is."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from urllib.parse import parse_qs

from aiohttp import web

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
    if request.content_type != "application/x-www-form-urlencoded":
        raise web.HTTPUnsupportedMediaType
    octets = await _read(request)
    try:
        fields = parse_qs(octets.decode("utf-8"), keep_blank_values=True, max_num_fields=_MAX_FIELDS, errors="strict")
    except ValueError:
        raise web.HTTPBadRequest from None
    return Submission(fields.get("puzzle", [""])[0], fields.get("answer", [""])[0])


async def _read(request: web.Request) -> bytes:
    if request.content_length is not None and request.content_length > MAX_OCTETS:
        raise web.HTTPRequestEntityTooLarge(MAX_OCTETS, request.content_length)
    octets = bytearray()
    try:
        async with asyncio.timeout(READ_SECONDS):
            async for piece in request.content.iter_any():
                octets += piece
                if len(octets) > MAX_OCTETS:
                    raise web.HTTPRequestEntityTooLarge(MAX_OCTETS, len(octets))
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    return bytes(octets)
