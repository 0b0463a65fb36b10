"""`token`: with what programs come in through the API."""

from __future__ import annotations

import secrets
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.faults import CommandError
from gateway.cli.options import RowId, actor, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note, print_done, print_json
from gateway.domain.roles import Viewer
from gateway.domain.scopes import Scope
from gateway.entrance import make_accounts, make_sessions, make_tokens
from gateway.flow.account_rights import Wrong
from gateway.flow.accounts import PAGE, Accounts, operator
from gateway.flow.tokens import Made, Token, Tokens
from gateway.log import escape
from gateway.store.store import Store

T = TypeVar("T")

Note = Callable[[str, str], Awaitable[None]]
"""Deed and details → a line of the journal."""
Job = Callable[[Tokens, Accounts, Viewer, Note], Awaitable[T]]


@dataclass(frozen=True, slots=True)
class TokenRow:
    """A token as it is printed: nothing of it signs anybody in."""

    id: int
    account: str
    name: str
    scopes: tuple[str, ...]
    hint: str
    created_at: float
    ends_at: float
    used_at: float | None
    client: str


_COLUMNS: tuple[Column[TokenRow], ...] = (
    Column("id", lambda row: row.id),
    Column("account", lambda row: row.account, elastic=True),
    Column("name", lambda row: row.name, elastic=True),
    Column("may", lambda row: " ".join(row.scopes), elastic=True),
    Column("ends with", lambda row: row.hint, spare=True),
    Column("good until", lambda row: moment(row.ends_at)),
    Column("last used", lambda row: moment(row.used_at), spare=True),
    Column("from", lambda row: row.client, spare=True),
)


@click.group()
@early_config_option
def token() -> None:
    """Manage with what programs come in through the API."""


@token.command()
@config_option
@json_option
@click.argument("account")
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, type=click.Choice([scope.value for scope in Scope]),
    help="What it may do; once for each thing.",
)  # fmt: skip
@click.option("--days", default=90.0, show_default=True, metavar="N", type=float, help="For how long it is good.")
def make(config: Path | None, as_json: bool, account: str, name: str, scopes: Sequence[str], days: float) -> None:
    """Make a token that speaks for ACCOUNT, and print it: it is not shown again. NAME says what it is for."""

    async def work(tokens: Tokens, accounts: Accounts, viewer: Viewer, wrote: Note) -> Made:
        found = await accounts.named(viewer, account)
        made = found and await tokens.make_for(viewer, found.id, name, [Scope(scope) for scope in scopes], days)
        if not made:
            raise Wrong(_nobody(account))
        await wrote("account-tokens", f"{account}: {made.token.name}: {' '.join(scopes)}")
        return made

    made = _with_tokens(config, work)
    if as_json:
        print_json({"token": _row(made.token, account), "secret": made.secret})
        return
    click.echo(made.secret)
    note(f"token {made.token.id} of {account}, good until {moment(made.token.ends_at)}")


@token.command("list")
@config_option
@json_option
@click.option("--account", default="", metavar="NAME", help="Only those of this account.")
def list_(config: Path | None, as_json: bool, account: str) -> None:
    """List tokens, by account, the newest first."""
    listing = Listing(_COLUMNS, "No tokens.", as_json=as_json)

    async def work(tokens: Tokens, accounts: Accounts, viewer: Viewer, wrote: Note) -> None:
        if account:
            found = await accounts.named(viewer, account)
            if found is None:
                raise Wrong(_nobody(account))
            listing.page([_row(one, found.name) for one in await tokens.of_account(viewer, found.id)])
            return
        after = ""
        while page := await accounts.page(viewer, "", after):
            for owner in page:
                listing.page([_row(one, owner.name) for one in await tokens.of_account(viewer, owner.id)])
            if len(page) < PAGE:
                return
            after = page[-1].name

    _with_tokens(config, work)
    listing.end()


@token.command()
@config_option
@json_option
@click.argument("number", metavar="ID", type=RowId())
def revoke(config: Path | None, as_json: bool, number: int) -> None:
    """End a token."""

    async def work(tokens: Tokens, accounts: Accounts, viewer: Viewer, wrote: Note) -> bool:
        revoked = await tokens.revoke_of(viewer, number)
        if revoked:
            await wrote("account-token-revoke", f"token {number}")
        return revoked

    if not _with_tokens(config, work):
        raise CommandError(f"there is no token {number}; `challenge-gateway token list` lists them")
    print_done(f"token {number} is revoked", as_json, {"revoked": number})


def _with_tokens(config: Path | None, job: Job[T]) -> T:
    settings = settings_of(config)

    async def work(store: Store) -> T:
        accounts = make_accounts(settings, store, make_sessions(settings, store, time.time), time.time)
        tokens = make_tokens(settings, store, time.time, secrets.token_bytes)
        try:
            return await job(
                tokens, accounts, operator(actor()), lambda deed, detail: noted(store, deed, detail=detail)
            )
        except Wrong as wrong:
            raise CommandError(str(wrong)) from wrong

    return with_store(config, work)


def _row(one: Token, account: str) -> TokenRow:
    return TokenRow(
        id=one.id,
        account=account,
        name=one.name,
        scopes=tuple(scope.value for scope in one.scopes),
        hint=one.hint,
        created_at=one.created_at,
        ends_at=one.ends_at,
        used_at=one.used_at,
        client=one.client,
    )


def _nobody(name: str) -> str:
    return f"there is no account {escape(name)}; `challenge-gateway account list` lists them"
