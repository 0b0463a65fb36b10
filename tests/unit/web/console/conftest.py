"""The consoles that several modules test."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from gateway.reading.reader import Reader
from tests.unit.web.console.house import house
from tests.unit.web.console.lists_desk import desk, store
from tests.unit.web.console.mail_desk import mail_desk

__all__ = ["desk", "house", "mail_desk", "store"]


@pytest.fixture
async def reader() -> AsyncIterator[Reader]:
    """Give the process that reads mails; it starts at the first one."""
    made = Reader()
    yield made
    await made.close()
