"""Sockets, certificates, and the end of the service."""

from __future__ import annotations

import asyncio
import socket
import ssl
from dataclasses import replace
from pathlib import Path

import pytest

from gateway.domain import reply
from gateway.smtp.listener import Listener, TlsFiles, affordable
from gateway.smtp.replies import encoded
from gateway.smtp.sockets import bound_socket
from tests.certificates import make_certificate, unverified_tls
from tests.clock import settle
from tests.unit.smtp.scripted_door import SETTINGS, ScriptedDoor


def certificate(folder: Path, name: str) -> TlsFiles:
    files = TlsFiles(folder / f"{name}.pem", folder / f"{name}.key")
    make_certificate(files.certificate, files.key, name)
    return files


@pytest.mark.parametrize(
    ("wanted", "descriptors", "admitted"),
    [(1000, 65536, 1000), (1000, 1024, 896), (1000, 64, 32), (10, 64, 10), (9, 1, 1)],
)
def test_connections_admitted_leave_descriptors_for_the_rest(wanted: int, descriptors: int, admitted: int) -> None:
    assert affordable(wanted, descriptors) == admitted


def test_certificate_that_is_missing_stops_the_start(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="No such file"):
        TlsFiles(tmp_path / "none.pem", tmp_path / "none.key").context()


def test_certificate_with_a_foreign_key_stops_the_start(tmp_path: Path) -> None:
    one, other = certificate(tmp_path, "one"), certificate(tmp_path, "other")
    with pytest.raises(OSError, match="MISMATCH"):
        TlsFiles(one.certificate, other.key).context()


async def talk(port: int, *lines: str) -> str:
    """Send lines after the greeting and return the last reply."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    last = (await reader.readline()).decode()
    for line in lines:
        writer.write(f"{line}\r\n".encode())
        while (reply := (await reader.readline()).decode())[3:4] == "-":
            pass
        last = reply
    writer.close()
    await writer.wait_closed()
    return last


async def peer_certificate(port: int, **limits: ssl.TLSVersion) -> bytes:
    """Shake hands behind STARTTLS and return the certificate shown."""
    context = unverified_tls()
    for name, version in limits.items():
        setattr(context, name, version)
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b"EHLO c\r\n")
    while (await reader.readline())[3:4] == b"-":
        pass
    writer.write(b"STARTTLS\r\n")
    await reader.readline()
    try:
        await writer.start_tls(context)
        shown = writer.get_extra_info("ssl_object").getpeercert(binary_form=True)
    finally:
        writer.transport.abort()
    assert isinstance(shown, bytes)
    return shown


async def test_certificate_read_again_is_shown_from_then_on(tmp_path: Path) -> None:
    files, later = certificate(tmp_path, "mx"), certificate(tmp_path, "later")
    listener = Listener(ScriptedDoor(), SETTINGS, files)
    await listener.start([bound_socket("127.0.0.1:0")])
    port = listener.addresses[0][1]
    first = await peer_certificate(port)
    later.certificate.replace(files.certificate)
    with pytest.raises(OSError, match="MISMATCH"):
        listener.reload()
    assert await peer_certificate(port) == first
    later.key.replace(files.key)
    listener.reload()
    assert await peer_certificate(port) != first
    await listener.stop(5)


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1_1 is deprecated")
async def test_handshake_needs_tls_1_2_and_one_that_fails_leaves_nothing(tmp_path: Path) -> None:
    listener = Listener(ScriptedDoor(), SETTINGS, certificate(tmp_path, "mx"))
    await listener.start([bound_socket("127.0.0.1:0")])
    port = listener.addresses[0][1]
    assert await peer_certificate(port, maximum_version=ssl.TLSVersion.TLSv1_2)
    with pytest.raises((ssl.SSLError, ConnectionError)):
        await peer_certificate(port, minimum_version=ssl.TLSVersion.TLSv1_1, maximum_version=ssl.TLSVersion.TLSv1_1)
    assert await listener.stop(5) == 0
    assert not listener.doorway.sessions


async def test_listener_accepts_on_each_socket_and_stops() -> None:
    listener = Listener(ScriptedDoor(), SETTINGS)
    await listener.start([bound_socket("127.0.0.1:0"), bound_socket("[::1]:0")])
    addresses = listener.addresses
    assert [host for host, _ in addresses] == ["127.0.0.1", "::1"]
    for host, port in addresses:
        with socket.create_connection((host, port)):
            pass
    assert await listener.stop(1) == 0
    assert listener.addresses == []
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(addresses[0])


async def test_listener_stopped_waits_for_a_message_and_gives_up_in_time() -> None:
    door = ScriptedDoor(gate=asyncio.Event())
    listener = Listener(door, SETTINGS)
    await listener.start([bound_socket("127.0.0.1:0")])
    port = listener.addresses[0][1]
    lines = ("EHLO c", "MAIL FROM:<a@example.net>", "RCPT TO:<b@example.org>", "DATA", "x\r\n.")
    talks = [asyncio.ensure_future(talk(port, *lines)) for _ in range(2)]
    for _ in talks:
        await door.begun.get()
    assert await listener.stop(0.01) == 2
    assert await asyncio.gather(*talks) == ["", ""], "a reply was given for mail that nobody may rely on"
    assert door.gate is not None
    door.gate.set()
    await settle()
    assert not listener.doorway.sessions
    assert len(door.taken) == 2


async def test_listener_for_own_servers_turns_away_everybody_else() -> None:
    strict = replace(SETTINGS, only_trusted=True, trusted_clients=())
    listener = Listener(ScriptedDoor(), strict)
    await listener.start([bound_socket("127.0.0.1:0")])
    reader, writer = await asyncio.open_connection("127.0.0.1", listener.addresses[0][1])
    assert await reader.read() == encoded(reply.CLIENT_REFUSED)
    writer.close()
    await listener.stop(1)


async def test_client_that_talks_before_the_greeting_is_refused() -> None:
    listener = Listener(ScriptedDoor(), replace(SETTINGS, trusted_clients=()))
    await listener.start([bound_socket("127.0.0.1:0")])
    # A plain socket: it has sent before the loop comes to accept it.
    with socket.create_connection(listener.addresses[0]) as early:
        early.sendall(b"EHLO c\r\nMAIL FROM:<a@example.net>\r\n")
        early.setblocking(False)
        got = b""
        loop = asyncio.get_running_loop()
        while chunk := await loop.sock_recv(early, 4096):
            got += chunk
    assert got == encoded(reply.TALKED_TOO_EARLY)
    await listener.stop(5)
