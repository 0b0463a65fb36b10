"""One public application for each test, with its fakes. What is compiled of the templates is shared by all."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestClient
from pytest_aiohttp.plugin import AiohttpClient

from challenge_web.app import AddPages, make_app
from challenge_web.pages import ENVIRONMENT
from challenge_web.puzzle import Puzzles
from tests.unit.web.compiled import COMPILED
from tests.unit.web.fakes import KEY, SITE, Chance, Clock, FakeAnswers

Client = TestClient[web.Request, web.Application]
MakeClient = Callable[..., Awaitable[Client]]


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def answers(clock: Clock) -> FakeAnswers:
    return FakeAnswers(clock)


@pytest.fixture
def puzzles() -> Puzzles:
    return Puzzles(KEY, work_bits=3)


@pytest.fixture
def make_client(aiohttp_client: AiohttpClient, clock: Clock, answers: FakeAnswers, puzzles: Puzzles) -> MakeClient:
    async def make(*more: AddPages, **told: Any) -> Client:
        """more: adds pages. told: to `make_app`."""
        app = make_app(
            told.pop("answers", answers),
            puzzles,
            told.pop("site", SITE),
            more=more,
            now=clock.now,
            tick=clock.tick,
            chance=Chance(),
            **told,
        )
        app[ENVIRONMENT].bytecode_cache = COMPILED
        return await aiohttp_client(app)

    return make


@pytest.fixture
async def client(make_client: MakeClient) -> Client:
    return await make_client()
