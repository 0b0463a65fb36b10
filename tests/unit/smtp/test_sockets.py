"""Sockets to take mail at, for one process and for several."""

from __future__ import annotations

import asyncio
import errno
import os
import socket
import subprocess
import sys

import pytest

from gateway.smtp.sockets import DoorSockets, bound_socket, inherited_sockets


@pytest.mark.parametrize("address", ["", "2525", "host:", "127.0.0.1:x", "::1:25", "[127.0.0.1]:25", "127.0.0.1:70000"])
def test_listen_address_malformed_is_named(address: str) -> None:
    with pytest.raises(ValueError, match="host:port"):
        bound_socket(address)


@pytest.mark.parametrize(("address", "family"), [("127.0.0.1:0", socket.AF_INET), ("[::1]:0", socket.AF_INET6)])
def test_listen_address_well_formed_is_bound(address: str, family: int) -> None:
    with bound_socket(address) as opened:
        assert opened.family == family
        assert opened.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)


def test_inherited_sockets_of_another_process_are_left_alone() -> None:
    assert inherited_sockets({}, 1, "smtp") == []
    environment = {"LISTEN_PID": "2", "LISTEN_FDS": "1", "LISTEN_FDNAMES": "smtp"}
    assert inherited_sockets(environment, 1, "smtp") == []
    assert inherited_sockets({**environment, "LISTEN_PID": "1"}, 1, "http") == []


_CHILD = """
import os, sys
from gateway.smtp.sockets import inherited_sockets
os.dup2(int(sys.argv[1]), 3)
os.dup2(int(sys.argv[1]), 4)
environment = {"LISTEN_PID": str(os.getpid()), "LISTEN_FDS": "2", "LISTEN_FDNAMES": "http:smtp"}
[taken] = inherited_sockets(environment, os.getpid(), "smtp")
assert taken.fileno() == 4
sys.stdout.write(str(taken.getsockname()[1]))
"""


def test_inherited_socket_is_taken_by_its_name() -> None:
    with bound_socket("127.0.0.1:0") as opened:
        number = opened.fileno()
        command = [sys.executable, "-c", _CHILD, str(number)]
        child = subprocess.run(
            command, pass_fds=[number], env={**os.environ, "PYTHONPATH": os.getcwd()}, check=True, capture_output=True
        )
        assert int(child.stdout) == opened.getsockname()[1]


async def test_sockets_of_further_processes_are_at_the_same_address() -> None:
    sockets = await DoorSockets.open(["127.0.0.1:0"], processes=2)
    (own,) = sockets.own
    (other,) = sockets.another()
    with own, other:
        assert own.getsockname() == other.getsockname()
        own.listen()
        with socket.create_connection(own.getsockname(), 5):
            own.settimeout(5)
            own.accept()[0].close()


async def test_socket_of_one_process_alone_is_shared_with_nobody() -> None:
    sockets = await DoorSockets.open(["[::1]:0"], processes=1)
    (own,) = sockets.own
    with own:
        own.listen()
        with pytest.raises(OSError, match="in use"):
            bound_socket(f"[::1]:{own.getsockname()[1]}", reuse_port=True)


async def test_address_that_another_program_shares_is_not_taken() -> None:
    with bound_socket("127.0.0.1:0", reuse_port=True) as foreign:
        foreign.listen()
        with pytest.raises(OSError, match="in use") as caught:
            await DoorSockets.open([f"127.0.0.1:{foreign.getsockname()[1]}"], processes=2, patience=0.2)
    assert caught.value.errno == errno.EADDRINUSE


async def test_address_of_a_process_that_is_about_to_end_is_waited_for() -> None:
    orphan = bound_socket("127.0.0.1:0", reuse_port=True)
    orphan.listen()
    place = f"127.0.0.1:{orphan.getsockname()[1]}"
    asyncio.get_running_loop().call_later(0.15, orphan.close)
    (own,) = (await DoorSockets.open([place], processes=2)).own
    own.close()


async def test_sockets_that_cannot_all_be_had_are_given_back() -> None:
    with bound_socket("127.0.0.1:0", reuse_port=True) as good, bound_socket("127.0.0.1:0") as foreign:
        foreign.listen()
        before = len(os.listdir("/proc/self/fd"))
        with pytest.raises(OSError, match="in use"):
            DoorSockets([good, foreign], inherited=False).another()
        assert len(os.listdir("/proc/self/fd")) == before


async def test_inherited_sockets_are_listened_at_by_all() -> None:
    with bound_socket("127.0.0.1:0") as opened:
        (other,) = DoorSockets([opened], inherited=True).another()
        with other:
            assert other.getsockname() == opened.getsockname()
            assert os.fstat(other.fileno()).st_ino == os.fstat(opened.fileno()).st_ino
