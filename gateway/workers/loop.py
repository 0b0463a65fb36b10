"""One loop: run a verb while there is work, then wait for a wake-up or a while."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from gateway.flow.ports import StoreDown
from gateway.log import bug, warning

_log = logging.getLogger("gateway.workers")


class Loop:
    """Calls `work` until it finds nothing to do; then waits for `wake`, or for `pause` seconds.

    The pause is the truth, the wake-up only a hint: work that another process has left is found by looking.
    """

    def __init__(self, name: str, work: Callable[[], Awaitable[int]], pause: float) -> None:
        """work: returns how much it did."""
        self._name = name
        self._work = work
        self._pause = pause
        self._hint = asyncio.Event()
        self._task: asyncio.Task[None] | None = None
        self._stopping = False

    def start(self) -> None:
        """Begin to work, as a task of the running loop."""
        self._task = asyncio.get_running_loop().create_task(self._run(), name=self._name)

    def wake(self) -> None:
        """Say that there may be work."""
        self._hint.set()

    async def stop(self, grace: float) -> None:
        """Let the work in hand end within `grace` seconds; what is cut off is taken up again when its lease ends."""
        self._stopping = True
        self._hint.set()
        if self._task is not None:
            _, pending = await asyncio.wait([self._task], timeout=grace)
            for task in pending:
                task.cancel()
                await asyncio.wait([task])

    async def _run(self) -> None:
        while not self._stopping:
            self._hint.clear()
            try:
                if await self._work():
                    continue
            except StoreDown as down:
                warning(_log, "store-down", worker=self._name, problem=str(down))
            except Exception:
                bug(_log, "worker-failed", worker=self._name)
            try:
                async with asyncio.timeout(self._pause):
                    await self._hint.wait()
            except TimeoutError:
                pass
