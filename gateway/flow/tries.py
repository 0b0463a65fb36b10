"""What is tried at the entrance, counted in the store, and the time to wait after too much of it."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

from gateway.domain.sign_in import REMEMBERED, Slowdown, Window, next_in
from gateway.flow.account_ports import AccountsTx

Counted = tuple[str, bytes, Slowdown]
"""What is counted: the kind, whose, and how fast it slows down."""


def count_try(tx: AccountsTx, limits: Sequence[Counted], now: float) -> float:
    """Count a try as if it failed, and return 0.0; or return the seconds to wait, and count nothing."""
    wait = 0.0
    for kind, subject, slowdown in limits:
        count, newest = tx.sessions.tries(kind, subject, now - REMEMBERED, 1)
        if newest:
            wait = max(wait, slowdown.wait(count, newest[0], now))
    if not wait:
        for kind, subject, _ in limits:
            tx.sessions.tried(kind, subject, now)
    return wait


def seconds_until_next(tx: AccountsTx, kind: str, subject: bytes, windows: Sequence[Window], now: float) -> float:
    """Return the seconds until one more fits into all windows; 0.0 where one does now."""
    since = now - max(window.seconds for window in windows)
    _, times = tx.sessions.tries(kind, subject, since, max(window.most for window in windows))
    return next_in(times, windows, now)


def subject_of(text: str) -> bytes:
    """What is counted, as the store keeps it: of one length, whatever somebody wrote."""
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()
