"""Any octets at all, and any order of commands, against a session.

The invariant, whatever comes in:

* each line gets at most one reply, the greeting apart, and every reply is well formed;
* content is one line in this count: only its end is answered;
* what the door is given has recipients, and its line ends are CRLF;
* a session that is cut anywhere leaves nothing behind: no task, no connection counted, no memory taken;
* the packets in which octets come change nothing, except that a session may end early where DATA was refused
  and octets waited behind it.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.flow.ports import Features
from tests.unit.smtp.scripted_door import SETTINGS, ScriptedDoor
from tests.unit.smtp.wire import Line

SMALL = replace(SETTINGS, max_message_octets=2000, max_recipients=3, max_memory_octets=3000)
REPLY = re.compile(rb"(?:[2-5][0-9]{2}-[ -~]{0,506}\r\n)*[2-5][0-9]{2} [ -~]{0,506}\r\n")

COMMANDS = [
    b"EHLO client.example.net",
    b"HELO client.example.net",
    b"MAIL FROM:<a@example.net>",
    b"MAIL FROM:<> SIZE=10 BODY=8BITMIME",
    "MAIL FROM:<ä@example.net> SMTPUTF8".encode(),
    b"MAIL FROM:<a@",
    b"RCPT TO:<b@example.org>",
    b"RCPT TO:<postmaster> NOTIFY=NEVER",
    b"RCPT TO:<unknown@example.org>",
    b"RCPT TO:<later@example.org>",
    b"RCPT TO:<x@example.com>",
    b"DATA",
    b"DATA x",
    b"RSET",
    b"NOOP",
    b"VRFY x",
    b"HELP",
    b"QUIT",
    b"XFORWARD ADDR=192.0.2.9 NAME=x",
    b"XFORWARD ADDR=x",
    b"XCLIENT ADDR=192.0.2.9",
    b"STARTTLS",
    b"BDAT 10 LAST",
    b"GET / HTTP/1.1",
    b"AUTH PLAIN x",
    b"Subject: x",
    b".",
    b"..",
    b"",
]
PIECES = st.one_of(
    st.sampled_from([command + b"\r\n" for command in COMMANDS]),
    st.sampled_from([b"\r", b"\n", b"\r\n", b".", b"\r\n.\r\n", b"\x00", b" ", b"<", b">", b'"', b"\xff", b":", b"@"]),
    st.sampled_from([b"x" * 600, b"y" * 5000, b"MAIL FROM:<" + b"a" * 600]),
    st.binary(max_size=20),
)
HELLO = b"EHLO client.example.net\r\nMAIL FROM:<a@example.net>\r\nRCPT TO:<b@example.org>\r\n"


@dataclass
class Outcome:
    """What a client got to see, and what the door was given."""

    replies: bytes = b""
    contents: list[bytes] = field(default_factory=list)
    ended: bool = False


async def converse(packets: list[bytes]) -> Outcome:
    """Send the packets, hang up, and look that nothing stayed behind."""
    door = ScriptedDoor(offered=Features(known=True, smtputf8=True))
    line = await Line.to(door, SMALL)
    for packet in packets:
        await line.send_octets(packet)
        assert line.doorway.memory.taken <= SMALL.max_memory_octets
        assert len(line.wire.session._inbox) <= 4096 + len(packet)
    outcome = Outcome(bytes(line.wire.read), [content for _, content in door.taken], line.ended)
    for transaction, content in door.taken:
        assert transaction.recipients
        assert content == b"" or content.endswith(b"\r\n")
        assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")
        assert len(content) <= SMALL.max_message_octets
    if not line.wire.closed:
        await line.hang_up()
    assert line.wire.session.task is None
    assert line.doorway.connections.total == 0
    assert line.doorway.memory.taken == 0
    return outcome


@settings(max_examples=300)
@given(st.booleans(), st.lists(PIECES, max_size=40))
def test_session_given_any_octets_keeps_the_invariant(greeted: bool, pieces: list[bytes]) -> None:
    octets = (HELLO if greeted else b"") + b"".join(pieces)
    outcome = asyncio.run(converse([octets]))
    replies = REPLY.findall(outcome.replies)
    assert b"".join(replies) == outcome.replies, "something is no reply"
    assert len(replies) <= 1 + octets.count(b"\n")


@settings(max_examples=200)
@given(st.booleans(), st.lists(PIECES, max_size=25), st.integers(1, 40))
def test_session_given_other_packets_says_the_same(greeted: bool, pieces: list[bytes], size: int) -> None:
    octets = (HELLO if greeted else b"") + b"".join(pieces)
    whole = asyncio.run(converse([octets]))
    split = asyncio.run(converse([octets[i : i + size] for i in range(0, len(octets), size)]))
    assert split.replies.startswith(whole.replies)
    assert split.contents[: len(whole.contents)] == whole.contents
    if not whole.ended:
        assert split == whole


@dataclass
class Model:
    """What RFC 5321 §4.1.4 says about the order of commands, in a few lines."""

    greeted: bool = False
    mail: bool = False
    accepted: int = 0
    refused: bool = False
    deferred: bool = False

    def reset(self) -> None:
        self.mail = self.refused = self.deferred = False
        self.accepted = 0

    def expect(self, command: bytes) -> int:
        """Return the code of the reply, and remember what it changes."""
        match command.split(b" ")[0]:
            case b"EHLO" | b"HELO":
                self.greeted = True
                self.reset()
                return 250
            case b"RSET":
                self.reset()
                return 250
            case b"MAIL":
                if not self.greeted or self.mail:
                    return 503
                self.mail = True
                return 250
            case b"RCPT":
                if not self.mail:
                    return 503
                if b"unknown" in command:
                    self.refused = True
                    return 550
                if b"later" in command:
                    self.refused = self.deferred = True
                    return 451
                self.accepted = 1
                return 250
            case b"DATA":
                if self.accepted:
                    self.reset()
                    return 354
                if not self.mail:
                    return 503
                return 451 if self.deferred else 554 if self.refused else 503
            case _:
                return 250


ORDERED = [
    b"EHLO c",
    b"HELO c",
    b"MAIL FROM:<a@example.net>",
    b"MAIL FROM:<>",
    b"RCPT TO:<b@example.org>",
    b"RCPT TO:<unknown@example.org>",
    b"RCPT TO:<later@example.org>",
    b"DATA",
    b"RSET",
    b"NOOP",
]


async def follow(commands: list[bytes]) -> None:
    """Send commands one by one and hold each reply against the model."""
    patient = replace(SETTINGS, max_errors=1000, max_unknown=1000)
    line, model, mails = await Line.to(door := ScriptedDoor(), patient), Model(), 0
    for command in commands:
        expected = model.expect(command)
        got = await line.send(command)
        assert int(got[:3]) == expected, (command, got)
        if expected == 354:
            assert (await line.send(b"x", b".")).startswith(b"250 ")
            mails += 1
    assert len(door.taken) == mails
    await line.hang_up()


@settings(max_examples=200)
@given(st.lists(st.sampled_from(ORDERED), max_size=40))
def test_session_given_commands_in_any_order_replies_as_the_model(commands: list[bytes]) -> None:
    asyncio.run(follow(commands))
