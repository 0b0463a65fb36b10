"""`searches`: what people look for again and again in what waits."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, print_done, print_json
from gateway.flow.saved_searches import NotSaved, SavedSearch, SavedSearches, packed, unpacked
from gateway.log import escape

_COLUMNS: tuple[Column[SavedSearch], ...] = (
    Column("id", lambda one: one.id),
    Column("name", lambda one: one.name, elastic=True),
    Column("search", lambda one: _told(one)[0], elastic=True),
    Column("more", lambda one: _told(one)[1], elastic=True),
)
_account = click.argument("account")


@click.group()
@early_config_option
def searches() -> None:
    """See to the searches that an account keeps above its list."""


@searches.command("list")
@config_option
@json_option
@_account
def list_(config: Path | None, as_json: bool, account: str) -> None:
    """List the searches of ACCOUNT, by name."""

    async def work(context: CommandContext) -> list[SavedSearch]:
        viewer = replace(context.viewer, account=await context.account(account))
        return list(await _searches(context).all(viewer))

    listing = Listing(_COLUMNS, "No saved searches.", as_json=as_json, shape=_shape)
    listing.page(in_context(config, work))
    listing.end()


@searches.command()
@config_option
@json_option
@_account
@click.argument("name")
@click.argument("query", nargs=-1, required=True)
def save(config: Path | None, as_json: bool, account: str, name: str, query: tuple[str, ...]) -> None:
    """Keep QUERY, as `pending list` takes it, for ACCOUNT under NAME; one of the same name is replaced."""

    async def work(context: CommandContext) -> SavedSearch:
        viewer = replace(context.viewer, account=await context.account(account))
        kept = await _searches(context).save(viewer, name, packed({"q": " ".join(query)}))
        await context.note("saved-search", account, kept)
        return next(one for one in await _searches(context).all(viewer) if one.name == kept)

    try:
        saved = in_context(config, work)
    except NotSaved as fault:
        raise CommandError(str(fault)) from fault
    if as_json:
        print_json(_shape(saved))
    else:
        click.echo(f"search {saved.id} is saved as {escape(saved.name)}")


@searches.command()
@config_option
@json_option
@_account
@click.argument("number", metavar="ID", type=RowId())
def remove(config: Path | None, as_json: bool, account: str, number: int) -> None:
    """Drop a saved search of ACCOUNT."""

    async def work(context: CommandContext) -> bool:
        viewer = replace(context.viewer, account=await context.account(account))
        removed = await _searches(context).remove(viewer, number)
        if removed:
            await context.note("saved-search", account, f"removed {number}")
        return removed

    if not in_context(config, work):
        raise CommandError(f"{escape(account)} has no search {number}; `challenge-gateway searches list` lists them")
    print_done(f"search {number} is removed", as_json, {"removed": number})


def _searches(context: CommandContext) -> SavedSearches:
    return SavedSearches(context.store, now=time.time)


def _told(one: SavedSearch) -> tuple[str, str]:
    """Return the words of a search, and what else it says."""
    told = unpacked(one.query)
    return told.pop("q", ""), " ".join(f"{name}={value}" for name, value in told.items())


def _shape(one: SavedSearch) -> object:
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.searches import search_item

    return search_item(one)
