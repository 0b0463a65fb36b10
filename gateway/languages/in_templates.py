"""Templates of Jinja that are written in English and read in each language."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import jinja2
from jinja2.runtime import Context
from markupsafe import Markup

from gateway.domain.phrase import Phrase
from gateway.languages.language import Language


def capital(text: str, language: Language) -> str:
    """Write words with a capital letter; markup stays as it is."""
    if isinstance(text, Markup):
        return text
    said = language.said(text)
    return said[:1].upper() + said[1:]


def sentence(text: str, language: Language) -> str:
    """Write words as a sentence; what is one stays as it is, and so does markup."""
    said = capital(text, language)
    return said if isinstance(said, Markup) or not said or said[-1] in ".?!:…" else f"{said}."


def teach(environment: jinja2.Environment, spoken: Callable[[], Language]) -> None:
    """Give an environment `_()`, `{% trans %}` and their like, and filters that write as it does.

    spoken: tells the language at the moment of rendering.
    """

    def filled(context: Context, template: str, values: Mapping[str, object]) -> str:
        say = spoken().said
        written = {
            name: say(value) if isinstance(value, (Phrase, int)) and not isinstance(value, bool) else value
            for name, value in values.items()
        }
        # Markup escapes what is filled in.
        return (Markup(template) if context.eval_ctx.autoescape else template) % written  # noqa: S704  # Our own text.

    @jinja2.pass_context
    def text(context: Context, english: str, /, **values: object) -> str:
        return filled(context, spoken().text(english), values)

    @jinja2.pass_context
    def text_in(context: Context, meaning: str, english: str, /, **values: object) -> str:
        return filled(context, spoken().catalogue.text(english, meaning), values)

    @jinja2.pass_context
    def plural(context: Context, one: str, many: str, num: int, /, **values: object) -> str:
        return filled(context, spoken().catalogue.plural(one, many, num), {"num": num, **values})

    @jinja2.pass_context
    def plural_in(context: Context, meaning: str, one: str, many: str, num: int, /, **values: object) -> str:
        return filled(context, spoken().catalogue.plural(one, many, num, meaning), {"num": num, **values})

    environment.add_extension("jinja2.ext.i18n")
    environment.policies["ext.i18n.trimmed"] = True
    # The extension's own callables, but for the values: these are written in the language too.
    environment.newstyle_gettext = True  # type: ignore[attr-defined]  # Added by the extension.
    environment.globals.update(gettext=text, ngettext=plural, pgettext=text_in, npgettext=plural_in, _=text)
    environment.filters.update(
        number=lambda value: spoken().number(value),
        said=lambda value: spoken().said(value),
        capital=lambda text: capital(text, spoken()),
        sentence=lambda text: sentence(text, spoken()),
    )
    # What Python says to people is a phrase; it is turned into the language where it is written.
    environment.finalize = lambda value: spoken().said(value) if isinstance(value, Phrase) else value
