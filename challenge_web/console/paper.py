"""Paper: a mail's HTML as a document that looks as the mail does, and can do nothing.

Mails carry their style in attributes, for mail programs know nothing else; a strict policy lets no such style through.
So each becomes a rule of a style sheet in the document, and the policy knows the sheets by their hashes: nothing else
has to be allowed. What the policy would stop is left out before, so that a browser has nothing to complain of.
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from html import escape
from html.parser import HTMLParser

_VOID = frozenset(
    ["area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"]
)
_WITH_CONTENT = frozenset(
    [
        "script",
        "iframe",
        "object",
        "noscript",
        "template",
        "title",
        "audio",
        "video",
        "svg",
        "math",
        "textarea",
        "select",
    ]
)
"""Left out with all that is in them."""
_ALONE = frozenset(
    [
        "base",
        "embed",
        "link",
        "meta",
        "source",
        "track",
        "input",
        "head",
        "frame",
        "frameset",
        "form",
        "button",
        "dialog",
    ]
)
"""Left out, and what is in them stays."""
_SPOKEN = frozenset(
    [
        "abbr",
        "align",
        "alt",
        "bgcolor",
        "border",
        "cellpadding",
        "cellspacing",
        "class",
        "color",
        "colspan",
        "dir",
        "face",
        "headers",
        "height",
        "hspace",
        "id",
        "lang",
        "nowrap",
        "reversed",
        "role",
        "rowspan",
        "scope",
        "size",
        "span",
        "start",
        "summary",
        "title",
        "type",
        "valign",
        "value",
        "vspace",
        "width",
    ]
)
"""Attributes that say how something looks, and load nothing."""
_LOADS = re.compile(
    r"@import[^;]*;?|\b(?:url|src|image|image-set|-webkit-image-set|cross-fade)\s*\([^)]*\)?", re.IGNORECASE
)
_OPEN = re.compile(r"/\*|[\\<{}]")
_QUOTES = re.compile(r"\"[^\"\n]*\"|'[^'\n]*'")

STYLE = (
    "html{color-scheme:only light;background:#fff;color:#000}body{margin:0;font:16px/1.5 sans-serif}"
    ".paper-head{margin:0;padding:.75em 1em;border-bottom:1px solid #bbb;background:#f2f2f2;color:#000;"
    "font:14px/1.5 sans-serif;overflow-wrap:anywhere}.paper-head dt,.paper-head dd{display:inline;margin:0}"
    ".paper-head dt{font-weight:bold}.paper-head dt::after{content:': '}"
    ".paper-image{display:inline-block;padding:.25em .5em;border:1px dashed;font-size:.875em}"
)


@dataclass(frozen=True, slots=True)
class Paper:
    """The document, and the policy that lets it look so and nothing more."""

    text: str
    policy: str


def paper(title: str, facts: Iterable[tuple[str, str]], html: str, pictures: Mapping[str, str] = {}) -> Paper:
    """Write a mail's HTML below some facts, as its sender and its subject.

    pictures: those that are in the mail, name → address of the kind `data:`.
    """
    reader = _Reader(pictures)
    reader.feed(html)
    reader.close()
    lines = "".join(f"<div><dt>{escape(term)}</dt> <dd>{escape(text)}</dd></div>" for term, text in facts)
    return _document(title, f'<dl class="paper-head">{lines}</dl>{reader.inside()}', reader.sheets(), reader.shows)


def plain_paper(title: str, inside: str) -> Paper:
    """Write markup of our own, as a list of faults."""
    return _document(title, f'<div class="paper-head">{inside}</div>', [])


def _document(title: str, inside: str, sheets: list[str], pictures: bool = False) -> Paper:
    hashes, styles = [], []
    for sheet in (STYLE, *sheets):
        hashes.append(f"'sha256-{b64encode(sha256(sheet.encode()).digest()).decode()}'")
        styles.append(f"<style>{sheet}</style>")
    text = (
        '<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>{''.join(styles)}</head><body>{inside}</body></html>"
    )
    policy = (
        f"default-src 'none'; style-src {' '.join(hashes)};{' img-src data:;' if pictures else ''} sandbox; frame-ancestors 'self'; base-uri 'none';"
        " form-action 'none'"
    )
    return Paper(text, policy)


class _Reader(HTMLParser):
    """Writes markup again: its style as rules, its links dead, its images as words where they are not in the mail."""

    def __init__(self, pictures: Mapping[str, str]) -> None:
        super().__init__(convert_charrefs=True)
        self._pictures = pictures
        self.shows = False
        """A picture of the mail is in what was written."""
        self._out: list[str] = []
        self._rules: list[str] = []
        self._blocks: list[str] = []
        self._left_out: list[str] = []
        self._in_style = False

    def inside(self) -> str:
        """Return the HTML within the document's body."""
        return "".join(self._out)

    def sheets(self) -> list[str]:
        """Return the mail's style sheets, and one with what stood in attributes."""
        found = [_harmless_sheet(block) for block in self._blocks]
        return [sheet for sheet in (*found, "".join(self._rules)) if sheet]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if self._left_out or tag in _WITH_CONTENT:
            if tag not in _VOID:
                self._left_out.append(tag)
        elif tag == "style":
            self._in_style = True
            self._blocks.append("")
        elif tag == "img" and (picture := self._picture(attrs)):
            self.shows = True
            self._out.append(f'<img src="{escape(picture)}"{self._attributes(tag, attrs)}>')
        elif tag == "img":
            words = next((value or "" for name, value in attrs if name == "alt"), "image")
            self._out.append(f'<span class="paper-image">{escape(words)}</span>' if words else "")
        elif tag not in _ALONE:
            self._out.append(f"<{_renamed(tag)}{self._attributes(tag, attrs)}>")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag not in _VOID and tag not in ("br", "hr"):
            self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        if self._left_out:
            if tag in self._left_out:
                while self._left_out.pop() != tag:
                    pass
        elif tag == "style":
            self._in_style = False
        elif tag not in _VOID and tag not in _ALONE and tag not in _WITH_CONTENT:
            self._out.append(f"</{_renamed(tag)}>")

    def handle_data(self, data: str) -> None:
        if self._in_style:
            self._blocks[-1] += data
        elif not self._left_out:
            self._out.append(escape(data, quote=False))

    def _picture(self, attrs: list[tuple[str, str | None]]) -> str:
        """Return the picture that an image names; "" for one that is not in the mail."""
        named = next((value or "" for name, value in attrs if name == "src"), "").strip()
        return self._pictures.get(named[4:], "") if named[:4].lower() == "cid:" else ""

    def _attributes(self, tag: str, attrs: list[tuple[str, str | None]]) -> str:
        written, style = [], ""
        for name, value in dict(reversed(attrs)).items():  # Of two with one name, the first counts.
            if name == "style":
                style = value or ""
            elif name == "href" and tag == "a":
                # A link that can be seen and read, and leads nowhere: the frame would go there.
                written.append(f' href="#" title="{escape(value or "")}"')
            elif name in _SPOKEN and not (tag == "a" and name == "title"):
                written.append(f' {name}="{escape(value or "")}"')
        if tag == "body":
            colour = next((value for name, value in attrs if name == "bgcolor" and value), "")
            style = f"background-color:{colour};{style}" if colour else style
        rule = _harmless_rule(style)
        if rule:
            self._rules.append(rule_of(len(self._rules), rule))
            written.append(f' data-s="{len(self._rules) - 1}"')
        return "".join(written)


def rule_of(number: int, declarations: str) -> str:
    """Write a rule for one element that weighs as much as an attribute does: more than any that names ids or classes."""
    return f'[data-s="{number}"]:not(#a#b#c#d){{{declarations}}}'


def _renamed(tag: str) -> str:
    """Return what stands for an element: a document has one body, and that is ours. Names are plain words."""
    if tag in ("html", "body"):
        return "div"
    return tag if re.fullmatch(r"[a-z][a-z0-9]*", tag) else "span"


def _harmless_rule(style: str) -> str:
    """Return declarations as they may stand in a rule; "" for what would reach beyond it."""
    text = _LOADS.sub("none", " ".join(style.replace("\0", "").split()))
    bare = _QUOTES.sub("", text)
    if _OPEN.search(bare) or '"' in bare or "'" in bare or bare.count("(") != bare.count(")") or "[" in bare:
        return ""
    return "" if "<" in text else text


def _harmless_sheet(sheet: str) -> str:
    """Return a style sheet that loads nothing; line ends as browsers count them for a hash."""
    # Browsers end the element at marks that this parser reads on over.
    text = sheet.partition("</")[0].replace("\r\n", "\n").replace("\r", "\n").replace("\0", "")
    return _LOADS.sub(lambda found: "" if found[0].startswith("@") else "none", text)
