"""Sessions under trouble: vanishing clients, failing doors, time, memory, crowds, the end of the service.

How plain conversations go stands in tests/dialogs.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import replace

import pytest

from gateway.domain import reply
from gateway.flow.ports import Features
from gateway.smtp.connection import encoded
from gateway.smtp.door import Doorway
from gateway.smtp.session import DoorSession, DoorSettings
from tests.unit.smtp.scripted_door import EVERYTHING, SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import Line, pass_time, run_with_clock, settle

QUICK = replace(SETTINGS, command_timeout=10.0, data_timeout=20.0, min_data_rate=100.0)
ENVELOPE = (b"EHLO client.example.net", b"MAIL FROM:<a@example.net>", b"RCPT TO:<b@example.org>")


async def opened(door: ScriptedDoor, settings: DoorSettings = SETTINGS) -> Line:
    """A client that was just told to send its content."""
    line = await Line.to(door, settings)
    assert (await line.send(*ENVELOPE, b"DATA")).endswith(b"354 End data with <CR><LF>.<CR><LF>\r\n")
    return line


async def test_message_of_a_client_that_vanished_after_the_dot_is_stored() -> None:
    door = ScriptedDoor(gate=asyncio.Event())
    line = await opened(door)
    await line.send(b"Subject: x", b"", b"hello", b".")
    await line.hang_up()
    assert line.doorway.connections.total == 1, "counted as long as its message is in our hands"
    assert door.gate is not None
    door.gate.set()
    await settle()
    assert [content for _, content in door.taken] == [b"Subject: x\r\n\r\nhello\r\n"]
    assert line.doorway.connections.total == 0
    assert line.doorway.memory.taken == 0


async def test_message_of_a_client_that_vanished_before_the_dot_is_nowhere() -> None:
    door = ScriptedDoor()
    line = await opened(door)
    await line.send_octets(b"Subject: x\r\n\r\nhello\r\n.\r")
    await line.hang_up()
    assert door.taken == []
    assert line.doorway.memory.taken == 0
    assert line.doorway.connections.total == 0


async def test_client_that_closed_its_direction_gets_its_replies() -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    session = line.wire.session
    session.data_received(b"\r\n".join((*ENVELOPE, b"DATA", b"x", b".", b"NOOP", b"NOO")))
    assert session.eof_received() is True
    await settle()
    assert bytes(line.wire.read).endswith(b"250 2.0.0 OK\r\n250 2.0.0 OK\r\n"), "a cut command is not obeyed"
    assert len(door.taken) == 1
    assert line.wire.closed


async def test_door_that_raises_gives_451_and_no_word_of_why(caplog: pytest.LogCaptureFixture) -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    got = await line.send(*ENVELOPE[:2], b"RCPT TO:<crash@example.org>", b"RCPT TO:<b@example.org>", b"DATA")
    assert b"451 4.3.0 " in got
    got += await line.send(b"crash", b".", b"NOOP")
    assert got.endswith(b"451 4.3.0 Cannot take this mail now, try again later\r\n250 2.0.0 OK\r\n")
    assert b"secret" not in got
    assert [record.levelno for record in caplog.records if record.exc_info] == [logging.ERROR] * 2


async def test_door_whose_store_is_full_gives_452() -> None:
    line = await opened(ScriptedDoor())
    assert await line.send(b"disk is full", b".") == encoded(reply.NO_STORAGE)


async def test_door_whose_store_is_down_gives_451_and_one_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    line = await opened(ScriptedDoor())
    assert await line.send(b"store is locked", b".") == encoded(reply.TRY_LATER)
    assert [(record.levelno, record.exc_info) for record in caplog.records] == [(logging.WARNING, None)]


async def test_all_recipients_deferred_gives_451_at_data() -> None:
    line = await Line.to(ScriptedDoor(), SETTINGS)
    got = await line.send(*ENVELOPE[:2], b"RCPT TO:<later@example.org>", b"RCPT TO:<unknown@example.org>", b"DATA")
    assert got.endswith(encoded(reply.TRY_LATER))


async def test_transaction_carries_what_the_client_said() -> None:
    door = ScriptedDoor(offered=EVERYTHING)
    line = await Line.to(door, SETTINGS, peer="::ffff:198.51.100.7")
    await line.send(
        b"EHLO client.example.net",
        b"MAIL FROM:<Anna@Example.NET> SIZE=20 BODY=8BITMIME RET=FULL ENVID=Qq+2Bx",
        b"RCPT TO:<b@example.org> NOTIFY=NEVER ORCPT=rfc822;Bb@example.org",
        b"RCPT TO:<B@EXAMPLE.org>",
        b"DATA",
    )
    await line.send(b"..x", b".")
    [(transaction, content)] = door.taken
    assert content == b".x\r\n"
    client = transaction.client
    assert (client.address, client.port, client.helo, client.protocol) == (
        "198.51.100.7",
        40000,
        "client.example.net",
        "ESMTP",
    )
    assert transaction.reverse_path.text == "Anna@Example.NET"
    assert (transaction.size, transaction.body_8bit, transaction.ret, transaction.envid) == (20, True, "FULL", "Qq+2Bx")
    [recipient] = transaction.recipients
    assert (recipient.address.text, recipient.notify, recipient.orcpt) == (
        "b@example.org",
        "NEVER",
        "rfc822;Bb@example.org",
    )
    assert len(transaction.id) == 12


async def test_transaction_with_smtputf8_is_named_so() -> None:
    door = ScriptedDoor(offered=EVERYTHING)
    line = await Line.to(door, SETTINGS)
    await line.send(
        b"EHLO c", "MAIL FROM:<ä@b.example> SMTPUTF8".encode(), "RCPT TO:<ü@münchen.example>".encode(), b"DATA"
    )
    await line.send(b".")
    [(transaction, _)] = door.taken
    assert transaction.smtputf8
    assert transaction.client.protocol == "UTF8SMTP"


async def test_transaction_is_that_of_the_client_xforward_named_and_the_next_is_not() -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    await line.send(ENVELOPE[0], b"XFORWARD NAME=x.example.net ADDR=IPV6:2001:db8::9 IDENT=Q1", *ENVELOPE[1:], b"DATA")
    await line.send(b".", *ENVELOPE[1:], b"DATA")
    await line.send(b".", b"XFORWARD ADDR=198.51.100.1", b"RSET", *ENVELOPE[1:], b"DATA")
    await line.send(b".")
    first, second, third = (transaction.client for transaction, _ in door.taken)
    assert (first.address, first.name, first.helo, first.queue_id) == ("2001:db8::9", "x.example.net", "", "Q1")
    assert (second.address, second.helo) == ("127.0.0.1", "client.example.net")
    assert third == second


async def test_transaction_is_that_of_the_client_xclient_put_in_place() -> None:
    door = ScriptedDoor()
    line = await Line.to(door, SETTINGS)
    await line.send(ENVELOPE[0], b"XCLIENT NAME=x.example.net ADDR=198.51.100.1 PORT=9", *ENVELOPE, b"DATA")
    await line.send(b".", *ENVELOPE[1:], b"DATA")
    await line.send(b".")
    for transaction, _ in door.taken:
        client = transaction.client
        assert (client.address, client.port, client.name) == ("198.51.100.1", 9, "x.example.net")
        assert (client.helo, client.protocol) == ("client.example.net", "ESMTP")
    assert len(door.taken) == 2


async def test_transaction_ids_differ() -> None:
    door = ScriptedDoor()
    line = await opened(door)
    await line.send(b".", *ENVELOPE[1:], b"DATA", b".")
    first, second = (transaction.id for transaction, _ in door.taken)
    assert first != second


async def test_offer_follows_the_next_hop() -> None:
    hello = b"EHLO c"
    offered = await (await Line.to(ScriptedDoor(), SETTINGS)).send(hello)
    assert b"8BITMIME" in offered
    assert b"SMTPUTF8" not in offered
    assert b"DSN" not in offered
    poor = ScriptedDoor(offered=Features(known=True, size=1000, eight_bit=False))
    offered = await (await Line.to(poor, SETTINGS)).send(hello)
    assert b"SIZE 1000\r\n" in offered
    assert b"8BITMIME" not in offered
    rich = ScriptedDoor(offered=EVERYTHING)
    offered = await (await Line.to(rich, SETTINGS)).send(hello)
    assert b"SMTPUTF8" in offered
    assert b"DSN" in offered


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
    assert first.wire.session.command_size_limits == {}


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


async def test_connections_of_one_client_are_limited_but_not_of_a_trusted_server() -> None:
    settings = replace(SETTINGS, max_connections_per_client=1)
    doorway = Doorway(ScriptedDoor(), settings, asyncio.get_running_loop())
    first, second = [await Line.into(doorway, "198.51.100.1") for _ in range(2)]
    assert not first.ended
    assert bytes(second.wire.read) == encoded(reply.TOO_MANY_CONNECTIONS)
    assert not (await Line.into(doorway, "198.51.100.2")).ended
    assert [(await Line.into(doorway, "192.0.2.1")).ended for _ in range(3)] == [False] * 3


async def test_draining_ends_idle_sessions_and_lets_messages_finish() -> None:
    door = ScriptedDoor(gate=asyncio.Event())
    doorway = Doorway(door, SETTINGS, asyncio.get_running_loop())
    idle, sending, waiting = [await Line.into(doorway) for _ in range(3)]
    for line in (sending, waiting):
        await line.send(*ENVELOPE, b"DATA")
    await waiting.send(b"one", b".")
    doorway.draining = True
    for session in list(doorway.sessions):
        session.drain()
    await settle()
    assert bytes(idle.wire.read).endswith(encoded(reply.SHUTTING_DOWN))
    assert bytes((await Line.into(doorway)).wire.read) == encoded(reply.SHUTTING_DOWN)
    assert door.gate is not None
    door.gate.set()
    got = await sending.send(b"two", b".")
    for octets in (got, bytes(waiting.wire.read)):
        assert octets.endswith(encoded(reply.OK) + encoded(reply.SHUTTING_DOWN))
    assert len(door.taken) == 2
    assert all(line.wire.session.task is None for line in (idle, sending, waiting))


async def test_reply_can_never_become_two_lines_unasked() -> None:
    assert encoded(reply.Reply(250, "", "a\r\nb\rc\u00e4")) == b"250-a \r\n250 b c?\r\n"


def test_dispatch_offers_every_verb_that_is_ours_and_none_of_the_frame() -> None:
    own = {name for name in vars(DoorSession) | vars(DoorSession.__mro__[1]) if name.startswith("smtp_")}
    inherited = {name for name in dir(DoorSession) if name.startswith("smtp_")}
    assert inherited - own == {"smtp_AUTH", "smtp_EXPN"}


@pytest.mark.parametrize("name", ["_handler_coroutine", "command_size_limits", "transport", "loop"])
def test_frame_keeps_the_names_of_aiosmtpd_that_we_rely_on(name: str) -> None:
    doorway = Doorway(ScriptedDoor(), SETTINGS, asyncio.new_event_loop())
    try:
        assert name in vars(DoorSession(doorway))
    finally:
        doorway.loop.close()
