"""What commands print: tables and progress for people, tab-separated lines and JSON for programs.

Much of it comes from mail. Whatever could steer a terminal, forge a line or change the direction of text is
escaped on every way out.
"""

from __future__ import annotations

import shutil
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Generic, TextIO, TypeVar

import click
import msgspec

from gateway.log import escape

T = TypeVar("T")

_LEAST = 12
"""Characters that an elastic column keeps on a narrow terminal."""
_COMFORT = 24
"""Characters that it has before a spare column is shown beside it."""
_PATIENCE = 0.5
"""Seconds of work for which a person needs no bar."""


def on_terminal(stream: TextIO | None) -> bool:
    """True where a person looks. None: a standard stream that was closed."""
    return stream is not None and stream.isatty()


def print_json(value: object) -> None:
    """Print a value as one JSON document; octets as base64, times as seconds since the epoch."""
    click.echo(msgspec.json.format(_json(value).encode(), indent=2).decode())


def print_done(words: str, as_json: bool, fact: object) -> None:
    """Say what was done: in words to people, as a fact to programs."""
    if as_json:
        print_json(fact)
    else:
        click.echo(words)


def _json(value: object) -> str:
    if isinstance(value, msgspec.Struct | dict):
        value = _seconds(msgspec.to_builtins(value, builtin_types=(datetime,), enc_hook=str))
    # An escaped character in a JSON text is the same character.
    return escape(msgspec.json.encode(value, enc_hook=str).decode())


def _seconds(value: object) -> object:
    """Write the times in what the API tells as commands tell them: seconds since the epoch."""
    if isinstance(value, datetime):
        return value.timestamp()
    if isinstance(value, dict):
        return {name: _seconds(one) for name, one in value.items()}
    return [_seconds(one) for one in value] if isinstance(value, list | tuple) else value


def moment(at: float | None) -> str:
    """Write a time for people, in UTC; "" for none."""
    if at is None:
        return ""
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")
    except (ValueError, OverflowError):
        # Beyond the year 9999, as with `days` set to "never".
        return "never"


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """One column of a table."""

    title: str
    cell: Callable[[T], object]
    elastic: bool = False
    """On a terminal: cut to the room there is, instead of filling lines."""
    spare: bool = False
    """On a terminal: left out where there is no room."""


class Listing(Generic[T]):
    """Prints rows, page by page: as a table on a terminal, as tab-separated lines or JSON elsewhere."""

    def __init__(
        self,
        columns: Sequence[Column[T]],
        empty: str,
        *,
        as_json: bool,
        shape: Callable[[T], object] | None = None,
    ) -> None:
        """empty: the sentence a person reads where there are no rows.

        shape: what a program is told of a row; None: the row.
        """
        self._shape = shape
        self._columns = columns
        self._empty = empty
        self._as_json = as_json
        self._printed = 0

    def page(self, rows: Sequence[T]) -> None:
        """Print some more rows."""
        if not rows:
            return
        if self._as_json:
            separator = ",\n  " if self._printed else "[\n  "
            told = rows if self._shape is None else map(self._shape, rows)
            click.echo(separator + ",\n  ".join(map(_json, told)), nl=False)
        elif on_terminal(sys.stdout):
            _print_table(self._columns, rows)
        else:
            lines = [] if self._printed else ["\t".join(column.title for column in self._columns)]
            lines += ["\t".join(_cell(column, row) for column in self._columns) for row in rows]
            click.echo("\n".join(lines))
        self._printed += len(rows)

    def end(self) -> None:
        """Say that these were all."""
        if self._as_json:
            click.echo("\n]" if self._printed else "[]")
        elif not self._printed:
            titles = "\t".join(column.title for column in self._columns)
            click.echo(self._empty if on_terminal(sys.stdout) else titles)


def _cell(column: Column[T], row: T) -> str:
    return escape(str(column.cell(row)))


def _print_table(columns: Sequence[Column[T]], rows: Sequence[T]) -> None:
    # Imported here: other commands need not know how wide letters are.
    from rich.cells import cell_len, set_cell_size

    cells = {column.title: [_cell(column, row) for row in rows] for column in columns}
    widths = {title: max(map(cell_len, (title, *texts))) for title, texts in cells.items()}
    shown = _fitted(columns, widths, shutil.get_terminal_size().columns)

    def line(texts: Sequence[str]) -> str:
        padded = []
        for text, column in zip(texts, shown, strict=True):
            width = widths[column.title]
            cut = text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
            padded.append(set_cell_size(cut, width))
        return "  ".join(padded).rstrip()

    lines = [line([column.title for column in shown])]
    lines += [line(texts) for texts in zip(*(cells[column.title] for column in shown), strict=True)]
    click.echo("\n".join(lines))


def _fitted(columns: Sequence[Column[T]], widths: dict[str, int], room: int) -> list[Column[T]]:
    """Return the columns that fit into a line; the widths of elastic ones are cut until they do."""

    def excess(shown: Sequence[Column[T]], most: int) -> int:
        taken = [min(widths[c.title], most) if c.elastic else widths[c.title] for c in shown]
        return sum(taken) + 2 * (len(shown) - 1) - room

    shown = list(columns)
    for column in reversed(columns):
        if column.spare and excess(shown, _COMFORT) > 0:
            shown.remove(column)
    while excess(shown, room) > 0:
        widest = max((c for c in shown if c.elastic), key=lambda c: widths[c.title], default=None)
        if widest is None or widths[widest.title] <= _LEAST:
            break
        widths[widest.title] -= 1
    return shown


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print topics and what is to say of them, one line each."""
    width = max((len(topic) for topic, _ in facts), default=0)
    click.echo("\n".join(f"{topic:<{width}}  {escape(words)}".rstrip() for topic, words in facts))


def print_octets(octets: bytes) -> None:
    """Print a message: as it is to a file or a pipe, with everything odd escaped to a terminal."""
    if on_terminal(sys.stdout):
        click.echo(on_lines(octets.decode("utf-8", "backslashreplace").replace("\r\n", "\n")))
    else:
        sys.stdout.buffer.write(octets)


def on_lines(text: str) -> str:
    """Return text of several lines with everything odd escaped."""
    return "\n".join(escape(line.replace("\t", "    ")) for line in text.split("\n"))


def note(text: str) -> None:
    """Tell a person something beside the output, which stays as programs want it."""
    click.echo(f"({escape(text)})", err=True)


@contextmanager
def progress(label: str, patience: float = _PATIENCE, *, quiet: bool = False) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that is told how much is done of how much; for long work, a bar appears where a person looks.

    A total of 0 is not known. quiet: what is printed meanwhile would be torn by a bar.
    """
    if quiet or not on_terminal(sys.stderr):
        yield lambda done, total: None
        return
    with ExitStack() as stack:
        lock = threading.Lock()
        latest = (0, 0)
        bars: list[Callable[[int, int], None]] = []

        def told(done: int, total: int) -> None:
            nonlocal latest
            with lock:
                latest = (done, total)
                for bar in bars:
                    bar(done, total)

        def appear() -> None:
            with lock:
                bars.append(_bar(stack, label))
                bars[0](*latest)

        # In a thread of its own: what takes long may be a single step.
        timer = threading.Timer(patience, appear)
        timer.daemon = True
        timer.start()
        try:
            yield told
        finally:
            timer.cancel()
            timer.join()


def _bar(stack: ExitStack, label: str) -> Callable[[int, int], None]:
    from rich.console import Console
    from rich.progress import Progress

    bar = stack.enter_context(Progress(console=Console(stderr=True), transient=True))
    task = bar.add_task(label, total=None)
    return lambda done, total: bar.update(task, completed=done, total=total or None)
