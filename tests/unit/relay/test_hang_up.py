from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl

import aiosmtplib

from gateway.relay.hang_up import hang_up
from tests.unit.relay.conftest import Certificate
from tests.unit.relay.far_end import far_end

_LONG = 10
_MUCH = 2**24


def _client(port: int, trust: ssl.SSLContext | None = None) -> aiosmtplib.SMTP:
    return aiosmtplib.SMTP(
        hostname="127.0.0.1", port=port, use_tls=trust is not None, start_tls=False, tls_context=trust, timeout=_LONG
    )


def _greets_and_waits_for_the_end(listening: socket.socket, context: ssl.SSLContext) -> bytes:
    """Serve one client as a server that never says good-bye; return what stands on the wire after the greeting."""
    listening.settimeout(_LONG)
    raw, _ = listening.accept()
    with context.wrap_socket(raw, server_side=True) as secured:
        secured.settimeout(_LONG)
        secured.sendall(b"220 far.example ESMTP\r\n")
        said = b""
        # Past the TLS of Python, which would answer.
        with contextlib.suppress(ConnectionResetError):
            while octets := socket.socket.recv(secured, 4096):
                said += octets
        return said


async def test_server_that_says_no_good_bye_in_tls_is_left_at_once(certificate: Certificate) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        serving = asyncio.create_task(asyncio.to_thread(_greets_and_waits_for_the_end, listening, certificate.context))
        trust = ssl.create_default_context(cafile=certificate.file)
        smtp = _client(listening.getsockname()[1], trust)
        await smtp.connect()
        hang_up(smtp)
        assert await serving == b""


async def test_server_that_does_not_read_is_left_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        loop = asyncio.get_running_loop()
        smtp = _client(listening.getsockname()[1])
        connecting = asyncio.create_task(smtp.connect())
        far, _ = await loop.sock_accept(listening)
        with far:
            await loop.sock_sendall(far, b"220 far.example ESMTP\r\n")
            await connecting
            transport = smtp.transport
            assert isinstance(transport, asyncio.WriteTransport)
            transport.write(bytes(_MUCH))
            hang_up(smtp)
            far.settimeout(_LONG)
            assert await asyncio.to_thread(_octets_to_the_end, far) < _MUCH


def _octets_to_the_end(far: socket.socket) -> int:
    octets = 0
    while got := far.recv(2**16):
        octets += len(got)
    return octets


async def test_server_that_expects_a_command_hears_quit() -> None:
    async with far_end() as far:
        smtp = _client(far.port)
        await smtp.connect()
        far.seen.clear()
        hang_up(smtp, quit_first=True)
        await far.seen.wait()
        assert far.commands == ["QUIT"]


async def test_connection_that_has_ended_is_no_fault() -> None:
    smtp = _client(1)
    hang_up(smtp)
    hang_up(smtp, quit_first=True)
    assert not smtp.is_connected
