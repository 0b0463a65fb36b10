"""`orders`: what is done with many mails at once, and can be undone for some seconds."""

from __future__ import annotations

import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_done, print_facts, print_json
from gateway.cli.search import understood
from gateway.domain.durations import DAY
from gateway.domain.roles import Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.order_ports import Order, Problem, Wish
from gateway.flow.orders import AT_ONCE, Orders
from gateway.flow.queue import Queue

_DAYS = 30
"""For which it can be read what became of an order."""
_MOST = 100


@dataclass(frozen=True, slots=True)
class OrderLine:
    """An order as it is printed."""

    id: int
    actor: str
    action: str
    breadth: str
    state: str
    created_at: float
    due_at: float
    """When it is carried out, once all its mails are gathered."""
    total: int
    done: int
    failed: int
    missed: int
    """Named, but not to be had."""


_COLUMNS: tuple[Column[OrderLine], ...] = (
    Column("id", lambda line: line.id),
    Column("by", lambda line: line.actor, elastic=True),
    Column("what", lambda line: line.action),
    Column("state", lambda line: line.state),
    Column("given", lambda line: moment(line.created_at)),
    Column("mails", lambda line: line.total),
    Column("done", lambda line: line.done),
    Column("failed", lambda line: line.failed, spare=True),
    Column("missed", lambda line: line.missed, spare=True),
)
_account = click.option(
    "--account", default="", metavar="NAME", help="Of this account; without it, those given at the command line."
)
_number = click.argument("number", metavar="ID", type=RowId())


@click.group()
@early_config_option
def orders() -> None:
    """Settle many mails at once, and undo that for some seconds."""


@orders.command()
@config_option
@json_option
@click.option("--matching", default="", metavar="QUERY", help="All that a search finds, as in `pending list`.")
@click.option("--sender", "breadth", type=click.Choice([one.value for one in Breadth]), default=Breadth.ADDRESS.value,
              show_default=True, help="Whom authorize and blacklist name.")  # fmt: skip
@click.argument("action", type=click.Choice([one.value for one in Action]))
@click.argument("ids", metavar="[ID]...", type=RowId(), nargs=-1)
def give(config: Path | None, as_json: bool, matching: str, breadth: str, action: str, ids: tuple[int, ...]) -> None:
    """Order something for mails that wait. The running service does it after [console] undo_seconds."""
    if bool(ids) == bool(matching.strip()):
        raise WrongUse("name mails by their ids, or a search by --matching")
    if len(ids) > AT_ONCE:
        raise WrongUse(f"an order names {AT_ONCE} mails at most; --matching takes all that a search finds")
    wish = Wish(Action(action), secrets.token_hex(16), Breadth(breadth))

    async def work(context: CommandContext) -> Order | None:
        await context.describe()
        service = _orders(context)
        if ids:
            order = await service.give(context.viewer, wish, ids)
        else:
            queue = Queue(context.store, now=time.time)
            query = understood(await queue.query(context.viewer, matching))
            order = await service.give_all(context.viewer, wish, queue.selection(context.viewer, query))
        if order is not None:
            what = len(ids) if ids else "all that match"
            await context.note("pending", "", f"{action}: {what}, order {order.id}")
        return order

    order = in_context(config, work)
    assert order is not None
    if as_json:
        print_json(_line(order))
    elif order.can_be_undone:
        click.echo(f"order {order.id} is given; `orders undo {order.id}` takes it back until it runs")
    if ids and not order.total:
        raise CommandError("none of these waits; `challenge-gateway pending list` lists what does")


@orders.command("list")
@config_option
@json_option
@_account
def list_(config: Path | None, as_json: bool, account: str) -> None:
    """List orders of the last 30 days, the newest first."""

    async def work(context: CommandContext) -> list[Order]:
        viewer = await _viewer(context, account)
        return list(await _orders(context).latest(viewer, _DAYS * DAY, _MOST))

    listing = Listing(_COLUMNS, "No orders.", as_json=as_json)
    listing.page([_line(order) for order in in_context(config, work)])
    listing.end()


@orders.command()
@config_option
@json_option
@_account
@_number
def show(config: Path | None, as_json: bool, account: str, number: int) -> None:
    """Show how far an order is, and what it could not do."""

    async def work(context: CommandContext) -> tuple[Order | None, list[Problem]]:
        viewer, service = await _viewer(context, account), _orders(context)
        return await service.get(viewer, number), list(await service.problems(viewer, number))

    order, problems = in_context(config, work)
    if order is None:
        raise CommandError(_none(number))
    line = _line(order)
    if as_json:
        print_json({"order": line, "problems": [{"id": one.row_id, "reason": one.words} for one in problems]})
        return
    print_facts(
        [
            ("order", f"{line.id} by {line.actor}: {line.action}"),
            ("state", line.state),
            ("given", moment(line.created_at)),
            ("mails", f"{line.total}, {line.done} done, {line.failed} not, {line.missed} not to be had"),
            *((f"mail {one.row_id}", one.words) for one in problems),
        ]
    )


@orders.command()
@config_option
@json_option
@_account
@_number
def undo(config: Path | None, as_json: bool, account: str, number: int) -> None:
    """Take an order back, or stop it where it runs already."""

    async def work(context: CommandContext) -> tuple[bool, Order | None]:
        viewer, service = await _viewer(context, account), _orders(context)
        if await service.get(viewer, number) is None:
            return False, None
        undone = await service.undo(viewer, number)
        if undone:
            await context.note("order", number, account)
        return undone, await service.get(viewer, number)

    undone, order = in_context(config, work)
    if order is None:
        raise CommandError(_none(number))
    if not undone:
        raise CommandError(f"order {number} can no longer be undone")
    print_done(f"order {number} is taken back, or stopped", as_json, _line(order))


async def _viewer(context: CommandContext, account: str) -> Viewer:
    """Return for whom orders are looked at: an order is its giver's own. Raises CommandError."""
    return replace(context.viewer, account=await context.account(account)) if account else context.viewer


def _orders(context: CommandContext) -> Orders:
    # The running service finds by looking what was ordered.
    return Orders(context.store, context.settings.console.undo_seconds, now=time.time, wake=lambda: None)


def _line(order: Order) -> OrderLine:
    return OrderLine(
        id=order.id,
        actor=order.actor,
        action=order.action.value,
        breadth=order.breadth.value,
        state=order.state.value,
        created_at=order.created_at,
        due_at=order.due_at,
        total=order.total,
        done=order.done,
        failed=order.failed,
        missed=order.missed,
    )


def _none(number: int) -> str:
    return f"there is no order {number}; `challenge-gateway orders list` lists them, with --account those of an account"
