"""How the service and a further process at its door talk: over a pair of sockets, a length and a message each time.

Before the first message an octet brings descriptors: of the memory they share, and of the sockets to take mail at.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Sequence
from typing import Literal

import msgspec
from msgspec import Struct

from gateway import __version__
from gateway.settings import Settings

LENGTH = struct.Struct("!I")
"""Of a message, in octets; it follows."""

Counts = dict[str, list[tuple[tuple[str, ...], int]]]
"""Name of a counter → its labels and numbers."""


class AnotherVersion(Exception):
    """Another version was installed since the service started: its settings and its store may be of another shape."""


class Begin(Struct, frozen=True, tag=True):
    """The first word of the service: take mail."""

    version: str
    """Of the service."""
    settings: bytes
    """See `pack_settings`."""
    log_level: str
    """As it is now: it may have been changed since the settings were read."""
    log_format: Literal["json", "text"]
    processes: int
    number: int
    """Of this process among them; the service itself is 0."""


class Reload(Struct, frozen=True, tag=True):
    """Read the certificate again, and log from this level on."""

    level: str


class Count(Struct, frozen=True, tag=True):
    """Tell your counters."""

    serial: int


class End(Struct, frozen=True, tag=True):
    """Take no more mail, and end when that in hand is done, or after so many seconds."""

    seconds: float


class Ready(Struct, frozen=True, tag=True):
    """Mail is taken from now on."""


class Wake(Struct, frozen=True, tag=True):
    """Work was put into the store."""

    challenges: bool
    deliveries: bool


class Counted(Struct, frozen=True, tag=True):
    """The counters since the process began."""

    serial: int
    counts: Counts


class Ended(Struct, frozen=True, tag=True):
    """The last word of a process."""

    cut_off: int
    """Sessions that did not end in time."""
    counts: Counts


MOST_SOCKETS = 252
"""The kernel hands over 253 descriptors at once (SCM_MAX_FD of unix(7))."""
_DESCRIPTORS = b"d"

ToDoor = Begin | Reload | Count | End
FromDoor = Ready | Wake | Counted | Ended

_encode = msgspec.msgpack.Encoder().encode
_to_door: msgspec.msgpack.Decoder[ToDoor] = msgspec.msgpack.Decoder(ToDoor)
_from_door: msgspec.msgpack.Decoder[FromDoor] = msgspec.msgpack.Decoder(FromDoor)


def read_to_door(octets: bytes) -> ToDoor:
    """Read what the service says. Raises msgspec.MsgspecError."""
    return _to_door.decode(octets)


def read_from_door(octets: bytes) -> FromDoor:
    """Read what a process at the door says. Raises msgspec.MsgspecError."""
    return _from_door.decode(octets)


def framed(message: ToDoor | FromDoor) -> bytes:
    """Return a message as it goes over the wire."""
    octets = _encode(message)
    return LENGTH.pack(len(octets)) + octets


async def next_message(reader: asyncio.StreamReader) -> bytes:
    """Return the octets of the next message. Raises IncompleteReadError or OSError where the other side is gone."""
    (length,) = LENGTH.unpack(await reader.readexactly(LENGTH.size))
    return await reader.readexactly(length)


def send_descriptors(line: socket.socket, share: int, sockets: Sequence[socket.socket]) -> None:
    """Send the descriptors. Raises OSError."""
    socket.send_fds(line, [_DESCRIPTORS], [share, *(one.fileno() for one in sockets)])


def receive_descriptors(line: socket.socket) -> tuple[int, list[socket.socket]] | None:
    """Wait for the descriptors, and return that of the memory and the sockets; None where the service is gone."""
    _, descriptors, _, _ = socket.recv_fds(line, len(_DESCRIPTORS), 1 + MOST_SOCKETS)
    if not descriptors:
        return None
    return descriptors[0], [socket.socket(fileno=each) for each in descriptors[1:]]


def pack_settings(settings: Settings) -> bytes:
    """Return settings as octets for a process of our own: read anew from the file, they might be others meanwhile."""
    return pickle.dumps(settings)


def unpack_settings(begin: Begin) -> Settings:
    """Return the settings again. Raises AnotherVersion."""
    if begin.version != __version__:
        raise AnotherVersion(f"the service is still {begin.version}, but {__version__} is installed: restart it")
    settings = pickle.loads(begin.settings)  # noqa: S301  # From a socket that only the service has the other end of.
    assert isinstance(settings, Settings)
    return settings
