"""Sessions under trouble: vanishing clients, failing doors, the end of the service.

How plain conversations go stands in tests/dialogs.
"""

from __future__ import annotations

import asyncio
import logging

import pytest

from gateway.domain import reply
from gateway.flow.ports import Features
from gateway.smtp.door import Doorway
from gateway.smtp.replies import encoded
from gateway.smtp.session import AT_ONCE, DoorSession
from tests.clock import settle
from tests.unit.smtp.scripted_door import EVERYTHING, SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import ENVELOPE, Line, opened


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


@pytest.mark.parametrize("verb", sorted(AT_ONCE))
async def test_verb_that_is_obeyed_at_once_never_waits(verb: bytes) -> None:
    line = await Line.to(ScriptedDoor(), SETTINGS)
    for argument in (b"", b" x", b" client.example.net", b" FROM:<a@example.net>"):
        obeying = line.wire.session._understood(verb + argument + b"\r\n")
        assert obeying is not None
        with pytest.raises(StopIteration):
            obeying.send(None)


async def test_fault_in_a_command_that_is_obeyed_at_once_ends_the_session_with_a_word(
    caplog: pytest.LogCaptureFixture,
) -> None:
    class Broken(ScriptedDoor):
        def features(self) -> Features:
            raise ZeroDivisionError

    line = await Line.to(Broken(), SETTINGS)
    assert await line.send(b"EHLO client.example.net") == encoded(reply.TRY_LATER)
    assert line.ended
    assert line.wire.session.task is None
    assert "failed" in caplog.text
