"""Roff: pages for man(1), in the macros of man(7) that each formatter knows."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterable, Iterator

from gateway import __version__

WIDTH = 78
"""Of source lines: longer ones are bad to compare."""
WRITTEN = "2026-11-21"
"""The day that stands below each page: of the newest release, before the first one of the first page."""
# A minus stays one when it is copied; the others would become typographic quotes, accents and dashes.
_LETTERS = {
    "|": "|\\:",
    "/": "/\\:",
    "\\": "\\e",
    "-": "\\-",
    "'": "\\(aq",
    "`": "\\(ga",
    "^": "\\(ha",
    "~": "\\(ti",
    '"': "\\(dq",
}
_CODE = re.compile(r"`([^`]+)`")
_MARK = "\ue000"
"""Stands for a blank at which no line is broken, until the line is written."""


def plain(text: str) -> str:
    """Return text of which nothing is taken for roff."""
    return "".join(_LETTERS.get(c, c) if c.isascii() else f"\\[u{ord(c):04X}]" for c in text)


def bold(text: str) -> str:
    """Return text in bold."""
    return f"\\fB{plain(text)}\\fR"


def italic(text: str) -> str:
    """Return text in italics."""
    return f"\\fI{plain(text)}\\fR"


def lines(text: str) -> Iterator[str]:
    """Yield the source lines of a paragraph; what stands between backticks becomes bold."""
    pieces = _CODE.split(" ".join(text.split()))
    told = "".join(bold(piece.replace(" ", _MARK)) if place % 2 else plain(piece) for place, piece in enumerate(pieces))
    for wrapped in textwrap.wrap(told, WIDTH, break_long_words=False, break_on_hyphens=False):
        line = wrapped.replace(plain(_MARK), " ")
        yield f"\\&{line}" if line.startswith(".") else line


def paragraphs(text: str) -> Iterator[str]:
    """Yield the source lines of a text whose paragraphs are parted by empty lines."""
    for place, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if place:
            yield ".PP"
        yield from lines(paragraph)


def item(tag: str, text: str) -> Iterator[str]:
    """Yield an indented paragraph. tag: as roff."""
    yield from (".TP", tag)
    for place, paragraph in enumerate(re.split(r"\n\s*\n", text.strip())):
        if place:
            yield ".IP"
        yield from lines(paragraph)


def page(name: str, section: int, sentence: str, body: Iterable[str]) -> str:
    """Return a whole page."""
    head = [
        f'.\\" Written by `make reference` from the code of challenge-gateway {__version__}.',
        f'.TH {plain(name.upper())} {section} {WRITTEN} "challenge\\-gateway {__version__}" "challenge\\-gateway"',
        # Neither stretched nor hyphenated: words of commands are to be found and copied.
        ".ad l",
        ".nh",
        ".SH NAME",
        f"{plain(name)} \\- {plain(sentence)}",
    ]
    return "\n".join((*head, *body)) + "\n"
