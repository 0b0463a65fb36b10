"""Phrases: English sentences that can still be said in another language, for they know what they were made of.

A phrase is the English text, so logs, commands and programs take it as any other. Only where a person's page or mail
is written, a catalogue is asked for the same phrase in that person's language.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence


class Phrase(str):
    """A text with its template and the values in it."""

    __slots__ = ("context", "many", "number", "template", "values")

    template: str
    """English, with `{name}` where a value stands."""
    context: str
    """Tells apart what is one word in English and two elsewhere; mostly ""."""
    many: str
    """The template for all numbers but 1; "" where there is no number to agree with."""
    number: int
    values: Mapping[str, object]

    def said(self, template: str, say: Callable[[object], str]) -> str:
        """Fill a template of another language with the same values, each as `say` writes it."""
        return template.format_map({name: say(value) for name, value in self.values.items()})


def phrase(template: str, /, **values: object) -> Phrase:
    """Return a phrase. A value may be a phrase itself."""
    return _made("", template, "", 0, values)


def phrase_in(context: str, template: str, /, **values: object) -> Phrase:
    """Return a phrase whose English words mean several things; context: which of them."""
    return _made(context, template, "", 0, values)


def phrases(number: int, one: str, many: str, /, **values: object) -> Phrase:
    """Return the phrase that agrees with a number, which is `{n}` in the templates."""
    return _made("", one, many, number, {"n": number, **values})


def chain(between: str, parts: Sequence[str]) -> Phrase:
    """Return a phrase of several, in their order; between: a mark, or a word as " or " that is a phrase itself."""
    values: dict[str, object] = {"between": between}
    values.update((f"part{number}", part) for number, part in enumerate(parts))
    # Holes only, so every language has the same template.
    return _made("", "{between}".join(f"{{part{number}}}" for number in range(len(parts))), "", 0, values)


def words_of(fault: BaseException) -> str:
    """Return what an exception says; the phrase it was raised with, of which `str()` would leave English alone."""
    return fault.args[0] if fault.args and isinstance(fault.args[0], str) else str(fault)


def _made(context: str, template: str, many: str, number: int, values: Mapping[str, object]) -> Phrase:
    used = many if many and number != 1 else template
    made = Phrase(used.format_map(values) if values else used)
    made.template, made.context, made.many, made.number, made.values = template, context, many, number, values
    return made


OR = phrase_in("between choices", " or ")
"""Between the parts of a chain."""
