"""Free ports and patience: what starting whole processes needs."""

from __future__ import annotations

import random
import shutil
import signal
import socket
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

HOST = "127.0.0.1"
# Below the range the kernel gives to outgoing connections, so that nobody takes one meanwhile.
_FIRST, _LAST = 12_000, 31_999


def free_port() -> int:
    """Return a port on 127.0.0.1 on which nobody listens, and which is not given to anybody else while this program runs."""
    while True:
        held, port = socket.socket(), random.randint(_FIRST, _LAST)
        try:
            held.bind((HOST, port))
        except OSError:
            held.close()
            continue
        # Bound, it keeps others off who look for a port as we do, tests that run beside these among them. A server
        # gets in all the same: it asks to use the address again, as all servers do, and we never listen.
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.detach()  # Nobody closes it but the end of this program.
        return port


PATIENCE = 90.0
"""Seconds for what has to happen on a machine that is slow, or busy with something else; what is ready is not waited for."""


def wait_until(happened: Callable[[], bool], what: str, seconds: float = PATIENCE) -> None:
    """Return as soon as it happened. Raises TimeoutError that says what did not."""
    end = time.monotonic() + seconds
    while not happened():
        if time.monotonic() > end:
            raise TimeoutError(f"not within {seconds:g} s: {what}")
        time.sleep(0.02)


def answers(port: int) -> bool:
    """True when an SMTP server greets on this port."""
    try:
        with socket.create_connection((HOST, port), timeout=20) as connection:
            return connection.recv(4).startswith(b"220")
    except OSError:
        return False


def refuses(port: int) -> bool:
    """True when nobody listens on this port."""
    with socket.socket() as probe:
        return probe.connect_ex((HOST, port)) != 0


def end_on_sigterm() -> None:
    """Let SIGTERM end this program as an exception does, so that every server it started is stopped."""
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(128 + number))


@contextmanager
def open_folder(name: str) -> Iterator[Path]:
    """A temporary folder which servers that give up root can enter as well; removed in the end."""
    folder = Path(tempfile.mkdtemp(prefix=f"{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
