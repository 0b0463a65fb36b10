"""Sessions have bounds: memory, endless lines, crowds, clients that do not read."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.domain import reply
from gateway.smtp.door import Doorway
from gateway.smtp.replies import encoded
from tests.clock import settle
from tests.unit.smtp.scripted_door import SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import ENVELOPE, Line, opened


async def test_sessions_share_no_limits() -> None:
    door = ScriptedDoor()
    doorway = Doorway(door, SETTINGS, asyncio.get_running_loop())
    first, second = await Line.into(doorway), await Line.into(doorway)
    for _ in range(50):
        await first.send(b"EHLO c")
    long = b"MAIL FROM:<a@example.net>" + b" " * 1600 + b"SIZE=1"
    assert (await first.send(long)).startswith(b"500 ")
    await second.send(b"EHLO c")
    assert (await second.send(long)).startswith(b"500 ")


async def test_memory_of_all_sessions_together_is_bounded() -> None:
    door = ScriptedDoor(gate=asyncio.Event())
    doorway = Doorway(door, replace(SETTINGS, max_memory_octets=1000), asyncio.get_running_loop())
    first, second, third = [await Line.into(doorway) for _ in range(3)]
    for line in (first, second):
        await line.send(*ENVELOPE, b"DATA")
    await first.send(b"x" * 600, b".")
    assert (await second.send(b"x" * 600, b".")).startswith(b"452 4.3.1 ")
    declared = (ENVELOPE[0], ENVELOPE[1] + b" SIZE=500", ENVELOPE[2], b"DATA")
    assert (await third.send(*declared)).endswith(encoded(reply.NO_STORAGE))
    assert door.gate is not None
    door.gate.set()
    await settle()
    assert doorway.memory.taken == 0
    assert (await third.send(b"DATA")).startswith(b"354 ")


async def test_endless_content_line_is_read_without_being_kept() -> None:
    line = await opened(ScriptedDoor(), replace(SETTINGS, max_message_octets=10_000))
    for _ in range(500):
        await line.send_octets(b"x" * 10_000)
        assert line.doorway.memory.taken <= 20_000
    assert (await line.send_octets(b"\r\n.\r\n")) == encoded(reply.TOO_BIG)


async def test_endless_command_line_ends_the_session() -> None:
    line = await Line.to(ScriptedDoor(), SETTINGS)
    got = b""
    for _ in range(300):
        got += await line.send_octets(b"x" * 10_000)
        assert len(line.wire.session._inbox) < 100_000
    assert got == encoded(reply.TOO_MANY_ERRORS)
    assert line.ended


async def test_reading_stops_while_a_reply_is_owed() -> None:
    door = ScriptedDoor(gate=asyncio.Event())
    line = await opened(door)
    await line.send(b".", *[b"NOOP"] * 20_000)
    assert line.wire.paused
    assert door.gate is not None
    door.gate.set()
    await settle()
    assert not line.wire.paused


async def test_client_that_reads_no_replies_is_not_served_on() -> None:
    line = await Line.to(ScriptedDoor(), SETTINGS)
    line.wire.session.pause_writing()
    assert await line.send(*[b"NOOP"] * 3) == b""
    line.wire.session.resume_writing()
    await settle()
    assert bytes(line.wire.read).count(b"250 2.0.0 OK") == 3


async def test_connections_of_one_client_are_limited_but_not_of_a_trusted_server() -> None:
    settings = replace(SETTINGS, max_connections_per_client=1)
    doorway = Doorway(ScriptedDoor(), settings, asyncio.get_running_loop())
    first, second = [await Line.into(doorway, "198.51.100.1") for _ in range(2)]
    assert not first.ended
    assert bytes(second.wire.read) == encoded(reply.TOO_MANY_CONNECTIONS)
    assert not (await Line.into(doorway, "198.51.100.2")).ended
    assert [(await Line.into(doorway, "192.0.2.1")).ended for _ in range(3)] == [False] * 3
