"""Make pictures and sounds off the event loop, a bounded number at a time."""

from __future__ import annotations

import asyncio
import functools
import multiprocessing
import threading
from collections.abc import Callable
from concurrent.futures import Executor, ProcessPoolExecutor, ThreadPoolExecutor
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from challenge_web.picture import SeededCaptcha
    from challenge_web.sound import SeededSpeech

_WAITING = 100
"""Drawings asked for and not yet made, at most: about half a second of work."""
_THREADS = 2


class StudioBusy(Exception):
    """Too many are waiting already; ask again in a while."""


class Studio:
    """Two threads that draw (Pillow lets go of the interpreter lock), and one process that speaks, once needed."""

    def __init__(self, key: bytes) -> None:
        self._key = key
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="picture")
        self._process: ProcessPoolExecutor | None = None
        self._own = threading.local()
        self._waiting = 0

    async def picture(self, nonce: bytes) -> bytes:
        """Return the PNG of a puzzle. Raises StudioBusy."""
        return await self._made(self._threads, _WAITING, self._draw, nonce)

    async def sound(self, nonce: bytes) -> bytes:
        """Return the WAV file of a puzzle. Raises StudioBusy."""
        if self._process is None:
            # Not forked: the child must not inherit the sockets and threads of a running server.
            self._process = ProcessPoolExecutor(1, multiprocessing.get_context("spawn"))
        return await self._made(self._process, _WAITING // 10, _speak, self._key, nonce)

    def close(self) -> None:
        """Let what runs end, drop what waits."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        if self._process is not None:
            self._process.shutdown(wait=False, cancel_futures=True)

    async def _made(self, where: Executor, room: int, make: Callable[..., bytes], *arguments: bytes) -> bytes:
        if self._waiting >= room:
            raise StudioBusy
        self._waiting += 1
        try:
            return await asyncio.get_running_loop().run_in_executor(where, make, *arguments)
        finally:
            self._waiting -= 1

    def _draw(self, nonce: bytes) -> bytes:
        # Imported here: it takes 8 MB, and a site that asks by proof of work alone never needs it.
        from challenge_web.picture import SeededCaptcha, draw_picture

        captcha: SeededCaptcha | None = getattr(self._own, "captcha", None)
        if captcha is None:
            captcha = self._own.captcha = SeededCaptcha()
        return draw_picture(captcha, self._key, nonce)


@functools.cache
def _speech() -> SeededSpeech:
    from challenge_web.sound import SeededSpeech

    return SeededSpeech()


def _speak(key: bytes, nonce: bytes) -> bytes:
    """Runs in the process of its own, which reads the recordings once."""
    from challenge_web.sound import say_letters

    return say_letters(_speech(), key, nonce)
