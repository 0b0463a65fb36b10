"""The service's side of the further processes at its door: all of them together."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import Callable, Sequence

from gateway import __version__, counting
from gateway.doors.child_process import PATIENCE, ChildProcess, Patience
from gateway.doors.forked import Forked
from gateway.doors.protocol import Begin, Wake, pack_settings, send_descriptors
from gateway.settings import Settings
from gateway.smtp.share import Share, new_memory

AT_MOST = 4
"""Processes where the settings leave their number to us: behind these it is the store that is busy."""
COMMAND = (sys.executable, "-P", "-m", "gateway.doors.process")
"""Starts a process; the number of its end of the line follows."""


def how_many(settings: Settings, processors: int = 0) -> int:
    """Return how many processes take mail, the service among them. processors: 0 for those we may use."""
    wanted = settings.smtp.processes or min(processors or len(os.sched_getaffinity(0)), AT_MOST)
    # Each needs a connection to each next hop at least.
    return max(1, min(wanted, settings.relay.next_hop_connections))


class Supervisor:
    """The further processes."""

    def __init__(
        self,
        settings: Settings,
        processes: int,
        *,
        wake_challenges: Callable[[], None],
        wake_deliveries: Callable[[], None],
        patience: Patience = PATIENCE,
        command: Sequence[str] = COMMAND,
        forked: Sequence[Forked] = (),
    ) -> None:
        """processes: how many there are with the service. forked: those that run already. command: starts one more.

        Raises OSError without memory to share.
        """
        self._settings = settings
        self._log_level: str = settings.log.level
        self._memory = new_memory(processes)
        self._share = Share(self._memory.fileno(), processes, 0)
        self._wake_challenges = wake_challenges
        self._wake_deliveries = wake_deliveries
        self.patience = patience
        self.command = command
        self._forked = list(forked)
        self._children = [ChildProcess(self, number) for number in range(1, processes)]
        self._processes = processes

    @property
    def share(self) -> Share:
        """What they count together, as the service sees it."""
        return self._share

    async def spawn(self) -> None:
        """Start the processes: they load what they need while the service starts, and wait for `begin`."""
        await asyncio.gather(*(child.spawn() for child in self._children))

    def begin(self, sockets: Callable[[], Sequence[socket.socket]]) -> None:
        """Let them take mail. sockets: makes those of one process, bound to the same addresses as ours."""
        for child in self._children:
            child.begin(sockets)

    async def count(self) -> None:
        """Bring the counters up to date with what the others have counted."""
        await asyncio.gather(*(child.count() for child in self._children))

    async def reload(self, level: str) -> None:
        """Let them read the certificate again, and log from this level on; so do those that start later.

        Returns when they have, but for one that takes too long.
        """
        self._log_level = level
        await asyncio.gather(*(child.reload(level) for child in self._children))

    async def stop(self, seconds: float) -> int:
        """Let them end within so many seconds; return how many sessions were cut off. A second time it does nothing."""
        children, self._children = self._children, []
        cut_off = await asyncio.gather(*(child.stop(seconds) for child in children))
        self._memory.close()
        return sum(cut_off)

    # What its children use.

    def take_forked(self) -> Forked | None:
        """Return a process that waits for its first word, or None where one must be started."""
        return self._forked.pop() if self._forked else None

    def send_descriptors(self, line: socket.socket, sockets: Sequence[socket.socket]) -> None:
        """Give a process what it cannot be told in words. Raises OSError."""
        send_descriptors(line, self._memory.fileno(), sockets)

    def first_word(self, number: int) -> Begin:
        """Return what a process has to know."""
        return Begin(
            __version__,
            pack_settings(self._settings),
            self._log_level,
            self._settings.log.format,
            self._processes,
            number,
        )

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
