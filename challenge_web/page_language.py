"""The language of a page: chosen by hand and remembered, else what the browser asks for.

It is a context variable while a request is answered: macros that are imported see no variables of the page, and what a
page says is often put into words before it is rendered.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextvars import ContextVar

from aiohttp import hdrs, web
from aiohttp.typedefs import Handler, Middleware

from gateway.domain.language import nearest, wanted
from gateway.languages.language import ENGLISH, Language, known, language, language_name

COOKIE = "language"
FIELD = "lang"
"""In the address of a page, where somebody chooses by hand."""
OWN = web.RequestKey("own-language", str)
"""Key in the request: the language that a person who is signed in has chosen."""
_REMEMBERED = 31_536_000.0
_MOST_HEADER = 1_000

SPOKEN: ContextVar[Language] = ContextVar("spoken")
"""The language of the page that is being rendered."""
_ASKED: ContextVar[Callable[[], Language]] = ContextVar("asked")
"""Tells the language that a request wants: what is known of its reader may come to light while it is answered."""


def spoken() -> Language:
    """Return the language of the page that is being rendered, or else will be; English where nobody asked for one."""
    rendered = SPOKEN.get(None)
    if rendered is not None:
        return rendered
    asked = _ASKED.get(None)
    return language(ENGLISH) if asked is None else asked()


def speaking(language_for: Callable[[web.Request], Language]) -> Middleware:
    """Let `spoken` know the language of each request."""

    @web.middleware
    async def middleware(request: web.Request, handler: Handler) -> web.StreamResponse:
        before = _ASKED.set(lambda: language_for(request))
        try:
            return await handler(request)
        finally:
            _ASKED.reset(before)

    return middleware


def language_of(request: web.Request) -> Language:
    """Return the language for a request."""
    tags = known()
    accepted = ",".join(request.headers.getall(hdrs.ACCEPT_LANGUAGE, ()))[:_MOST_HEADER]
    for tag in (chosen(request), nearest(request.get(OWN, ""), tags), request.cookies.get(COOKIE, "")):
        if tag in tags:
            return language(tag)
    return language(wanted(accepted, tags))


def chosen(request: web.Request) -> str:
    """Return the language that was just chosen by hand; "" where none was."""
    tag = request.query.get(FIELD, "")
    return tag if tag in known() else ""


def remember(request: web.Request, response: web.StreamResponse) -> None:
    """Keep a choice made by hand, for a year."""
    tag = chosen(request)
    if tag:
        response.set_cookie(COOKIE, tag, max_age=int(_REMEMBERED), path="/", samesite="Lax", httponly=True)


def choices(here: Language) -> Sequence[tuple[str, str, bool]]:
    """Return every language: tag, its own name, whether it is the page's."""
    return [(tag, language_name(tag), tag == here.tag) for tag in known()]
