"""HTML of a mail, cleaned: first by nh3, then written anew by us, letter by letter, with links and images undone.

What comes out holds no attribute but `class`, `dir`, `colspan`, `rowspan`, `alt` and, for an image out of the mail
itself, `src` with a `data:` URL: there is nothing to follow, to load or to run.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from html import escape
from html.parser import HTMLParser
from urllib.parse import unquote, urlsplit

import nh3

from gateway.domain.foreign_text import shown
from gateway.domain.lookalike import look_of
from gateway.domain.outline import Document, Marks

_VOID = frozenset({"br", "hr", "img"})
_BLOCK_NAMES = (
    "address blockquote caption center dd div dl dt h1 h2 h3 h4 h5 h6 hr li ol p pre table tbody tfoot thead tr ul"
)
_BLOCKS = frozenset(_BLOCK_NAMES.split())
_INLINE_NAMES = "abbr b big cite code del em font i ins q s small span strike strong sub sup tt u"
_INLINE = frozenset(_INLINE_NAMES.split())
_TAGS = _BLOCKS | _INLINE | {"a", "br", "img", "td", "th"}
_WITH_CONTENT = (
    "applet audio button canvas datalist embed frameset iframe math noembed noframes noscript object script select "
    "style svg template textarea title video xmp"
)
"""Taken out with all that is in them."""
_SPANS = {"colspan": 60, "rowspan": 200}
_DIRECTIONS = frozenset({"ltr", "rtl", "auto"})
_NAMED_HOST = re.compile(r"(?:https?://)?((?:[a-z0-9-]{1,63}\.)+[a-z]{2,24})(?:[/:?#]|\Z)", re.IGNORECASE)
_LONGEST_LINK_TEXT = 300

_cleaner = nh3.Cleaner(
    tags=set(_TAGS),
    clean_content_tags=set(_WITH_CONTENT.split()),
    attributes={
        "*": {"dir"},
        "a": {"href"},
        "img": {"src", "alt"},
        "td": {"colspan", "rowspan"},
        "th": {"colspan", "rowspan"},
    },
    strip_comments=True,
    link_rel=None,
    url_schemes={"http", "https", "mailto", "tel", "ftp", "cid", "data"},
    url_relative="deny",
)

Embedded = Callable[[str], str]
"""A `cid:` or `data:` URL → a `data:` URL that may be shown, or "" where there is none."""


def clean(html: str, embedded: Embedded | None, marks: Marks, cut: bool = False) -> Document:
    """Return the document; embedded: None where images of the mail are left out too."""
    writer = _Writer(embedded, marks)
    writer.feed(_cleaner.clean(html.replace("\0", "")))
    writer.close()
    return Document("".join(writer.out), writer.images, writer.remote, cut)


def text_of_html(html: str, marks: Marks) -> str:
    """Return what HTML says, as plain text."""
    writer = _TextWriter(marks)
    writer.feed(_cleaner.clean(html.replace("\0", "")))
    writer.close()
    lines = (" ".join(line.split()) for line in "".join(writer.out).split("\n"))
    return re.sub(r"\n{3,}", "\n\n", shown("\n".join(lines))).strip()


def host_of(url: str) -> str | None:
    """Return where a link leads, as people should read it: a host, an address, or ""; None where that cannot be read."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
    except ValueError:
        return None
    if parts.scheme in ("mailto", "tel"):
        return shown(unquote(parts.path))[:_LONGEST_LINK_TEXT]
    look = look_of(host)
    return shown(look.ascii_domain or host)[:_LONGEST_LINK_TEXT]


class _Reader(HTMLParser):
    """Reads what nh3 has written; text is collected, so that a link can be held against its words."""

    def __init__(self, marks: Marks) -> None:
        super().__init__(convert_charrefs=True)
        self.out: list[str] = []
        self.marks = marks
        self._link: str | None = None
        self._link_text: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write one that is known."""
        told = {name: value or "" for name, value in attrs}
        if tag == "a":
            self._end_link()
            self._link, self._link_text = told.get("href", ""), []
            self.begin_link()
        elif tag in _TAGS:
            self.begin(tag, told)

    def handle_endtag(self, tag: str) -> None:
        """End one that is known."""
        if tag == "a":
            self._end_link()
        elif tag in _TAGS and tag not in _VOID:
            self.end(tag)

    def handle_data(self, data: str) -> None:
        """Write text."""
        if self._link is not None and len(self._link_text) < _LONGEST_LINK_TEXT:
            self._link_text.append(data[:_LONGEST_LINK_TEXT])
        self.words(data)

    def close(self) -> None:
        """End what is open."""
        super().close()
        self._end_link()

    def _end_link(self) -> None:
        if self._link is None:
            return
        url, self._link = self._link, None
        said = " ".join("".join(self._link_text).split())[:_LONGEST_LINK_TEXT]
        host = host_of(url) if url else ""
        host = self.marks.nowhere if host is None else host
        self.end_link(host, _names_another(said, host), said)

    def begin(self, tag: str, told: dict[str, str]) -> None:
        """Begin an element."""

    def end(self, tag: str) -> None:
        """End an element."""

    def words(self, data: str) -> None:
        """Write text."""

    def begin_link(self) -> None:
        """Begin the words of a link."""

    def end_link(self, host: str, disguised: bool, said: str) -> None:
        """Say where the link leads."""

    def elsewhere(self, host: str) -> str:
        """Return what stands behind a link whose words name another host."""
        return self.marks.elsewhere.replace("{host}", host)


class _Writer(_Reader):
    """Writes HTML that can do nothing."""

    def __init__(self, embedded: Embedded | None, marks: Marks) -> None:
        super().__init__(marks)
        self._embedded = embedded
        self.images = 0
        self.remote = 0

    def begin(self, tag: str, told: dict[str, str]) -> None:
        if tag == "img":
            self._image(told)
            return
        kept = ""
        if told.get("dir", "").lower() in _DIRECTIONS:
            kept += f' dir="{told["dir"].lower()}"'
        for name, most in _SPANS.items():
            digits = told.get(name, "")
            if tag in ("td", "th") and digits.isascii() and digits.isdigit():
                kept += f' {name}="{max(1, min(int(digits[:6]), most))}"'
        self.out.append(f"<{tag}{kept}>")

    def end(self, tag: str) -> None:
        self.out.append(f"</{tag}>")

    def words(self, data: str) -> None:
        self.out.append(escape(shown(data)))

    def begin_link(self) -> None:
        self.out.append('<span class="link">')

    def end_link(self, host: str, disguised: bool, said: str) -> None:
        self.out.append("</span>")
        if disguised:
            self.out.append(f' <strong class="false">[{escape(self.elsewhere(host))}]</strong>')
        elif host and host not in said:
            self.out.append(f' <span class="host">[{escape(host)}]</span>')

    def _image(self, told: dict[str, str]) -> None:
        source, alt = told.get("src", ""), escape(shown(" ".join(told.get("alt", "").split())))[:1000]
        within = source.lower().startswith(("cid:", "data:"))
        data = self._embedded(source) if within and self._embedded is not None else ""
        if data:
            self.out.append(f'<img src="{escape(data)}" alt="{alt}">')
            return
        self.images += within
        self.remote += source.lower().startswith(("http:", "https:", "ftp:"))
        self.out.append(f'<span class="image">[{escape(self.marks.image)}{": " if alt else ""}{alt}]</span>')


class _TextWriter(_Reader):
    """Writes plain text."""

    def begin(self, tag: str, told: dict[str, str]) -> None:
        if tag == "img":
            alt = " ".join(told.get("alt", "").split())[:_LONGEST_LINK_TEXT]
            self.out.append(f"[{self.marks.image}: {alt}]" if alt else "")
        elif tag == "br" or tag in _BLOCKS:
            self.out.append("\n")
        elif tag in ("td", "th"):
            self.out.append(" ")
        if tag == "li":
            self.out.append("- ")

    def end(self, tag: str) -> None:
        if tag in _BLOCKS:
            self.out.append("\n\n" if tag in ("p", "blockquote") or tag[0] == "h" else "\n")

    def words(self, data: str) -> None:
        self.out.append(" ".join(re.split(r"\s+", data)))

    def end_link(self, host: str, disguised: bool, said: str) -> None:
        if disguised:
            self.out.append(f" [{self.elsewhere(host)}]")
        elif host and host not in said:
            self.out.append(f" [{host}]")


def _names_another(said: str, host: str) -> bool:
    """True where the words of a link name a host that is not the one it leads to."""
    match = _NAMED_HOST.match(said)
    if match is None or not host or "@" in host:
        return False
    named = match.group(1).lower().removeprefix("www.")
    return not (host == named or host.endswith("." + named) or named.endswith("." + host.removeprefix("www.")))
