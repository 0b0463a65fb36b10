"""Signals as the service takes them: SIGTERM and SIGINT end it, one that follows ends it at once; SIGHUP wants a reload."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Callable

ONE_SIGNAL = 1.0
"""Seconds within which a signal that comes twice was meant once: a supervisor and a process group may both send it."""


class Signals:
    """What the process was told so far. From `caught()` on, no signal ends the process by itself."""

    def __init__(self, last_words: Callable[[int], None]) -> None:
        """last_words: is run before a second signal ends the process."""
        self.ended = asyncio.Event()
        """Set by the first SIGTERM or SIGINT."""
        self.reload = asyncio.Event()
        """Set by SIGHUP; who reloads clears it."""
        self._last_words = last_words
        self._ended_at = 0.0

    @classmethod
    def caught(cls, last_words: Callable[[int], None] = lambda number: None) -> Signals:
        """Catch the signals of this process, in the running loop."""
        signals = cls(last_words)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, signals._end, number)
        loop.add_signal_handler(signal.SIGHUP, signals.reload.set)
        return signals

    def _end(self, number: int) -> None:
        now = asyncio.get_running_loop().time()
        if not self.ended.is_set():
            self._ended_at = now
            self.ended.set()
        if now - self._ended_at < ONE_SIGNAL:
            return
        self._last_words(number)
        # What was accepted is on the disk: an end like a crash loses nothing, and waits for nobody.
        os._exit(128 + number)
