"""One further process at the door, as the service sees it: start it, start it again, hear it, end it."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from gateway import counting, log
from gateway.doors.protocol import (
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
    read_from_door,
)

if TYPE_CHECKING:
    from gateway.doors.forked import Forked
    from gateway.doors.supervisor import Supervisor

_log = logging.getLogger("gateway.doors")

FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a process that ended by itself is started again; twice as long each time it does so at once."""
STEADY = 60.0
"""Seconds after which a process counts as one that works."""
COUNT_SECONDS = 1.0
"""For the others to tell their counters; of who takes longer, those it told last count."""
RELOAD_SECONDS = 5.0
"""For them to reload."""
LEAVE_SECONDS = 40.0
"""For a process that has hung up to be gone; longer than `process.ORPHAN_SECONDS`."""
GRACE = 3.0
"""Seconds beyond those for the mail in hand, before a process is killed."""


@dataclass(frozen=True, slots=True)
class Patience:
    """When a process counts as one that hangs: it is killed then, and another takes its place."""

    look_apart: float = 20.0
    """Seconds between two looks whether it still answers."""
    seconds: float = 30.0
    """For its answer."""


PATIENCE = Patience()


class ChildProcess:
    """One process, and the one that takes its place when it ends by itself."""

    def __init__(self, supervisor: Supervisor, number: int) -> None:
        self._supervisor = supervisor
        self._number = number
        self._process: Process | Forked | None = None
        self._line: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._serials = itertools.count(1)
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._stopping = asyncio.Event()
        self._cut_off = 0

    async def spawn(self) -> None:
        """Start the process, which then waits for its first word; where it cannot be, `begin` tries it again."""
        try:
            await self._start()
        except OSError as fault:
            self._not_started(fault)

    def begin(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Let it take mail, now and whenever it was started again."""
        self._task = asyncio.create_task(self._tend(sockets), name=f"door process {self._number}")

    def say(self, message: ToDoor) -> None:
        """Tell it something, if it is there."""
        if self._writer is not None and not self._writer.is_closing():
            self._writer.write(framed(message))

    async def count(self, seconds: float = COUNT_SECONDS) -> bool:
        """Ask for its counters, and wait for them, but not for long; return False where it did not answer."""
        if self._writer is None:
            return True
        serial = next(self._serials)
        answer = self._asked[serial] = asyncio.get_running_loop().create_future()
        self.say(Count(serial))
        try:
            async with asyncio.timeout(seconds):
                await answer
        except TimeoutError:
            log.warning(_log, "door-process-slow", process=self._number, seconds=seconds)
            return False
        finally:
            self._asked.pop(serial, None)
        return True

    async def reload(self, level: str) -> None:
        """Let it reload, and wait until it has, but not for long."""
        self.say(Reload(level))
        await self.count(RELOAD_SECONDS)  # It answers one after the other.

    async def stop(self, seconds: float) -> int:
        """Let it end; return how many sessions were cut off."""
        self._stopping.set()
        self.say(End(seconds))
        if self._task is None:
            await self._ended(GRACE)
            return 0
        _, late = await asyncio.wait([self._task], timeout=seconds + GRACE)
        if late:
            self._kill()
            await asyncio.wait([self._task], timeout=GRACE)
            self._task.cancel()
        return self._cut_off

    async def _tend(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Keep a process at work until the service stops."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._stopping.is_set():
            begun = loop.time()
            try:
                if self._process is None:
                    await self._start()
                await self._employ(sockets)
            except OSError as fault:
                self._not_started(fault)
            except Exception:
                # Our own fault. The next process may do better, and without one less mail is taken.
                log.bug(_log, "door-process-failed", process=self._number)
            status = await self._ended(LEAVE_SECONDS)
            if self._stopping.is_set():
                return
            pause = FIRST_PAUSE if loop.time() - begun > STEADY else min(2 * pause, LONGEST_PAUSE)
            log.warning(_log, "door-process-ended", process=self._number, status=status, again_in_seconds=pause)
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._stopping.wait()

    async def _start(self) -> None:
        """Take one that was forked, or start a process. Raises OSError."""
        if forked := self._supervisor.take_forked():
            self._process, self._line = forked, forked.line
            return
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                self._process = await asyncio.create_subprocess_exec(
                    *self._supervisor.command,
                    str(theirs.fileno()),
                    stdin=DEVNULL,
                    pass_fds=(theirs.fileno(),),
                    start_new_session=True,  # What is typed at the service's terminal is for the service.
                )
            except BaseException:
                ours.close()
                raise
        self._line = ours

    async def _employ(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Give a process its sockets and hear it until it ends. Raises OSError."""
        if self._stopping.is_set() or self._line is None:
            return
        with ExitStack() as ours:
            self._supervisor.send_descriptors(self._line, [ours.enter_context(one) for one in sockets()])
        line, self._line = self._line, None
        reader, self._writer = await asyncio.open_unix_connection(sock=line)
        if self._stopping.is_set():
            return
        # Not before: of a reload that comes meanwhile it would not be told.
        self.say(self._supervisor.first_word(self._number))
        watch = asyncio.create_task(self._watch())
        try:
            while True:
                self._hear(read_from_door(await next_message(reader)))
        except (asyncio.IncompleteReadError, OSError):
            return
        finally:
            watch.cancel()

    async def _watch(self) -> None:
        """Kill the process when it does not answer any more: the kernel deals out clients to it all the same."""
        while True:
            await asyncio.sleep(self._supervisor.patience.look_apart)
            if not await self.count(self._supervisor.patience.seconds) and not self._stopping.is_set():
                self._kill()

    def _hear(self, told: FromDoor) -> None:
        if isinstance(told, Wake):
            self._supervisor.wake(told)
        elif isinstance(told, Counted):
            counting.learn(self._number, told.counts)
            asked = self._asked.get(told.serial)
            if asked is not None and not asked.done():
                asked.set_result(None)
        elif isinstance(told, Ended):
            counting.learn(self._number, told.counts)
            self._cut_off = told.cut_off
        elif isinstance(told, Ready):
            process = self._process
            log.event(_log, "door-process-ready", process=self._number, pid=0 if process is None else process.pid)

    async def _ended(self, patience: float) -> int | None:
        """Hang up, let the process end, and forget it; return its exit status, None where there was no process."""
        self._hang_up()
        status = None
        if self._process is not None:
            try:
                async with asyncio.timeout(patience):
                    status = await self._process.wait()
            except TimeoutError:
                self._kill()
                status = await self._process.wait()
        self._process = None
        self._supervisor.forget(self._number)
        return status

    def _hang_up(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        if self._line is not None:
            self._line.close()
            self._line = None
        for asked in self._asked.values():
            if not asked.done():
                asked.set_result(None)

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            log.warning(_log, "door-process-killed", process=self._number, pid=self._process.pid)
            with suppress(ProcessLookupError):
                self._process.kill()

    def _not_started(self, fault: OSError) -> None:
        log.warning(_log, "door-process-not-started", process=self._number, problem=str(fault))
