"""What commands print: tables and progress for people, JSON for programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime

import click
import msgspec

from gateway.log import escape


def print_json(value: object) -> None:
    """Print a value as one JSON document; octets as base64, times as seconds since the epoch."""
    click.echo(msgspec.json.format(msgspec.json.encode(value), indent=2).decode())


def moment(at: float | None) -> str:
    """Write a time for people, in UTC; "" for none."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%SZ")


def print_table(titles: Sequence[str], rows: Sequence[Sequence[object]], empty: str) -> None:
    """Print rows under titles: a table on a terminal, tab-separated lines elsewhere; a sentence where there are none.

    What comes from mail is escaped, so that it can neither steer a terminal nor break a line.
    """
    cells = [[escape(str(cell)) for cell in row] for row in rows]
    if not sys.stdout.isatty():
        for row in (list(titles), *cells):
            click.echo("\t".join(cell.replace("\t", " ") for cell in row))
        return
    if not cells:
        click.echo(empty)
        return
    # Imported here: it costs commands that print no table a tenth of a second.
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    for title in titles:
        table.add_column(title, overflow="fold")
    for row in cells:
        table.add_row(*(Text(cell) for cell in row))
    Console().print(table)


def print_facts(facts: Sequence[tuple[str, str]]) -> None:
    """Print topics and what is to say of them, one line each."""
    width = max((len(topic) for topic, _ in facts), default=0)
    for topic, words in facts:
        click.echo(f"{topic:<{width}}  {escape(words)}")


@contextmanager
def progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield a function that is told how much is done of how much; a bar appears where a person looks."""
    if not sys.stderr.isatty():
        yield lambda done, total: None
        return
    from rich.console import Console
    from rich.progress import Progress

    with Progress(console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task(label, total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total or None)
