"""What strace saw, call by call, in the order of things."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

READS = frozenset({"read", "recvfrom", "recvmsg", "readv"})
WRITES = frozenset({"write", "sendto", "sendmsg", "writev"})
FILE_WRITES = frozenset({"write", "writev", "pwrite64", "pwritev"})
SYNCS = frozenset({"fsync", "fdatasync"})
STRACE = (
    *("strace", "-f", "-yy", "-s", "4096", "-e", "signal=none"),
    *("-e", f"trace={','.join(sorted(READS | WRITES | FILE_WRITES | SYNCS))}", "-o"),
)
"""Add the file to write to, then the command."""

_LINE = re.compile(r"^(?P<thread>\d+) +(?P<rest>.*)$")
_BEGUN = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*?) ?<unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. (?P<name>\w+) resumed>(?P<rest>.*)$", re.DOTALL)
_WHOLE = re.compile(r"^(?P<name>\w+)\((?P<arguments>.*)$", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Call:
    """One system call of one thread."""

    name: str
    text: str
    """Arguments and result, as strace writes them; descriptors with the file or connection they are."""
    begun: int
    """Number of the line at which it began."""
    ended: int
    """Number of the line at which it had returned; the same as begun where nothing came between."""


def calls_in(trace: str) -> Iterator[Call]:
    """Yield the calls in the order in which they returned."""
    open_calls: dict[str, tuple[int, str, str]] = {}
    for number, line in enumerate(trace.splitlines()):
        split = _LINE.match(line)
        if split is None:
            continue
        thread, rest = split["thread"], split["rest"]
        if begun := _BEGUN.match(rest):
            open_calls[thread] = (number, begun["name"], begun["arguments"])
        elif (resumed := _RESUMED.match(rest)) and thread in open_calls:
            start, name, arguments = open_calls.pop(thread)
            yield Call(name, arguments + resumed["rest"], start, number)
        elif whole := _WHOLE.match(rest):
            yield Call(whole["name"], whole["arguments"], number, number)
