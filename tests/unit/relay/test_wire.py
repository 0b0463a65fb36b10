"""Pairing and time, without a socket."""

from __future__ import annotations

import asyncio
import ssl

import pytest

from gateway.domain.reply import Reply
from gateway.relay.wire import TIMED_OUT, Wire


class Tape(asyncio.Transport):
    """A transport that only remembers."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.ended = ""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.written += bytes(data)

    def is_closing(self) -> bool:
        return bool(self.ended)

    def close(self) -> None:
        self.ended = self.ended or "closed"

    def abort(self) -> None:
        self.ended = "aborted"

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self.limits = (high, low)


async def greeted(seconds: float = 60.0) -> tuple[Wire, Tape]:
    wire, tape = Wire(seconds), Tape()
    wire.connection_made(tape)
    wire.data_received(b"220 far\r\n")
    assert await wire.greeting() == Reply(220, "", "far")
    return wire, tape


async def begun(flight: asyncio.Task[list[Reply]]) -> asyncio.Task[list[Reply]]:
    await asyncio.sleep(0)
    return flight


async def test_flight_owed_replies_in_one_segment_are_paired_in_order() -> None:
    wire, tape = await greeted()
    first = await begun(asyncio.create_task(wire.flight(["A", "B"], 60, last="RSET")))
    wire.data_received(b"250 a\r\n250 b\r\n250 reset\r\n")
    assert [reply.text for reply in await first] == ["a", "b"]
    wire.owe("RSET")
    second = await begun(asyncio.create_task(wire.flight(["C"], 60)))
    wire.data_received(b"250 reset\r\n250 c\r\n")
    assert [reply.text for reply in await second] == ["c"]
    assert tape.written == b"A\r\nB\r\nRSET\r\nRSET\r\nC\r\n"
    assert wire.failure == ""
    wire.quit()


async def test_flight_connection_lost_gives_what_had_come() -> None:
    wire, _ = await greeted()
    flight = await begun(asyncio.create_task(wire.flight(["A", "B"], 60)))
    wire.data_received(b"250 a\r\n250-half")
    wire.connection_lost(None)
    assert [reply.text for reply in await flight] == ["a"]
    assert await wire.flight(["C"], 60) == []
    assert await wire.transfer([b"x\r\n"], 60, 60) is None


async def test_idle_connection_any_octet_ends_it() -> None:
    for octets in (b"250 x\r\n", b"421 bye\r\n", b"nonsense\r\n", b"x" * 3000):
        wire, tape = await greeted()
        wire.data_received(octets)
        assert wire.failure
        assert tape.ended == "aborted"


async def test_flight_deadline_moves_with_each_flight() -> None:
    wire, tape = await greeted(seconds=0.01)
    loop = asyncio.get_running_loop()
    begin = loop.time()
    assert await wire.flight(["SILENCE"], 0.1) == []
    assert loop.time() - begin >= 0.1  # Not at the end of the greeting's time.
    assert wire.failure == TIMED_OUT
    assert tape.ended == "aborted"


async def test_idle_connection_has_no_deadline() -> None:
    wire, _ = await greeted(seconds=0.001)
    assert await asyncio.wait_for(asyncio.create_task(idle(0.01)), 5)
    assert wire.failure == ""
    wire.quit()


async def idle(seconds: float) -> bool:
    done = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_later(seconds, done.set_result, True)
    return bool(await done)


@pytest.mark.parametrize("injected", [b"250 evil\r\n", b"nonsense", b"421 bye\r\n"])
async def test_start_tls_octets_between_reply_and_handshake_are_dropped(injected: bytes) -> None:
    wire, _ = await greeted()
    starting = asyncio.create_task(wire.start_tls(ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), "far", 60))
    await asyncio.sleep(0)
    wire.data_received(b"220 shake\r\n")
    wire.data_received(injected)
    assert wire.failure == ""
    with pytest.raises(TypeError):  # The loop finds that a tape cannot speak TLS.
        await starting
    wire.quit()


async def test_transfer_waits_for_room_and_for_replies_alike() -> None:
    wire, tape = await greeted()
    wire.pause_writing()
    sending = asyncio.create_task(wire.transfer([b"x" * 200_000], 60, 60))
    await asyncio.sleep(0)
    assert tape.written == b""
    wire.resume_writing()
    await asyncio.sleep(0)
    assert tape.written == b"x" * 200_000 + b"\r\n.\r\n"
    wire.data_received(b"250 taken\r\n")
    assert await sending == Reply(250, "", "taken")
    wire.quit()


async def test_transfer_no_room_in_time_ends_the_connection() -> None:
    wire, _ = await greeted()
    wire.pause_writing()
    assert await wire.transfer([b"x" * 200_000], 0.01, 60) is None
    assert wire.failure == TIMED_OUT


async def test_quit_takes_leave_only_where_a_command_is_expected() -> None:
    wire, tape = await greeted()
    wire.quit()
    wire.quit()
    assert (tape.written, tape.ended) == (b"QUIT\r\n", "closed")
