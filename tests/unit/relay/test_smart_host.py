from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from gateway.domain import reply as r
from gateway.domain.reply import Reply
from gateway.relay.opening import TlsPolicy
from gateway.relay.smart_host import SmartHost
from tests.clock import run_with_clock
from tests.closed_port import closed_port
from tests.unit.relay.conftest import Certificate
from tests.unit.relay.far_end import CLOSE, EVERYTHING, SILENCE, STEP_BY_STEP, FarEnd, far_end, outwaited
from tests.unit.relay.letters import CONTENT, ON_THE_WIRE, settings

ANNA = "anna@oak.example"
TAKEN = Reply(250, "2.0.0", "taken")
DOWN = r.NEXT_HOP_DOWN
WITH_TLS = "250-far.example\r\n250-STARTTLS\r\n250 8BITMIME"


async def send(far: FarEnd, *, tls: TlsPolicy = TlsPolicy.NONE, ca_file: str = "") -> Reply:
    host = SmartHost(settings(far.port, tls=tls, ca_file=ca_file))
    try:
        return await host.send("", ANNA, CONTENT, smtputf8=False)
    finally:
        await host.close()


async def test_send_null_reverse_path_and_one_recipient_go_over_the_wire() -> None:
    async with far_end() as far:
        assert await send(far) == TAKEN
        assert far.commands[:4] == [
            "EHLO gateway.example.org", f"MAIL FROM:<> SIZE={len(CONTENT)}", f"RCPT TO:<{ANNA}>", "DATA",
        ]  # fmt: skip
        assert far.contents == [ON_THE_WIRE]


async def test_send_many_share_a_kept_connection() -> None:
    async with far_end() as far:
        host = SmartHost(settings(far.port, connections=2))
        replies = await asyncio.gather(*(host.send("", ANNA, CONTENT, smtputf8=False) for _ in range(10)))
        assert replies == [TAKEN] * 10
        assert far.connections == 2
        assert host.connections == 2
        await host.close()


@pytest.mark.parametrize("verb", ["MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize(
    ("reply", "heard"),
    [
        ("550 5.7.1 not wanted", Reply(550, "5.7.1", "not wanted")),
        ("451 4.7.1 greylisted", Reply(451, "4.7.1", "greylisted")),
        ("550-5.7.1 two\r\n550 5.7.1 lines", Reply(550, "5.7.1", "two 5.7.1 lines")),
    ],
)
async def test_send_refusal_at_any_step_is_returned_and_the_connection_kept(
    verb: str, reply: str, heard: Reply
) -> None:
    usual = {"MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go on", ".": "250 2.0.0 taken"}[verb]
    async with far_end({verb: [reply, usual]}) as far:
        host = SmartHost(settings(far.port))
        assert await host.send("", ANNA, CONTENT, smtputf8=False) == heard
        assert await host.send("", ANNA, CONTENT, smtputf8=False) == TAKEN
        assert far.connections == 1
        assert "RSET" in far.verbs
        await host.close()


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."])
@pytest.mark.parametrize("reply", [CLOSE, "nonsense", "354 what", "99 x"])
async def test_send_server_that_fails_or_lies_is_temporary(verb: str, reply: str) -> None:
    if (verb, reply) == ("DATA", "354 what"):
        reply = "250 taken already"
    async with far_end({verb: reply}) as far:
        answer = await send(far)
        assert answer.temporary
        assert answer.enhanced.startswith("4.")


@pytest.mark.parametrize("verb", ["greeting", "EHLO", "MAIL", "RCPT", "DATA", "."])
def test_send_silence_is_temporary(verb: str) -> None:
    async def main() -> None:
        async with far_end({verb: SILENCE}) as far:
            assert await outwaited(far, send(far)) == DOWN

    run_with_clock(main())


@pytest.mark.parametrize("verb", ["greeting", "MAIL", "RCPT", "DATA", "."])
async def test_send_421_becomes_451(verb: str) -> None:
    async with far_end({verb: "421 4.3.2 going down"}) as far:
        assert (await send(far)).code == 451


async def test_send_nobody_listens_is_temporary() -> None:
    with closed_port() as port:
        host = SmartHost(settings(port))
        assert [await host.send("", ANNA, CONTENT, smtputf8=False) for _ in range(5)] == [DOWN] * 5
        assert not await host.probe()
        await host.close()


async def test_send_idle_connection_dropped_by_far_end_goes_over_a_fresh_one() -> None:
    async with far_end({"MAIL": ["250 ok", CLOSE, "250 ok"]}) as far:
        host = SmartHost(settings(far.port))
        assert await host.probe()
        assert await host.send("", ANNA, CONTENT, smtputf8=False) == TAKEN
        assert await host.send("", ANNA, CONTENT, smtputf8=False) == TAKEN
        assert far.connections == 2
        assert len(far.contents) == 2
        await host.close()


async def test_send_ehlo_unknown_falls_back_to_helo() -> None:
    async with far_end({"EHLO": "502 what"}) as far:
        assert await send(far) == TAKEN
        assert far.commands[2] == "MAIL FROM:<>"


async def test_send_smtputf8_offered_sends_addresses_in_utf8() -> None:
    async with far_end() as far:
        host = SmartHost(settings(far.port))
        assert await host.send("", "jürgen@oak.example", "To: é\r\n\r\n".encode(), smtputf8=True) == TAKEN
        assert far.commands[1:3] == ["MAIL FROM:<> SMTPUTF8 BODY=8BITMIME SIZE=10", "RCPT TO:<jürgen@oak.example>"]
        await host.close()


async def test_send_smtputf8_not_offered_is_refused_unsent() -> None:
    async with far_end({"EHLO": STEP_BY_STEP}) as far:
        host = SmartHost(settings(far.port))
        assert await host.send("", "jürgen@oak.example", CONTENT, smtputf8=False) == r.HOP_LACKS_SMTPUTF8
        assert far.verbs == ["EHLO"]
        await host.close()


@pytest.mark.parametrize("address", ["a@b\r\nRSET", "a\x00@b", "a\n@b"])
async def test_send_address_with_control_is_never_sent(address: str) -> None:
    async with far_end() as far:
        host = SmartHost(settings(far.port))
        assert await host.send("", address, CONTENT, smtputf8=False) == r.TRY_LATER
        assert await host.send(address, ANNA, CONTENT, smtputf8=False) == r.TRY_LATER
        assert "RSET" not in far.verbs
        assert far.contents == []
        await host.close()


@pytest.mark.parametrize("policy", [TlsPolicy.OPPORTUNISTIC, TlsPolicy.VERIFY])
async def test_send_starttls_offered_is_used(policy: TlsPolicy, certificate: Certificate) -> None:
    async with far_end({"EHLO": [WITH_TLS, EVERYTHING]}, tls=certificate.context) as far:
        assert await send(far, tls=policy, ca_file=str(certificate.file)) == TAKEN
        assert far.verbs[:4] == ["EHLO", "STARTTLS", "EHLO", "MAIL"]


async def test_send_verify_unknown_issuer_sends_nothing(certificate: Certificate) -> None:
    async with far_end({"EHLO": WITH_TLS}, tls=certificate.context) as far:
        assert await send(far, tls=TlsPolicy.VERIFY) == DOWN
        assert far.verbs == ["EHLO", "STARTTLS"]


async def test_send_verify_starttls_not_offered_sends_nothing() -> None:
    async with far_end() as far:
        assert await send(far, tls=TlsPolicy.VERIFY) == DOWN
        assert far.verbs == ["EHLO"]


@pytest.mark.parametrize("reply", ["454 not now", "220 shake", CLOSE])
async def test_send_opportunistic_handshake_fails_goes_on_in_the_clear(reply: str) -> None:
    async with far_end({"EHLO": WITH_TLS, "STARTTLS": reply, "AUTH": CLOSE}) as far:
        assert await send(far, tls=TlsPolicy.OPPORTUNISTIC) == TAKEN
        assert far.connections == 2


@pytest.mark.parametrize(("auth", "answer"), [("235 welcome", TAKEN), ("535 5.7.8 wrong", DOWN), (CLOSE, DOWN)])
async def test_send_user_given_signs_in_first(auth: str, answer: Reply, tmp_path: Path) -> None:
    password = tmp_path / "password"
    password.write_text("secret\n")
    async with far_end({"EHLO": "250-far\r\n250 AUTH PLAIN", "AUTH": auth}) as far:
        host = SmartHost(settings(far.port, user="gateway", password_file=str(password)))
        assert await host.send("", ANNA, CONTENT, smtputf8=False) == answer
        assert far.verbs[1] == "AUTH"
        assert ("MAIL" in far.verbs) is answer.accepted
        await host.close()
