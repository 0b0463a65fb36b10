"""How the service and a further process at its door talk: over a pair of sockets, a length and a message each time.

The first message brings descriptors along: of the memory they share, and of the sockets to take mail at.
"""

from __future__ import annotations

import asyncio
import pickle
import socket
import struct
from collections.abc import Sequence

import msgspec
from msgspec import Struct

from gateway.settings import Settings

LENGTH = struct.Struct("!I")
"""Of a message, in octets; it follows."""

Counts = dict[str, list[tuple[tuple[str, ...], int]]]
"""Name of a counter → its labels and numbers."""


class Begin(Struct, frozen=True, tag=True):
    """The first word of the service: take mail."""

    settings: bytes
    """See `pack_settings`."""
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


MOST_SOCKETS = 64
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


def send_begin(line: socket.socket, begin: Begin, share: int, sockets: Sequence[socket.socket]) -> None:
    """Send the first message. Raises OSError."""
    socket.send_fds(line, [framed(begin)], [share, *(one.fileno() for one in sockets)])


def receive_begin(line: socket.socket) -> tuple[Begin, int, list[socket.socket]] | None:
    """Wait for the first message and return it with the descriptor of the memory and the sockets; None without one."""
    octets, descriptors, _, _ = socket.recv_fds(line, LENGTH.size, 1 + MOST_SOCKETS)
    if len(octets) < LENGTH.size or not descriptors:
        return None
    (length,) = LENGTH.unpack(octets)
    octets = b""
    while len(octets) < length and (more := line.recv(length - len(octets))):
        octets += more
    begin = read_to_door(octets)
    if not isinstance(begin, Begin):
        return None
    return begin, descriptors[0], [socket.socket(fileno=each) for each in descriptors[1:]]


def pack_settings(settings: Settings) -> bytes:
    """Return settings as octets for a process of our own: read anew from the file, they might be others meanwhile."""
    return pickle.dumps(settings)


def unpack_settings(octets: bytes) -> Settings:
    """Return the settings again; only for what `pack_settings` of our own service has made."""
    settings = pickle.loads(octets)  # noqa: S301  # From a socket that only the service has the other end of.
    assert isinstance(settings, Settings)
    return settings
