"""The gateway as its users run it: `python -m gateway serve` in a process of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self

from click.testing import CliRunner

from benchmarks.places import HOST, PATIENCE, answers, free_port, wait_until
from gateway.cli.main import cli

ROOT = Path(__file__).resolve().parent.parent

Overrides = Mapping[str, str | int | float | bool | Sequence[str]]
"""Dotted setting → value: `{"smtp.stage": "edge"}`."""


class Started(Protocol):
    """A process of which we are told."""

    @property
    def pid(self) -> int:
        """Its number."""

    def poll(self) -> int | None:
        """Return how it ended; None while it runs."""

    def wait(self, timeout: float | None = None) -> int:
        """Return how it ended. Raises TimeoutExpired."""

    def kill(self) -> None:
        """SIGKILL."""


class GatewayProcess:
    """Use as `with GatewayProcess(folder, {...}) as gateway: gateway.smtp_port`.

    The settings reach it by the environment, on top of a configuration file where one is given. Its doors are on
    free ports of 127.0.0.1 and stay the same over restarts.
    """

    def __init__(
        self,
        folder: Path,
        settings: Overrides,
        *,
        config: Path | None = None,
        wrapper: Sequence[str] = (),
        ready_seconds: float = PATIENCE,
    ) -> None:
        """folder: for its store and its log. wrapper: a command that runs the service, as strace."""
        self.folder = folder
        self.smtp_port, self.web_port, self.monitor_port = free_port(), free_port(), free_port()
        self.log_file = folder / "gateway.log"
        self.word_file = folder / "gateway.out"
        self._config = config if config is not None else _empty(folder)
        self._wrapper = tuple(wrapper)
        self._ready_seconds = ready_seconds
        self._environment = os.environ | _environment(
            {
                "smtp.listen": [f"{HOST}:{self.smtp_port}"],
                "web.listen": [f"{HOST}:{self.web_port}"],
                "web.public_url": f"http://{HOST}:{self.web_port}",
                "monitor.listen": [f"{HOST}:{self.monitor_port}"],
                "store.url": f"sqlite:///{folder}/gateway.db",
                **settings,
            }
        )
        self._process: Started | None = None

    @property
    def url(self) -> str:
        """Where its pages are."""
        return f"http://{HOST}:{self.web_port}"

    @property
    def pid(self) -> int:
        """The service itself, behind a wrapper too. Raises RuntimeError when it does not run."""
        if self._process is None:
            raise RuntimeError("the gateway is not running")
        if not self._wrapper:
            return self._process.pid
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text().split()
        return int(children[0])

    @property
    def runs(self) -> bool:
        """False when it was never started, or ended."""
        return self._process is not None and self._process.poll() is None

    def start(self, *, wait: bool = True) -> None:
        """Start it and, unless told otherwise, return when it takes mail. Raises RuntimeError with its last words."""
        self._process = self._begin(["serve", "--config", str(self._config)])
        if wait:
            try:
                wait_until(lambda: not self.runs or self.is_ready(), "the gateway is ready", self._ready_seconds)
            except TimeoutError as late:
                self.kill()
                raise RuntimeError(f"{late}:\n{self.log()[-3000:]}") from late
            if not self.runs:
                raise RuntimeError(f"the gateway ended at once:\n{self.log()[-3000:]}")

    def _begin(self, words: Sequence[str]) -> Started:
        with self.log_file.open("ab") as err, self.word_file.open("ab") as out:
            return subprocess.Popen(
                [*self._wrapper, sys.executable, "-m", "gateway", *words],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=err,
            )

    def is_ready(self) -> bool:
        """True when it says so itself and greets on its door."""
        try:
            with urllib.request.urlopen(f"http://{HOST}:{self.monitor_port}/readyz", timeout=20) as answer:
                return answer.status == 200 and answers(self.smtp_port)
        except OSError:
            return False

    def kill(self) -> None:
        """SIGKILL: no chance to finish anything."""
        if self._process is None:
            return
        if self.runs:
            if self._wrapper:
                os.kill(self.pid, signal.SIGKILL)
            self._process.kill()
        self._process.wait()
        self._process = None

    def stop(self, seconds: float = PATIENCE) -> int:
        """SIGTERM, then its exit status; killed when it takes too long."""
        if self._process is None:
            return 0
        if self.runs:
            os.kill(self.pid, signal.SIGTERM)
        try:
            status = self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise
        self._process = None
        return status

    def run(self, *arguments: str, timeout: float = PATIENCE) -> subprocess.CompletedProcess[str]:
        """Run a command of `challenge-gateway` on the same store, beside the service or without it."""
        return subprocess.run(
            [sys.executable, "-m", "gateway", *arguments, "--config", str(self._config)],
            cwd=ROOT,
            env=self._environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )

    def run_octets(self, *arguments: str) -> bytes:
        """Run a command that has to succeed, and return what it prints, octet for octet."""
        command = [sys.executable, "-m", "gateway", *arguments, "--config", str(self._config)]
        return subprocess.run(command, cwd=ROOT, env=self._environment, capture_output=True, check=True).stdout

    def with_clock(self, offset_file: Path) -> None:
        """Let its wall clock, from the next start on, be what a file says to libfaketime; time-outs stay real."""
        library = next(Path("/usr/lib").glob("*/faketime/libfaketime.so.1"))
        self._environment |= {
            "LD_PRELOAD": str(library),
            "FAKETIME_TIMESTAMP_FILE": str(offset_file),
            "FAKETIME_CACHE_DURATION": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
        }

    def command(self, *arguments: str) -> str:
        """Run a command that has to succeed, and return what it prints. Raises RuntimeError.

        It runs inside this process, which is another one than the service and ten times as fast as a new one.
        """
        told = [*arguments, "--config", str(self._config)]
        # In a thread of its own: the caller's may have a running event loop.
        with ThreadPoolExecutor(1) as thread:
            done = thread.submit(CliRunner().invoke, cli, told, env=self._environment, catch_exceptions=False).result()
        if done.exit_code:
            raise RuntimeError(f"{' '.join(arguments)} ended with {done.exit_code}: {done.output}")
        return done.stdout

    def data(self, *arguments: str) -> Any:
        """Ask a command with --json."""
        return json.loads(self.command(*arguments, "--json"))

    def metric(self, name: str, **labels: str) -> float:
        """Return the sum of a metric's samples that bear these labels."""
        with urllib.request.urlopen(f"http://{HOST}:{self.monitor_port}/metrics", timeout=PATIENCE) as answer:
            lines = answer.read().decode().splitlines()
        wanted = [f'{key}="{value}"' for key, value in labels.items()]
        return sum(
            float(line.rpartition(" ")[2])
            for line in lines
            if line.partition("{")[0].partition(" ")[0] == name and all(label in line for label in wanted)
        )

    def log(self) -> str:
        """Return every line it wrote so far; one that it is just writing is not there yet."""
        written = self.log_file.read_text("utf-8", "replace") if self.log_file.exists() else ""
        return written[: written.rfind("\n") + 1]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()


def _empty(folder: Path) -> Path:
    path = folder / "gateway.toml"
    path.write_text("# Everything is told by the environment.\n")
    return path


def _environment(settings: Overrides) -> dict[str, str]:
    told = {}
    for key, value in settings.items():
        section, _, name = key.partition(".")
        told[f"GATEWAY_{section}_{name}".upper()] = value if isinstance(value, str) else json.dumps(value)
    return told
