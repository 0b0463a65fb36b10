"""What a running process and its children cost, read from /proc."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_PROC = Path("/proc")


def family(pid: int) -> list[int]:
    """Return the process and all its descendants that live now."""
    children: dict[int, list[int]] = {}
    for process in _numbers():
        fields = _stat(process)
        if fields:
            children.setdefault(int(fields[1]), []).append(process)
    found, new = [], [pid]
    while new:
        found += new
        new = [child for parent in new for child in children.get(parent, ())]
    return found


def cpu_seconds(pid: int) -> float:
    """Return the CPU time, user and system, of the process, its descendants, and those that ended and were reaped."""
    total = 0
    for process in family(pid):
        fields = _stat(process)
        if fields:
            total += sum(int(value) for value in fields[11:15])  # utime stime cutime cstime
    return total / _TICKS


def pss_megabytes(pids: Iterable[int]) -> float:
    """Return the proportional set size: shared pages count for each sharer by its part."""
    total = 0
    for pid in pids:
        try:
            lines = (_PROC / str(pid) / "smaps_rollup").read_text().splitlines()
        except OSError:
            continue
        total += sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return total / 1024


def peak_megabytes(pid: int) -> float:
    """Return the largest resident size the process ever had."""
    for line in (_PROC / str(pid) / "status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) / 1024
    return 0.0


def _numbers() -> list[int]:
    return [int(entry.name) for entry in _PROC.iterdir() if entry.name.isdigit()]


def _stat(pid: int) -> list[str]:
    """Return the fields behind the command name: state, parent, …; [] for a process that is gone."""
    try:
        text = (_PROC / str(pid) / "stat").read_text()
    except OSError:
        return []
    return text[text.rindex(")") + 2 :].split()
