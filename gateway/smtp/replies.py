"""Replies as octets; those that are always the same are made once."""

from __future__ import annotations

from functools import lru_cache

from gateway.domain import reply
from gateway.domain.reply import Reply


@lru_cache(maxsize=512)
def encoded(answer: Reply) -> bytes:
    """Return a reply as octets; nothing in its text can end the line early."""
    if "\r" in answer.text:
        answer = Reply(answer.code, answer.enhanced, answer.text.replace("\r", " "))
    return answer.lines().encode("ascii", "replace")


FIXED = {id(each): encoded(each) for each in vars(reply).values() if isinstance(each, Reply)}
"""The replies that are always the same; they live as long as the program, so that each is known by its place."""
