"""Accounts of others: who may sign in, what they may do, and which addresses are theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Created, CursorText, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.roles import Right, Role
from gateway.flow.account_ports import Account, Kind
from gateway.flow.account_rights import Wrong
from gateway.flow.accounts import PAGE, Accounts
from gateway.flow.session_ports import Session

RoleName = Literal["user", "domain-admin", "auditor", "site-admin"]
Address = Annotated[str, Meta(min_length=3, max_length=320)]
Domain = Annotated[str, Meta(min_length=1, max_length=255)]


class AccountsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which accounts."""

    words: Annotated[str, Meta(max_length=200, description="Part of a name or an address.")] = ""
    cursor: CursorText = ""


class AccountAddress(Struct, frozen=True):
    """An address of an account."""

    address: str
    kind: Annotated[str, Meta(description="`own`, `alias` or `delegated`.")]


class AccountItem(Struct, frozen=True):
    """Somebody who may sign in."""

    id: int
    name: str
    role: str
    disabled: bool
    full_name: str
    addresses: tuple[AccountAddress, ...]
    domains: tuple[str, ...]
    language: str
    time_zone: str
    password: Annotated[bool, Meta(description="It has one.")]
    second_factor: bool
    created_at: datetime
    created_by: str
    signed_in_at: datetime | None


class AccountPage(Struct, frozen=True):
    """Some accounts, by name."""

    items: tuple[AccountItem, ...]
    next: str | None


class AccountWish(Struct, frozen=True, forbid_unknown_fields=True):
    """An account to be made."""

    name: Annotated[str, Meta(min_length=1, max_length=100)]
    role: RoleName = "user"
    addresses: Annotated[tuple[Address, ...], Meta(max_length=100)] = ()
    domains: Annotated[tuple[Domain, ...], Meta(max_length=1000)] = ()


class RoleWish(Struct, frozen=True, forbid_unknown_fields=True):
    """What an account may do, and where."""

    role: RoleName
    domains: Annotated[tuple[Domain, ...], Meta(max_length=1000)] = ()


class StateWish(Struct, frozen=True, forbid_unknown_fields=True):
    """Whether an account may sign in."""

    disabled: bool


class AddressWish(Struct, frozen=True, forbid_unknown_fields=True):
    """An address for an account."""

    address: Address
    kind: Literal["own", "alias", "delegated"] = "alias"


class AccountLink(Struct, frozen=True):
    """A link that signs somebody in once, within a day."""

    url: str


class SessionItem(Struct, frozen=True):
    """Somebody's being signed in, in one browser."""

    id: int
    browser: str
    client: str
    way: str
    second_factor: bool
    created_at: datetime
    used_at: datetime
    ends_at: datetime


class SessionList(Struct, frozen=True):
    """Where somebody is signed in."""

    items: tuple[SessionItem, ...]


class AccountsResource:
    """The operations on accounts."""

    def __init__(self, accounts: Accounts, link_url: Callable[[str], str]) -> None:
        """link_url: a link's token → its address."""
        self._accounts = accounts
        self._link_url = link_url

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, see, edit, one = "/accounts/{id}", Right.SEE_ACCOUNTS, Right.EDIT_ACCOUNTS, Names.ACCOUNT
        held, sessions = f"{at}/addresses", f"{at}/sessions"
        return (
            Operation("listAccounts", "GET", "/accounts", see, self.page, "List accounts.", AccountPage, AccountsQuery),
            Operation("addAccount", "POST", "/accounts", edit, self.add, "Make an account.", AccountItem,
                      body=AccountWish, status=201),
            Operation("getAccount", "GET", at, see, self.account, "See an account.", AccountItem, names=one),
            Operation("setAccountRole", "PUT", f"{at}/role", edit, self.role, "Change what an account may do.",
                      AccountItem, body=RoleWish, also=(see,), names=one, problems=(409,)),
            Operation("setAccountState", "PUT", f"{at}/state", edit, self.state, "Shut an account out, or let it in.",
                      AccountItem, body=StateWish, also=(see,), names=one, problems=(409,)),
            Operation("giveAddress", "POST", held, edit, self.give, "Give an account an address.", AccountItem,
                      body=AddressWish, also=(see,), names=one),
            Operation("takeAddress", "DELETE", f"{held}/{{address}}", edit, self.take, "Take an address away.",
                      also=(see,), names=one, problems=(409,)),
            Operation("makeSignInLink", "POST", f"{at}/link", edit, self.link, "Make a link to hand over.", AccountLink,
                      also=(see,), names=one, secret=True),
            Operation("resetSecondFactor", "DELETE", f"{at}/second-factor", edit, self.reset,
                      "Take all second factors away.", also=(see,), names=one),
            Operation("listAccountSessions", "GET", sessions, see, self.sessions, "See where an account is signed in.",
                      SessionList, names=one),
            Operation("endAccountSessions", "DELETE", sessions, edit, self.end_all, "Sign an account out everywhere.",
                      also=(see,), names=one),
            Operation("endAccountSession", "DELETE", f"{sessions}/{{session}}", edit, self.end_one,
                      "Sign an account out in one browser.", also=(see,), names=one),
            Operation("removeAccount", "DELETE", at, edit, self.remove, "Remove an account.", also=(see,), names=one,
                      problems=(409,)),
        )  # fmt: skip

    async def page(self, call: Call[AccountsQuery, None]) -> AccountPage:
        """Return accounts within reach."""
        after = call.cursors.read(call.query.cursor, str)
        found = await self._accounts.page(call.viewer, call.query.words, str(after[0]) if after else "")
        follows = (found[-1].name,) if len(found) == PAGE else None
        return AccountPage(tuple(map(account_item, found)), call.cursors.write(follows))

    async def add(self, call: Call[Nothing, AccountWish]) -> Created:
        """Make an account."""
        told = call.body
        try:
            made = await self._accounts.add(call.viewer, told.name, Role(told.role), told.addresses, told.domains)
        except Wrong as wrong:
            raise Problem("conflict", sentence(str(wrong))) from None
        return Created(account_item(made), f"/accounts/{made.id}")

    async def account(self, call: Call[Nothing, None]) -> AccountItem:
        """Return an account within reach."""
        return account_item(await self._found(call))

    async def role(self, call: Call[Nothing, RoleWish]) -> AccountItem:
        """Change an account's role."""
        role, domains = Role(call.body.role), call.body.domains
        return await self._changed(call, lambda: self._accounts.set_role(call.viewer, call.id, role, domains))

    async def state(self, call: Call[Nothing, StateWish]) -> AccountItem:
        """Shut it out, or let it in."""
        return await self._changed(call, lambda: self._accounts.set_disabled(call.viewer, call.id, call.body.disabled))

    async def give(self, call: Call[Nothing, AddressWish]) -> AccountItem:
        """Give an account an address."""
        kind = Kind(call.body.kind)
        return await self._changed(call, lambda: self._accounts.give(call.viewer, call.id, call.body.address, kind))

    async def take(self, call: Call[Nothing, None]) -> None:
        """Take an address away."""
        await self._changed(call, lambda: self._accounts.take(call.viewer, call.id, call.path["address"]))

    async def link(self, call: Call[Nothing, None]) -> AccountLink:
        """Make a link that signs in to an account."""
        found = await self._found(call)
        token = None if found.disabled else await self._accounts.link(call.viewer, call.id)
        if token is None:
            raise Problem("conflict", "Somebody who is shut out gets no link.")
        return AccountLink(self._link_url(token))

    async def reset(self, call: Call[Nothing, None]) -> None:
        """Take second factors away."""
        await self._changed(call, lambda: self._accounts.reset_second_factor(call.viewer, call.id))

    async def sessions(self, call: Call[Nothing, None]) -> SessionList:
        """Return an account's sessions."""
        await self._found(call)
        return SessionList(tuple(map(session_item, await self._accounts.sessions_of(call.viewer, call.id))))

    async def end_all(self, call: Call[Nothing, None]) -> None:
        """End all of an account's sessions."""
        await self._changed(call, lambda: self._accounts.end_sessions(call.viewer, call.id))

    async def end_one(self, call: Call[Nothing, None]) -> None:
        """End one of an account's sessions."""
        session = int(call.path["session"])
        if not session or not await self._accounts.end_sessions(call.viewer, call.id, session):
            raise not_found()

    async def remove(self, call: Call[Nothing, None]) -> None:
        """Remove an account."""
        await self._found(call)
        try:
            done = await self._accounts.remove(call.viewer, call.id)
        except Wrong as wrong:
            raise Problem("conflict", sentence(str(wrong))) from None
        if not done:
            raise not_found()

    async def _found(self, call: Call[Nothing, Any]) -> Account:
        found = await self._accounts.get(call.viewer, call.id)
        if found is None:
            raise not_found()
        return found

    async def _changed(self, call: Call[Nothing, Any], change: Callable[[], Awaitable[bool]]) -> AccountItem:
        await self._found(call)
        try:
            if not await change():
                raise not_found()
        except Wrong as wrong:
            raise Problem("conflict", sentence(str(wrong))) from None
        return account_item(await self._found(call))


def account_item(one: Account) -> AccountItem:
    """Write one account; nothing of it signs anybody in."""
    return AccountItem(
        id=one.id,
        name=one.name,
        role=one.role.value,
        disabled=one.disabled,
        full_name=one.full_name,
        addresses=tuple(AccountAddress(held.address, held.kind.value) for held in one.addresses),
        domains=one.domains,
        language=one.language,
        time_zone=one.time_zone,
        password=bool(one.password),
        second_factor=one.has_second_factor,
        created_at=when(one.created_at),
        created_by=one.created_by,
        signed_in_at=when_or_none(one.signed_in_at),
    )


def session_item(one: Session) -> SessionItem:
    """Write one session."""
    return SessionItem(
        one.id,
        one.browser,
        one.client,
        one.way,
        one.second_factor,
        when(one.created_at),
        when(one.used_at),
        when(one.ends_at),
    )
