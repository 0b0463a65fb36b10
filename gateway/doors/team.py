"""The service's side of the further processes at its door: start them, start them again, ask them, end them."""

from __future__ import annotations

import asyncio
import itertools
import logging
import socket
import sys
from asyncio.subprocess import DEVNULL, Process
from collections.abc import Callable, Sequence
from contextlib import suppress

import msgspec

from gateway import counting, log
from gateway.doors.protocol import (
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
    pack_settings,
    read_from_door,
    send_begin,
)
from gateway.settings import Settings
from gateway.smtp.share import Share, new_memory

_log = logging.getLogger("gateway.doors")

AT_MOST = 4
"""Processes where the settings leave their number to us: behind these it is the store that is busy."""
FIRST_PAUSE, LONGEST_PAUSE = 0.5, 30.0
"""Seconds before a process that ended by itself is started again; twice as long each time it does so at once."""
STEADY = 60.0
"""Seconds after which a process counts as one that works."""
COUNT_SECONDS = 1.0
"""For the others to tell their counters; of who takes longer, those it told last count."""
GRACE = 3.0
"""Seconds beyond those for the mail in hand, before a process is killed."""


def how_many(settings: Settings, processors: int) -> int:
    """Return how many processes take mail, the service among them."""
    wanted = settings.smtp.processes or min(processors, AT_MOST)
    # Each needs a connection to each next hop at least.
    return max(1, min(wanted, settings.relay.next_hop_connections))


class Team:
    """The further processes."""

    def __init__(
        self,
        settings: Settings,
        processes: int,
        *,
        wake_challenges: Callable[[], None],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """processes: how many there are with the service. Raises OSError where there is no memory to share."""
        self._settings = settings
        self._memory = new_memory(processes)
        self._share = Share(self._memory.fileno(), processes, 0)
        self._wake_challenges = wake_challenges
        self._wake_deliveries = wake_deliveries
        self._members = [_Member(self, number) for number in range(1, processes)]
        self._processes = processes

    @property
    def share(self) -> Share:
        """What they count together, as the service sees it."""
        return self._share

    async def summon(self) -> None:
        """Start the processes: they load what they need while the service starts, and wait for `begin`."""
        await asyncio.gather(*(member.start() for member in self._members))

    def begin(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Let them take mail. sockets: makes those of one process, bound to the same addresses as ours."""
        for member in self._members:
            member.begin(sockets)

    async def count(self) -> None:
        """Bring the counters up to date with what the others have counted."""
        await asyncio.gather(*(member.count() for member in self._members))

    def reload(self, level: str) -> None:
        """Let them read the certificate again, and log from this level on; so do those that start later."""
        log_settings = msgspec.structs.replace(self._settings.log, level=level)
        self._settings = msgspec.structs.replace(self._settings, log=log_settings)
        for member in self._members:
            member.say(Reload(level))

    async def stop(self, seconds: float) -> int:
        """Let them end within so many seconds; return how many sessions were cut off. A second time it does nothing."""
        members, self._members = self._members, []
        cut_off = await asyncio.gather(*(member.stop(seconds) for member in members))
        return sum(cut_off)

    # What its members use.

    def send_begin(self, line: socket.socket, number: int, sockets: Sequence[socket.socket]) -> None:
        """Tell a process what it has to know. Raises OSError."""
        begin = Begin(pack_settings(self._settings), self._processes, number)
        send_begin(line, begin, self._memory.fileno(), sockets)

    def wake(self, told: Wake) -> None:
        """Somebody has put work into the store."""
        if told.challenges:
            self._wake_challenges()
        if told.deliveries:
            self._wake_deliveries()

    def forget(self, number: int) -> None:
        """A process is gone, and with it its connections; what it had counted stays counted."""
        self._share.forget(number)
        counting.keep(number)


class _Member:
    """One process, and the one that takes its place when it ends by itself."""

    def __init__(self, team: Team, number: int) -> None:
        self._team = team
        self._number = number
        self._process: Process | None = None
        self._line: socket.socket | None = None
        self._writer: asyncio.StreamWriter | None = None
        self._task: asyncio.Task[None] | None = None
        self._serials = itertools.count(1)
        self._asked: dict[int, asyncio.Future[None]] = {}
        self._stopping = False
        self._cut_off = 0

    async def start(self) -> None:
        """Start the process, which then waits for its first word. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-P", "-m", "gateway.doors.process", str(theirs.fileno())),
                stdin=DEVNULL,
                pass_fds=(theirs.fileno(),),
                start_new_session=True,  # What is typed at the service's terminal is for the service.
            )
        self._line = ours

    def begin(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Let it take mail, now and whenever it was started again."""
        self._task = asyncio.create_task(self._tend(sockets), name=f"door process {self._number}")

    def say(self, message: ToDoor) -> None:
        """Tell it something, if it is there."""
        if self._writer is not None:
            self._writer.write(framed(message))

    async def count(self) -> None:
        """Ask for its counters, and wait for them, but not for long."""
        if self._writer is None:
            return
        serial = next(self._serials)
        self._asked[serial] = asyncio.get_running_loop().create_future()
        self.say(Count(serial))
        try:
            async with asyncio.timeout(COUNT_SECONDS):
                await self._asked[serial]
        except TimeoutError:
            log.warning(_log, "door-process-slow", process=self._number)
        finally:
            self._asked.pop(serial, None)

    async def stop(self, seconds: float) -> int:
        """Let it end; return how many sessions were cut off."""
        self._stopping = True
        self.say(End(seconds))
        if self._writer is None:
            self._hang_up()
        if self._task is not None:
            await asyncio.wait([self._task], timeout=seconds + GRACE)
        elif self._process is not None:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), GRACE)
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        return self._cut_off

    async def _tend(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Keep a process at work until the service stops."""
        loop = asyncio.get_running_loop()
        pause = FIRST_PAUSE
        while not self._stopping:
            begun = loop.time()
            try:
                if self._process is None:
                    await self.start()
                await self._employ(sockets())
            except OSError as fault:
                log.warning(_log, "door-process-not-started", process=self._number, problem=str(fault))
            self._hang_up()
            status = await self._process.wait() if self._process is not None else None
            self._process = None
            self._team.forget(self._number)
            if self._stopping:
                return
            pause = FIRST_PAUSE if loop.time() - begun > STEADY else min(2 * pause, LONGEST_PAUSE)
            log.warning(_log, "door-process-ended", process=self._number, status=status, again_in_seconds=pause)
            await asyncio.sleep(pause)

    async def _employ(self, sockets: Sequence[socket.socket]) -> None:
        """Give a process its sockets and hear it until it ends. Raises OSError."""
        assert self._line is not None
        try:
            self._team.send_begin(self._line, self._number, sockets)
        finally:
            for one in sockets:
                one.close()
        reader, self._writer = await asyncio.open_unix_connection(sock=self._line)
        self._line = None
        while True:
            try:
                told = read_from_door(await next_message(reader))
            except (asyncio.IncompleteReadError, OSError):
                return
            self._hear(told)

    def _hear(self, told: FromDoor) -> None:
        if isinstance(told, Wake):
            self._team.wake(told)
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
