"""Looks whether a page is sound: each element closed, each id once, each label with its control, nothing that runs."""

from __future__ import annotations

import re
from collections import Counter
from html.parser import HTMLParser

_VOID = frozenset(
    {"meta", "link", "input", "img", "br", "hr", "col", "source", "wbr", "area", "base", "embed", "track"}
)
_INLINE_ONLY = frozenset({"p", "h1", "h2", "h3", "h4", "span", "a", "button", "label", "summary", "dt", "b", "strong"})
_BLOCK = frozenset(
    {
        "div",
        "p",
        "ul",
        "ol",
        "dl",
        "form",
        "table",
        "section",
        "nav",
        "main",
        "h1",
        "h2",
        "h3",
        "pre",
        "details",
        "fieldset",
    }
)
_CHILDREN = {
    "ul": {"li"},
    "ol": {"li"},
    "dl": {"div", "dt", "dd"},
    "tr": {"td", "th"},
    "select": {"option", "optgroup"},
}
_LEADING = frozenset({"href", "src", "action", "formaction"})
_REFERRING = ("for", "aria-describedby", "aria-labelledby", "aria-controls", "list", "form")


class Markup(HTMLParser):
    """One page, read strictly: what a browser would mend is a fault."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.faults: list[str] = []
        self.tags: Counter[str] = Counter()
        self.text = ""
        self.links: list[str] = []
        self._open: list[str] = []
        self._ids: Counter[str] = Counter()
        self._referred: set[str] = set()
        self._levels: list[int] = []
        self._controls: list[tuple[str, bool]] = []
        self._label_depth = 0
        self.feed(text)
        self.close()
        self._finish()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.tags[tag] += 1
        self._look_at_attributes(tag, attrs, given)
        self._look_at_place(tag)
        if tag in ("input", "select", "textarea") and given.get("type") not in ("hidden", "submit"):
            named = self._label_depth > 0 or "aria-label" in given or "aria-labelledby" in given
            self._controls.append((given.get("id", ""), named))
        if re.fullmatch("h[1-6]", tag):
            self._levels.append(int(tag[1]))
        if tag not in _VOID:
            self._open.append(tag)
            self._label_depth += tag == "label"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID:
            self._open.pop()

    def handle_endtag(self, tag: str) -> None:
        if not self._open or self._open[-1] != tag:
            self.faults.append(f"</{tag}> where {self._open[-1:]} is open")
            return
        self._open.pop()
        self._label_depth -= tag == "label"

    def handle_data(self, data: str) -> None:
        self.text += data

    def _look_at_attributes(self, tag: str, attrs: list[tuple[str, str | None]], given: dict[str, str]) -> None:
        if len(given) != len(attrs):
            self.faults.append(f"<{tag}> has an attribute twice")
        for name, value in given.items():
            leads = name in _LEADING and value.strip().lower().startswith(("javascript:", "data:", "//"))
            if name.startswith("on") or name == "style" or leads:
                self.faults.append(f"<{tag} {name}> may run or style something")
        if "id" in given:
            self._ids[given["id"]] += 1
            if not given["id"] or " " in given["id"]:
                self.faults.append(f"id {given['id']!r} is none")
        for name in _REFERRING:
            self._referred.update(given.get(name, "").split())
        if tag == "script" and not given.get("src"):
            self.faults.append("a script within the page")
        if tag == "button" and "type" not in given:
            self.faults.append("a button that does not say what it does")
        if tag == "img" and "alt" not in given:
            self.faults.append("an image without words")
        for name in ("href", "src", "action"):
            if name in given:
                self.links.append(given[name])

    def _look_at_place(self, tag: str) -> None:
        parent = self._open[-1] if self._open else ""
        if parent in _CHILDREN and tag not in _CHILDREN[parent] and tag not in ("script", "template"):
            self.faults.append(f"<{tag}> within <{parent}>")
        if tag in _BLOCK and parent in _INLINE_ONLY and not (parent == "summary" and tag.startswith("h")):
            self.faults.append(f"<{tag}> within <{parent}>")
        if tag == "form" and "form" in self._open:
            self.faults.append("a form within a form")
        if tag in ("a", "button") and {"a", "button"} & set(self._open):
            self.faults.append(f"<{tag}> within something to press")

    def _finish(self) -> None:
        self.faults += [f"<{tag}> is never closed" for tag in self._open]
        self.faults += [f"id {name!r} {count} times" for name, count in self._ids.items() if count > 1]
        self.faults += [f"nothing has the id {name!r}" for name in sorted(self._referred - set(self._ids))]
        self.faults += [
            f"control {name!r} has no label"
            for name, named in self._controls
            if not named and name not in self._referred
        ]
        if self._levels and (self._levels[0] != 1 or self._levels.count(1) != 1):
            self.faults.append(f"headings begin {self._levels[:3]}")
        for before, after in zip(self._levels, self._levels[1:], strict=False):
            if after > before + 1:
                self.faults.append(f"<h{after}> right after <h{before}>")


def faults(page: str) -> list[str]:
    """Return what is wrong with a whole page, or with a piece of one."""
    return Markup(page).faults
