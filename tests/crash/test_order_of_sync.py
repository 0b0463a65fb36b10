"""250 is written only after the store was synced to disk (RFC 5321 §6.1), as the kernel saw it."""

from __future__ import annotations

import shutil
import socket
from pathlib import Path
from typing import Any

from benchmarks.gateway_process import GatewayProcess
from benchmarks.places import HOST
from tests.crash.senders import STRANGER, content_of
from tests.crash.system_calls import FILE_WRITES, READS, STRACE, SYNCS, WRITES, calls_in


def test_store_is_synced_between_last_octet_of_data_and_250(folder: Path, settings: dict[str, Any]) -> None:
    assert shutil.which("strace"), "install the Debian package strace"
    trace_file = folder / "strace.out"
    # One process: the calls in the trace are then of the one that answers.
    settings |= {"smtp.processes": 1}
    gateway = GatewayProcess(folder, settings, wrapper=(*STRACE, str(trace_file)), ready_seconds=90)
    gateway.start()
    try:
        # The first mail makes caches and statements; the second is as every later one.
        client_ports = [_send_held_mail(gateway.smtp_port, number) for number in (1, 2)]
        gateway.stop(60)
    finally:
        gateway.kill()
    calls = list(calls_in(trace_file.read_text("utf-8", "replace")))
    store = str(folder / "gateway.db")

    for number, client_port in zip((1, 2), client_ports, strict=True):
        # The name of the connection, from the gateway's end.
        theirs = [call for call in calls if f"->{HOST}:{client_port}]" in call.text]
        last_read = max(call.ended for call in theirs if call.name in READS and r"\r\n.\r\n" in call.text)
        answered = min(
            call.begun for call in theirs if call.name in WRITES and '"250 ' in call.text and call.begun > last_read
        )
        written = [
            call
            for call in calls
            if call.name in FILE_WRITES
            and f"<{store}" in call.text
            and last_read <= call.begun
            and call.ended < answered
        ]
        assert written, f"mail {number}: nothing was written to {store} before line {answered} of the trace"
        synced = [
            call
            for call in calls
            if call.name in SYNCS and f"<{store}" in call.text and call.text.rstrip().endswith("= 0")
            if written[0].ended <= call.begun and call.ended < answered
        ]
        assert synced, f"mail {number}: no sync of {store} between line {written[0].ended} and line {answered}"


def _send_held_mail(port: int, number: int) -> int:
    """Send a mail that is held, the final dot in a packet of its own, and return the client's port."""
    recipient = "joe@example.org"
    with socket.create_connection((HOST, port), timeout=60) as connection:
        client_port: int = connection.getsockname()[1]
        file = connection.makefile("rb")
        assert file.readline().startswith(b"220")
        for command, wanted in (
            ("HELO client.crash.example", b"250"),
            (f"MAIL FROM:<{STRANGER}>", b"250"),
            (f"RCPT TO:<{recipient}>", b"250"),
            ("DATA", b"354"),
        ):
            connection.sendall(command.encode() + b"\r\n")
            assert file.readline().startswith(wanted)
        content = content_of(number, STRANGER, (recipient,), size=500).replace(b"\r\n.", b"\r\n..")
        connection.sendall(content[:-2])
        connection.sendall(b"\r\n.\r\n")
        assert file.readline().startswith(b"250")
    return client_port
