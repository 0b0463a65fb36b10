"""One dialogue after the other: what every combination of replies comes to."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from gateway.domain import reply as r
from gateway.domain.address import Address
from gateway.domain.envelope import Recipient
from gateway.domain.reply import Reply
from gateway.relay.commands import UnsafeCommand
from gateway.relay.connection import Connection, Outcome
from gateway.relay.faults import Unanswered
from gateway.relay.opening import open_connection
from gateway.relay.stuffing import CHUNK
from tests.clock import run_with_clock
from tests.unit.relay.far_end import CLOSE, EVERYTHING, SILENCE, STEP_BY_STEP, FarEnd, far_end, outwaited
from tests.unit.relay.letters import CLIENT, CONTENT, ON_THE_WIRE, settings, to

TAKEN = Reply(250, "2.0.0", "taken")
NO_MAILBOX = Reply(550, "5.1.1", "no mailbox")
BUSY = Reply(452, "4.2.2", "full")
DOWN = r.NEXT_HOP_DOWN
REFUSAL = "550 5.1.1 no mailbox"
DEFERRAL = "452 4.2.2 full"
both = pytest.mark.parametrize("ehlo", [EVERYTHING, STEP_BY_STEP], ids=["pipelining", "step-by-step"])


async def deliver(far: FarEnd, *recipients: str, all_or_nothing: bool = False) -> tuple[Outcome, Connection]:
    connection = await open_connection(settings(far.port))
    return await connection.deliver(to(*recipients), [CONTENT], all_or_nothing), connection


async def assert_serves_another(connection: Connection, far: FarEnd) -> None:
    """The connection is in step with the far end: one more mail goes through it, with its own replies."""
    far.script("MAIL", "250 2.1.0 fine")
    far.script("RCPT", "250 2.1.5 fine")
    far.script("DATA", "354 go on")
    far.script(".", "250 2.0.0 the other")
    assert connection.usable
    outcome = await connection.deliver(to("other@example.org"), [CONTENT], all_or_nothing=False)
    assert outcome == Outcome((Reply(250, "2.0.0", "the other"),), sent=True)
    assert far.contents[-1:] == [ON_THE_WIRE]


@both
@pytest.mark.parametrize("all_or_nothing", [True, False])
async def test_deliver_everything_accepted_gives_final_reply_to_all(ehlo: str, all_or_nothing: bool) -> None:
    async with far_end({"EHLO": ehlo}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org", all_or_nothing=all_or_nothing)
        assert outcome == Outcome((TAKEN, TAKEN), sent=True)
        assert far.contents == [ON_THE_WIRE]
        assert far.verbs == ["EHLO", "MAIL", "RCPT", "RCPT", "DATA"]
        await assert_serves_another(connection, far)
        connection.close()


@both
@pytest.mark.parametrize("all_or_nothing", [True, False])
@pytest.mark.parametrize(("reply", "heard"), [(REFUSAL, NO_MAILBOX), (DEFERRAL, BUSY)])
@pytest.mark.parametrize("then", ["503 no", REFUSAL])
async def test_deliver_mail_refused_is_told_to_all(
    ehlo: str, all_or_nothing: bool, reply: str, heard: Reply, then: str
) -> None:
    async with far_end({"EHLO": ehlo, "MAIL": reply, "RCPT": then, "DATA": "503 no"}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org", all_or_nothing=all_or_nothing)
        assert outcome == Outcome((heard, heard), sent=False)
        assert far.contents == []
        await assert_serves_another(connection, far)
        assert "RSET" in far.verbs
        connection.close()


@both
@pytest.mark.parametrize(("reply", "heard"), [(REFUSAL, NO_MAILBOX), (DEFERRAL, BUSY)])
async def test_deliver_some_refused_others_get_the_mail(ehlo: str, reply: str, heard: Reply) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": ["250 ok", reply, "250 ok"]}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org", "c@example.org")
        assert outcome == Outcome((TAKEN, heard, TAKEN), sent=True, refused=(1,))
        assert far.contents == [ON_THE_WIRE]
        await assert_serves_another(connection, far)
        connection.close()


@both
async def test_deliver_all_or_nothing_some_refused_sends_nothing(ehlo: str) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": ["250 ok", REFUSAL, "250 ok"]}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org", "c@example.org", all_or_nothing=True)
        assert outcome == Outcome((r.RCPT_OK, NO_MAILBOX, r.RCPT_OK), sent=False, refused=(1,))
        assert "DATA" not in far.verbs
        await assert_serves_another(connection, far)
        connection.close()


@both
@pytest.mark.parametrize("recipients", [1, 3])
async def test_deliver_all_refused_sends_nothing(ehlo: str, recipients: int) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": REFUSAL, "DATA": "554 5.5.1 nobody"}) as far:
        outcome, connection = await deliver(far, *["a@example.org"] * recipients)
        assert outcome == Outcome((NO_MAILBOX,) * recipients, sent=False, refused=tuple(range(recipients)))
        assert far.contents == []
        await assert_serves_another(connection, far)
        connection.close()


@pytest.mark.parametrize("final", ["250 2.0.0 took nothing", "554 5.5.1 nobody"])
@pytest.mark.parametrize("refused", ["MAIL", "RCPT"])
async def test_deliver_nobody_taken_but_data_accepted_ends_it_with_a_lone_dot(refused: str, final: str) -> None:
    async with far_end({refused: REFUSAL, ".": final}) as far:
        outcome, connection = await deliver(far, "a@example.org")
        assert outcome.replies == (NO_MAILBOX,)
        assert not outcome.sent
        await assert_serves_another(connection, far)
        assert far.contents == [b".\r\n", ON_THE_WIRE]
        connection.close()


@both
@pytest.mark.parametrize(("reply", "heard"), [(REFUSAL, NO_MAILBOX), (DEFERRAL, BUSY)])
async def test_deliver_data_refused_is_told_to_the_accepted(ehlo: str, reply: str, heard: Reply) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": ["250 ok", "550 5.1.2 no"], "DATA": reply}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org")
        assert outcome == Outcome((heard, Reply(550, "5.1.2", "no")), sent=False, refused=(1,))
        await assert_serves_another(connection, far)
        connection.close()


@both
@pytest.mark.parametrize(("reply", "heard"), [(REFUSAL, NO_MAILBOX), (DEFERRAL, BUSY)])
async def test_deliver_final_refusal_is_told_to_the_accepted(ehlo: str, reply: str, heard: Reply) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": ["250 ok", "550 5.1.2 no"], ".": reply}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org")
        assert outcome == Outcome((heard, Reply(550, "5.1.2", "no")), sent=False, refused=(1,))
        await assert_serves_another(connection, far)
        connection.close()


@both
@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
async def test_deliver_connection_lost_after_mail_is_temporary(ehlo: str, verb: str) -> None:
    async with far_end({"EHLO": ehlo, verb: CLOSE}) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org")
        assert outcome == Outcome((DOWN, DOWN), sent=False)
        assert not connection.usable
        connection.close()


@both
async def test_deliver_connection_lost_between_recipients_keeps_what_was_said(ehlo: str) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": [REFUSAL, CLOSE]}) as far:
        outcome, _ = await deliver(far, "a@example.org", "b@example.org")
        assert outcome == Outcome((NO_MAILBOX, DOWN), sent=False, refused=(0,))


@both
@pytest.mark.parametrize("reply", [CLOSE, "421 4.3.2 idle too long"])
async def test_deliver_no_answer_to_mail_raises_unanswered(ehlo: str, reply: str) -> None:
    async with far_end({"EHLO": ehlo, "MAIL": reply}) as far:
        with pytest.raises(Unanswered):
            await deliver(far, "a@example.org")
        assert far.contents == []


@both
@pytest.mark.parametrize("verb", ["RCPT", "DATA", "."])
async def test_deliver_421_midway_becomes_451_and_ends_the_connection(ehlo: str, verb: str) -> None:
    async with far_end({"EHLO": ehlo, verb: "421 4.3.2 going down"}) as far:
        outcome, connection = await deliver(far, "a@example.org")
        assert outcome.replies == (Reply(451, "4.3.2", "going down"),)
        assert not outcome.sent
        assert not connection.usable


@pytest.mark.parametrize(
    ("verb", "reply"),
    [
        ("MAIL", "354 go on"), ("RCPT", "354 go on"), ("DATA", "250 taken already"), ("DATA", "334 what"),
        (".", "354 more"), ("MAIL", "hello"), ("RCPT", "99 x"), ("DATA", "600 x"), (".", "HTTP/1.1 200 OK"),
        ("DATA", "354 go on\r\n250 2.0.0 taken already"), ("RCPT", "250 ok\r\n250 ok\r\n250 ok"), (".", "x" * 5000),
    ],
)  # fmt: skip
@both
async def test_deliver_server_that_lies_is_never_believed(ehlo: str, verb: str, reply: str) -> None:
    async with far_end({"EHLO": ehlo, verb: reply}) as far:
        try:
            outcome, connection = await deliver(far, "a@example.org")
        except Unanswered:
            assert verb == "MAIL"
        else:
            assert not outcome.sent
            assert outcome.replies == (DOWN,)
            assert not connection.usable


async def test_deliver_reply_to_nothing_ends_the_idle_connection() -> None:
    async with far_end({".": "250 2.0.0 taken\r\n250 2.0.0 and another"}) as far:
        outcome, connection = await deliver(far, "a@example.org")
        assert outcome == Outcome((TAKEN,), sent=True)  # What was answered stays answered.
        assert not connection.usable


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
def test_deliver_silence_is_a_temporary_refusal(verb: str) -> None:
    async def main() -> None:
        async with far_end({verb: SILENCE, "EHLO": STEP_BY_STEP}) as far:
            outcome, connection = await outwaited(far, deliver(far, "a@example.org"))
            assert outcome.replies == (DOWN,)
            assert not connection.usable

    run_with_clock(main())


@both
async def test_deliver_replies_octet_by_octet_are_paired_alike(ehlo: str) -> None:
    script: dict[str, str | list[str]] = {
        "EHLO": ehlo,
        "RCPT": ["250-ok\r\n250 ok", REFUSAL],
        ".": "250-2.0.0 t\r\n250 2.0.0 u",
    }
    async with far_end(script, one_octet_at_a_time=True) as far:
        outcome, connection = await deliver(far, "a@example.org", "b@example.org")
        assert outcome == Outcome((Reply(250, "2.0.0", "t u"), NO_MAILBOX), sent=True, refused=(1,))
        await assert_serves_another(connection, far)
        connection.close()


async def test_deliver_single_recipient_goes_in_one_flight() -> None:
    # The far end answers nothing before it has read DATA.
    async with far_end({"MAIL": SILENCE, "RCPT": SILENCE, "DATA": "250 ok\r\n250 ok\r\n354 go on"}) as far:
        outcome, connection = await deliver(far, "a@example.org", all_or_nothing=True)
        assert outcome == Outcome((TAKEN,), sent=True)
        connection.close()


async def test_deliver_large_content_arrives_unchanged() -> None:
    lines = b"".join(b"." * (i % 3) + b"line %d" % i + b"x" * 500 + b"\r\n" for i in range(25_000))
    assert len(lines) > 8 * CHUNK
    async with far_end() as far:
        connection = await open_connection(settings(far.port))
        outcome = await connection.deliver(to("a@example.org"), [CONTENT, lines[:1001], lines[1001:]], True)
        assert outcome.sent
        assert far.contents == [(CONTENT + lines).replace(b"\r\n.", b"\r\n..") + b".\r\n"]
        connection.close()


@pytest.mark.parametrize(
    ("early", "heard"),
    [
        ("552 5.3.4 too big", Reply(552, "5.3.4", "too big")),
        ("421 4.3.2 bye", Reply(451, "4.3.2", "bye")),
        ("250 2.0.0 taken", DOWN),
    ],
)
async def test_deliver_reply_before_the_end_of_data_is_no_acceptance(early: str, heard: Reply) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 far\r\n")
        for reply in (EVERYTHING, "250 ok", "250 ok", "354 go on"):
            await reader.readline()
            writer.write(f"{reply}\r\n".encode())
        await reader.read(1)
        writer.write(f"{early}\r\n".encode())
        await until_closed.wait()
        writer.close()

    until_closed = asyncio.Event()
    server = await asyncio.start_server(session, "127.0.0.1", 0)
    async with server:
        connection = await open_connection(settings(server.sockets[0].getsockname()[1]))
        outcome = await connection.deliver(to("a@example.org"), [b"x" * 70 + b"\r\n"] * 400_000, all_or_nothing=True)
        assert outcome == Outcome((heard,), sent=False)
        assert not connection.usable
        until_closed.set()


async def test_deliver_cancelled_midway_leaves_the_connection_unusable() -> None:
    async with far_end({".": SILENCE}) as far:
        connection = await open_connection(settings(far.port))
        delivering = asyncio.create_task(connection.deliver(to("a@example.org"), [CONTENT], all_or_nothing=True))
        while not far.contents:
            far.seen.clear()
            await far.seen.wait()
        delivering.cancel()
        with pytest.raises(asyncio.CancelledError):
            await delivering
        assert not connection.usable
        connection.close()


async def test_deliver_xforward_offered_tells_the_client_before_mail() -> None:
    ehlo = EVERYTHING.replace("250 HELP", "250 XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE")
    async with far_end({"EHLO": ehlo, "XFORWARD": ["250 ok", "501 no"]}) as far:
        connection = await open_connection(settings(far.port))
        outcome = await connection.deliver(to("a@example.org", client=CLIENT), [CONTENT], all_or_nothing=True)
        assert outcome.sent  # What it makes of XFORWARD is its own affair.
        assert far.verbs == ["EHLO", "XFORWARD", "XFORWARD", "MAIL", "RCPT", "DATA"]
        connection.close()


async def test_deliver_smtputf8_needed_but_not_offered_is_refused_unsent() -> None:
    async with far_end({"EHLO": STEP_BY_STEP}) as far:
        outcome, connection = await deliver(far, "jürgen@example.org")
        assert outcome == Outcome((r.HOP_LACKS_SMTPUTF8,), sent=False)
        assert far.verbs == ["EHLO"]
        connection.close()


async def test_deliver_smtputf8_offered_sends_addresses_in_utf8() -> None:
    async with far_end() as far:
        outcome, connection = await deliver(far, "jürgen@example.org")
        assert outcome.sent
        assert far.commands[1:3] == [
            f"MAIL FROM:<anna@oak.example> SIZE={len(CONTENT)} SMTPUTF8",
            "RCPT TO:<jürgen@example.org>",
        ]
        connection.close()


async def test_deliver_address_with_line_end_is_never_sent() -> None:
    async with far_end() as far:
        connection = await open_connection(settings(far.port))
        evil = replace(to("a@example.org"), recipients=(Recipient(Address("a@b\r\nRSET", "a@b")),))
        with pytest.raises(UnsafeCommand):
            await connection.deliver(evil, [CONTENT], all_or_nothing=True)
        assert far.verbs == ["EHLO"]
        assert connection.usable
        connection.close()


@both
@pytest.mark.parametrize(
    ("script", "answer"),
    [
        ({}, (Reply(250, "2.1.5", "recipient fine"), True)),
        ({"RCPT": REFUSAL}, (NO_MAILBOX, True)),
        ({"RCPT": DEFERRAL}, (BUSY, True)),
        ({"MAIL": DEFERRAL, "RCPT": "503 5.5.1 no"}, (BUSY, False)),
    ],
)
async def test_verify_answer_is_that_of_rcpt(ehlo: str, script: dict[str, str], answer: tuple[Reply, bool]) -> None:
    async with far_end({"EHLO": ehlo, **script}) as far:
        connection = await open_connection(settings(far.port))
        recipient = Recipient(Address.of("a@example.org"))
        assert await connection.verify(Address.of("anna@oak.example"), recipient, smtputf8=False) == answer
        await assert_serves_another(connection, far)
        assert "RSET" in far.verbs
        connection.close()


@both
async def test_verify_connection_lost_after_mail_is_temporary(ehlo: str) -> None:
    async with far_end({"EHLO": ehlo, "RCPT": CLOSE}) as far:
        connection = await open_connection(settings(far.port))
        recipient = Recipient(Address.of("a@example.org"))
        assert await connection.verify(Address.of("a@b.example"), recipient, smtputf8=False) == (DOWN, False)
        assert not connection.usable


async def test_verify_smtputf8_not_offered_is_refused_only_where_needed() -> None:
    async with far_end({"EHLO": STEP_BY_STEP}) as far:
        connection = await open_connection(settings(far.port))
        sender = Address.of("a@b.example")
        plain, foreign = Recipient(Address.of("a@example.org")), Recipient(Address.of("é@example.org"))
        assert (await connection.verify(sender, plain, smtputf8=True))[0].accepted
        assert await connection.verify(sender, foreign, smtputf8=True) == (r.HOP_LACKS_SMTPUTF8, False)
        connection.close()


@pytest.mark.parametrize(("reply", "alive"), [("250 ok", True), ("500 what", False), (CLOSE, False)])
async def test_is_alive_asks_by_noop(reply: str, alive: bool) -> None:
    async with far_end({"NOOP": reply}) as far:
        connection = await open_connection(settings(far.port))
        assert await connection.is_alive() is alive
        connection.close()
        assert far.verbs[:2] == ["EHLO", "NOOP"]
