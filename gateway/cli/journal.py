"""`log`: who did what."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TextIO

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, note, on_terminal, progress
from gateway.flow.journal import CSV_COLUMNS, PAGE, Deed, Journal, csv_cells

_COLUMNS: tuple[Column[Deed], ...] = (
    Column("when", lambda deed: moment(deed.at)),
    Column("who", lambda deed: deed.actor + (f" as {deed.looked_as}" if deed.looked_as else ""), elastic=True),
    Column("did", lambda deed: deed.deed),
    Column("to", lambda deed: deed.object, elastic=True),
    Column("detail", lambda deed: deed.detail, elastic=True),
    Column("from", lambda deed: deed.client, spare=True),
)
_actor = click.option("--by", "actor", default="", metavar="NAME", help="Only what this account did.")
_words = click.option("--search", "words", default="", metavar="WORDS", help="In what was done, and to what.")


@click.group()
@early_config_option
def log() -> None:
    """See who did what, in the console, by the API and at the command line."""


@log.command("list")
@config_option
@json_option
@_actor
@_words
@click.option("--before", type=RowId(), default=None, metavar="ID", help="The page after the one that ended with it.")
@click.option(
    "--most", default=50, show_default=True, metavar="N", type=click.IntRange(1, 1_000_000), help="How many to list."
)
def list_(config: Path | None, as_json: bool, actor: str, words: str, before: int | None, most: int) -> None:
    """List what was done, the newest first."""
    listing = Listing(_COLUMNS, "Nothing was done.", as_json=as_json)

    async def work(context: CommandContext) -> int:
        """Print page by page; return the last id, where there may be more."""
        left = most
        async for page in _pages(context, actor, words, before or 0):
            shown = page[:left]
            listing.page(shown)
            left -= len(shown)
            if not left:
                return shown[-1].id
        return 0

    last = in_context(config, work)
    listing.end()
    if last:
        note(f"these are {most}; --before {last} shows what follows, --most N shows more at a time")


@log.command()
@config_option
@_actor
@_words
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def export(config: Path | None, actor: str, words: str, file: TextIO) -> None:
    """Write all of it as CSV, the newest first; to standard output, or to FILE."""
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)

    async def work(context: CommandContext) -> None:
        count = 0
        with progress("writing", quiet=on_terminal(file)) as told:
            async for page in _pages(context, actor, words, 0):
                writer.writerows(map(csv_cells, page))
                count += len(page)
                told(count, 0)

    in_context(config, work)
    file.flush()


async def _pages(context: CommandContext, actor: str, words: str, before: int) -> AsyncIterator[list[Deed]]:
    journal = Journal(context.store, now=lambda: 0.0)
    while page := list(await journal.page(context.viewer, actor=actor, words=words, before_id=before)):
        yield page
        if len(page) < PAGE:
            return
        before = page[-1].id
