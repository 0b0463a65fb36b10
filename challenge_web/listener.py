"""Serve an application on sockets, with a bound on what any client can hold of us."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence

from aiohttp import web

from challenge_web.middleware import HEADERS
from gateway.log import bug, event

_log = logging.getLogger("gateway.web")

IDLE_SECONDS = 30.0
"""For all header fields of a request to arrive, and between two requests on one connection."""
LINGERING_SECONDS = 5.0
"""How long a body that nobody wanted is still read, so that the client sees the answer."""
DRAIN_SECONDS = 10.0


class Listener:
    """One application on one or several addresses."""

    def __init__(self, app: web.Application, *, max_connections: int = 1000) -> None:
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=DRAIN_SECONDS)
        self._sockets: list[asyncio.Server] = []
        self._max = max_connections

    async def start(self, addresses: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        """Listen; return the addresses as they are, with the port the system chose for 0. Raises OSError."""
        await self._runner.setup()
        loop = asyncio.get_running_loop()
        try:
            for host, port in addresses:
                self._sockets.append(await loop.create_server(self._connection, host, port))
        except OSError:
            await self.stop()
            raise
        return [socket.getsockname()[:2] for server in self._sockets for socket in server.sockets]

    async def stop(self) -> None:
        """Take no more connections, let what is being answered end, close the rest."""
        for server in self._sockets:
            server.close()
        self._sockets.clear()
        await self._runner.cleanup()

    def _connection(self) -> asyncio.Protocol:
        server = self._runner.server
        if server is None or len(server.connections) >= self._max:
            return _Full()
        return _Connection(
            server,
            loop=asyncio.get_running_loop(),
            keepalive_timeout=IDLE_SECONDS,
            lingering_time=LINGERING_SECONDS,
            auto_decompress=False,
            access_log=None,  # type: ignore[arg-type]  # As web.AppRunner allows: addresses hold tokens.
        )


class _Connection(web.RequestHandler):
    """Says nothing of its own in errors: neither to the client, nor, with a token in it, to the log."""

    def handle_error(
        self,
        request: web.BaseRequest,
        status: int = 500,
        exc: BaseException | None = None,
        message: str | None = None,
    ) -> web.StreamResponse:
        """Answer what is no HTTP, and what failed outside of the application."""
        if status >= 500:
            bug(_log, "web-bug", route="none")
        else:
            event(_log, "request", method="other", route="none", status=status, reason=type(exc).__name__)
        if request.writer.output_size > 0:
            raise ConnectionError("the answer has begun already")
        response = web.Response(
            status=status, text="This request cannot be answered.\n", headers={**HEADERS, "Server": "challenge-gateway"}
        )
        response.force_close()
        return response


class _Full(asyncio.Protocol):
    """A connection too many: closed at once."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()
