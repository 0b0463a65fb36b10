"""The mailbox server: every octet kept, bounded, and as unfriendly as a test wants it."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Self

import pytest

from gateway.demo.mailboxes import HANG_UP, KEEP_AND_HANG_UP, MailboxServer, Replies
from gateway.settings import Endpoint

JOE = "joe@example.org"


class Client:
    """A blunt SMTP client that says exactly what it is told to; use as `async with Client(endpoint) as client`; the greeting has been read then."""

    def __init__(self, server: Endpoint) -> None:
        self._server = server
        self.greeting = ""

    async def __aenter__(self) -> Self:
        self.reader, self.writer = await asyncio.open_connection(self._server.host, self._server.port)
        self.greeting = await self.hear()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.writer.close()
        try:
            await self.writer.wait_closed()
        except ConnectionError:
            return

    async def hear(self) -> str:
        """Return a whole reply, or "" when the connection is gone."""
        lines = []
        while True:
            try:
                line = (await self.reader.readline()).decode()
            except ConnectionError:
                return ""
            lines.append(line.rstrip("\r\n"))
            if line[3:4] != "-":
                return "\n".join(lines)

    async def say(self, line: str) -> str:
        self.writer.write(line.encode() + b"\r\n")
        return await self.hear()

    async def begin(self, sender: str, *recipients: str) -> None:
        """Get as far as 354."""
        assert (await self.say("EHLO client.example")).startswith("250")
        assert (await self.say(f"MAIL FROM:<{sender}>")).startswith("250")
        for recipient in recipients:
            assert (await self.say(f"RCPT TO:<{recipient}>")).startswith("250")
        assert (await self.say("DATA")).startswith("354")

    async def content(self, content: bytes, piece: int = 0) -> str:
        """Send dot-stuffed content with its end; piece: octets in one write, 0 all at once."""
        wire = (b"\r\n" + content).replace(b"\r\n.", b"\r\n..")[2:] + b".\r\n"
        for at in range(0, len(wire), piece or len(wire)):
            self.writer.write(wire[at : at + (piece or len(wire))])
            await self.writer.drain()
        return await self.hear()


async def deliver(server: Endpoint, content: bytes, *recipients: str, sender: str = "ada@stranger.example") -> str:
    """Send one mail and return the last reply."""
    async with Client(server) as client:
        await client.begin(sender, *recipients)
        return await client.content(content)


@pytest.fixture
async def server() -> AsyncIterator[MailboxServer]:
    async with MailboxServer(hostname="mail.example.org") as server:
        yield server


HEAD = b"Subject: x\r\n\r\n"
CONTENTS = {
    "empty": b"",
    "one line": b"Hello\r\n",
    "dots": b".\r\n..\r\n...\r\n.a\r\n \r\n.\r\n",
    "dot after blank lines": b"\r\n\r\n.\r\n\r\n",
    "long line": HEAD + b"x" * 200_000 + b"\r\n",
    "line of 1000 octets": HEAD + b"y" * 998 + b"\r\n" + b"z" * 999 + b"\r\n" + b"w" * 1001 + b"\r\n",
    "NUL and controls": HEAD + bytes(range(9)) + bytes(range(14, 32)) + b"\x7f\r\n",
    "8 bit": HEAD + bytes(range(128, 256)) * 3 + b"\r\n",
    "bare CR and LF": HEAD + b"a\nb\rc\n.\nd\r.\re\n.\r\n\r\n",
    "no header": b"\x00\xff\r\n",
    "5 MB": HEAD + random.Random(1).randbytes(5_000_000).replace(b"\r\n.", b"\r\n-") + b"\r\n",
}


@pytest.mark.parametrize("name", CONTENTS)
async def test_mailboxes_content_is_kept_octet_for_octet(server: MailboxServer, name: str) -> None:
    assert await deliver(server.endpoint, CONTENTS[name], JOE) == "250 2.0.0 Kept"
    (mail,) = server.mails(JOE)
    assert mail.content == CONTENTS[name]


@pytest.mark.parametrize("piece", [1, 2, 3, 5])
async def test_mailboxes_content_in_small_pieces_is_kept_octet_for_octet(server: MailboxServer, piece: int) -> None:
    content = HEAD + b".\r\n..\r\r\n.x\r\n\n.\n\r\n.\r\n"
    async with Client(server.endpoint) as client:
        await client.begin("", JOE)
        assert (await client.content(content, piece)).startswith("250")
    assert server.mails(JOE)[0].content == content


async def test_mailboxes_only_crlf_dot_crlf_ends_the_mail(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        await client.begin("", JOE)
        client.writer.write(b"a\n.\nb\r.\rc\n.\r\nd\r\n.\ne\r\n.\r\nNOOP\r\n")
        assert (await client.hear()).startswith("250 2.0.0 Kept")
        assert (await client.hear()).startswith("250")
    assert [mail.content for mail in server.mails(JOE)] == [b"a\n.\nb\r.\rc\n.\r\nd\r\n\ne\r\n"]


async def test_mailboxes_pipelined_transactions_are_kept_apart(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        assert "PIPELINING" in await client.say("EHLO c")
        one = f"MAIL FROM:<a@b.example>\r\nRCPT TO:<{JOE}>\r\nDATA\r\n"
        client.writer.write((one + "first\r\n.\r\n" + one + "second\r\n.\r\nQUIT\r\n").encode())
        replies = [(await client.hear())[:3] for _ in range(9)]
    assert replies == ["250", "250", "354", "250", "250", "250", "354", "250", "221"]
    assert [mail.content for mail in server.mails(JOE)] == [b"first\r\n", b"second\r\n"]


async def test_mailboxes_envelope_is_kept_as_written(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        await client.say("EHLO client.example")
        await client.say("MAIL FROM:<> SIZE=10 BODY=8BITMIME ENVID=aB+3D RET=HDRS")
        await client.say('RCPT TO:<"a>b"@Example.ORG> NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+40y')
        await client.say("RCPT TO:<grüße@example.org>")
        await client.say("DATA")
        await client.content(b"x\r\n")
    first, second = server.all_mails()
    assert first.reverse_path == ""
    assert first.recipient == '"a>b"@Example.ORG'
    assert first.recipients == second.recipients == ('"a>b"@Example.ORG', "grüße@example.org")
    assert first.mail_parameters == ("SIZE=10", "BODY=8BITMIME", "ENVID=aB+3D", "RET=HDRS")
    assert first.rcpt_parameters == ("NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;x+40y")
    assert second.rcpt_parameters == ()
    assert (first.helo, first.transaction) == ("client.example", second.transaction)


async def test_mailboxes_ehlo_tells_what_was_configured() -> None:
    async with MailboxServer(extensions=("8BITMIME", "DSN", "XFORWARD ADDR"), max_octets=4711) as server:
        async with Client(server.endpoint) as client:
            offered = (await client.say("EHLO c")).splitlines()
            assert offered[1:] == ["250-SIZE 4711", "250-8BITMIME", "250-DSN", "250 XFORWARD ADDR"]
            assert (await client.say("XFORWARD ADDR=192.0.2.1")).startswith("250")
            await client.begin("", JOE)
            await client.content(b"x\r\n")
        assert server.mails(JOE)[0].xforward == ("ADDR=192.0.2.1",)


async def test_mailboxes_usual_ehlo_offers_size_8bitmime_smtputf8(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        offered = await client.say("EHLO c")
        assert {"8BITMIME", "SMTPUTF8", "PIPELINING"} <= {line[4:] for line in offered.splitlines()}
        assert "SIZE " in offered
        assert "AUTH" not in offered
        assert await client.say("XFORWARD ADDR=192.0.2.1") == "502 5.5.1 Not implemented"


async def test_mailboxes_unknown_recipient_is_refused_at_rcpt() -> None:
    async with MailboxServer(recipients=["Joe@Example.org"]) as server, Client(server.endpoint) as client:
        await client.say("EHLO c")
        await client.say("MAIL FROM:<>")
        assert (await client.say("RCPT TO:<nobody@example.org>")).startswith("550 5.1.1")
        for known in ("joe@EXAMPLE.org", "joe+tag@example.org", "Postmaster@example.org", "postmaster"):
            assert (await client.say(f"RCPT TO:<{known}>")).startswith("250"), known


async def test_mailboxes_too_large_mail_is_refused_and_the_next_is_taken() -> None:
    async with MailboxServer(max_octets=1000) as server, Client(server.endpoint) as client:
        await client.begin("", JOE)
        assert (await client.content(b"x" * 999 + b"\r\n")).startswith("552 5.3.4")
        await client.begin("", JOE)
        assert (await client.content(b"x" * 998 + b"\r\n")).startswith("250")
        await client.begin("", JOE)
        assert (await client.content(b"x" * 3_000_000 + b"\r\n", 100_000)).startswith("552 5.3.4")
        assert (await client.say("MAIL FROM:<> SIZE=1001")).startswith("552 5.3.4")
        assert len(server.mails(JOE)) == 1


async def test_mailboxes_disorder_is_refused_and_the_session_goes_on(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        assert (await client.say("EHLO c")).startswith("250")
        assert (await client.say("RCPT TO:<a@b.example>")).startswith("503")
        assert (await client.say("MAIL FROM:a@b.example")).startswith("501")
        assert (await client.say("MAIL FROM:<>")).startswith("250")
        assert (await client.say("MAIL FROM:<>")).startswith("503")
        assert (await client.say("DATA")).startswith("554")
        assert (await client.say("RCPT TO:<>")).startswith("501")
        client.writer.write(b"RCPT TO:<\xff\xfe@b.example>\r\n")
        assert (await client.hear()).startswith("501")
        assert (await client.say("RSET")).startswith("250")
        await client.begin("", JOE)
        assert (await client.content(b"x\r\n")).startswith("250")


async def test_mailboxes_client_that_leaves_inside_data_leaves_nothing(server: MailboxServer) -> None:
    async with Client(server.endpoint) as client:
        await client.begin("", JOE)
        client.writer.write(b"half a mail\r\n")
        await client.writer.drain()
        client.writer.transport.abort()
    await deliver(server.endpoint, b"whole\r\n", JOE)
    assert [mail.content for mail in server.mails(JOE)] == [b"whole\r\n"]


async def test_mailboxes_replies_are_said_in_place_of_the_usual() -> None:
    replies = Replies(at_rcpt="450 4.2.1 Busy", to_recipient={"mia@example.org": "550 5.2.1 Gone"})
    async with MailboxServer(replies=replies) as server, Client(server.endpoint) as client:
        await client.say("EHLO c")
        replies.at_mail = "451 4.3.0 Later"
        assert await client.say("MAIL FROM:<>") == "451 4.3.0 Later"
        replies.at_mail = ""
        await client.say("MAIL FROM:<>")
        assert await client.say("RCPT TO:<joe@example.org>") == "450 4.2.1 Busy"
        assert await client.say("RCPT TO:<Mia@Example.org>") == "550 5.2.1 Gone"
        replies.at_rcpt = ""
        await client.say("RCPT TO:<joe@example.org>")
        replies.at_data = "452 4.3.1 Full"
        assert await client.say("DATA") == "452 4.3.1 Full"
        replies.at_data, replies.at_end = "", "554 5.6.0 Ugly"
        await client.say("DATA")
        assert await client.content(b"x\r\n") == "554 5.6.0 Ugly"
        assert server.arrived == 0


async def test_mailboxes_replies_with_uses_lapse(server: MailboxServer) -> None:
    server.replies.at_end, server.replies.uses = "451 4.3.0 Later", 1
    assert await deliver(server.endpoint, b"x\r\n", JOE) == "451 4.3.0 Later"
    assert (await deliver(server.endpoint, b"x\r\n", JOE)).startswith("250")


async def test_mailboxes_hanging_up_keeps_the_mail_only_where_told(server: MailboxServer) -> None:
    server.replies.at_end = HANG_UP
    assert await deliver(server.endpoint, b"lost\r\n", JOE) == ""
    server.replies.at_end = KEEP_AND_HANG_UP
    assert await deliver(server.endpoint, b"kept\r\n", JOE) == ""
    assert [mail.content for mail in server.mails(JOE)] == [b"kept\r\n"]


async def test_mailboxes_down_or_greeting_refuses_connections(server: MailboxServer) -> None:
    server.replies.greeting = "421 4.3.2 Closed"
    async with Client(server.endpoint) as client:
        assert client.greeting == "421 4.3.2 Closed"
        assert await client.hear() == ""
    server.replies.down = True
    async with Client(server.endpoint) as client:
        assert client.greeting == ""


async def test_mailboxes_gate_holds_the_last_reply_back(server: MailboxServer) -> None:
    server.replies.gate = asyncio.Event()
    sending = asyncio.create_task(deliver(server.endpoint, b"x\r\n", JOE))
    with pytest.raises(TimeoutError):
        await server.wait_for_mail(JOE, timeout=0.05)
    server.replies.gate.set()
    await server.wait_for_mail(JOE)
    assert (await sending).startswith("250")


async def test_mailboxes_waiting_wakes_when_the_mail_comes(server: MailboxServer) -> None:
    waiting = asyncio.create_task(server.wait_for_mail("JOE@example.org", 2))
    anything = asyncio.create_task(server.wait_for_mail(None, 2))
    for text in (b"one\r\n", b"two\r\n"):
        await deliver(server.endpoint, text, JOE)
    assert [mail.content for mail in await waiting] == [b"one\r\n", b"two\r\n"]
    assert [mail.number for mail in await anything] == [1, 2]


async def test_mailboxes_same_recipient_twice_gets_one_copy(server: MailboxServer) -> None:
    await deliver(server.endpoint, b"x\r\n", JOE, "Joe@EXAMPLE.org")
    assert len(server.mails(JOE)) == 1


async def test_mailboxes_stop_resets_sessions_and_start_goes_on_with_the_mails(server: MailboxServer) -> None:
    await deliver(server.endpoint, b"x\r\n", JOE)
    before = server.endpoint
    async with Client(before) as client:
        await server.stop()
        assert await client.hear() == ""
    with pytest.raises(ConnectionRefusedError):
        await deliver(before, b"x\r\n", JOE)
    await server.start()
    assert (await deliver(before, b"x\r\n", JOE)).startswith("250")
    assert [mail.number for mail in server.mails(JOE)] == [1, 2]


async def test_mailboxes_clock_of_arrival_is_the_given_one() -> None:
    async with MailboxServer(wall=lambda: 1000.0, monotonic=lambda: 5.0) as server:
        await deliver(server.endpoint, b"x\r\n", JOE)
        (mail,) = server.mails(JOE)
    assert (mail.arrived_at, mail.arrived_monotonic) == (1000.0, 5.0)


async def test_mailboxes_one_mail_is_found_by_its_number(server: MailboxServer) -> None:
    await deliver(server.endpoint, b"x\r\n", JOE)
    assert server.mail(JOE, 1) == server.mails(JOE)[0]
    assert server.mail(JOE, 2) is None
    server.clear()
    assert (server.mail(JOE, 1), server.arrived, server.mailboxes()) == (None, 0, [])
