"""Further processes at the door, forked from the service before it starts anything.

They share the pages of the whole program with it and have nothing to load. Only a process without other threads and
without an event loop may be forked: so that is the first thing done, and what takes the place of one of them later is
started by a command.
"""

from __future__ import annotations

import asyncio
import ctypes
import gc
import os
import resource
import signal
import socket
from contextlib import suppress

from gateway.doors.process import take_mail_over
from gateway.processes import load_loop


class Forked:
    """One process, as its parent sees it; it waits for its first word at the other end of `line`."""

    def __init__(self, pid: int, line: socket.socket) -> None:
        self.pid = pid
        self.line = line
        self.returncode: int | None = None
        """As `subprocess` tells it, once `wait` has returned."""
        self._handle = os.pidfd_open(pid)

    async def wait(self) -> int:
        """Wait for its end; return its exit status, negative where a signal ended it."""
        if self.returncode is None:
            loop = asyncio.get_running_loop()
            gone = asyncio.Event()
            loop.add_reader(self._handle, gone.set)
            try:
                await gone.wait()
            finally:
                loop.remove_reader(self._handle)
            self.returncode = self._reap()
        return self.returncode

    def _reap(self) -> int:
        """Return the exit status of what is gone already: it is not waited for."""
        _, status = os.waitpid(self.pid, 0)
        os.close(self._handle)
        return os.waitstatus_to_exitcode(status)

    def kill(self) -> None:
        """End it at once. Raises ProcessLookupError where it is gone."""
        signal.pidfd_send_signal(self._handle, signal.SIGKILL)


def fork_processes(count: int) -> list[Forked]:
    """Start so many processes; fewer where the system does not let us: the others are started by their command."""
    if count <= 0 or not _can_be_watched():
        return []
    load_loop()  # Once for all of them.
    # Whatever is looked at for garbage is written to, and then no longer shared.
    gc.collect()
    with suppress(AttributeError, OSError):  # Another C library than GNU's.
        ctypes.CDLL(None).malloc_trim(0)
    gc.freeze()
    processes: list[Forked] = []
    for _ in range(count):
        ours, theirs = socket.socketpair()
        try:
            pid = os.fork()
        except OSError:
            ours.close()
            theirs.close()
            break
        if pid == 0:
            _become_a_door(theirs)
        theirs.close()
        processes.append(Forked(pid, ours))
    return processes


def _can_be_watched() -> bool:
    """Tell whether the system says of a process that it is gone: Linux 5.3 and later do."""
    try:
        os.close(os.pidfd_open(os.getpid()))
    except (AttributeError, OSError):
        return False
    return True


def _become_a_door(line: socket.socket) -> None:
    """Do in the child what a command would find done, take mail, and end; never returns."""
    status = 1
    try:
        os.setsid()  # What is typed at the service's terminal is for the service.
        nothing = os.open(os.devnull, os.O_RDWR)
        os.dup2(nothing, 0)
        end = line.fileno()
        os.closerange(3, end)
        os.closerange(end + 1, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
        with suppress(OSError), open("/proc/self/comm", "w") as name:
            name.write("gateway-door")  # Else `ps` and `top` could not tell it from the service.
        status = take_mail_over(line)
    finally:
        # Neither what the service would do at its end, nor what it has buffered, is ours.
        os._exit(status)
