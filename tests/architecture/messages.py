"""What there is to translate: collected from code and templates, written into each language's catalogue by `make messages`."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract
from babel.messages.pofile import read_po, write_po

from tests.architecture.tree import ROOT

LANGUAGES = ROOT / "gateway/languages"
KEYWORDS: dict[str, tuple[int | tuple[int, str], ...] | None] = {
    # Templates.
    "_": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2), "npgettext": ((1, "c"), 2, 3),
    # Code.
    "phrase": (1,), "phrase_in": ((1, "c"), 2), "phrases": (2, 3), "say": (2,),
}  # fmt: skip
NARROW, WIDE = "\u202f", "\u00a0"
"""Spaces where no line breaks."""
TYPESET = {
    "fr": (
        (re.compile(f"(?:^|[ {WIDE}])([;?!])", re.MULTILINE), NARROW + r"\1"),
        (re.compile(" ([:»])"), WIDE + r"\1"),
        (re.compile("« "), "«" + WIDE),
        (re.compile(r"(?<=[^\W\d_])'(?=[\w%{<«])"), "’"),
    ),
    # A preposition of one letter never ends a line.
    "cs": ((re.compile(r"(?:^|(?<=[\s(„>]))([ksvzouaiKSVZOUAI]) (?=\S)", re.MULTILINE), r"\1" + WIDE),),
}
"""What is done to the translations of a language, which no keyboard has: pattern and what takes its place."""
MAILS = ("answer", "digest", "notice", "request")
"""Our mails with one template for all languages."""
HEADER = "# Catalogue of the language; see docs/languages.md."


def tags() -> list[str]:
    """Return the languages besides English."""
    return sorted(file.parent.name for file in LANGUAGES.glob("*/messages.po"))


def sources() -> Iterator[tuple[Path, str]]:
    """Yield every file that may hold something to translate, with babel's name of its kind."""
    for folder in ("gateway", "challenge_web"):
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "demo" not in file.relative_to(ROOT).parts:
                yield file, "python"
    for file in sorted((ROOT / "templates/web").rglob("*.html")):
        if "demo" not in file.relative_to(ROOT).parts:
            yield file, "jinja2.ext:babel_extract"
    for file in sorted(file for kind in MAILS for file in (ROOT / "templates/mail" / kind).iterdir()):
        yield file, "jinja2.ext:babel_extract"


def collected() -> Catalog:
    """Return all that is to be translated."""
    catalog = Catalog()
    for file, kind in sources():
        with file.open("rb") as source:
            found = extract(
                kind,
                source,
                keywords=KEYWORDS,
                options={"trimmed": "true", "newstyle_gettext": "true", "silent": "false"},
            )
            for _line, text, _comments, context in found:
                texts = text if isinstance(text, tuple) else (text,)
                if all(texts):
                    catalog.add(text, context=context, locations=[(str(file.relative_to(ROOT)), 0)])
    return catalog


def catalogue(tag: str) -> Catalog:
    """Return a language's catalogue as it is kept."""
    with (LANGUAGES / tag / "messages.po").open("rb") as file:
        return read_po(file, locale=tag)


def typeset(tag: str, text: str) -> str:
    """Return a translation with the spaces and apostrophes that its language wants."""
    for pattern, instead in TYPESET.get(tag, ()):
        text = pattern.sub(instead, text)
    return text


def updated(tag: str, collected: Catalog) -> str:
    """Return a catalogue with exactly what is to be translated, and the translations there are."""
    kept = catalogue(tag)
    kept.update(collected, no_fuzzy_matching=True)
    kept.obsolete.clear()
    for message in kept:
        if message.id and isinstance(message.string, str):
            message.string = typeset(tag, message.string)
        elif message.id:
            message.string = tuple(typeset(tag, text) for text in message.string or ())
    lines = io.BytesIO()
    write_po(lines, kept, width=110, sort_output=True, omit_header=True, include_lineno=False)
    plural = f"Plural-Forms: {kept.plural_forms}"
    head = f'{HEADER}\nmsgid ""\nmsgstr ""\n"Language: {tag}\\n"\n"Content-Type: text/plain; charset=UTF-8\\n"\n"{plural}\\n"\n\n'
    # Formats are compared by a test of our own; the flags only differ with babel's guess.
    return head + re.sub(r"^#, .*\n", "", lines.getvalue().decode(), flags=re.MULTILINE).strip() + "\n"


if __name__ == "__main__":
    all_of_it = collected()
    for tag in tags():
        (LANGUAGES / tag / "messages.po").write_text(updated(tag, all_of_it), "utf-8")
        missing = sum(not all(m.string if isinstance(m.string, tuple) else (m.string,)) for m in catalogue(tag) if m.id)
        print(f"{tag}: {missing} to be translated")  # noqa: T201 what who runs it wants to know
