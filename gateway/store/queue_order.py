"""The orders of the pending list: the keys a page is sorted by, and what lies behind one of them."""

from __future__ import annotations

from gateway.flow.queue_ports import Key
from gateway.store.queue_sql import Clause

KEYS: dict[str, tuple[str, ...]] = {
    "arrival": ("age",),
    "sender": ("sender_sort", "age"),
    "subject": ("subject_sort", "age"),
    "recipient": ("domain", "owner", "age"),
    "size": ("size", "age"),
    "reason": ("reason", "age"),
    "expiry": ("expires_at", "age"),
    "score": ("score", "age"),
}
_TYPES: dict[str, type[str] | type[float]] = {
    "age": float, "sender_sort": str, "subject_sort": str, "domain": str, "owner": str, "size": float, "reason": str,
    "expires_at": float, "score": float,
}  # fmt: skip


def fits(key: Key, sort: str) -> bool:
    """True for a key that belongs to this sort: it comes from the page's address, where anybody can write."""
    columns = KEYS[sort]
    return len(key) == len(columns) and all(
        isinstance(value, str) if _TYPES[column] is str else isinstance(value, int | float)
        for value, column in zip(key, columns, strict=True)
    )


def behind(sort: str, key: Key | None, descending: bool, *, itself: bool = False) -> Clause:
    """Return the condition for rows behind a key. itself: and for the row that has it."""
    if key is None:
        return Clause("")
    columns = KEYS[sort]
    sign = sign_of(descending, itself)
    if len(columns) == 1:
        return Clause(f"{columns[0]} {sign} ?", key)
    return Clause(f"({', '.join(columns)}) {sign} ({', '.join('?' * len(columns))})", key)


def sign_of(descending: bool, itself: bool) -> str:
    """Return how what is behind a value compares with it."""
    return ("<" if descending else ">") + ("=" if itself else "")


def in_order(sort: str, descending: bool) -> str:
    """Return the terms of ORDER BY."""
    return ", ".join(f"{column} DESC" if descending else column for column in KEYS[sort])
