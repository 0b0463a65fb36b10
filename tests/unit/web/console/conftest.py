"""The consoles that several modules test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from gateway.reading.reader import Reader
from gateway.store.store import Store
from tests.store.fresh import fresh_store
from tests.unit.web.console.house import house
from tests.unit.web.console.lists_desk import desk
from tests.unit.web.console.mail_desk import mail_desk

__all__ = ["desk", "house", "mail_desk"]


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[Store]:
    """An empty store."""
    opened = fresh_store(f"sqlite:///{tmp_path}/gateway.db")
    yield opened
    await opened.close()


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """Give the process that reads mails; it starts at the first one."""
    made = Reader()
    yield made
    await made.close()
