"""Expected: let mail in through the windows that people have opened, and count it there."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from dataclasses import replace

from gateway.domain.expecting import Window, opening
from gateway.domain.policy import Decision, Policy, Reason, Seen, decide
from gateway.flow.arrangements import Arrangements, Use
from gateway.flow.ports import Store
from gateway.log import event

_log = logging.getLogger("gateway.expected")


async def let_in(
    store: Store,
    arranged: Arrangements,
    policies: Sequence[Policy],
    seen: Sequence[Seen],
    decisions: Sequence[Decision],
    content: bytes,
    now: float,
) -> tuple[Decision, ...]:
    """Return the decisions, with those changed that an open window changes; each mail let in is counted before.

    policies, seen and decisions: one for each recipient, in order. Raises StoreDown.
    """
    key = mail_key(seen[0], content)
    windows = await windows_open(store, arranged, seen, key, now)
    found = []
    for policy, one, decision, window in zip(policies, seen, decisions, windows, strict=True):
        changed = decide(policy, replace(one, expected=window))
        if changed.reason is Reason.EXPECTED and window is not None and await _counted(store, window, one, key, now):
            found.append(changed)
        else:
            found.append(decision)
    return tuple(found)


async def windows_open(
    store: Store, arranged: Arrangements, seen: Sequence[Seen], key: bytes, now: float
) -> list[Window | None]:
    """Return for each recipient the window that lets the mail in, or None. key: as of `mail_key`."""
    spent = [window.id for windows in arranged.windows.values() for window in windows if window.once and window.uses]
    again = await store.look(lambda tx: tx.expecting.used_by(spent, key)) if spent else frozenset()
    return [
        opening(
            arranged.windows.get(one.recipient.key, ()),
            one.recipient,
            one.reverse_path,
            one.message,
            one.evidence,
            now,
            again,
        )
        for one in seen
    ]


def mail_key(seen: Seen, content: bytes) -> bytes:
    """Return what a client's retry has in common with its first try, and with nothing else."""
    return hashlib.sha256(seen.reverse_path.key.encode("utf-8", "replace") + b"\0" + content).digest()


async def _counted(store: Store, window: Window, seen: Seen, key: bytes, now: float) -> bool:
    author = seen.message.author
    use = Use(
        window=window.id,
        message_key=key,
        at=now,
        recipient=seen.recipient.text,
        sender=author.text if author else "",
        subject=seen.message.subject,
    )
    counted = await store.transact(lambda tx: tx.expecting.use(use))
    event(_log, "expected", window=window.id, recipient=use.recipient, sender=use.sender, let_in=counted)
    return counted
