"""`history`: what became of each mail; all data of one address, told and erased."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path

import click

from gateway import verbs
from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.faults import CommandError
from gateway.cli.operator import operator
from gateway.cli.options import config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note, print_json
from gateway.domain.address import normal_form
from gateway.domain.durations import DAY
from gateway.flow.history import MOST, Asked, Erased, Line, Start
from gateway.log import escape
from gateway.store.store import Store

_COLUMNS: tuple[Column[Line], ...] = (
    Column("when", lambda row: moment(row.at)),
    Column("way", lambda row: row.direction, spare=True),
    Column("from", lambda row: row.sender or "<>", elastic=True),
    Column("to", lambda row: row.recipient, elastic=True),
    Column("state", lambda row: row.state),
    Column("why", lambda row: row.reason, spare=True),
    Column("octets", lambda row: row.size, spare=True),
    Column("queue id", lambda row: row.queue_id, spare=True),
    Column("reply", lambda row: row.reply, elastic=True, spare=True),
)

_DAY = click.DateTime(["%Y-%m-%d"])


@click.group()
@early_config_option
def history() -> None:
    """See what became of each mail; export and erase an address."""


@history.command("list")
@config_option
@json_option
@click.option("--state", default="", help="Only mail in this state, as relayed, refused, pending, delivered.")
@click.option("--first", type=_DAY, help="The first day, as 2026-12-31; days begin in UTC.")
@click.option("--last", type=_DAY, help="The last day.")
@click.option(
    "--most", default=50, show_default=True, metavar="N", type=click.IntRange(1, 1_000_000), help="How many to list."
)
@click.argument("address", default="")
def list_(
    config: Path | None,
    as_json: bool,
    state: str,
    first: datetime | None,
    last: datetime | None,
    most: int,
    address: str,
) -> None:
    """List mail in and out, the newest first. ADDRESS is its sender or recipient, or @domain of either."""
    settings = settings_of(config)
    listing = Listing(_COLUMNS, "None.", as_json=as_json)

    async def work(store: Store) -> bool:
        service = verbs.make_history(settings, store, time.time)
        asked, left = Asked(normal_form(address), state, _midnight(first), _midnight(last, behind=True)), most
        start: Start | None = None
        while left:
            page = await service.page(operator(), asked, start, min(left, MOST))
            listing.page(page.rows)
            left -= len(page.rows)
            if page.next is None:
                return False
            start = page.next
        return True

    more = with_store(config, work)
    listing.end()
    if more:
        note(f"these are {most}; --most N shows more at a time")


def _midnight(day: datetime | None, *, behind: bool = False) -> float | None:
    """Return when a day begins, or ends, seconds since the epoch."""
    if day is None:
        return None
    return day.replace(tzinfo=UTC).timestamp() + (DAY if behind else 0)


def _named(address: str) -> None:
    """Refuse what names nobody, or a whole domain. Raises CommandError."""
    if "@" not in address.strip("@"):
        raise CommandError(f"{escape(address)} is no address; write it as joe@example.org")


@history.command()
@config_option
@click.argument("address")
def export(config: Path | None, address: str) -> None:
    """Print all that is kept about an address, as JSON."""
    _named(address)
    settings = settings_of(config)

    async def work(store: Store) -> object:
        return await verbs.make_history(settings, store, time.time).export(operator(), address)

    print_json(with_store(config, work))


@history.command()
@config_option
@json_option
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.argument("address")
def erase(config: Path | None, as_json: bool, yes: bool, address: str) -> None:
    """Erase all that is kept about an address: facts of its mail, list entries, expected mail.

    Mail that still waits stays, and so does an account: `pending delete` and `account remove` see to these.
    """
    _named(address)
    settings = settings_of(config)
    if not yes:
        click.confirm(f"Erase all that is kept about {escape(address)}?", abort=True, err=True)

    async def work(store: Store) -> Erased | None:
        erased = await verbs.make_history(settings, store, time.time).erase(operator(), address)
        if erased is not None:
            # Not the address: whoever is erased is not to be found in the journal.
            await noted(store, "history-erase", detail=f"{erased.mails} mails, {erased.entries} entries")
        return erased

    erased = with_store(config, work)
    if erased is None:
        raise CommandError("nothing was erased")
    if as_json:
        print_json(erased)
        return
    click.echo(
        f"erased: {erased.mails} mails, {erased.challenges} challenges, {erased.entries} entries, {erased.windows} windows"
    )
    if erased.waiting:
        many = f"{erased.waiting} mails still wait or were refused by the next hop, and stay: settle them first"
        one = "one mail still waits or was refused by the next hop, and stays: settle it first"
        note(one if erased.waiting == 1 else many)
