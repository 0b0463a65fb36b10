"""The language of a page: chosen by hand and remembered, else what the browser asks for.

While a page is rendered, its language is a context variable: macros that are imported see no variables of the page.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextvars import ContextVar

import jinja2
from aiohttp import hdrs, web
from jinja2.runtime import Context
from markupsafe import Markup

from gateway.domain.phrase import Phrase
from gateway.domain.tongue import nearest, wanted
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


def teach(environment: jinja2.Environment) -> None:
    """Let templates be written in English and read in each language."""
    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    # The extension's own callables, but for the values: these are written in the page's language too.
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # Added by the extension.
    environment.globals.update(gettext=_text, ngettext=_plural, pgettext=_text_in, npgettext=_plural_in, _=_text)
    environment.filters.update(number=_number, said=_said)
    # What Python says to people is a phrase; it is turned into the page's language where it is written.
    environment.finalize = lambda value: spoken().said(value) if isinstance(value, Phrase) else value


def _filled(context: Context, template: str, values: Mapping[str, object]) -> str:
    say = spoken().said
    written = {
        name: say(value) if isinstance(value, (Phrase, int)) and not isinstance(value, bool) else value
        for name, value in values.items()
    }
    # Markup escapes what is filled in.
    return (Markup(template) if context.eval_ctx.autoescape else template) % written  # noqa: S704  # Our own text.


@jinja2.pass_context
def _text(context: Context, text: str, /, **values: object) -> str:
    return _filled(context, spoken().text(text), values)


@jinja2.pass_context
def _text_in(context: Context, meaning: str, text: str, /, **values: object) -> str:
    return _filled(context, spoken().catalogue.text(text, meaning), values)


@jinja2.pass_context
def _plural(context: Context, one: str, many: str, num: int, /, **values: object) -> str:
    return _filled(context, spoken().catalogue.plural(one, many, num), {"num": num, **values})


@jinja2.pass_context
def _plural_in(context: Context, meaning: str, one: str, many: str, num: int, /, **values: object) -> str:
    return _filled(context, spoken().catalogue.plural(one, many, num, meaning), {"num": num, **values})


def _number(value: float) -> str:
    return spoken().number(value)


def _said(value: object) -> str:
    """Write a phrase where its text is needed at once, as inside another text."""
    return spoken().said(value)
