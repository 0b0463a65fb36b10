"""Sessions as time passes: silence, slow content, replies that are owed, a full house."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from gateway.domain import reply
from gateway.smtp.door import Doorway
from gateway.smtp.replies import encoded
from tests.clock import pass_time, run_with_clock, settle
from tests.unit.smtp.scripted_door import SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import ENVELOPE, Line, opened

QUICK = replace(SETTINGS, command_timeout=10.0, data_timeout=20.0, min_data_rate=100.0)


def test_silence_between_commands_ends_with_421() -> None:
    async def main() -> None:
        line = await Line.to(ScriptedDoor(), QUICK)
        await pass_time(9)
        await line.send(b"EHLO c")
        await pass_time(9)
        await line.send_octets(b"NO")  # Not a command: it earns no time.
        await pass_time(0.5)
        assert not line.ended
        await pass_time(0.6)
        assert bytes(line.wire.read).endswith(encoded(reply.TIMEOUT))
        assert line.ended
        assert line.wire.session.task is None

    run_with_clock(main())


def test_ended_session_whose_client_stays_is_cut() -> None:
    async def main() -> None:
        line = await Line.to(ScriptedDoor(), QUICK)
        await pass_time(11)
        assert line.wire.half_closed
        assert not line.wire.closed
        await line.send_octets(b"x" * 100_000)
        await pass_time(3)
        assert line.wire.closed
        assert line.doorway.connections.total == 0

    run_with_clock(main())


def test_content_that_comes_too_slowly_ends_with_421() -> None:
    async def main() -> None:
        door = ScriptedDoor()
        line = await opened(door, QUICK)
        for _ in range(4):
            await pass_time(5)
            await line.send_octets(b"x")
        assert not line.ended
        await pass_time(0.1)
        assert bytes(line.wire.read).endswith(encoded(reply.TOO_SLOW))
        assert door.taken == []
        assert line.doorway.memory.taken == 0

    run_with_clock(main())


def test_content_that_keeps_up_its_rate_may_take_long() -> None:
    async def main() -> None:
        door = ScriptedDoor()
        line = await opened(door, QUICK)
        for _ in range(100):
            await pass_time(5)
            await line.send(b"x" * 700)
        assert not line.ended
        await line.send(b".")
        assert len(door.taken) == 1

    run_with_clock(main())


def test_silence_inside_content_ends_with_421() -> None:
    async def main() -> None:
        line = await opened(ScriptedDoor(), QUICK)
        await line.send(b"x" * 100_000)
        await pass_time(10.1)
        assert bytes(line.wire.read).endswith(encoded(reply.TOO_SLOW))

    run_with_clock(main())


def test_client_is_not_timed_out_while_it_waits_for_us() -> None:
    async def main() -> None:
        door = ScriptedDoor(gate=asyncio.Event())
        line = await opened(door, QUICK)
        await line.send(b".")
        await pass_time(100)
        await pass_time(100)
        assert not line.ended
        assert door.gate is not None
        door.gate.set()
        await settle()
        assert bytes(line.wire.read).endswith(encoded(reply.OK))

    run_with_clock(main())


def test_replies_do_not_wait_long_for_those_behind_them() -> None:
    async def main() -> None:
        door = ScriptedDoor(gate=asyncio.Event())
        line = await Line.to(door, SETTINGS)
        got = await line.send(*ENVELOPE, b"DATA", b"x", b".")
        assert got == b""
        await pass_time(1)
        assert bytes(line.wire.read).endswith(encoded(reply.START_DATA))
        assert door.gate is not None
        door.gate.set()
        await settle()
        assert bytes(line.wire.read).endswith(encoded(reply.OK))

    run_with_clock(main())


def test_full_house_sends_silent_sessions_away() -> None:
    async def main() -> None:
        doorway = Doorway(ScriptedDoor(), replace(SETTINGS, max_connections=2), asyncio.get_running_loop())
        silent = await Line.into(doorway, "198.51.100.1")
        await pass_time(20)
        busy = await Line.into(doorway, "198.51.100.2")
        refused = await Line.into(doorway, "198.51.100.3")
        assert bytes(refused.wire.read) == encoded(reply.TOO_MANY_CONNECTIONS)
        assert refused.wire.closed
        assert silent.ended
        assert not busy.ended
        await pass_time(3)
        admitted = await Line.into(doorway, "198.51.100.3")
        assert bytes(admitted.wire.read).startswith(b"220 ")

    run_with_clock(main())
