"""Where the door is: sockets, the certificate, and an orderly end."""

from __future__ import annotations

import asyncio
import logging
import resource
import socket
import ssl
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gateway.smtp.door import Door, DoorSettings, Doorway
from gateway.smtp.session import DoorSession
from gateway.smtp.share import Share

logger = logging.getLogger("gateway.smtp")

_BACKLOG = 1024
"""Clients that the kernel keeps for us."""
_AT_ONCE = 16
"""Clients taken from it in one go. asyncio goes on for so long even when descriptors have run out, and complains
each time, so it must not be many; and so many descriptors may be taken by clients that are turned away."""


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Where the certificate for STARTTLS is, in PEM."""

    certificate: Path
    """With the chain behind it."""
    key: Path

    def context(self) -> ssl.SSLContext:
        """Read them. Raises OSError (ssl.SSLError is one) where they cannot be read or do not belong together."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
        context.load_cert_chain(self.certificate, self.key, password="")
        return context


def affordable(connections: int, descriptors: int) -> int:
    """Return how many connections to admit, so that files and servers further on can still be opened."""
    return max(1, min(connections, descriptors - 128 if descriptors >= 512 else descriptors // 2))


class Listener:
    """Admits clients on its sockets and runs a session for each, in the loop it was made in."""

    def __init__(
        self, door: Door, settings: DoorSettings, tls: TlsFiles | None = None, share: Share | None = None
    ) -> None:
        """share: what other processes at the door count. Raises OSError where the certificate cannot be loaded."""
        self._tls = tls
        context = tls.context() if tls is not None else None
        most = affordable(settings.max_connections, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        if most < settings.max_connections:
            logger.warning("only %d connections are admitted: the limit of open files allows no more", most)
            settings = replace(settings, max_connections=most)
        self.doorway = Doorway(door, settings, asyncio.get_running_loop(), context, share)
        self._servers: list[asyncio.Server] = []

    async def start(self, sockets: Sequence[socket.socket]) -> None:
        """Accept clients on these sockets."""
        loop, doorway = self.doorway.loop, self.doorway
        for opened in sockets:
            server = await loop.create_server(lambda: DoorSession(doorway), sock=opened, backlog=_AT_ONCE)
            opened.listen(_BACKLOG)
            self._servers.append(server)

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each socket."""
        return [s.getsockname()[:2] for server in self._servers for s in server.sockets]

    def reload(self) -> None:
        """Read the certificate again; handshakes from now on use it.

        Raises OSError where it cannot be loaded; the one in use then stays.
        """
        if self._tls is not None:
            self.doorway.tls = self._tls.context()

    async def stop(self, seconds: float) -> int:
        """Accept no more, let what is under way end, and close.

        Clients that wait for nothing are sent away; one inside its content, or to which a reply is owed, gets
        so many seconds. Returns how many did not end in time; for those no reply was given, so their
        messages remain the clients' duty.
        """
        self.doorway.draining = True
        for server in self._servers:
            server.close()
        self._servers.clear()
        sessions = list(self.doorway.sessions)
        for session in sessions:
            session.drain()
        tasks = [task for task in (session.task for session in sessions) if task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=seconds)
        left = [session for session in sessions if session.task is not None]
        for session in left:
            session.cut()
        if left:
            logger.warning("%d sessions did not end within %g seconds", len(left), seconds)
        return len(left)
