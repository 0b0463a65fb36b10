from __future__ import annotations

import asyncio
import base64
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.flow.ports import Features
from gateway.relay.ehlo import Offer
from gateway.relay.faults import TlsFailed, Unreachable
from gateway.relay.opening import TlsPolicy, _authenticate, is_loopback, open_connection
from gateway.relay.wire import Wire
from tests.clock import run_with_clock
from tests.closed_port import closed_port
from tests.unit.relay.conftest import Certificate
from tests.unit.relay.far_end import CLOSE, EVERYTHING, SILENCE, STEP_BY_STEP, far_end, outwaited
from tests.unit.relay.letters import CONTENT, settings, to

WITH_TLS = "250-far.example\r\n250-STARTTLS\r\n250 PIPELINING"
PLAIN_TOKEN = base64.b64encode(b"\0gateway\0pass word").decode()


@pytest.fixture
def password_file(tmp_path: Path) -> str:
    file = tmp_path / "password"
    file.write_text("pass word\n")
    return str(file)


async def test_open_ehlo_answered_gives_its_features() -> None:
    async with far_end() as far:
        connection = await open_connection(settings(far.port))
        assert connection.features == Features(True, 1_000_000, True, True, True, False)
        assert far.commands == ["EHLO gateway.example.org"]
        connection.close()


async def test_open_ehlo_unknown_falls_back_to_helo() -> None:
    async with far_end({"EHLO": "502 5.5.1 what"}) as far:
        connection = await open_connection(settings(far.port))
        assert connection.features == Features(known=True, eight_bit=False)
        assert (await connection.deliver(to("a@example.org"), [CONTENT], True)).sent
        assert far.verbs == ["EHLO", "HELO", "MAIL", "RCPT", "DATA"]
        connection.close()


@pytest.mark.parametrize(
    "script",
    [
        {"greeting": "554 no"}, {"greeting": "421 later"}, {"greeting": CLOSE}, {"greeting": "hello"},
        {"greeting": "220 a\r\n250 b"}, {"EHLO": "421 later"}, {"EHLO": "451 later"}, {"EHLO": CLOSE},
        {"EHLO": "500 what", "HELO": "550 no"}, {"EHLO": "354 what"}, {"EHLO": "250-x\r\n" * 1000 + "250 x"},
    ],
)  # fmt: skip
async def test_open_server_that_does_not_let_us_in_is_unreachable(script: dict[str, str]) -> None:
    async with far_end(script) as far:
        with pytest.raises(Unreachable):
            await open_connection(settings(far.port))


def test_open_greeting_that_never_comes_is_unreachable() -> None:
    async def main() -> None:
        async with far_end({"greeting": SILENCE}) as far:
            with pytest.raises(Unreachable):
                await outwaited(far, open_connection(settings(far.port)))

    run_with_clock(main())


async def test_open_nobody_listens_is_unreachable() -> None:
    with closed_port() as port, pytest.raises(Unreachable):
        await open_connection(settings(port))


@pytest.mark.parametrize("policy", [TlsPolicy.OPPORTUNISTIC, TlsPolicy.VERIFY])
async def test_open_starttls_offered_is_used(policy: TlsPolicy, certificate: Certificate) -> None:
    async with far_end({"EHLO": [WITH_TLS, EVERYTHING]}, tls=certificate.context) as far:
        connection = await open_connection(settings(far.port, tls=policy, ca_file=str(certificate.file)))
        assert connection.features.dsn  # Of the second EHLO.
        assert (await connection.deliver(to("a@example.org"), [CONTENT], True)).sent
        assert far.verbs == ["EHLO", "STARTTLS", "EHLO", "MAIL", "RCPT", "DATA"]
        connection.close()


async def test_open_policy_none_leaves_starttls_alone(certificate: Certificate) -> None:
    async with far_end({"EHLO": WITH_TLS}, tls=certificate.context) as far:
        connection = await open_connection(settings(far.port))
        assert far.verbs == ["EHLO"]
        connection.close()


async def test_open_verify_unknown_issuer_is_unreachable(certificate: Certificate) -> None:
    async with far_end({"EHLO": WITH_TLS}, tls=certificate.context) as far:
        with pytest.raises(TlsFailed):
            await open_connection(settings(far.port, tls=TlsPolicy.VERIFY))
        assert far.verbs == ["EHLO", "STARTTLS"]


async def test_open_verify_starttls_not_offered_is_unreachable() -> None:
    async with far_end() as far:
        with pytest.raises(Unreachable, match="not offered"):
            await open_connection(settings(far.port, tls=TlsPolicy.VERIFY))


async def test_open_verify_authorities_not_readable_is_unreachable(certificate: Certificate, tmp_path: Path) -> None:
    async with far_end({"EHLO": WITH_TLS}, tls=certificate.context) as far:
        with pytest.raises(Unreachable, match="authorities"):
            await open_connection(settings(far.port, tls=TlsPolicy.VERIFY, ca_file=str(tmp_path / "missing.pem")))


@pytest.mark.parametrize("reply", ["454 not now", "220 shake", CLOSE, "220-a\r\n220 b\r\n250 c"])
async def test_open_opportunistic_handshake_fails_goes_on_in_the_clear(reply: str) -> None:
    # Without a context the far end answers our handshake in the clear. The asyncio of Python 3.11.2 finds that out by the time.
    async with far_end({"EHLO": WITH_TLS, "STARTTLS": reply, "AUTH": CLOSE}) as far:
        connection = await open_connection(settings(far.port, tls=TlsPolicy.OPPORTUNISTIC, seconds=3.0))
        assert far.connections == 2
        assert (await connection.deliver(to("a@example.org"), [CONTENT], True)).sent
        connection.close()


async def test_open_opportunistic_no_ehlo_under_tls_goes_on_in_the_clear(certificate: Certificate) -> None:
    async with far_end({"EHLO": [WITH_TLS, "502 no", WITH_TLS]}, tls=certificate.context) as far:
        connection = await open_connection(settings(far.port, tls=TlsPolicy.OPPORTUNISTIC))
        assert far.verbs in (["EHLO", "STARTTLS", "EHLO", "EHLO"], ["EHLO", "STARTTLS", "EHLO", "QUIT", "EHLO"])
        connection.close()


async def test_open_auth_to_another_machine_without_tls_sends_no_password(password_file: str) -> None:
    class WireToAnotherMachine(Wire):
        @property
        def peer_address(self) -> str:
            return "192.0.2.1"

    told = settings(25, user="gateway", password_file=password_file)
    offer = Offer(Features(), auth=frozenset({"PLAIN"}))
    with pytest.raises(Unreachable, match="in the clear"):
        await _authenticate(WireToAnotherMachine(1.0), offer, told, encrypted=False)


async def test_open_own_name_with_line_end_is_never_sent() -> None:
    async with far_end() as far:
        with pytest.raises(Unreachable):
            await open_connection(replace(settings(far.port), hostname="a\r\nRSET"))
        assert "RSET" not in far.verbs


async def test_open_opportunistic_not_offered_stays_in_the_clear() -> None:
    async with far_end({"EHLO": STEP_BY_STEP}) as far:
        connection = await open_connection(settings(far.port, tls=TlsPolicy.OPPORTUNISTIC))
        assert far.verbs == ["EHLO"]
        connection.close()


@pytest.mark.parametrize("injected", ["250-evil\r\n250 AUTH PLAIN", "250 x", "nonsense", "421 bye", "2"])
@pytest.mark.parametrize("split", [True, False])
async def test_open_injection_behind_starttls_reply_is_ignored(
    injected: str, split: bool, certificate: Certificate
) -> None:
    async def session(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"220 far\r\n")
        await reader.readline()
        writer.write(f"{WITH_TLS}\r\n".encode())
        await reader.readline()
        writer.write(f"220 shake\r\n{injected}\r\n".encode() if not split else b"220 sh")
        if split:
            await writer.drain()
            writer.write(f"ake\r\n{injected}\r\n".encode())
        await writer.start_tls(certificate.context)
        verbs.append((await reader.readline()).split()[0])
        writer.write(f"{EVERYTHING}\r\n".encode())
        await reader.read()
        writer.close()

    verbs: list[bytes] = []
    server = await asyncio.start_server(session, "127.0.0.1", 0)
    async with server:
        connection = await open_connection(
            settings(server.sockets[0].getsockname()[1], tls=TlsPolicy.VERIFY, ca_file=str(certificate.file))
        )
        assert verbs == [b"EHLO"]
        assert connection.usable
        assert connection.features == Features(True, 1_000_000, True, True, True, False)
        connection.close()


async def test_open_auth_plain_sends_user_and_password_once(password_file: str) -> None:
    async with far_end({"EHLO": "250-far\r\n250 AUTH LOGIN PLAIN"}) as far:
        connection = await open_connection(settings(far.port, user="gateway", password_file=password_file))
        assert far.commands == ["EHLO gateway.example.org", f"AUTH PLAIN {PLAIN_TOKEN}"]
        connection.close()


async def test_open_auth_login_answers_each_prompt(password_file: str) -> None:
    script: dict[str, str | list[str]] = {
        "EHLO": "250-far\r\n250 AUTH LOGIN", "AUTH": ["334 VXNlcm5hbWU6", "334 UGFzc3dvcmQ6", "235 welcome"],
    }  # fmt: skip
    async with far_end(script) as far:
        connection = await open_connection(settings(far.port, user="gateway", password_file=password_file))
        assert far.commands[1:] == [
            "AUTH LOGIN", base64.b64encode(b"gateway").decode(), base64.b64encode(b"pass word").decode(),
        ]  # fmt: skip
        connection.close()


@pytest.mark.parametrize(
    ("ehlo", "auth"),
    [
        ("250-far\r\n250 AUTH PLAIN", "535 5.7.8 wrong"), ("250-far\r\n250 AUTH PLAIN", CLOSE),
        ("250-far\r\n250 AUTH LOGIN", "535 no"), ("250-far\r\n250 AUTH CRAM-MD5", "235 ok"),
        ("250-far\r\n250 HELP", "235 ok"), ("250-far\r\n250 AUTH PLAIN", "250 ok"),
    ],
)  # fmt: skip
async def test_open_auth_not_granted_is_unreachable(ehlo: str, auth: str, password_file: str) -> None:
    async with far_end({"EHLO": ehlo, "AUTH": auth}) as far:
        with pytest.raises(Unreachable):
            await open_connection(settings(far.port, user="gateway", password_file=password_file))


async def test_open_auth_password_file_missing_is_unreachable(tmp_path: Path) -> None:
    async with far_end({"EHLO": "250-far\r\n250 AUTH PLAIN"}) as far:
        with pytest.raises(Unreachable, match="password file"):
            await open_connection(settings(far.port, user="gateway", password_file=str(tmp_path / "missing")))
        assert far.verbs == ["EHLO"]


@pytest.mark.parametrize(
    ("address", "ours"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("192.0.2.1", False), ("", False), ("localhost", False)],
)
def test_loopback_is_this_machine_only(address: str, ours: bool) -> None:
    assert is_loopback(address) is ours
