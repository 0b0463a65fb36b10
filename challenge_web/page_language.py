"""The language of a page: chosen by hand and remembered, else what the browser asks for.

While a page is rendered, its language is a context variable: macros that are imported see no variables of the page.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextvars import ContextVar

from aiohttp import hdrs, web

from gateway.domain.language import nearest, wanted
from gateway.languages.language import ENGLISH, Language, known, language

COOKIE = "language"
FIELD = "lang"
"""In the address of a page, where somebody chooses by hand."""
OWN = web.RequestKey("own-language", str)
"""Key in the request: the language that a person who is signed in has chosen."""
_REMEMBERED = 31_536_000.0
_MOST_HEADER = 1_000

SPOKEN: ContextVar[Language] = ContextVar("spoken")
"""The language of the page that is being rendered."""


def spoken() -> Language:
    """Return the language of the page that is being rendered; English outside of pages."""
    return SPOKEN.get(language(ENGLISH))


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
    return [(tag, language(tag).name, tag == here.tag) for tag in known()]
