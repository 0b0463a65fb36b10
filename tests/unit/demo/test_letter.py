"""A stranger's mail: how it is written and sent."""

from __future__ import annotations

import asyncio
from email import message_from_bytes
from email.header import decode_header, make_header

import pytest

from challenge_web.demo.letter import Letter, send
from gateway.demo.mailboxes import HANG_UP, MailboxServer
from gateway.settings import Endpoint
from tests.closed_port import closed_port

LETTER = Letter("Ada", "ada@stranger.example", "joe@example.org", "Hello", "Text")


async def send_to(server: Endpoint, content: bytes, timeout: float = 5.0) -> tuple[bool, str, list[str]]:
    done = await send(server, LETTER, content, helo="c.example", timeout=timeout, monotonic=lambda: 1.0)
    return done.accepted, done.reply, [line.text for line in done.lines if line.by_client]


@pytest.mark.parametrize("subject", ["Plain", "Grüße", "=?utf-8?q?=0ABcc:_x?=", "ключ " * 60, "日本" * 80, ""])
def test_letter_subject_comes_back_as_it_was(subject: str) -> None:
    content = Letter("Ä", "a@b.example", "c@d.example", subject, "x").content("<1@b.example>", 0.0)
    message = message_from_bytes(content)
    assert str(make_header(decode_header(message["Subject"]))) == " ".join(subject.split())
    head = ["From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type", "Content-Transfer-Encoding"]
    assert message.keys() == head


def test_letter_line_ends_and_controls_cannot_make_a_header() -> None:
    letter = Letter("A\r\nX-Bad: 1", "a@b.example", "c@d.example", "S\x0b\x0c\u2028\u0085\nX-Bad: 2", "1\n2\r3\r\n4\0")
    content = letter.content("<1@b.example>", 0.0)
    assert b"\r\nX-Bad" not in content
    assert content.endswith(b"\r\n\r\n1\r\n2\r\n3\r\n4\r\n")
    assert content.replace(b"\r\n", b"").count(b"\n") == 0
    assert b"Date: Thu, 1 Jan 1970 00:00:00 +0000\r\n" in content


async def test_send_keeps_every_line_of_the_dialogue() -> None:
    async with MailboxServer() as server:
        accepted, reply, said = await send_to(server.endpoint, b"x\r\n.\r\n..y\r\n")
        assert (accepted, reply) == (True, "250 2.0.0 Kept")
        assert said[:4] == [
            "EHLO c.example", "MAIL FROM:<ada@stranger.example>", "RCPT TO:<joe@example.org>", "DATA"
        ]  # fmt: skip
        assert server.mails("joe@example.org")[0].content == b"x\r\n.\r\n..y\r\n"


async def test_send_refused_gives_the_reply() -> None:
    async with MailboxServer(recipients=[]) as server:
        assert (await send_to(server.endpoint, b"x\r\n"))[:2] == (False, "550 5.1.1 No such mailbox here")


async def test_send_to_who_hangs_up_or_is_not_there_gives_the_fault() -> None:
    async with MailboxServer() as server:
        server.replies.at_end = HANG_UP
        accepted, reply, _ = await send_to(server.endpoint, b"x\r\n")
        assert (accepted, reply.startswith("The connection failed")) == (False, True)
    with closed_port() as port:
        accepted, reply, said = await send_to(Endpoint("127.0.0.1", port), b"x\r\n")
    assert (accepted, reply.startswith("The connection failed"), said) == (False, True, [])


async def test_send_to_who_says_nothing_ends_in_time() -> None:
    async with MailboxServer() as server:
        server.replies.gate = asyncio.Event()
        accepted, reply, _ = await send_to(server.endpoint, b"x\r\n", timeout=0.05)
        assert (accepted, reply) == (False, "No answer within 0.05 seconds")
