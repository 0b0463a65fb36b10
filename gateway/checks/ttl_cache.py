"""A bounded memory in which every entry has its own end."""

from __future__ import annotations

from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class TtlCache(Generic[K, V]):
    """Remembers values until a time of their own; when it is full, the one written longest ago goes.

    The caller's clock is passed in, so an instance never reads one.
    """

    def __init__(self, entries: int) -> None:
        self._entries = entries
        self._kept: dict[K, tuple[float, V]] = {}

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K, now: float) -> V | None:
        """Return what is remembered and not over yet, or None."""
        found = self._kept.get(key)
        if found is None:
            return None
        if now >= found[0]:
            del self._kept[key]
            return None
        return found[1]

    def put(self, key: K, value: V, until: float) -> None:
        """Remember a value up to a time on the caller's clock."""
        self._kept.pop(key, None)
        if self._entries <= 0:
            return
        while len(self._kept) >= self._entries:
            del self._kept[next(iter(self._kept))]
        self._kept[key] = (until, value)
