"""What operators and their machines ask: does it live, is it ready, how is it doing."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping

from aiohttp import hdrs, web
from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.exposition import choose_encoder

from challenge_web.middleware import add_headers

Check = Callable[[], Awaitable[bool]]
"""Asks one thing we need; False or any exception means that it cannot be used now."""

CHECK_SECONDS = 5.0


def make_monitor_app(
    checks: Mapping[str, Check],
    *,
    registry: CollectorRegistry = REGISTRY,
    gather: Callable[[], Awaitable[None]] | None = None,
    check_seconds: float = CHECK_SECONDS,
) -> web.Application:
    """Return the application of the monitor listener: /healthz, /readyz, /metrics. It belongs on a private address.

    checks: by the name shown in /readyz, as "store" and "next-hop". gather: brings the counters up to date with those of
    other processes, before they are told.
    """

    async def healthz(request: web.Request) -> web.Response:
        """The process lives and its loop turns."""
        return _text("ok\n")

    async def readyz(request: web.Request) -> web.Response:
        """Every check holds: 200, else 503; one line for each."""
        found = await asyncio.gather(*(_holds(check, check_seconds) for check in checks.values()))
        lines = "".join(f"{name} {'ok' if ok else 'failing'}\n" for name, ok in zip(checks, found, strict=True))
        return _text(lines or "ok\n", 200 if all(found) else 503)

    async def metrics(request: web.Request) -> web.Response:
        """All counters, in the format that is asked for."""
        if gather is not None:
            await gather()
        encode, content_type = choose_encoder(request.headers.get(hdrs.ACCEPT, ""))
        return web.Response(body=encode(registry), headers={hdrs.CONTENT_TYPE: content_type})

    app = web.Application()
    app.on_response_prepare.append(add_headers)
    app.router.add_get("/healthz", healthz)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", metrics)
    return app


async def _holds(check: Check, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            return await check()
    except Exception:
        # Whatever it was, the answer to "can it be used now" is no; the part itself logs its troubles.
        return False


def _text(text: str, status: int = 200) -> web.Response:
    return web.Response(text=text, status=status, headers={hdrs.CACHE_CONTROL: "no-store"})
