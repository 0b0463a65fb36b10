"""Threads for what waits for another server: few, and its own, so that a slow one stops nothing else."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from gateway.flow.sign_in_ports import CheckDown

T = TypeVar("T")

_AT_ONCE = 4
_MOST_WAITING = 40


class Threads:
    """Runs one try after the other, some side by side. No thread is started before the first one."""

    def __init__(self, name: str, seconds: float) -> None:
        """seconds: how long one try may take, its turn included."""
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix=name)
        self._seconds = seconds
        self._count = 0

    async def run(self, work: Callable[[], T]) -> T:
        """Return what it returns. Raises CheckDown when it takes too long, or too many wait."""
        if self._count >= _MOST_WAITING:
            raise CheckDown("too many tries wait for the server")
        self._count += 1
        task = self._pool.submit(work)
        # Counted until the thread is free again, however long somebody waited for it.
        loop = asyncio.get_running_loop()
        task.add_done_callback(lambda _: loop.call_soon_threadsafe(self._done) if not loop.is_closed() else None)
        try:
            async with asyncio.timeout(self._seconds):
                return await asyncio.wrap_future(task)
        except TimeoutError:
            raise CheckDown("the server took too long") from None

    def _done(self) -> None:
        self._count -= 1
