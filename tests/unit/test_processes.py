"""What a long-lived process sets up for itself."""

from __future__ import annotations

import subprocess
import sys

_PROGRAM = """
import logging, os, subprocess, sys
from gateway.processes import keep_standard_streams
keep_standard_streams()
opened = os.open("/", os.O_RDONLY)
logging.lastResort.stream.write("a line that nobody reads")
links = "import os; print([os.readlink(f'/proc/self/fd/{number}') for number in (0, 2)])"
print(opened > 2, flush=True)
subprocess.run([sys.executable, "-S", "-c", links], check=True)
"""


def test_standard_streams_that_are_closed_are_taken_by_no_other_file() -> None:
    command = ["sh", "-c", 'exec "$@" 0<&- 2>&-', "sh", sys.executable, "-c", _PROGRAM]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    assert done.stdout.splitlines() == ["True", "['/dev/null', '/dev/null']"]
