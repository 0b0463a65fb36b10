"""`account set-person` and `sessions`: what people choose for themselves, and where they are signed in."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, config_option, json_option
from gateway.cli.output import Column, Listing, moment, note, print_done
from gateway.entrance import make_accounts, make_own_account, make_sessions
from gateway.flow.account_ports import Account
from gateway.flow.account_rights import Wrong
from gateway.flow.session_ports import Session
from gateway.flow.sessions import Sessions
from gateway.log import escape

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A session as it is printed."""

    id: int
    browser: str
    client: str
    way: str
    second_factor: bool
    created_at: float
    used_at: float
    ends_at: float


_SESSIONS: tuple[Column[SessionRow], ...] = (
    Column("id", lambda row: row.id),
    Column("browser", lambda row: row.browser, elastic=True),
    Column("from", lambda row: row.client),
    Column("by", lambda row: row.way),
    Column("begun", lambda row: moment(row.created_at), spare=True),
    Column("last used", lambda row: moment(row.used_at)),
)
_name = click.argument("name")


@click.command("set-person")
@config_option
@json_option
@click.option("--full-name", default=None, metavar="NAME", help="As it stands on pages.")
@click.option("--time-zone", default=None, metavar="ZONE", help="As Europe/Prague.")
@click.option("--language", default=None, metavar="LANGUAGE", help="Of pages and digests, as en.")
@_name
def set_person(
    config: Path | None,
    as_json: bool,
    full_name: str | None,
    time_zone: str | None,
    language: str | None,
    name: str,
) -> None:
    """Choose for an account what its owner chooses on his page. An empty value takes a choice back."""
    if full_name is None and time_zone is None and language is None:
        raise WrongUse("say what to choose: --full-name, --time-zone, --language")

    async def work(context: CommandContext, sessions: Sessions) -> Account | None:
        own = make_own_account(context.settings, context.store, sessions, time.time)
        viewer = replace(context.viewer, account=await context.account(name))
        account = await own.own(viewer)
        assert account is not None
        chosen = (
            account.full_name if full_name is None else full_name,
            account.time_zone if time_zone is None else time_zone,
            account.language if language is None else language,
        )
        await own.set_person(viewer, *chosen)
        await context.note("account", account.id, account.name)
        return await own.own(viewer)

    after = _run(config, work)
    assert after is not None
    fact = {"full_name": after.full_name, "time_zone": after.time_zone, "language": after.language}
    print_done(f"{escape(name)}: saved", as_json, {"name": after.name, **fact})


@click.command()
@config_option
@json_option
@click.option("--end", "end", is_flag=True, help="Sign it out everywhere.")
@click.option("--end-one", "one", type=RowId(), default=None, metavar="ID", help="Sign it out in one browser.")
@_name
def sessions(config: Path | None, as_json: bool, end: bool, one: int | None, name: str) -> None:
    """List where an account is signed in."""
    if end and one is not None:
        raise WrongUse("--end is for all, --end-one for one of them")

    async def work(context: CommandContext, sessions: Sessions) -> Sequence[Session]:
        accounts = make_accounts(context.settings, context.store, sessions, time.time)
        number = await context.account(name)
        rows = await accounts.sessions_of(context.viewer, number)
        if one is not None:
            rows = [row for row in rows if row.id == one]
            if not rows:
                raise CommandError(f"{name} has no session {one}; `challenge-gateway account sessions` lists them")
        if end or one is not None:
            await accounts.end_sessions(context.viewer, number, one or 0)
            await context.note("account-of", number, f"{name}: sign-out")
        return rows

    rows = _run(config, work)
    listing = Listing(_SESSIONS, "It is signed in nowhere.", as_json=as_json)
    listing.page([_session(row) for row in rows])
    listing.end()
    if end or one is not None:
        note(f"{len(rows)} sessions are ended" if end else "this session is ended")


def _run(config: Path | None, work: Callable[[CommandContext, Sessions], Awaitable[T]]) -> T:
    async def at(context: CommandContext) -> T:
        return await work(context, make_sessions(context.settings, context.store, time.time))

    try:
        return in_context(config, at)
    except Wrong as wrong:
        raise CommandError(str(wrong)) from wrong


def _session(one: Session) -> SessionRow:
    return SessionRow(
        one.id, one.browser, one.client, one.way, one.second_factor, one.created_at, one.used_at, one.ends_at
    )
