"""How commands reach the store, beside the running service."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from gateway.cli.faults import CommandError, told
from gateway.cli.options import settings_of
from gateway.store.engine import sqlite_path, translated_errors
from gateway.store.schema import Age, age
from gateway.store.store import Store

T = TypeVar("T")


def age_of(url: str) -> Age:
    """Tell how old a store's schema is. Raises CommandError where it cannot be read."""
    with told(sqlite_path(url)), translated_errors():
        return age(url)


def with_store(config: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store of a configuration, run work on it, close it. Raises CommandError where it cannot be used."""
    url = settings_of(config).store.url
    if age_of(url) is Age.EMPTY:
        path = sqlite_path(url)
        raise CommandError(
            f"there is no store at {path}: start the service once, or run `challenge-gateway db upgrade`"
        )
    with told(sqlite_path(url)):
        return asyncio.run(_worked(url, work))


async def _worked(url: str, work: Callable[[Store], Awaitable[T]]) -> T:
    store = Store(url)
    try:
        return await work(store)
    finally:
        await store.close()
