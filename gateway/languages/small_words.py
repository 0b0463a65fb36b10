"""The small words that each language is known by: those of ours, and of its neighbours."""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path

_FOLDER = Path(__file__).parent


@lru_cache(maxsize=1)
def small_words() -> Mapping[str, frozenset[str]]:
    """Return language → words in lower case. Read when the first mail is looked at."""
    words = {file.parent.name: frozenset(file.read_text("utf-8").split()) for file in _FOLDER.glob("*/words.txt")}
    for line in (_FOLDER / "others.txt").read_text("utf-8").splitlines():
        tag, colon, rest = line.partition(":")
        if colon and not line.startswith("#"):
            words[tag] = frozenset(rest.split())
    return words
