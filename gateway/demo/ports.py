"""Which place a server listens at, and which is still free."""

from __future__ import annotations

import socket

from gateway.settings import Endpoint


def place_of(listener: socket.socket) -> Endpoint:
    """Read it from a bound socket."""
    host, port = listener.getsockname()[:2]
    return Endpoint(host, port)


def free_place(preferred: Endpoint) -> Endpoint:
    """Return the preferred place if nobody listens there, else one with a free port on the same host.

    Raises OSError when the host is not ours.
    """
    try:
        return _bind_and_leave(preferred)
    except OSError:
        return _bind_and_leave(Endpoint(preferred.host, 0))


def _bind_and_leave(place: Endpoint) -> Endpoint:
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As servers do: a port whose last connections are in TIME_WAIT is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((place.host, place.port))
        return place_of(probe)
