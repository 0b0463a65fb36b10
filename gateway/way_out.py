"""The way of mail of our users to the outside, put together: a door, a server behind it, and what is forgotten in time.

It runs in the service alone: it sees one mail where the other door sees a hundred.
"""

from __future__ import annotations

from collections.abc import Callable

from gateway import assembly
from gateway.domain.durations import DAY
from gateway.flow.entry_use import FORGET_AFTER
from gateway.flow.outgoing import Outgoing
from gateway.relay.hop import NextHop
from gateway.settings import Settings
from gateway.smtp.listener import Listener
from gateway.smtp.sockets import bound_socket
from gateway.store.store import Store
from gateway.workers.loop import Loop

SWEEP_PAUSE = 1800.0
"""Seconds between two looks for what is to be forgotten."""
PIECE = 500
"""Mails forgotten in one transaction: mail that comes in meanwhile does not wait for long."""


class WayOut:
    """Takes mail to the outside as soon as it is opened; without a place to listen at, none."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        *,
        now: Callable[[], float],
        trusted: Callable[[], bool],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """trusted: False while the clock is not to be believed. Raises OSError where the certificate cannot be loaded."""
        self._settings = settings
        self._store = store
        self._now = now
        self._trusted = trusted
        self.hop = NextHop(assembly.outgoing_hop_settings(settings))
        self._listener = Listener(
            Outgoing(assembly.outgoing_rules(settings), store, self.hop, now=now, wake_deliveries=wake_deliveries),
            assembly.outgoing_door_settings(settings),
            assembly.tls_files(settings),
        )
        self._sweep = Loop("outgoing", self._forget, SWEEP_PAUSE)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        return self._listener.addresses

    async def open(self) -> None:
        """Take mail. Raises OSError where a place to listen at cannot be had."""
        # What was learned once ends in its time, also where nothing new is learned.
        self._sweep.start()
        places = [str(place) for place in self._settings.outgoing.listen]
        if places:
            self.hop.start()
            await self._listener.start([bound_socket(place) for place in places])

    def reload(self) -> None:
        """Take over a new certificate. Raises OSError, and the one in use stays."""
        self._listener.reload()

    async def stop(self, seconds: float) -> int:
        """Take no more mail; let what is in hand end within so many seconds. Return how many sessions did not."""
        return await self._listener.stop(seconds)

    async def close(self, grace: float) -> None:
        """Close what is left once no mail is taken any more."""
        await self._listener.stop(0.0)
        await self._sweep.stop(grace)
        await self.hop.close()

    async def _forget(self) -> int:
        if self._trusted():
            now, told = self._now(), self._settings.outgoing
            before = now - told.reply_days * DAY
            while await self._store.transact(lambda tx: tx.sent.forget(before, told.max_message_ids, PIECE)) == PIECE:
                pass
            await self._store.transact(lambda tx: tx.sent.forget_entries(now - FORGET_AFTER))
        return 0
