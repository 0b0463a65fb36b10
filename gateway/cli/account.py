"""`account`: who may sign in to the console."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli import account_person
from gateway.cli.access import with_store
from gateway.cli.faults import CommandError
from gateway.cli.options import CLIENT, actor, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note, print_done, print_facts, print_json
from gateway.domain.roles import Role, Viewer
from gateway.entrance import link_url, make_accounts, make_sessions
from gateway.flow.account_ports import Account, Kind
from gateway.flow.account_rights import Wrong
from gateway.flow.accounts import PAGE, Accounts, operator
from gateway.flow.journal import Journal
from gateway.log import escape
from gateway.settings import Settings
from gateway.settings.values import read_secret
from gateway.store.store import Store

T = TypeVar("T")

Job = Callable[[Accounts, Viewer], Awaitable[T]]
Note = Callable[[str, Account, str], Awaitable[None]]
"""Deed, account and details → a line of the journal."""
NotedJob = Callable[[Accounts, Viewer, Note], Awaitable[T]]


_COLUMNS: tuple[Column[Account], ...] = (
    Column("name", lambda one: one.name, elastic=True),
    Column("role", lambda one: one.role.value),
    Column("addresses", lambda one: " ".join(held.address for held in one.addresses), elastic=True),
    Column("domains", lambda one: " ".join(one.domains), elastic=True, spare=True),
    Column("state", lambda one: "disabled" if one.disabled else "enabled"),
    Column("password", lambda one: "yes" if one.password else "no", spare=True),
    Column("second factor", lambda one: "yes" if one.has_second_factor else "no", spare=True),
    Column("last sign-in", lambda one: moment(one.signed_in_at), spare=True),
)

_name = click.argument("name")
_role = click.option(
    "--role", type=click.Choice([role.value for role in Role]), default=Role.USER.value, show_default=True,
    help="What it may do.",
)  # fmt: skip
_domain = click.option("--domain", "domains", multiple=True, help="That a domain admin, or an auditor, is for.")


@click.group()
@early_config_option
def account() -> None:
    """Manage who may sign in to the console."""


@account.command()
@config_option
@json_option
@_name
@_role
@_domain
@click.option("--address", "addresses", multiple=True, help="Its own; further ones are aliases of the first.")
@click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False), help="Its first line is the password."
)
@click.option("--ask-password", is_flag=True, help="Ask for a password.")
def add(
    config: Path | None,
    as_json: bool,
    name: str,
    role: str,
    domains: Sequence[str],
    addresses: Sequence[str],
    password_file: Path | None,
    ask_password: bool,
) -> None:
    """Add an account, and print a link that signs it in once, within a day."""
    password = ""
    if password_file is not None:
        password = read_secret(password_file).partition("\n")[0]
    elif ask_password:
        password = click.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    settings = settings_of(config)

    async def work(accounts: Accounts, viewer: Viewer, wrote: Note) -> tuple[Account, str | None]:
        made = await accounts.add(viewer, name, Role(role), addresses, domains, password)
        await wrote("accounts", made, f"{made.name}, {role}")
        return made, None if password else await accounts.link(viewer, made.id)

    made, token = _changing(config, work)
    url = None if token is None else link_url(settings, token)
    if as_json:
        print_json({"account": _shape(made), "url": url})
        return
    click.echo(f"added {escape(made.name)} as {made.role.value}")
    if url is not None:
        click.echo(url)
        note("the link signs it in once, within a day")


@account.command("list")
@config_option
@json_option
@click.option("--search", default="", metavar="WORDS", help="In names and addresses.")
def list_(config: Path | None, as_json: bool, search: str) -> None:
    """List accounts by name."""
    listing = Listing(_COLUMNS, "No accounts.", as_json=as_json, shape=_shape)

    async def work(accounts: Accounts, viewer: Viewer) -> None:
        after = ""
        while True:
            page = await accounts.page(viewer, search, after)
            listing.page(page)
            if len(page) < PAGE:
                return
            after = page[-1].name

    _with_accounts(config, work)
    listing.end()


@account.command()
@config_option
@json_option
@_name
def show(config: Path | None, as_json: bool, name: str) -> None:
    """Show one account. NAME is its name, or an address of its own."""
    found = _with_accounts(config, lambda accounts, viewer: _named(accounts, viewer, name))
    if as_json:
        print_json(_shape(found))
        return
    print_facts(
        (
            ("name", found.name),
            ("role", found.role.value),
            ("state", "disabled" if found.disabled else "enabled"),
            ("full name", found.full_name),
            *(("address", f"{held.address} ({held.kind.value})") for held in found.addresses),
            *(("domain", domain) for domain in found.domains),
            ("password", "yes" if found.password else "no"),
            ("second factor", "yes" if found.has_second_factor else "no"),
            ("made", f"{moment(found.created_at)} by {found.created_by}"),
            ("last sign-in", moment(found.signed_in_at) or "never"),
        )
    )


@account.command("set-role")
@config_option
@json_option
@_name
@click.argument("role", type=click.Choice([role.value for role in Role]))
@_domain
def set_role(config: Path | None, as_json: bool, name: str, role: str, domains: Sequence[str]) -> None:
    """Change what an account may do; it has to sign in again."""
    after = _change(
        config, name, f"role {' '.join((role, *domains))}",
        lambda accounts, viewer, number: accounts.set_role(viewer, number, Role(role), domains),
    )  # fmt: skip
    print_done(f"{escape(name)} is {role}", as_json, after)


@account.command()
@config_option
@json_option
@_name
def disable(config: Path | None, as_json: bool, name: str) -> None:
    """Shut an account out, and end its sessions."""
    after = _change(
        config, name, "disable", lambda accounts, viewer, number: accounts.set_disabled(viewer, number, True)
    )
    print_done(f"{escape(name)} is disabled", as_json, after)


@account.command()
@config_option
@json_option
@_name
def enable(config: Path | None, as_json: bool, name: str) -> None:
    """Let an account in again."""
    after = _change(
        config, name, "enable", lambda accounts, viewer, number: accounts.set_disabled(viewer, number, False)
    )
    print_done(f"{escape(name)} is enabled", as_json, after)


@account.command()
@config_option
@json_option
@_name
def remove(config: Path | None, as_json: bool, name: str) -> None:
    """Remove an account with its sessions; its mail and its list entries stay."""
    _change(config, name, "", lambda accounts, viewer, number: accounts.remove(viewer, number), "account-remove")
    print_done(f"removed {escape(name)}", as_json, {"removed": name})


@account.command()
@config_option
@json_option
@_name
@click.argument("address")
@click.option(
    "--kind", type=click.Choice([kind.value for kind in Kind]), default=Kind.ALIAS.value, show_default=True,
    help="Its own, an alias of it, or somebody else's whose mail it sees to.",
)  # fmt: skip
def give(config: Path | None, as_json: bool, name: str, address: str, kind: str) -> None:
    """Let an address belong to an account."""
    after = _change(
        config, name, f"give {address} {kind}",
        lambda accounts, viewer, number: accounts.give(viewer, number, address, Kind(kind)),
    )  # fmt: skip
    print_done(f"{escape(address)} belongs to {escape(name)} ({kind})", as_json, after)


@account.command()
@config_option
@json_option
@_name
@click.argument("address")
def take(config: Path | None, as_json: bool, name: str, address: str) -> None:
    """Take an address away from an account."""
    after = _change(
        config, name, f"take {address}", lambda accounts, viewer, number: accounts.take(viewer, number, address)
    )
    print_done(f"{escape(address)} no longer belongs to {escape(name)}", as_json, after)


@account.command()
@config_option
@json_option
@_name
def link(config: Path | None, as_json: bool, name: str) -> None:
    """Print a link that signs an account in once, within a day."""
    settings = settings_of(config)

    async def work(accounts: Accounts, viewer: Viewer, wrote: Note) -> str | None:
        found = await _named(accounts, viewer, name)
        if found.disabled:
            raise Wrong(f"{name} is disabled; enable it first")
        token = await accounts.link(viewer, found.id)
        await wrote("account-link", found, found.name)
        return token

    token = _changing(config, work)
    if token is None:
        raise CommandError(_nobody(name))
    url = link_url(settings, token)
    if as_json:
        print_json({"url": url})
    else:
        click.echo(url)


@account.command("reset-second-factor")
@config_option
@json_option
@_name
def reset_second_factor(config: Path | None, as_json: bool, name: str) -> None:
    """Forget app, passkeys and recovery codes of somebody who has lost them."""
    after = _change(
        config, name, "reset-factor", lambda accounts, viewer, number: accounts.reset_second_factor(viewer, number)
    )
    words = f"{escape(name)} signs in without a second factor, until another one is set up"
    print_done(words, as_json, after)


account.add_command(account_person.set_person)
account.add_command(account_person.sessions)


def _with_accounts(config: Path | None, job: Job[T]) -> T:
    """Run a job on the accounts of a configuration's store. Raises CommandError."""
    return _changing(config, lambda accounts, viewer, wrote: job(accounts, viewer))


def _changing(config: Path | None, job: NotedJob[T]) -> T:
    """Run a job that writes into the journal what it did, in the words of the console. Raises CommandError."""
    settings: Settings = settings_of(config)

    async def work(store: Store) -> T:
        accounts = make_accounts(settings, store, make_sessions(settings, store, time.time), time.time)
        viewer, journal = operator(actor()), Journal(store, now=time.time)

        async def wrote(deed: str, about: Account, detail: str) -> None:
            await journal.note(viewer, deed, str(about.id), detail, CLIENT)

        try:
            return await job(accounts, viewer, wrote)
        except Wrong as wrong:
            raise CommandError(str(wrong)) from wrong

    return with_store(config, work)


def _change(
    config: Path | None,
    name: str,
    what: str,
    change: Callable[[Accounts, Viewer, int], Awaitable[bool]],
    deed: str = "account-of",
) -> object:
    """Change an account; return it as it is then, or None where it is gone."""

    async def work(accounts: Accounts, viewer: Viewer, wrote: Note) -> object:
        found = await _named(accounts, viewer, name)
        if not await change(accounts, viewer, found.id):
            raise Wrong(_nobody(name))
        await wrote(deed, found, f"{found.name}: {what}" if what else found.name)
        after = await accounts.get(viewer, found.id)
        return None if after is None else _shape(after)

    return _changing(config, work)


async def _named(accounts: Accounts, viewer: Viewer, name: str) -> Account:
    found = await accounts.named(viewer, name)
    if found is None:
        raise Wrong(_nobody(name))
    return found


def _nobody(name: str) -> str:
    return f"there is no account {name}; `challenge-gateway account list` lists them"


def _shape(one: Account) -> object:
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.accounts import account_item

    return account_item(one)
