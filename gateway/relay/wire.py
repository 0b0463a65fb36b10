"""The socket to a server further on: flights of commands out, replies in, content with flow control.

The rules of pairing, which every method keeps:
- each octet received answers something we sent: a flight that is waited for, or replies nobody waits for
  (`owed`, for RSET and the like). What answers nothing ends the connection;
- replies that did arrive before the end count, also when more should have come;
- there is one flight at a time.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import Sequence
from typing import cast

from gateway.domain.reply import Reply
from gateway.relay.replies import ReplyReader
from gateway.relay.stuffing import CHUNK, on_the_wire

TIMED_OUT = "no reply in time"
_HIGH_WATER = 4 * CHUNK


class Wire(asyncio.Protocol):
    """One connection, below the meaning of the commands."""

    def __init__(self, greeting_seconds: float) -> None:
        self._greeting_seconds = greeting_seconds
        self._greeted: asyncio.Future[None] | None = None
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._reader = ReplyReader()
        self._failure = ""
        self._waiter: asyncio.Future[None] | None = None
        self._got: list[Reply] = []
        self._needed = 0
        self._owed_before = 0
        self._owed_after = 0
        self._paused = False
        self._room: asyncio.Future[None] | None = None
        self._tls_next = False
        self._deadline = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._timer_at = 0.0

    @property
    def failure(self) -> str:
        """Why the connection cannot be used any more; "" while it can."""
        if not self._failure and (self._transport is None or self._transport.is_closing()):
            return "closed"
        return self._failure

    @property
    def peer_address(self) -> str:
        """The far end's IP address in text; "" when not known."""
        peer = self._transport.get_extra_info("peername") if self._transport is not None else None
        return str(peer[0]) if isinstance(peer, tuple) and peer else ""

    # What is sent.

    async def greeting(self) -> Reply | None:
        """Wait for the server to speak first; None when the connection ended instead."""
        return None if self._greeted is None else await self._one(self._greeted)

    async def flight(self, lines: Sequence[str], seconds: float, last: str = "") -> list[Reply]:
        """Send commands in one write; return a reply for each, fewer when the connection ended before.

        last: one more command in the same write, whose reply will be dropped when it comes.
        """
        if self.failure:
            return []
        waiter = self._expect(len(lines), seconds)
        self._owed_after = 1 if last else 0
        self._write("\r\n".join([*lines, last, ""] if last else [*lines, ""]).encode())
        await waiter
        return self._got

    def owe(self, line: str) -> None:
        """Send a command whose reply will be dropped when it comes; the next flight need not wait for it."""
        if not self.failure:
            self._owed_before += 1
            self._write(f"{line}\r\n".encode())

    async def transfer(self, content: Sequence[bytes], command_seconds: float, final_seconds: float) -> Reply | None:
        """Send content and the final dot; return the final reply, None when the connection ended before it.

        A refusal that comes before the dot was sent is returned too, and the connection ended; an acceptance
        that comes so early cannot be one, and counts as none.
        """
        if self.failure:
            return None
        waiter = self._expect(1, final_seconds)
        if sum(map(len, content)) <= CHUNK:
            self._write(b"".join(on_the_wire(content)))
            return await self._one(waiter)
        for chunk in on_the_wire(content):
            if self._paused and not waiter.done():
                self._watch(command_seconds)
                self._room = self._loop.create_future()
                await self._room
            if waiter.done():
                self.fail("reply before the end of data")
                early = self._got[0] if self._got else None
                return early if early is not None and early.code >= 400 else None
            self._write(chunk)
        self._watch(final_seconds)
        return await self._one(waiter)

    async def start_tls(self, context: ssl.SSLContext, server_name: str | None, seconds: float) -> Reply | None:
        """Send STARTTLS; after 220, shake hands. Raises OSError (ssl.SSLError is one) when that fails.

        What stands behind the 220 in the clear is thrown away: it is not the server's (RFC 3207 §4.2).
        """
        self._tls_next = True
        reply = next(iter(await self.flight(["STARTTLS"], seconds)), None)
        if reply is None or reply.code != 220 or self._transport is None:
            self._tls_next = False
            return reply
        transport = await self._loop.start_tls(
            self._transport, self, context, server_hostname=server_name, ssl_handshake_timeout=seconds
        )
        if transport is None:
            raise ConnectionResetError("closed in the handshake")
        transport.set_write_buffer_limits(high=_HIGH_WATER)
        self._transport, self._reader, self._tls_next = transport, ReplyReader(), False
        return reply

    def quit(self) -> None:
        """Take leave without waiting for the answer."""
        if not self.failure:
            self._write(b"QUIT\r\n")
        self._failure = self._failure or "closed"
        self._stop_timer()
        if self._transport is not None:
            self._transport.close()

    def fail(self, reason: str) -> None:
        """End the connection at once; whoever waits gets what has arrived so far."""
        self._failure = self._failure or reason
        self._stop_timer()
        if self._transport is not None:
            self._transport.abort()
        self._wake()

    # What the event loop calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.set_write_buffer_limits(high=_HIGH_WATER)
        peer = transport.get_extra_info("socket")
        if peer is not None:
            # Head and body go out in one write, yet its last segment must not wait for an ACK.
            with contextlib.suppress(OSError):
                peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        # It may arrive before anyone had the time to wait for it.
        self._greeted = self._expect(1, self._greeting_seconds)

    def data_received(self, data: bytes) -> None:
        """Octets arrived: pair the replies in them with what was sent."""
        if self._tls_next and self._waiter is None:
            return
        replies = self._reader.first(data) if self._tls_next else self._reader.feed(data)
        for reply in replies:
            if self._owed_before:
                self._owed_before -= 1
            elif self._waiter is not None:
                self._got.append(reply)
                if len(self._got) == self._needed:
                    self._owed_before, self._owed_after = self._owed_after, 0
                    self._wake()
            else:
                self.fail("reply to nothing")
                return
            if reply.code == 421:  # RFC 5321 §3.8: the server closes now, whatever else it was asked.
                self.fail("closed by the far end")
                return
        if self._reader.fault:
            self.fail(self._reader.fault)

    def eof_received(self) -> None:
        """The far end will say no more."""
        self._failure = self._failure or "closed by the far end"
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        """The connection is gone."""
        self._failure = self._failure or "closed by the far end"
        self._stop_timer()
        self._wake()

    def pause_writing(self) -> None:
        """Too much lies unsent."""
        self._paused = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._paused = False
        self._wake_writer()

    # Waiting.

    def _write(self, octets: bytes) -> None:
        if self._transport is not None:
            self._transport.write(octets)

    def _expect(self, count: int, seconds: float) -> asyncio.Future[None]:
        self._got, self._needed = [], count
        self._waiter = waiter = self._loop.create_future()
        if self.failure:
            self._wake()
        else:
            self._watch(seconds)
        return waiter

    async def _one(self, waiter: asyncio.Future[None]) -> Reply | None:
        await waiter
        return self._got[0] if self._got else None

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is not None and not waiter.done():
            waiter.set_result(None)
        self._wake_writer()

    def _wake_writer(self) -> None:
        room, self._room = self._room, None
        if room is not None and not room.done():
            room.set_result(None)

    # One timer for the whole connection, moved only when it would fire too late: arming and cancelling one for
    # each flight cost more than the flight.

    def _watch(self, seconds: float) -> None:
        self._deadline = self._loop.time() + seconds
        if self._timer is None or self._timer_at > self._deadline:
            self._stop_timer()
            self._timer_at = self._deadline
            self._timer = self._loop.call_at(self._timer_at, self._look)

    def _look(self) -> None:
        self._timer = None
        if self._waiter is None and self._room is None:
            return
        if self._loop.time() >= self._deadline:
            self.fail(TIMED_OUT)
        else:
            self._timer_at = self._deadline
            self._timer = self._loop.call_at(self._timer_at, self._look)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
