"""`pending authorize`, `deliver`, `blacklist` and `delete`: mail that waits is settled."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.options import RowId, actor, config_option, json_option
from gateway.cli.output import print_json, progress
from gateway.domain.policy import Scope
from gateway.flow.moderate import Action, Breadth, Done, Moderator
from gateway.store.store import Store

_BATCH = 200
"""Rows moved in one transaction: mail that comes in meanwhile does not wait for long."""

_breadth_option = click.option(
    "--sender",
    "breadth",
    type=click.Choice([breadth.value for breadth in Breadth]),
    default=Breadth.ADDRESS.value,
    show_default=True,
    help="Whom the entry names: its address, its whole domain, or the list or machine the mail comes from.",
)
_scope_option = click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.RECIPIENT.value,
    show_default=True,
    help="Whose mail the entry holds for: the recipient's, its whole domain's, or everybody's.",
)


def _outcome(one: Done) -> str:
    """Say in a line what became of one mail."""
    if one.state is None:
        return f"{one.id}: {one.problem}; `pending list --state all` lists what there is"
    return f"{one.id}: {one.problem or one.state.value}"


def _command(action: Action, sentence: str) -> click.Command:
    @config_option
    @json_option
    @click.argument("ids", metavar="ID...", type=RowId(), nargs=-1, required=True)
    def command(
        config: Path | None,
        as_json: bool,
        ids: tuple[int, ...],
        breadth: str = Breadth.ADDRESS.value,
        scope: str = Scope.RECIPIENT.value,
    ) -> None:
        wanted, meant, whose = list(dict.fromkeys(ids)), Breadth(breadth), Scope(scope)

        async def work(store: Store) -> list[Done]:
            # The running service finds what was released by looking, within a second.
            moderator = Moderator(store, now=time.time, wake_deliveries=lambda: None)
            done: list[Done] = []
            with progress(action.value) as told:
                for start in range(0, len(wanted), _BATCH):
                    done += await moderator.act(action, wanted[start : start + _BATCH], actor(), meant, whose)
                    told(len(done), len(wanted))
            if moved := [one.id for one in done if not one.problem]:
                await noted(store, "pending", " ".join(map(str, moved)), f"{action.value}: {len(moved)}")
            return done

        done = with_store(config, work)
        if as_json:
            print_json(done)
        else:
            for one in done:
                click.echo(_outcome(one), err=bool(one.problem))
        if any(one.problem for one in done):
            raise SystemExit(1)

    if action in (Action.AUTHORIZE, Action.BLACKLIST):
        command = _scope_option(_breadth_option(command))
    return click.command(action.value, help=sentence)(command)


commands = (
    _command(Action.AUTHORIZE, "Deliver mail, and let its sender through from now on."),
    _command(Action.DELIVER, "Deliver mail, this once."),
    _command(Action.BLACKLIST, "Drop mail, and refuse its sender from now on."),
    _command(Action.DELETE, "Drop mail."),
)
