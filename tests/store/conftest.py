"""A store on a file of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.store.store import Store
from tests.store.fresh import fresh_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = fresh_store(url)
    yield opened
    await opened.close()
