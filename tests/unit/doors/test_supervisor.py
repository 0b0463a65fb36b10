"""How many processes take mail, what a new one is told, and what becomes of those that fail."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

import pytest

from gateway import __version__
from gateway.doors import protocol
from gateway.doors.child_process import PATIENCE, Patience
from gateway.doors.supervisor import Supervisor, how_many
from gateway.settings import Settings, load
from tests.clock import settle


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


def begin(told: Settings, version: str = __version__) -> protocol.Begin:
    return protocol.Begin(version, protocol.pack_settings(told), "info", "json", processes=3, number=2)


def test_descriptors_come_over_the_line(tmp_path: Path) -> None:
    ours, theirs = socket.socketpair()
    door = socket.create_server(("127.0.0.1", 0))
    with ours, theirs, door, (tmp_path / "memory").open("w+b") as memory:
        memory.write(b"shared")
        memory.flush()
        protocol.send_descriptors(ours, memory.fileno(), [door])
        received = protocol.receive_descriptors(theirs)
        assert received is not None
        share, sockets = received
        with open(share, "rb") as shared:
            shared.seek(0)
            assert shared.read() == b"shared"
        assert [one.getsockname() for one in sockets] == [door.getsockname()]
        sockets[0].close()


def test_descriptors_that_never_come_are_none() -> None:
    ours, theirs = socket.socketpair()
    ours.close()
    with theirs:
        assert protocol.receive_descriptors(theirs) is None


def test_first_word_brings_the_settings() -> None:
    told = settings(smtp_listen="[::1]:25", dns_servers="127.0.0.1", smtp_trusted_clients="192.0.2.0/24")
    octets = protocol.framed(begin(told))
    again = protocol.read_to_door(octets[protocol.LENGTH.size :])
    assert isinstance(again, protocol.Begin)
    assert (again.processes, again.number) == (3, 2)
    assert protocol.unpack_settings(again) == told


def test_first_word_of_another_version_is_refused() -> None:
    with pytest.raises(protocol.AnotherVersion, match="restart"):
        protocol.unpack_settings(begin(settings(), version="0.0.9"))


QUITTER = (sys.executable, "-S", "-c", "import sys; sys.exit(3)")
DEAF = (sys.executable, "-S", "-c", "import time; time.sleep(60)")


@asynccontextmanager
async def working(
    command: Sequence[str], patience: Patience = PATIENCE, told: Settings | None = None
) -> AsyncIterator[Supervisor]:
    """A supervisor of one further process; what it is told of its sockets does not matter."""
    supervisor = Supervisor(
        told or settings(),
        2,
        wake_challenges=lambda: None,
        wake_deliveries=lambda: None,
        patience=patience,
        command=command,
    )
    await supervisor.spawn()
    supervisor.begin(list)
    try:
        yield supervisor
    finally:
        await supervisor.stop(0.0)


@contextmanager
def upon(event: str, times: int, do: Callable[[], None]) -> Iterator[None]:
    """Do something once an event was logged so often."""
    seen = 0

    class Watch(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            nonlocal seen
            seen += record.msg == event
            if record.msg == event and seen == times:
                do()

    watch, log = Watch(), logging.getLogger("gateway.doors")
    log.addHandler(watch)
    try:
        yield
    finally:
        log.removeHandler(watch)


async def logged(caplog: pytest.LogCaptureFixture, event: str, times: int = 1) -> list[dict[str, Any]]:
    """Wait for an event; return the fields of each line of it."""
    async with asyncio.timeout(20):
        while len(found := [one for one in caplog.records if one.msg == event]) < times:
            await asyncio.sleep(0.01)
    return [vars(one)["fields"] for one in found]


async def test_supervisor_ends_at_once_although_a_process_is_to_be_started_later(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with working(QUITTER) as supervisor:
        (ended, again, *_) = await logged(caplog, "door-process-ended", 2)
        assert (ended["status"], again["again_in_seconds"]) == (3, 2.0)
        async with asyncio.timeout(1):
            await supervisor.stop(30.0)


async def test_process_that_cannot_be_started_is_tried_again(caplog: pytest.LogCaptureFixture, tmp_path: Path) -> None:
    program = tmp_path / "door"

    def install() -> None:
        program.write_text("#!/bin/sh\nexit 5\n")
        program.chmod(0o700)

    # In that very moment: on a busy machine the next attempt may be over before anybody who waits comes to it.
    with upon("door-process-not-started", 2, install):
        async with working((str(program),)):
            lines = await logged(caplog, "door-process-ended", 2)
    assert [line["status"] for line in lines[:2]] == [None, 5]


async def test_process_that_does_not_answer_is_killed_and_started_again(caplog: pytest.LogCaptureFixture) -> None:
    async with working(DEAF, Patience(look_apart=0.05, seconds=0.1)):
        (line, *_) = await logged(caplog, "door-process-ended")
        assert line["status"] == -signal.SIGKILL
        await logged(caplog, "door-process-killed", 2)


async def test_process_that_does_not_read_holds_up_nobody(caplog: pytest.LogCaptureFixture) -> None:
    many = ",".join(f"domain-{number}.example" for number in range(20_000))
    async with asyncio.timeout(20), working(DEAF, Patience(0.1, 2.0), told=settings(domains_names=many)) as supervisor:
        while not [one for one in caplog.records if one.msg == "door-process-slow"]:
            await supervisor.count()
            await asyncio.sleep(0.01)


async def test_starting_again_and_again_leaves_no_descriptor_open(caplog: pytest.LogCaptureFixture) -> None:
    async with working(QUITTER):
        await logged(caplog, "door-process-ended", 1)
        await settle()
        before = len(os.listdir("/proc/self/fd"))
        await logged(caplog, "door-process-ended", 2)
        async with asyncio.timeout(20):
            while len(os.listdir("/proc/self/fd")) > before:
                await asyncio.sleep(0.01)  # What is closed goes with the next turn of the loop.
