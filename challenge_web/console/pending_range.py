"""Which rows of how many a page of the pending list shows.

A page begins behind a row, not at a number. How many rows lie in front of it is told by the link that led there: what
came or went meanwhile makes it wrong by as much, until the first or the last page, where it is known again.
"""

from __future__ import annotations

from collections.abc import Mapping

from challenge_web.console.pending_words import count_words
from gateway.flow.queue import MOST_COUNTED, Page


def read_rank(query: Mapping[str, str]) -> int:
    """Read how many rows lie in front of the page, as the link to it said; 0 where it did not."""
    text = query.get("at", "")
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0


def rank_of(page: Page, said: int) -> int:
    """Return how many rows lie in front of a page; -1 where nobody knows. said: by the link to it."""
    if page.previous is None:
        return 0
    if page.total <= MOST_COUNTED:
        last = page.total - len(page.rows)
        return last if page.next is None else min(said, last) or -1
    return said or -1


def range_words(page: Page, rank: int) -> str:
    """Say which rows of how many the page shows. rank: of its first one."""
    if not page.rows or rank < 0:
        return count_words(page.total)
    first, last = rank + 1, rank + len(page.rows)
    return (
        f"{first:,}–{last:,} of {count_words(page.total)}"
        if last > first
        else f"{first:,} of {count_words(page.total)}"
    )
