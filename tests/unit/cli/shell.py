"""A shell for commands in this process: a configuration, a store, and streams that remember."""

from __future__ import annotations

import asyncio
import io
import json
import re
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from gateway.cli.main import guarded, run
from gateway.domain.policy import Policy
from gateway.flow.order_work import OrderWorker
from gateway.flow.redate import Redater
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.fresh import lay_store
from tests.store.letters import Kept, keep, message, row

T = TypeVar("T")


_BAR = re.compile(r"\x1b\[\?25l.*?\x1b\[1A\x1b\[2K", re.DOTALL)
"""What a bar draws, and takes away again, where work takes long: on a busy machine any does."""


class Stream(io.TextIOWrapper):
    """A standard stream: a pipe, or a terminal with a person before it."""

    def __init__(self, octets: bytes = b"", *, terminal: bool = False) -> None:
        super().__init__(io.BytesIO(octets), encoding="utf-8", errors="backslashreplace", write_through=True)
        self._terminal = terminal

    def isatty(self) -> bool:
        return self._terminal

    def text(self) -> str:
        """What was written so far."""
        assert isinstance(self.buffer, io.BytesIO)
        return self.buffer.getvalue().decode()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a command left behind."""

    status: int
    out: str
    err: str

    @property
    def data(self) -> Any:
        """What it told as JSON."""
        return json.loads(self.out)


@contextmanager
def streams(stdin: bytes, *, terminal: bool) -> Iterator[tuple[Stream, Stream]]:
    """Stand in for the three standard streams."""
    kept = sys.stdin, sys.stdout, sys.stderr
    out, err = Stream(terminal=terminal), Stream(terminal=terminal)
    sys.stdin, sys.stdout, sys.stderr = Stream(stdin), out, err
    try:
        yield out, err
    finally:
        sys.stdin, sys.stdout, sys.stderr = kept


class Shell:
    """Runs command lines on one configuration."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "gateway.toml"
        self.store_file = folder / "gateway.db"
        self.url = f"sqlite:///{self.store_file}"
        self.settings({})

    def settings(self, tables: Mapping[str, Mapping[str, object]]) -> None:
        """Write the configuration anew."""
        # Nobody answers there: whatever is looked up is not known, at once.
        told: dict[str, Mapping[str, object]] = {
            "store": {"url": "sqlite:///gateway.db"},
            "dns": {"servers": ["127.0.0.1:9"]},
            **tables,
        }
        self.config.write_text(
            "\n".join(
                f"[{name}]\n" + "\n".join(f"{key} = {json.dumps(value)}" for key, value in table.items())
                for name, table in told.items()
            )
        )

    def make(self) -> Shell:
        """Make the store, as `db upgrade` does."""
        lay_store(self.store_file)
        return self

    def hold(self, subject: str = "Hi", *, ask: bool = False, **more: Any) -> Kept:
        """Put a message that waits into the store."""
        return self.with_store(lambda store: keep(store, message(subject, **more), row(), ask=ask))

    def with_store(self, work: Callable[[Store], Awaitable[T]]) -> T:
        """Run a coroutine on the store."""

        async def opened() -> T:
            store = Store(self.url)
            try:
                return await work(store)
            finally:
                await store.close()

        return asyncio.run(opened())

    def carry_out_orders(self) -> None:
        """Let the worker of orders do what can no longer be undone, and end."""
        later = [time.time()]

        async def work(store: Store) -> None:
            redate = Redater(store, Policy(), now=time.time).step
            worker = OrderWorker(store, 10, redate, now=lambda: later[0], wake_deliveries=lambda: None)
            for _ in range(2):
                while await worker.run_once():
                    pass
                later[0] += 11

        self.with_store(work)

    def change(self, work: Callable[[Transaction], T]) -> T:
        """Run a transaction on the store."""
        return self.with_store(lambda store: store.transact(work))

    def __call__(self, *words: str, stdin: bytes = b"", terminal: bool = False) -> Outcome:
        """Run a command with --config behind it."""
        return self.line([*words, "--config", str(self.config)], stdin=stdin, terminal=terminal)

    def refused(self, *words: str) -> str:
        """Run a command that must fail, and return the one line that says why."""
        outcome = self(*words)
        assert (outcome.status in (1, 2), outcome.out, outcome.err.count("\n")) == (True, "", 1), outcome
        return outcome.err

    def line(self, words: Sequence[str], *, stdin: bytes = b"", terminal: bool = False) -> Outcome:
        """Run a command line as it is."""
        with streams(stdin, terminal=terminal) as (out, err):
            status = guarded(lambda: run(list(words)))
            return Outcome(status, out.text(), _BAR.sub("", err.text()) if terminal else err.text())
