"""A store on a file of its own for each test."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from gateway.store.engine import open_engine
from gateway.store.store import Store
from tests.store.fresh import fresh_store, lay_store


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path}/gateway.db"


@pytest.fixture
async def store(url: str) -> AsyncIterator[Store]:
    opened = fresh_store(url)
    yield opened
    await opened.close()


@pytest.fixture
def connection(tmp_path: Path, url: str) -> Iterator[Connection]:
    """A writing transaction on a file of its own, for tables that are tested without the store around them."""
    lay_store(tmp_path / "gateway.db")
    engine = open_engine(url, writing=True)
    with engine.connect() as opened, opened.begin():
        yield opened
    engine.dispose()
