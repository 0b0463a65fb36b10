"""Which language a person reads: by what the browser asks for, or by the words of a mail.

The guess counts the small words that a language cannot do without. It takes the same time for every mail and never
asks anybody; where it is not sure, it says so, and the answer carries English too.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass

AUTO = "auto"
"""In a policy: the language of each mail."""
MOST_WORDS = 300
"""Of a mail that are looked at."""
_FEW, _SURE = 2, 5
"""Small words that give a hint, and that settle it."""
_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
_MOST_RANGES = 20
_RANGE = re.compile(r"\s*([A-Za-z]{1,8}(?:-[A-Za-z0-9]{1,8})*|\*)\s*(?:;\s*q\s*=\s*([01](?:\.\d{0,3})?)\s*)?")


@dataclass(frozen=True, slots=True)
class Guess:
    """The language of a mail."""

    tag: str
    sure: bool
    """False: English belongs below it."""


def wanted(accept_language: str, known: Collection[str]) -> str:
    """Return the best of the known languages for a browser (RFC 9110 §12.5.4); "" where it reads none of them."""
    best, most = "", 0.0
    for piece in accept_language.split(",")[:_MOST_RANGES]:
        found = _RANGE.fullmatch(piece)
        if found is None:
            continue
        quality = float(found[2]) if found[2] else 1.0
        tag = nearest(found[1], known)
        if tag and quality > most:
            best, most = tag, quality
    return best


def nearest(tag: str, known: Collection[str]) -> str:
    """Return the known language that a tag names, as de for de-AT (RFC 4647 §3.4); "" where there is none."""
    pieces = tag.strip().lower().split("-")
    while pieces:
        if "-".join(pieces) in known:
            return "-".join(pieces)
        pieces.pop()
    return ""


def guess(words: Mapping[str, frozenset[str]], known: Collection[str], text: str, told: str, charset: str) -> Guess:
    """Return the language of a mail; English, and surely so, where nothing speaks for another.

    words: language → its small words; more languages than the known ones, so that a neighbour is not taken for one of
    them. text: subject and the beginning of the body. told: Content-Language. charset: of the body.
    """
    counts = _counted(words, text)
    ranking = sorted(counts, key=lambda tag: (-counts[tag], tag))
    first = ranking[0] if ranking else ""
    most = counts.get(first, 0)
    second = counts[ranking[1]] if len(ranking) > 1 else 0
    if most >= _SURE and 2 * most >= 3 * second:
        # Its words say so, whatever a mail program's own language made of Content-Language.
        return Guess(first if first in known else "en", True)
    named = nearest(told.partition(",")[0], known)
    if most >= _FEW and most > second and first in known:
        # Few words, but two that agree: they, and the mail program or the letters it used.
        agreed = first in (named, _ALPHABETS.get(charset.lower(), ""))
        return Guess(first, first == "en" or agreed)
    if named and counts.get(named, 0) == most:
        return Guess(named, named == "en")
    return Guess("en", True)


_ALPHABETS = {"iso-8859-2": "cs", "windows-1250": "cs"}
"""Character sets of few languages, and the one of ours among them."""


def _counted(words: Mapping[str, frozenset[str]], text: str) -> dict[str, int]:
    counts = dict.fromkeys(words, 0)
    for found, _ in zip(_WORD.finditer(text), range(MOST_WORDS), strict=False):
        word = found[0].lower().replace("’", "'")
        for tag, own in words.items():
            if word in own:
                counts[tag] += 1
    return counts
