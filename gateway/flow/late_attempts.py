"""Attempts that a server lets wait: others are begun meanwhile, but no more with that server."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Hashable, Iterable
from typing import Any

MOST_LATE = 20
"""Late attempts with one server from which on it gets no more."""


class LateAttempts:
    """Runs attempts side by side, and knows those that take long."""

    def __init__(self) -> None:
        self._late: dict[asyncio.Task[None], Hashable] = {}
        self._faults: list[BaseException] = []

    def many(self, server: Hashable) -> bool:
        """True where a server should be given no more for now."""
        return list(self._late.values()).count(server) >= MOST_LATE

    async def run(self, attempts: Iterable[tuple[Hashable, Coroutine[Any, Any, None]]], patience: float) -> None:
        """Run attempts, each with its server, until they have ended or `patience` seconds are over.

        What has not ended then goes on as late. Raises what the first raised that failed, also where it was late.
        """
        tasks = {asyncio.ensure_future(attempt): server for server, attempt in attempts}
        if tasks:
            try:
                ended, late = await asyncio.wait(tasks, timeout=patience)
            except asyncio.CancelledError:
                await _cancel(tasks)
                raise
            for task in late:
                self._late[task] = tasks[task]
                task.add_done_callback(self._end)
            for task in ended:
                self._note(task)
        faults, self._faults = self._faults, []
        if faults:
            raise faults[0]

    async def close(self, grace: float) -> None:
        """Let what is under way end within so many seconds, and cut off the rest."""
        if self._late:
            await asyncio.wait(self._late, timeout=grace)
        await _cancel(list(self._late))

    def _end(self, task: asyncio.Task[None]) -> None:
        del self._late[task]
        self._note(task)

    def _note(self, task: asyncio.Task[None]) -> None:
        if not task.cancelled() and (fault := task.exception()) is not None:
            self._faults.append(fault)


async def _cancel(tasks: Iterable[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
