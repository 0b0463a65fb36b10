"""A gateway that begins as the fork of a process in which all is loaded: it needs a tenth of the time of a new one.

It is a process of its own all the same, with a configuration, an environment, streams and an end of its own. How the command
itself starts, and what it answers to signals, is tested where it is run as its users run it.
"""

from __future__ import annotations

import io
import multiprocessing
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from benchmarks.gateway_process import ROOT, GatewayProcess, Started
from benchmarks.places import PATIENCE

_LOADED = ["gateway.cli.serve", "gateway.cli.pending", "gateway.cli.lists", "gateway.cli.templates", "gateway.service"]
_FORKS = multiprocessing.get_context("forkserver")
_FORKS.set_forkserver_preload(_LOADED)


class Forked:
    """A fork that runs one command, with what is asked of a `subprocess.Popen`."""

    def __init__(self, words: Sequence[str], environment: Mapping[str, str], streams: Sequence[Path]) -> None:
        """streams: where it reads from and writes to."""
        self._process = _FORKS.Process(
            target=_run, args=(list(words), dict(environment), [str(one) for one in streams])
        )
        self._process.start()
        assert self._process.pid is not None
        self.pid = self._process.pid

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended. Raises TimeoutExpired."""
        self._process.join(timeout)
        status = self._process.exitcode
        if status is None:
            raise subprocess.TimeoutExpired("gateway", timeout or 0.0)
        return status

    def kill(self) -> None:
        """SIGKILL."""
        self._process.kill()


class ForkedGateway(GatewayProcess):
    """The gateway and its commands, each as a fork."""

    def _begin(self, words: Sequence[str]) -> Started:
        if "LD_PRELOAD" in self._environment:
            # What is loaded before all else needs a program that is only starting.
            return super()._begin(words)
        return Forked(words, self._environment, (Path(os.devnull), self.word_file, self.log_file))

    def run(self, *arguments: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run a command on the same store."""
        with tempfile.TemporaryDirectory() as place:
            out, err = Path(place, "out"), Path(place, "err")
            words = [*arguments, "--config", str(self._config)]
            command = Forked(words, self._environment, (Path(os.devnull), out, err))
            try:
                status = command.wait(timeout)
            except subprocess.TimeoutExpired:
                command.kill()
                raise
            return subprocess.CompletedProcess(words, status, out.read_text("utf-8"), err.read_text("utf-8"))


def _run(words: list[str], environment: dict[str, str], streams: list[str]) -> None:
    """Become the command."""
    for number, path in enumerate(streams):
        descriptor = os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        os.dup2(descriptor, number)
        os.close(descriptor)
    sys.stdin = io.TextIOWrapper(io.FileIO(0, "r", closefd=False), "utf-8")
    sys.stdout = io.TextIOWrapper(io.BufferedWriter(io.FileIO(1, "w", closefd=False)), "utf-8")
    sys.stderr = io.TextIOWrapper(io.BufferedWriter(io.FileIO(2, "w", closefd=False)), "utf-8", line_buffering=True)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(ROOT)
    sys.argv = ["challenge-gateway", *words]
    # Loaded before.
    from gateway.cli.main import main

    main()
