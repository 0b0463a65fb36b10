"""What operators ask."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import CollectorRegistry, Counter
from pytest_aiohttp.plugin import AiohttpClient

from challenge_web.app import make_monitor_app
from challenge_web.monitor import Check


async def good() -> bool:
    return True


async def bad() -> bool:
    return False


async def broken() -> bool:
    raise OSError("secret path")


async def hanging() -> bool:
    await asyncio.Event().wait()
    return True


async def test_healthz_answers_while_nothing_is_ready(aiohttp_client: AiohttpClient) -> None:
    client = await aiohttp_client(make_monitor_app({"store": bad}))
    response = await client.get("/healthz")
    assert (response.status, await response.text()) == (200, "ok\n")


@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nowhere"])
async def test_monitor_does_not_say_what_it_is_made_of(aiohttp_client: AiohttpClient, path: str) -> None:
    response = await (await aiohttp_client(make_monitor_app({}))).get(path)
    assert response.headers["Server"] == "challenge-gateway"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


@pytest.mark.parametrize(
    ("check", "status", "words"),
    [(good, 200, "ok"), (bad, 503, "failing"), (broken, 503, "failing"), (hanging, 503, "failing")],
)
async def test_readyz_names_what_fails(aiohttp_client: AiohttpClient, check: Check, status: int, words: str) -> None:
    app = make_monitor_app({"store": good, "next-hop": check}, check_seconds=0.01)
    response = await (await aiohttp_client(app)).get("/readyz")
    assert (response.status, await response.text()) == (status, f"store ok\nnext-hop {words}\n")


async def test_metrics_are_those_of_the_registry(aiohttp_client: AiohttpClient) -> None:
    registry = CollectorRegistry()
    Counter("gateway_things", "Things.", registry=registry).inc()
    client = await aiohttp_client(make_monitor_app({}, registry=registry))
    response = await client.get("/metrics")
    assert response.content_type == "text/plain"
    assert "gateway_things_total 1.0" in await response.text()
    openmetrics = await client.get("/metrics", headers={"Accept": "application/openmetrics-text; version=1.0.0"})
    assert openmetrics.content_type == "application/openmetrics-text"
