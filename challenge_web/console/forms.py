"""Reading forms."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from aiohttp import web
from aiohttp.http_exceptions import HttpProcessingError
from multidict import MultiDictProxy

from challenge_web.console.routes import Form

_READ: web.RequestKey[Form] = web.RequestKey("console-form", MultiDictProxy)
"""What was read of a request."""
READ_SECONDS = 60.0
"""For all of a form to arrive: a file of entries, over a slow line."""


def text_of(form: Mapping[str, object], name: str) -> str:
    """Return a field's text; "" for one that is missing, or is a file."""
    value = form.get(name, "")
    return value if isinstance(value, str) else ""


def number_of(text: str) -> int:
    """Return a number, as of a row; 0 for all that is none."""
    return int(text) if text.isascii() and text.isdigit() and len(text) < 19 else 0


def words_and_after(request: web.Request) -> tuple[str, str]:
    """Return what a list of domains is searched for, and the one its page begins behind."""
    return request.query.get("words", "")[:255], request.query.get("after", "")[:255]


def close_files(request: web.Request) -> None:
    """Forget the files in the form of a request that is a copy: the server closes those of its own requests only."""
    form = request.get(_READ)
    for value in () if form is None else form.values():
        if isinstance(value, web.FileField):
            value.file.close()


def typed_words(form: Form) -> list[str]:
    """Return what a person has surely written into a form: text of several words. No password, nothing that is hidden."""
    return [
        value.strip()
        for name, value in form.items()
        if isinstance(value, str) and "password" not in name and name not in ("old", "new") and len(value.split()) > 1
    ]


async def form_of(request: web.Request, seconds: float = READ_SECONDS) -> Form:
    """Read a form; whoever asks the request for it later gets the same. Raises HTTPException: 400, 408, 413.

    No browser writes what cannot be read: characters of no known set, parts without a name, or packed.
    """
    try:
        async with asyncio.timeout(seconds):
            form = request[_READ] = await request.post()
            return form
    except TimeoutError:
        raise web.HTTPRequestTimeout from None
    except (
        LookupError, ValueError, RuntimeError, AssertionError, ConnectionError, HttpProcessingError,
        web.RequestPayloadError,
    ):  # fmt: skip
        raise web.HTTPBadRequest from None
