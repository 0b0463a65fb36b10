"""A connection without a network."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Any

from gateway.smtp.session import Door, DoorSession, DoorSettings, Doorway
from tests.clock import settle
from tests.unit.smtp.scripted_door import SETTINGS

ENVELOPE = (b"EHLO client.example.net", b"MAIL FROM:<a@example.net>", b"RCPT TO:<b@example.org>")


class Wire(asyncio.Transport):
    """The server's end: what is written here the client has read."""

    def __init__(self, session: DoorSession, peer: str) -> None:
        super().__init__({"peername": (peer, 40000)})
        self.session = session
        self.read = bytearray()
        self.half_closed = self.closed = self.paused = False

    def write(self, data: bytes | bytearray | memoryview[Any]) -> None:
        assert not self.half_closed, "written after the end"
        if not self.closed:
            self.read += data

    def can_write_eof(self) -> bool:
        return True

    def write_eof(self) -> None:
        self.half_closed = True

    def close(self) -> None:
        if not self.closed:
            self.closed = True
            asyncio.get_running_loop().call_soon(self.session.connection_lost, None)

    abort = close

    def is_closing(self) -> bool:
        return self.closed

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


@dataclass
class Line:
    """The client's end of a Wire."""

    doorway: Doorway
    wire: Wire

    @classmethod
    async def to(cls, door: Door, settings: DoorSettings, peer: str = "127.0.0.1") -> Line:
        """Connect and wait for the greeting."""
        return await cls.into(Doorway(door, settings, asyncio.get_running_loop()), peer)

    @classmethod
    async def into(cls, doorway: Doorway, peer: str = "127.0.0.1") -> Line:
        """Connect one more client to the same doorway."""
        session = DoorSession(doorway)
        line = cls(doorway, Wire(session, peer))
        session.connection_made(line.wire)
        await settle()
        return line

    async def send(self, *lines: bytes) -> bytes:
        """Send lines in one packet and return what was replied."""
        return await self.send_octets(b"".join(line + b"\r\n" for line in lines))

    async def send_octets(self, octets: bytes) -> bytes:
        """Send octets as they are and return what was replied."""
        start = len(self.wire.read)
        if not self.wire.closed:
            self.wire.session.data_received(octets)
        await settle()
        return bytes(self.wire.read[start:])

    async def hang_up(self) -> None:
        """The connection breaks."""
        self.wire.closed = True
        self.wire.session.connection_lost(ConnectionResetError())
        await settle()

    @property
    def ended(self) -> bool:
        """The server said its last word."""
        return self.wire.closed or self.wire.half_closed


async def opened(door: Door, settings: DoorSettings = SETTINGS) -> Line:
    """A client that was just told to send its content."""
    line = await Line.to(door, settings)
    assert (await line.send(*ENVELOPE, b"DATA")).endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    return line
