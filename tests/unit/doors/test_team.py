"""How many processes take mail, and what a new one is told."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from gateway.doors import protocol
from gateway.doors.team import how_many
from gateway.settings import Settings, load


def settings(**values: str) -> Settings:
    return load(None, {f"GATEWAY_{key.upper()}": value for key, value in values.items()})


@pytest.mark.parametrize(
    ("wanted", "processors", "connections", "processes"),
    [("0", 1, "20", 1), ("0", 2, "20", 2), ("0", 64, "20", 4), ("7", 2, "20", 7), ("7", 2, "3", 3), ("1", 8, "20", 1)],
)
def test_processes_at_the_door_are_as_many_as_fit(
    wanted: str, processors: int, connections: str, processes: int
) -> None:
    told = settings(smtp_processes=wanted, relay_next_hop_connections=connections)
    assert how_many(told, processors) == processes


def test_first_word_brings_the_settings_and_the_descriptors(tmp_path: Path) -> None:
    told = settings(smtp_listen="[::1]:25", dns_servers="127.0.0.1", smtp_trusted_clients="192.0.2.0/24")
    ours, theirs = socket.socketpair()
    door = socket.create_server(("127.0.0.1", 0))
    with ours, theirs, door, (tmp_path / "memory").open("w+b") as memory:
        memory.write(b"shared")
        memory.flush()
        begin = protocol.Begin(protocol.pack_settings(told), processes=3, number=2)
        protocol.send_begin(ours, begin, memory.fileno(), [door])
        received = protocol.receive_begin(theirs)
        assert received is not None
        again, share, sockets = received
        with open(share, "rb") as shared:
            shared.seek(0)
            assert shared.read() == b"shared"
        assert [one.getsockname() for one in sockets] == [door.getsockname()]
        sockets[0].close()
    assert (again.processes, again.number) == (3, 2)
    assert protocol.unpack_settings(again.settings) == told


def test_first_word_that_never_comes_is_none() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert protocol.receive_begin(theirs) is None
