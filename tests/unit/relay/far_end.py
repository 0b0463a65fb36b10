"""A server further on that answers by a script, on a loopback socket, and remembers all it was told."""

from __future__ import annotations

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Coroutine, Mapping
from typing import Any, TypeVar

from tests.clock import pass_time

T = TypeVar("T")

CLOSE = "close"
"""In a script: end the connection instead of a reply."""
SILENCE = ""
"""In a script: say nothing and go on."""
EVERYTHING = (
    "250-far.example\r\n250-PIPELINING\r\n250-SIZE 1000000\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n250-DSN\r\n250 HELP"
)
STEP_BY_STEP = "250-far.example\r\n250 8BITMIME"

_USUAL: Mapping[str, str] = {
    "greeting": "220 far.example ESMTP",
    "EHLO": EVERYTHING,
    "HELO": "250 far.example",
    "MAIL": "250 2.1.0 sender fine",
    "RCPT": "250 2.1.5 recipient fine",
    "DATA": "354 go on",
    ".": "250 2.0.0 taken",
    "RSET": "250 2.0.0 forgotten",
    "NOOP": "250 2.0.0 here",
    "QUIT": "221 2.0.0 bye",
    "STARTTLS": "220 2.0.0 shake",
    "XFORWARD": "250 2.0.0 noted",
    "AUTH": "235 2.7.0 welcome",
}


class FarEnd:
    """Each verb has one reply, or a list of them: taken in turn, the last for ever."""

    def __init__(
        self, replies: Mapping[str, str | list[str]], tls: ssl.SSLContext | None, one_octet_at_a_time: bool
    ) -> None:
        self._replies = {verb: list(r) if isinstance(r, list) else [r] for verb, r in {**_USUAL, **replies}.items()}
        self._tls = tls
        self._split = one_octet_at_a_time
        self.port = 0
        self.commands: list[str] = []
        """All command lines, in order, of all connections."""
        self.contents: list[bytes] = []
        """Octets after each 354, up to and with the final dot's CRLF."""
        self.connections = 0
        self.writers: list[asyncio.StreamWriter] = []
        self.seen = asyncio.Event()
        """Set at each command and content; clear it to wait for the next."""
        self.silent = asyncio.Event()
        """Set when nothing was said where a reply is waited for."""

    @property
    def verbs(self) -> list[str]:
        return [command.split(" ")[0].split(":")[0].upper() for command in self.commands]

    def script(self, verb: str, *replies: str) -> None:
        """Change what will be said."""
        self._replies[verb] = list(replies)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self.writers.append(writer)
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            await self._talk(reader, writer)
        writer.close()

    async def hang_up(self) -> None:
        """Drop every connection, and wait until that has gone out."""
        for writer in self.writers:
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()
        self.writers.clear()

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not await self._say(writer, "greeting"):
            return
        while line := await reader.readline():
            command = line.decode("utf-8").removesuffix("\r\n")
            self.commands.append(command)
            self.seen.set()
            verb = command.split(" ")[0].split(":")[0].upper()
            said = await self._say(writer, verb if verb in self._replies else "AUTH")
            if said is None or verb == "QUIT":
                return
            if verb == "DATA" and said.split("\r\n")[-1].startswith("354"):
                self.contents.append(await _content(reader))
                self.seen.set()
                if await self._say(writer, ".") is None:
                    return
            elif verb == "STARTTLS" and said.startswith("220") and self._tls is not None:
                await writer.start_tls(self._tls)

    async def _say(self, writer: asyncio.StreamWriter, verb: str) -> str | None:
        script = self._replies[verb]
        reply = script.pop(0) if len(script) > 1 else script[0]
        if reply == CLOSE:
            return None
        if reply == SILENCE:
            self.silent.set()
        octets = f"{reply}\r\n".encode() if reply else b""
        for piece in [octets[i : i + 1] for i in range(len(octets))] if self._split else [octets]:
            writer.write(piece)
            await writer.drain()
            await asyncio.sleep(0)
        return reply or "(silence)"


async def _content(reader: asyncio.StreamReader) -> bytes:
    """Read to the first CRLF.CRLF and not an octet further."""
    lines = [b"\r\n", await reader.readuntil(b"\n")]
    while not (lines[-1] == b".\r\n" and lines[-2].endswith(b"\r\n")):
        lines.append(await reader.readuntil(b"\n"))
    return b"".join(lines[1:])


@contextlib.asynccontextmanager
async def far_end(
    replies: Mapping[str, str | list[str]] | None = None,
    *,
    tls: ssl.SSLContext | None = None,
    one_octet_at_a_time: bool = False,
) -> AsyncIterator[FarEnd]:
    """Run a server for one test."""
    far = FarEnd(replies or {}, tls, one_octet_at_a_time)
    server = await asyncio.start_server(far.serve, "127.0.0.1", 0, limit=2**24)
    far.port = server.sockets[0].getsockname()[1]
    async with server:
        yield far
        server.close()
        for writer in far.writers:
            # Where nothing is left to abort, the asyncio of Python 3.11.2 fails.
            if not writer.transport.is_closing():
                writer.transport.abort()


async def outwaited(far: FarEnd, talk: Coroutine[Any, Any, T]) -> T:
    """Return what comes of a talk in which the far end falls silent: time passes from then on, and not before."""
    talking = asyncio.create_task(talk)
    await far.silent.wait()
    while not talking.done():
        await pass_time(1)
    return talking.result()
