"""A port at which nobody listens."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.places import HOST


@contextmanager
def closed_port() -> Iterator[int]:
    """A port on 127.0.0.1 that refuses connections; nobody else is given it meanwhile, as a port just closed may be."""
    with socket.socket() as held:
        held.bind((HOST, 0))
        yield held.getsockname()[1]
