"""A further process at the door: forked from the service, or `python -m gateway.doors.process DESCRIPTOR`.

DESCRIPTOR is one end of a pair of sockets, over which it is told everything. It ends when the service says so, or is
gone: mail that was begun is taken to its end first.
"""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import socket
import sys
import time

from gateway import log
from gateway.counting import counts
from gateway.doors.protocol import (
    AnotherVersion,
    Begin,
    Count,
    Counted,
    End,
    Ended,
    FromDoor,
    Ready,
    Reload,
    ToDoor,
    Wake,
    framed,
    next_message,
    read_to_door,
    receive_descriptors,
    unpack_settings,
)
from gateway.flow.ports import StoreDown
from gateway.front import Front
from gateway.processes import collect_seldom, few_heaps, run_loop
from gateway.smtp.share import Share
from gateway.store.store import Store

_log = logging.getLogger("gateway.doors")

ORPHAN_SECONDS = 30.0
"""How long mail in hand may take to end when the service is gone."""
GRACE = 2.0
"""Seconds for the last notes."""
WAKE_APART = 0.02
"""Seconds between two words to the service that there is work; its workers look by themselves each second."""


class Line:
    """The way to the service."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._challenges = self._deliveries = False
        self._soon: asyncio.TimerHandle | None = None

    def say(self, message: FromDoor) -> None:
        """Tell something, where the service still listens."""
        if not self._writer.is_closing():
            self._writer.write(framed(message))

    async def hear(self) -> ToDoor | None:
        """Return what is said next; None where the service is gone."""
        try:
            return read_to_door(await next_message(self._reader))
        except (asyncio.IncompleteReadError, OSError):
            return None

    async def close(self) -> None:
        """Let the last word get there."""
        try:
            await self._writer.drain()
        except OSError:
            return
        self._writer.close()

    def wake_challenges(self) -> None:
        """Say, in a moment, that somebody is to be asked."""
        self._challenges = True
        self._wake_soon()

    def wake_deliveries(self) -> None:
        """Say, in a moment, that mail is owed."""
        self._deliveries = True
        self._wake_soon()

    def _wake_soon(self) -> None:
        if self._soon is None:
            self._soon = asyncio.get_running_loop().call_later(WAKE_APART, self._wake)

    def _wake(self) -> None:
        self.say(Wake(self._challenges, self._deliveries))
        self._soon, self._challenges, self._deliveries = None, False, False


async def run(end: socket.socket, memory: int, sockets: list[socket.socket]) -> bool:
    """Take mail until told otherwise; return False where that could not be.

    end: of the pair of sockets. memory, sockets: as they came over it.
    """
    line = Line(*await asyncio.open_unix_connection(sock=end))
    begin = await line.hear()
    if not isinstance(begin, Begin):
        return True  # The service was gone before it said anything.
    handler = log.setup(begin.log_level, begin.log_format)
    try:
        await _take_mail(line, begin, Share(memory, begin.processes, begin.number), sockets)
    except (AnotherVersion, StoreDown, OSError) as fault:
        log.warning(_log, "door-process-not-started", process=begin.number, problem=str(fault))
        return False
    except Exception:
        log.bug(_log, "door-process-failed", process=begin.number)
        return False
    finally:
        handler.close()
    return True


async def _take_mail(line: Line, begin: Begin, share: Share, sockets: list[socket.socket]) -> None:
    """Raises AnotherVersion, StoreDown, OSError."""
    settings = unpack_settings(begin)
    store = Store(settings.store.url)
    try:
        front = Front(
            settings,
            store,
            await store.key("site"),
            now=time.time,
            wake_challenges=line.wake_challenges,
            wake_deliveries=line.wake_deliveries,
            processes=begin.processes,
            share=share,
        )
        front.begin()
        await front.open(sockets)
        collect_seldom()
        line.say(Ready())
        cut_off = await front.stop(await _obey(line, front))
        await front.close(GRACE)
        line.say(Ended(cut_off, counts()))
        await line.close()
    finally:
        await store.close()


async def _obey(line: Line, front: Front) -> float:
    """Do what is asked, until it is the end; return how many seconds that may take."""
    while True:
        told = await line.hear()
        if told is None:
            return ORPHAN_SECONDS
        if isinstance(told, End):
            return told.seconds
        if isinstance(told, Count):
            line.say(Counted(told.serial, counts()))
        elif isinstance(told, Reload):
            logging.getLogger().setLevel(told.level.upper())
            try:
                front.reload()
            except OSError as fault:
                # The service has just read the same files, so they were changed once more: the old ones stay.
                log.warning(_log, "not-reloaded", problem=str(fault))


def take_mail_over(end: socket.socket) -> int:
    """Take mail as told over this end of a pair of sockets; return the exit status."""
    # What ends or reloads the service is for the service: a terminal and systemd signal all of its processes.
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    os.umask(0o077)
    few_heaps()
    received = receive_descriptors(end)
    return 0 if received is None or run_loop(run(end, *received)) else 1


if __name__ == "__main__":
    sys.exit(take_mail_over(socket.socket(fileno=int(sys.argv[1]))))
