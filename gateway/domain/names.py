"""Names of our domains, looked up by words and page by page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from gateway.domain.address import normal_domain

PAGE = 100
"""Domains on one page."""


def names_with(names: Sequence[str], words: str, after: str = "", most: int | None = PAGE) -> list[str]:
    """Return those of some names that hold what was typed, from behind one on.

    names: A-labels, sorted. words: part of a name; of a name in other letters whole labels. most: None is all.
    """
    part = normal_domain(words.strip())
    return [name for name in names[bisect_right(names, after) :] if part in name][:most]
