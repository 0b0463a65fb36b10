"""Kept connections to one server: few, warm, tested before use."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Generic, Protocol, TypeVar

from gateway.relay.breaker import Breaker
from gateway.relay.faults import Busy, Unanswered, Unreachable
from gateway.relay.opening import HopSettings

_log = logging.getLogger(__name__)


class Kept(Protocol):
    """A connection that outlives one use."""

    @property
    def uses(self) -> int:
        """How many uses it has seen."""

    @property
    def usable(self) -> bool:
        """False once it ended or its state is not known."""

    def close(self) -> None:
        """End it without waiting."""


C = TypeVar("C", bound=Kept)
T = TypeVar("T")


class Pool(Generic[C]):
    """At most `settings.connections` connections; the one used last is taken first, so that others can rest."""

    def __init__(
        self, settings: HopSettings, connect: Callable[[], Awaitable[C]], breaker: Breaker | None = None
    ) -> None:
        self._settings = settings
        self._connect = connect
        self._breaker = breaker or Breaker()
        self._open = 0
        self._idle: deque[tuple[C, float]] = deque()
        self._waiting: deque[asyncio.Future[C | None]] = deque()
        self._reaper: asyncio.TimerHandle | None = None
        self._closed = False

    @property
    def open(self) -> int:
        """Connections that stand or are being made."""
        return self._open

    async def use(self, talk: Callable[[C], Awaitable[T]]) -> T:
        """Run a dialogue on a connection, and once more on another when the first proves dead before it began.

        Raises Unreachable (or Busy, which is one), and Unanswered when a fresh connection died too.
        """
        connection = await self._take()
        try:
            return await talk(connection)
        except Unanswered:
            if connection.uses <= 1:
                raise
        finally:
            self._give_back(connection)
        # The server was restarted or dropped us: those that rest here are dead as well.
        self._close_idle(float("inf"))
        connection = await self._take()
        try:
            return await talk(connection)
        finally:
            self._give_back(connection)

    def close(self) -> None:
        """End what rests, turn away who waits; what is in use ends when it is given back."""
        self._closed = True
        self._close_idle(float("inf"))
        if self._reaper is not None:
            self._reaper.cancel()
            self._reaper = None
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_exception(Busy("shutting down"))

    async def _take(self) -> C:
        if self._closed:
            raise Busy("shutting down")
        while self._idle:
            connection, _ = self._idle.pop()
            if connection.usable:
                return connection
            self._drop(connection)
        if self._open < self._settings.connections:
            self._open += 1
            return await self._make()
        handed = await self._wait()
        return handed if handed is not None else await self._make()

    async def _wait(self) -> C | None:
        """Wait in turn; return a connection, or None where there is room for a new one, then kept for us."""
        if len(self._waiting) >= self._settings.max_waiting:
            raise Busy("too many wait for a connection")
        loop = asyncio.get_running_loop()
        waiter: asyncio.Future[C | None] = loop.create_future()
        self._waiting.append(waiter)
        timer = loop.call_later(self._settings.wait_seconds, _give_up, waiter)
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled() and waiter.exception() is None:
                handed = waiter.result()  # It came in the very moment our caller went away.
                if handed is not None:
                    self._give_back(handed)
                else:
                    self._free()
            raise
        finally:
            timer.cancel()
            if not waiter.done() or waiter.cancelled() or waiter.exception() is not None:
                # Whoever has given up takes no place from those who wait.
                with suppress(ValueError):
                    self._waiting.remove(waiter)

    async def _make(self) -> C:
        """Open a connection in the room that was taken for it."""
        loop = asyncio.get_running_loop()
        made = False
        try:
            if not self._breaker.allows(loop.time()):
                raise Unreachable("left alone for a moment after failures")
            connection = await self._tried()
            made = True
        finally:
            if not made:
                self._free()
        if self._breaker.succeeded():
            _log.info("server %s:%d can be used again", self._settings.host, self._settings.port)
        return connection

    async def _tried(self) -> C:
        try:
            return await self._connect()
        except Unreachable as fault:
            if self._breaker.failed(asyncio.get_running_loop().time()):
                _log.warning("server %s:%d cannot be used: %s", self._settings.host, self._settings.port, fault)
            raise
        except BaseException:
            self._breaker.abandoned()
            raise

    def _give_back(self, connection: C) -> None:
        if self._closed or not connection.usable or connection.uses >= self._settings.max_uses:
            self._drop(connection)
            return
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(connection)
                return
        loop = asyncio.get_running_loop()
        self._idle.append((connection, loop.time()))
        if self._reaper is None:
            self._reaper = loop.call_later(self._settings.idle_seconds, self._reap)

    def _free(self) -> None:
        """Give up the room of a connection, to the first who waits where there is one."""
        while self._waiting:
            waiter = self._waiting.popleft()
            if not waiter.done():
                waiter.set_result(None)
                return
        self._open -= 1

    def _drop(self, connection: C) -> None:
        connection.close()
        self._free()

    def _reap(self) -> None:
        loop = asyncio.get_running_loop()
        self._reaper = None
        self._close_idle(loop.time() - self._settings.idle_seconds)
        if self._idle:
            self._reaper = loop.call_at(self._idle[0][1] + self._settings.idle_seconds, self._reap)

    def _close_idle(self, unused_since: float) -> None:
        while self._idle and self._idle[0][1] <= unused_since:
            self._drop(self._idle.popleft()[0])


def _give_up(waiter: asyncio.Future[C | None]) -> None:
    if not waiter.done():
        waiter.set_exception(Busy("no connection became free in time"))
