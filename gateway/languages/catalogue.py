"""Read a catalogue of gettext: the text file that translators write, without a compiled one beside it.

One file of truth cannot drift from another; a catalogue is read in some ten milliseconds, when it is first asked for.
"""

from __future__ import annotations

import gettext
import json
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

_LINE = re.compile(r'(?:(msgctxt|msgid_plural|msgid|msgstr)(?:\[(\d)\])?[ \t]+)?("(?:[^"\\]|\\.)*")\s*')
_ESCAPED = json.JSONDecoder(strict=False)
"""Its escapes are those of a catalogue, and it takes no memory to read them."""
_PLURAL_FORMS = re.compile(r"^Plural-Forms:.*?plural\s*=\s*([^;\n]+)", re.MULTILINE)

Key = tuple[str, str]
"""Context and English text."""


class CatalogueFault(Exception):
    """A catalogue cannot be read: which file, which line, why."""

    def __init__(self, file: Path, line: int, reason: str) -> None:
        super().__init__(f"{file}, line {line}: {reason}")


@dataclass(frozen=True, slots=True)
class Catalogue:
    """What a language says for what English says."""

    texts: Mapping[Key, tuple[str, ...]]
    """One text, or one for each form of the plural. What is not translated, or only guessed, is not in it."""
    form: Callable[[int], int]
    """Number → which form."""

    def text(self, english: str, context: str = "") -> str:
        """Return the translation; the English text where there is none."""
        found = self.texts.get((context, english))
        return found[0] if found else english

    def plural(self, one: str, many: str, count: int, context: str = "") -> str:
        """Return the translation that agrees with a number."""
        found = self.texts.get((context, one))
        if not found:
            return one if count == 1 else many
        # Numbers are whole here; a catalogue with too few forms is refused by a test.
        return found[min(self.form(count), len(found) - 1)]


EMPTY = Catalogue({}, lambda count: int(count != 1))
"""English."""


def read(file: Path) -> Catalogue:
    """Read one. Raises CatalogueFault, OSError."""
    texts: dict[Key, tuple[str, ...]] = {}
    form = EMPTY.form
    for fields in _entries(file):
        english = fields.get("msgid", "")
        translated = tuple(text for name, text in sorted(fields.items()) if name.startswith("msgstr"))
        if not english:
            rule = _PLURAL_FORMS.search(translated[0]) if translated else None
            form = gettext.c2py(rule[1]) if rule else form
        elif all(translated):
            # All languages have the same English texts: kept once.
            texts[sys.intern(fields.get("msgctxt", "")), sys.intern(english)] = translated
    return Catalogue(texts, form)


def one_text(file: Path, english: str, context: str) -> str:
    """Return the translation of one text, without what stands behind it in the file. Raises CatalogueFault, OSError."""
    for fields in _entries(file):
        if fields.get("msgid") == english and fields.get("msgctxt", "") == context:
            return fields.get("msgstr") or english
    return english


def _entries(file: Path) -> Iterator[dict[str, str]]:
    fields: dict[str, str] = {}
    name, unsure = "", False
    for number, raw in enumerate(file.read_text("utf-8").splitlines(), 1):
        line = raw.strip()
        if not line or line.startswith("#"):
            if fields and not unsure:
                yield fields
            if fields or not line:
                fields, unsure = {}, False
            unsure = unsure or (line.startswith("#,") and "fuzzy" in line)
            continue
        found = _LINE.fullmatch(line)
        if found is None or not (found[1] or name):
            raise CatalogueFault(file, number, "is no line of a catalogue")
        if found[1]:
            name = found[1] + (found[2] or "")
            if found[1] in ("msgctxt", "msgid") and "msgstr" in "".join(fields):
                raise CatalogueFault(file, number, "begins an entry; leave a line empty before it")
            fields[name] = ""
        try:
            fields[name] += _ESCAPED.decode(found[3]) if "\\" in found[3] else found[3][1:-1]
        except ValueError as fault:
            raise CatalogueFault(file, number, "has an escape that means nothing") from fault
    if fields and not unsure:
        yield fields
