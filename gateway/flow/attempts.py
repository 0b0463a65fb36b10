"""Attempts side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any


async def all_of(attempts: Iterable[Coroutine[Any, Any, None]]) -> None:
    """Run attempts side by side until each has ended; then raise what the first of those that failed raised.

    Unlike a bare gather, it leaves none running that nobody waits for.
    """
    results = await asyncio.gather(*attempts, return_exceptions=True)
    for result in results:
        if isinstance(result, BaseException):
            raise result
