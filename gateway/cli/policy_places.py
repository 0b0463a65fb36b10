"""`policy list`, `waiting` and `stop`: where something was chosen, and mail that moves to its new day."""

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
from gateway.cli.options import config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_done, print_facts, print_json
from gateway.flow.policies import Policies, name_of, scope_named
from gateway.flow.redate import Redating
from gateway.languages.language import known

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PlaceLine:
    """A scope that may have choices of its own."""

    scope: str
    chosen: bool
    """Something was chosen there."""


@dataclass(frozen=True, slots=True)
class Moving:
    """How far what waits was moved to its new days."""

    scope: str
    actor: str
    state: str
    changed_at: float
    total: int
    """Mails to look at; 0 until they are counted."""
    done: int
    moved: int


_COLUMNS: tuple[Column[PlaceLine], ...] = (
    Column("scope", lambda line: line.scope, elastic=True),
    Column("own choices", lambda line: "yes" if line.chosen else "no"),
)
_scope = click.argument("scope", default="site", metavar="[SCOPE]")


@click.command("list")
@config_option
@json_option
def list_(config: Path | None, as_json: bool) -> None:
    """List the site, our domains, and each address for which something was chosen."""

    async def work(policies: Policies, context: CommandContext) -> list[PlaceLine]:
        places = await policies.places(context.viewer)
        assert places is not None
        ours = ["", *(f"@{domain}" for domain in places.domains)]
        chosen = list(places.chosen)
        while places is not None and places.more:
            places = await policies.places(context.viewer, chosen[-1])
            chosen += places.chosen if places is not None else ()
        return [PlaceLine(name_of(scope), scope in chosen) for scope in dict.fromkeys((*ours, *chosen))]

    listing = Listing(_COLUMNS, "No scopes.", as_json=as_json)
    listing.page(_run(config, work))
    listing.end()


@click.command()
@config_option
@json_option
@_scope
def waiting(config: Path | None, as_json: bool, scope: str) -> None:
    """See how far mail that waits was moved to the days that hold now."""
    named = typed_scope(scope)
    order = _run(config, lambda policies, context: policies.applying(context.viewer, named))
    if order is None:
        raise CommandError(f"nothing is being moved for {scope}; `policy set --apply-to-waiting` does that")
    line = _line(order)
    if as_json:
        print_json(line)
        return
    print_facts(
        [
            ("scope", line.scope),
            ("state", f"{line.state} since {moment(line.changed_at)}, by {line.actor}"),
            ("looked at", f"{line.done} of {line.total}" if line.total else "not counted yet"),
            ("moved", str(line.moved)),
        ]
    )


@click.command()
@config_option
@json_option
@_scope
def stop(config: Path | None, as_json: bool, scope: str) -> None:
    """Stop moving mail that waits; what was moved stays so."""
    named = typed_scope(scope)

    async def work(policies: Policies, context: CommandContext) -> bool:
        stopped = await policies.stop_applying(context.viewer, named)
        if stopped:
            await context.note("policy-waiting", name_of(named), "stopped")
        return stopped

    if not _run(config, work):
        raise CommandError(f"nothing is being moved for {scope}")
    print_done(f"{scope}: stopped; what was moved stays so", as_json, {"stopped": name_of(named)})


def _run(config: Path | None, work: Callable[[Policies, CommandContext], Awaitable[T]]) -> T:
    return in_context(
        config,
        lambda context: work(verbs.make_policies(context.settings, context.store, known(), time.time), context),
    )


def typed_scope(scope: str) -> str:
    """Return a scope as it was typed: site, a domain or an address. Raises WrongUse."""
    named = scope_named(scope)
    if named is None:
        raise WrongUse(f"{scope!r} is neither site, nor a domain, nor an address")
    return named


def _line(order: Redating) -> Moving:
    return Moving(
        scope=name_of(order.scope),
        actor=order.actor,
        state=order.state.value,
        changed_at=order.changed_at,
        total=order.total,
        done=order.done,
        moved=order.progress.moved,
    )
