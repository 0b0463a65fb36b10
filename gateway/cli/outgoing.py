"""`outgoing`: what is stuck on its way out."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_json
from gateway.cli.overview import make_overview
from gateway.domain.sentences import answer_of
from gateway.flow.moderate import Action, Moderator
from gateway.flow.overview import Overview
from gateway.flow.overview_ports import HopState, Stuck

_COLUMNS: tuple[Column[Stuck], ...] = (
    Column("what", lambda one: one.kind),
    Column("id", lambda one: one.id),
    Column("state", lambda one: one.state),
    Column("from", lambda one: one.sender or "<>", elastic=True),
    Column("to", lambda one: one.recipient, elastic=True),
    Column("subject", lambda one: one.subject, elastic=True, spare=True),
    Column("since", lambda one: moment(one.since)),
    Column("attempts", lambda one: one.attempts, spare=True),
    Column("next", lambda one: moment(one.due_at), spare=True),
    Column("last reply", lambda one: answer_of(one.last_reply), elastic=True),
)
_ids = click.argument("ids", metavar="ID...", type=RowId(), nargs=-1, required=True)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one mail or challenge that was named."""

    id: int
    problem: str
    """Why nothing was done; "" where it was."""


@click.group()
@early_config_option
def outgoing() -> None:
    """Look at what is stuck on its way out, try it again or drop it."""


@outgoing.command("list")
@config_option
@json_option
def list_(config: Path | None, as_json: bool) -> None:
    """List mail and challenges that have not gone out, the longest first."""

    async def work(context: CommandContext) -> list[Stuck]:
        return list(await _overview(context).outgoing(context.viewer))

    listing = Listing(_COLUMNS, "Nothing is stuck.", as_json=as_json)
    listing.page(in_context(config, work))
    listing.end()


@outgoing.command()
@config_option
@json_option
@_ids
def retry(config: Path | None, as_json: bool, ids: tuple[int, ...]) -> None:
    """Try mail again now."""
    _run(config, ids, as_json, "is tried again", lambda context, number: _moved(context, number, Action.DELIVER))


@outgoing.command()
@config_option
@json_option
@_ids
def drop(config: Path | None, as_json: bool, ids: tuple[int, ...]) -> None:
    """Delete mail that the next hop refused."""
    _run(config, ids, as_json, "is deleted", lambda context, number: _moved(context, number, Action.DELETE))


@outgoing.command("retry-challenge")
@config_option
@json_option
@_ids
def retry_challenge(config: Path | None, as_json: bool, ids: tuple[int, ...]) -> None:
    """Try challenges again now. ID is that of a challenge."""
    _run(config, ids, as_json, "is tried again", _challenge_again)


async def _moved(context: CommandContext, number: int, action: Action) -> str:
    """Do it to one mail; return why it cannot be done."""
    stuck = await _overview(context).outgoing(context.viewer)
    if not any(one.id == number and one.kind == "mail" for one in stuck):
        return "it is not stuck; `challenge-gateway outgoing list` lists what is"
    # The running service finds by looking, within a second, what was let go.
    moderator = Moderator(context.store, now=time.time, wake_deliveries=lambda: None)
    (done,) = await moderator.act(action, [number], context.viewer.name)
    if not done.problem:
        await context.note("outgoing-mail", number, action.value)
    return done.problem


async def _challenge_again(context: CommandContext, number: int) -> str:
    if not await _overview(context).retry_challenge(context.viewer, number):
        return "no challenge of this number waits to be sent; `challenge-gateway outgoing list` lists those that do"
    await context.note("outgoing-challenge", number)
    return ""


def _run(
    config: Path | None,
    ids: tuple[int, ...],
    as_json: bool,
    said: str,
    act: Callable[[CommandContext, int], Awaitable[str]],
) -> None:
    """Do it to each; one that cannot be done does not keep the others from it."""

    async def work(context: CommandContext) -> list[Outcome]:
        return [Outcome(number, await act(context, number)) for number in dict.fromkeys(ids)]

    outcomes = in_context(config, work)
    if as_json:
        print_json(outcomes)
    elif done := [one for one in outcomes if not one.problem]:
        click.echo("\n".join(f"{one.id} {said}" for one in done))
    problems = [f"{one.id}: {one.problem}" for one in outcomes if one.problem]
    if problems and not as_json:
        raise CommandError("\n".join(problems))
    if problems:
        raise SystemExit(1)


class _NoHops:
    """Stands in for the servers where nobody asks how they are."""

    async def states(self) -> list[HopState]:
        return []


def _overview(context: CommandContext) -> Overview:
    return make_overview(context, _NoHops())
