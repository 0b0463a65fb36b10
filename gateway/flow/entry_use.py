"""When list entries last decided a mail: remembered here, written down now and then, never while a client waits."""

from __future__ import annotations

import logging

from gateway.domain.durations import DAY
from gateway.domain.policy import Decision, Reason, Seen
from gateway.flow.list_ports import EntryStore
from gateway.flow.ports import StoreDown
from gateway.log import warning

_log = logging.getLogger("gateway.lists")
_BY_ENTRY = frozenset({Reason.ALLOWLIST, Reason.DENYLIST})
MOST = 50_000
"""Entries remembered between two times of writing; of more the use is not noted, for it is a help and no record."""
FORGET_AFTER = 30 * DAY
"""Seconds for which removed entries and unsaved files are kept."""


class EntryUse:
    """Remembers which entries decided, and writes it down in one transaction."""

    def __init__(self, store: EntryStore, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._last: dict[int, float] = {}

    def note(self, seen: Seen, decision: Decision, now: float) -> None:
        """Remember it where an entry decided a mail."""
        if seen.entry is not None and decision.reason in _BY_ENTRY:
            self.note_entry(seen.entry.id, now)

    def note_entry(self, entry_id: int, now: float) -> None:
        """Remember that this entry has just decided."""
        if entry_id in self._last or len(self._last) < self._most:
            self._last[entry_id] = now

    async def write_down(self) -> int:
        """Write down what was remembered; return of how many entries. What cannot be written waits."""
        if not self._last:
            return 0
        moments, self._last = self._last, {}
        try:
            await self._store.transact(lambda tx: tx.entries.used(list(moments.items())))
        except StoreDown:
            self._last = {**moments, **self._last}
            warning(_log, "entry-use-not-written", entries=len(moments))
            return 0
        return len(moments)

    async def forget_removed(self, now: float) -> None:
        """Drop what was removed long ago."""
        await self._store.transact(lambda tx: tx.entries.forget_removed(now - FORGET_AFTER))
