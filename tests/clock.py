"""A loop whose time passes by the test's word."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any


async def settle() -> None:
    """Let everything run that can run without new input."""
    for _ in range(12):
        await asyncio.sleep(0)


class ForwardClock(asyncio.SelectorEventLoop):
    """A loop for which time passes only when it is told so, however slow the machine is."""

    now = 0.0

    def time(self) -> float:
        return self.now


async def pass_time(seconds: float) -> None:
    """Put the clock of a ForwardClock forward."""
    loop = asyncio.get_running_loop()
    assert isinstance(loop, ForwardClock)
    loop.now += seconds
    await settle()


def run_with_clock(main: Coroutine[Any, Any, None]) -> None:
    """Run on a loop whose clock `pass_time` moves."""
    with asyncio.Runner(loop_factory=ForwardClock) as runner:
        runner.run(main)
