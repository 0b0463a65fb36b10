"""What every long-lived process of the gateway sets up for itself."""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import sys
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Any, TypeVar

T = TypeVar("T")

_M_ARENA_MAX = -8
"""Of GNU's mallopt(3)."""


def keep_standard_streams() -> None:
    """Let nothing be where standard input, output or error were closed: else what is opened next would get their number,
    with all that is written to them, in this process and in those it starts."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.set_inheritable(os.open(os.devnull, os.O_RDWR), True)  # The lowest number that is free: this one.
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", closefd=False)


def few_heaps() -> None:
    """Let all threads share two heaps of the C library: with one each, what they free in turn is kept many times over."""
    with suppress(AttributeError, OSError):  # Another C library than GNU's has no such setting.
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def collect_seldom() -> None:
    """Look for garbage less often, once everything that lives as long as the process is there."""
    # What the start has left behind would be kept as long; and the C library keeps what was freed.
    gc.collect()
    with suppress(AttributeError, OSError):
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()
    # Not after every 700 new values: a mail makes hundreds, and they go by themselves.
    gc.set_threshold(20_000, 20, 20)


def load_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """Return what makes an event loop of uvloop, or None, for asyncio's own, where that is not installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop


def run_loop(main: Coroutine[Any, Any, T]) -> T:
    """Run until done and return the result, on uvloop where it is installed."""
    with asyncio.Runner(loop_factory=load_loop()) as runner:
        return runner.run(main)
