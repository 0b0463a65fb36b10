"""Load by Postfix's smtp-source, and paired rounds: two servers in turns, so that both see the same weather."""

from __future__ import annotations

import statistics
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.measure import cpu_seconds
from benchmarks.places import HOST


@dataclass(frozen=True, slots=True)
class Shape:
    """What is sent, and how."""

    octets: int
    """Of each message, header not counted."""
    sessions: int
    kept: bool
    """Messages follow each other on one connection; else each has its own."""
    sender: str
    recipient: str = "joe@example.org"


@dataclass(frozen=True, slots=True)
class Server:
    """One of the two that are compared."""

    name: str
    port: int
    pid: Callable[[], int]
    """The process whose family does the work."""
    check: Callable[[int], None] = lambda sent: None
    """Called after each run with the number of messages: raises where not all of them are where they belong."""


@dataclass(frozen=True, slots=True)
class Run:
    """One run of one server."""

    messages: int
    seconds: float
    cpu: float
    """Seconds of CPU time, user and system, of the server's whole family."""

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds

    @property
    def cpu_per_thousand(self) -> float:
        """Seconds of CPU time for 1000 messages."""
        return self.cpu / self.messages * 1000


@dataclass(frozen=True, slots=True)
class Comparison:
    """What the paired rounds gave."""

    ours: tuple[Run, ...]
    theirs: tuple[Run, ...]

    @property
    def ratios(self) -> list[float]:
        """Our rate over theirs, for each pair."""
        return [a.rate / b.rate for a, b in zip(self.ours, self.theirs, strict=True)]

    @property
    def ratio(self) -> float:
        """The median over the pairs."""
        return statistics.median(self.ratios)


def send(port: int, shape: Shape, messages: int, timeout: float = 120.0) -> float:
    """Send so many messages and return the seconds it took. Raises RuntimeError when one of them was not taken."""
    command = [
        "smtp-source",
        *(["-d"] if shape.kept else []),
        *("-m", str(messages), "-s", str(min(shape.sessions, messages)), "-l", str(shape.octets)),
        *("-f", shape.sender, "-t", shape.recipient, "-M", "load.example", f"{HOST}:{port}"),
    ]
    begin = time.perf_counter()
    done = subprocess.run(command, capture_output=True, text=True, timeout=timeout, check=False)
    seconds = time.perf_counter() - begin
    if done.returncode:
        raise RuntimeError(f"smtp-source to port {port}: {done.stderr.strip()[-500:]}")
    return seconds


def measured(server: Server, shape: Shape, messages: int) -> Run:
    """Send, and count the server's CPU time as well."""
    before = cpu_seconds(server.pid())
    seconds = send(server.port, shape, messages)
    used = cpu_seconds(server.pid()) - before
    server.check(messages)
    return Run(messages, seconds, used)


def how_many(server: Server, shape: Shape, seconds: float) -> int:
    """Return how many messages take about so long; warms the server up as well."""
    messages = max(shape.sessions, 20)
    for wanted in (0.3, seconds):  # The first step is mostly start-up.
        took = send(server.port, shape, messages)
        server.check(messages)
        messages = max(shape.sessions, min(20_000, int(messages / took * wanted)))
    return messages


def compare(ours: Server, theirs: Server, shape: Shape, *, pairs: int, seconds: float) -> Comparison:
    """Run both in turns, A B A B …, each for about so many seconds."""
    counts = {server.name: how_many(server, shape, seconds) for server in (ours, theirs)}
    runs: dict[str, list[Run]] = {ours.name: [], theirs.name: []}
    for pair in range(pairs):
        # Who comes first changes, so that a machine that slowly tires favours neither.
        for server in (ours, theirs) if pair % 2 else (theirs, ours):
            runs[server.name].append(measured(server, shape, counts[server.name]))
    return Comparison(tuple(runs[ours.name]), tuple(runs[theirs.name]))
