"""The way of a mail through one process: from its sockets to the store or the next hop.

The service has one, and each further process at the door is nothing but one.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from contextlib import suppress
from socket import socket

from gateway import assembly
from gateway.checks.authentication_results import forged_fields, results_field
from gateway.flow.entry_use import EntryUse
from gateway.flow.passages import Passages
from gateway.flow.ports import Checks, StoreDown
from gateway.flow.ports import Store as MailStore
from gateway.flow.receive import Receiver
from gateway.flow.tally import TALLY, write_down
from gateway.hops import Hops
from gateway.settings import Settings
from gateway.smtp.listener import Listener
from gateway.smtp.share import Share
from gateway.store.store import Store
from gateway.workers.loop import Loop

TALLY_PAUSE = 5.0
"""Seconds between two times that the overview's numbers are written down."""
PASSAGES_PAUSE = 1.0
"""Seconds between two times that the facts of relayed mail are written down."""
ENTRY_USE_PAUSE = 60.0
"""Seconds between two times that it is written down when list entries last decided."""


class Front:
    """Takes mail as soon as it has sockets."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        mark_key: bytes,
        *,
        now: Callable[[], float],
        wake_challenges: Callable[[], None],
        wake_deliveries: Callable[[], None],
        processes: int = 1,
        share: Share | None = None,
    ) -> None:
        """Put the parts together; nothing runs yet. Raises OSError where the certificate cannot be loaded.

        mark_key: signs what we let on. processes: how many take mail side by side; share: what they count together.
        """
        self._settings = settings
        self._store = store
        self._mark_key = mark_key
        self._now = now
        self._wake_challenges = wake_challenges
        self._wake_deliveries = wake_deliveries
        self.hops = Hops(settings, processes)
        self._checks = assembly.make_checks(settings)
        self.entry_use = EntryUse(store)
        self._passages = Passages(store) if settings.history.relayed else None
        self._listener = Listener(
            self.make_receiver(self._checks, now, store),
            assembly.door_settings(settings),
            assembly.tls_files(settings),
            share,
        )
        self._loops = (
            Loop("tally", functools.partial(write_down, TALLY, store), TALLY_PAUSE),
            Loop("entry use", self._write_use, ENTRY_USE_PAUSE),
            Loop("history", self._write_passages, PASSAGES_PAUSE),
        )

    def make_receiver(self, checks: Checks, now: Callable[[], float], store: MailStore) -> Receiver:
        """Return a receiver. All it is told is the service's own, but for mail that is only told of."""
        hostname = self._settings.smtp.hostname
        return Receiver(
            assembly.receive_rules(self._settings, self._mark_key),
            store,
            checks,
            self.hops.of,
            lambda head: forged_fields(head, hostname),
            functools.partial(results_field, hostname),
            now=now,
            wake_challenges=self._wake_challenges,
            wake_deliveries=self._wake_deliveries,
            use=self.entry_use,
            passages=self._passages,
            bounces=assembly.make_bounces(self._settings, store, now),
        )

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        return self._listener.addresses

    def begin(self) -> None:
        """Look for the next hops, and write down now and then what was counted."""
        self.hops.start()
        for loop in self._loops:
            loop.start()

    async def open(self, sockets: Sequence[socket]) -> None:
        """Take mail from these sockets."""
        await self._listener.start(sockets)

    def reload(self) -> None:
        """Take over a new certificate. Raises OSError, and the one in use stays."""
        self._listener.reload()

    async def stop(self, seconds: float) -> int:
        """Take no more mail; let what is in hand end within so many seconds. Return how many sessions did not."""
        cut_off = await self._listener.stop(seconds)
        with suppress(StoreDown):
            await write_down(TALLY, self._store)
        await self.entry_use.write_down()
        with suppress(StoreDown):
            await self._write_passages()
        return cut_off

    async def close(self, grace: float) -> None:
        """End the rest, behind `stop` or without it."""
        for loop in self._loops:
            await loop.stop(grace)
        await self.hops.close()
        self._checks.close()

    async def _write_passages(self) -> int:
        if self._passages is not None:
            await self._passages.write_down()
        return 0

    async def _write_use(self) -> int:
        await self.entry_use.write_down()
        return 0
