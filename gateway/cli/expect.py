"""`expect`: windows in which mail of proven strangers passes, and what came in through them."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from gateway import verbs
from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_done, print_json
from gateway.domain.expecting import Window, parse_days, parse_minutes, parse_sender_domain
from gateway.domain.roles import Viewer
from gateway.flow.expecting import Expecting, Hall, Refused, Shown

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WindowLine:
    """One window."""

    id: int
    address: str
    opens: str
    """Where mail is expected: the address itself, or the tagged one."""
    open: bool
    starts_at: float
    ends_at: float
    once: bool
    domain: str
    """Of the authors it is for; "" is any."""
    uses: int


_COLUMNS: tuple[Column[WindowLine], ...] = (
    Column("id", lambda line: line.id),
    Column("opens", lambda line: line.opens, elastic=True),
    Column("state", lambda line: "open" if line.open else "over"),
    Column("until", lambda line: moment(line.ends_at)),
    Column("from", lambda line: line.domain or "anybody proven", elastic=True),
    Column("once", lambda line: "once" if line.once else "", spare=True),
    Column("came in", lambda line: line.uses),
)


@click.group()
@early_config_option
def expect() -> None:
    """Let mail of proven strangers pass for a while."""


@expect.command()
@config_option
@json_option
@click.option(
    "--minutes", default="30", show_default=True, metavar="N", help="How long the address is open: 15 to 120."
)
@click.option("--tag", "tagged", is_flag=True, help="Make an address of its own, as joe+x7k2mq4d@example.org.")
@click.option(
    "--days", default="7", show_default=True, metavar="N", help="How long a tagged address is open: 1 to 365."
)
@click.option("--once", is_flag=True, help="For one mail only.")
@click.option("--from", "domain", default="", metavar="DOMAIN", help="Only for authors of this domain.")
@click.argument("address")
def start(
    config: Path | None, as_json: bool, minutes: str, tagged: bool, days: str, once: bool, domain: str, address: str
) -> None:
    """Expect mail for ADDRESS from now on."""
    try:
        seconds = parse_days(days) if tagged else parse_minutes(minutes)
        authors = parse_sender_domain(domain)
    except ValueError as fault:
        raise WrongUse(str(fault)) from fault

    async def work(expecting: Expecting, viewer: Viewer) -> Window | None:
        return await expecting.start(viewer, address, seconds, tagged=tagged, once=once, domain=authors)

    try:
        window = _with_expecting(config, work, "expecting", f"{address} {authors}".strip())
    except Refused as refused:
        raise CommandError(str(refused)) from refused
    if window is None:
        raise CommandError(f"{address} is none of ours ([domains] names)")
    if as_json:
        print_json(_line(Shown(window, open=True, passed=())))
    else:
        click.echo(f"{window.opens} expects mail until {moment(window.ends_at)} (window {window.id})")


@expect.command("list")
@config_option
@json_option
@click.option("--all", "everything", is_flag=True, help="Also those of the last 30 days that are over.")
def list_(config: Path | None, as_json: bool, everything: bool) -> None:
    """List windows: open ones first."""

    async def work(expecting: Expecting, viewer: Viewer) -> Hall:
        return await expecting.hall(viewer)

    hall = _with_expecting(config, work)
    listing = Listing(_COLUMNS, "Nobody expects mail.", as_json=as_json)
    listing.page([_line(shown) for shown in hall.windows if everything or shown.open])
    listing.end()


@expect.command()
@config_option
@json_option
@click.argument("window_id", type=RowId(), metavar="ID")
def stop(config: Path | None, as_json: bool, window_id: int) -> None:
    """Expect no more mail through a window."""

    async def work(expecting: Expecting, viewer: Viewer) -> bool:
        return await expecting.stop(viewer, window_id)

    if not _with_expecting(config, work, "expecting-stop", f"window {window_id}"):
        raise CommandError(f"there is no window {window_id}; `challenge-gateway expect list` lists them")
    print_done(f"{window_id}: stopped", as_json, {"stopped": window_id})


def _with_expecting(
    config: Path | None, work: Callable[[Expecting, Viewer], Awaitable[T]], deed: str = "", detail: str = ""
) -> T:
    """Run work on windows. deed: for the journal, where it does something."""

    async def at(context: CommandContext) -> T:
        done = await work(verbs.make_expecting(context.settings, context.store, time.time), context.viewer)
        if deed and done:
            await context.note(deed, detail=detail)
        return done

    return in_context(config, at)


def _line(shown: Shown) -> WindowLine:
    window = shown.window
    return WindowLine(
        id=window.id,
        address=window.address,
        opens=window.opens,
        open=shown.open,
        starts_at=window.starts_at,
        ends_at=window.ends_at,
        once=window.once,
        domain=window.domain,
        uses=window.uses,
    )
