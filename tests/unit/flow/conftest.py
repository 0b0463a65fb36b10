"""A fresh world for each test, and a desk in it where digests are sent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.unit.flow.digest_desk import DigestDesk
from tests.unit.flow.world import World


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    made = World(tmp_path)
    yield made
    await made.close()


@pytest.fixture
def desk(world: World) -> DigestDesk:
    made = DigestDesk(world)
    made.on()
    return made
