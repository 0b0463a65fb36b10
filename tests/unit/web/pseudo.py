"""A language that marks what it says, so that what nobody can translate stands out on a page."""

from __future__ import annotations

import re
from html.parser import HTMLParser

from gateway.languages.catalogue import Catalogue
from gateway.languages.language import Language, known, language, language_name

# Variables, markup, and between backticks the names of settings.
_KEPT = re.compile(r"(%\(\w+\)s|\{\w+\}|%%|<[^>]*>|`[^`]*`)")
_MARKED = re.compile("⟦[^⟦⟧]*⟧")
_SEEN = frozenset({"alt", "title", "placeholder", "aria-label", "data-label", "data-copied", "data-failed", "data-ask"})
# What people typed, programs read, or a script alone shows.
_LEFT_ALONE = frozenset({"code", "kbd", "script", "style", "pre", "textarea"})


class _Marking(Catalogue):
    """Each text in marks, but for what is filled in: a value has to be marked itself."""

    __slots__ = ()

    def text(self, english: str, context: str = "") -> str:
        return "".join(piece if _KEPT.fullmatch(piece) or not piece else f"⟦{piece}⟧" for piece in _KEPT.split(english))

    def plural(self, one: str, many: str, count: int, context: str = "") -> str:
        return self.text(one if count == 1 else many)


PSEUDO = Language("en", _Marking({}, lambda count: int(count != 1)), language("en").folder)


class _Unmarked(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[str] = []
        self._alone: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        for name in _SEEN & set(given):
            self._look(given[name])
        if tag == "input" and given.get("type") in ("submit", "button"):
            self._look(given.get("value", ""))
        if tag in _LEFT_ALONE or "mono" in given.get("class", "").split():
            self._alone.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._alone and self._alone[-1] == tag:
            self._alone.pop()

    def handle_data(self, data: str) -> None:
        if not self._alone:
            self._look(data)

    def _look(self, text: str) -> None:
        left = _MARKED.sub("\0", text)
        if re.search(r"[^\W\d_]", left):
            self.found.append(" ".join(left.replace("\0", " … ").split()))


def unmarked(page: str) -> list[str]:
    """Return every text of a page that a catalogue had no say in."""
    reader = _Unmarked()
    reader.feed(page)
    reader.close()
    return reader.found


def strange(page: str, data: str) -> list[str]:
    """Return what is neither marked nor data, nor the name of a language. data: a pattern."""
    names = {language_name(tag) for tag in known()}
    known_data = re.compile(data)
    return [text for text in unmarked(page) if text not in names and re.search(r"[^\W\d_]", known_data.sub("", text))]
