"""Sockets to take mail at: our own, or such that systemd has opened, and more of them for further processes."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack

_FIRST_INHERITED = 3  # sd_listen_fds(3)
ORPHANS_SECONDS, _PAUSE = 5.0, 0.1
"""For how long, and how many seconds apart, an address is tried that is still in use where processes share it."""


def bound_socket(address: str, reuse_port: bool = False) -> socket.socket:
    """Open a socket for `127.0.0.1:2525` or `[::]:25`. It does not listen yet.

    An IPv6 socket takes IPv6 only, so that `0.0.0.0:25` can stand beside `[::]:25`. reuse_port: others of this user
    may have the same address, and the kernel deals clients out to those that listen.
    Raises ValueError for a malformed address, OSError where it cannot be had.
    """
    host, colon, port = address.rpartition(":")
    bare = host.removeprefix("[").removesuffix("]")
    if not colon or not port.isdigit() or int(port) > 65535 or (":" in bare) != host.startswith("["):
        raise ValueError(f"not an address to listen on, want host:port or [IPv6]:port: {address!r}")
    family, *_, place = socket.getaddrinfo(bare, int(port), type=socket.SOCK_STREAM)[0]
    opened = socket.socket(family, socket.SOCK_STREAM)
    try:
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if reuse_port:
            opened.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        if family == socket.AF_INET6:
            opened.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        # What is accepted inherits it: a reply never waits for an acknowledgement.
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        opened.bind(place)
    except OSError as fault:
        opened.close()
        raise OSError(fault.errno, f"{fault.strerror} (while attempting to bind on address {place!r})") from None
    return opened


def inherited_sockets(environment: Mapping[str, str], process_id: int, name: str) -> list[socket.socket]:
    """Take the listening sockets of this name that systemd opened for us (sd_listen_fds(3)); none is usual."""
    if environment.get("LISTEN_PID") != str(process_id):
        return []
    count = int(environment.get("LISTEN_FDS", "0"))
    names = environment.get("LISTEN_FDNAMES", "").split(":")
    return [
        socket.socket(fileno=_FIRST_INHERITED + index)
        for index in range(count)
        if index < len(names) and names[index] == name
    ]


class DoorSockets:
    """The sockets of all processes at the door."""

    def __init__(self, own: Sequence[socket.socket], inherited: bool) -> None:
        """own: those of the service. inherited: they cannot be had a second time, so that all listen at the same."""
        self.own = own
        self._inherited = inherited

    @classmethod
    async def open(cls, places: Sequence[str], processes: int, patience: float = ORPHANS_SECONDS) -> DoorSockets:
        """Take what systemd opened, or bind to these places. Raises OSError.

        patience: seconds in which the processes of a service that was killed a moment ago have to notice it.
        """
        inherited = inherited_sockets(os.environ, os.getpid(), "smtp")
        if inherited:
            return cls(inherited, True)
        if processes > 1:
            for place in places:
                await _alone(place, patience)
        return cls([bound_socket(place, reuse_port=processes > 1) for place in places], False)

    def another(self) -> list[socket.socket]:
        """Return sockets for one process more. Raises OSError."""
        with ExitStack() as opened:
            found = [
                opened.enter_context(one.dup() if self._inherited else bound_socket(_place(one), reuse_port=True))
                for one in self.own
            ]
            opened.pop_all()
        return found


async def _alone(place: str, patience: float) -> None:
    """Make sure that nobody else listens there: an address that is shared would be shared with him as well."""
    give_up = time.monotonic() + patience
    while True:
        try:
            bound_socket(place).close()
            return
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or time.monotonic() >= give_up:
                raise
        await asyncio.sleep(_PAUSE)


def _place(opened: socket.socket) -> str:
    host, port = opened.getsockname()[:2]
    return f"[{host}]:{port}" if opened.family == socket.AF_INET6 else f"{host}:{port}"
