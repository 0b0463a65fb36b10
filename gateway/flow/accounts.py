"""Accounts: who may sign in, what they may do, and which addresses are theirs.

Whoever manages accounts is named by a `Viewer`, and sees and changes what lies within his reach only: a domain admin
the users all of whose addresses are in his domains. What is beyond is as if it were not there.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Sequence

from gateway.domain.address import without_tag
from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.durations import DAY
from gateway.domain.lists import parse_scope
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx, Kind, NewAccount, Taken
from gateway.flow.account_rights import Wrong, covers, editable, keep_one_admin, may_edit, within
from gateway.flow.new_password import Hashing, check_new_password
from gateway.flow.session_ports import Link, Session
from gateway.flow.sessions import Sessions
from gateway.flow.sign_in import SignInRules
from gateway.log import event

_log = logging.getLogger("gateway.sign_in")

HANDED_SECONDS = DAY
"""How long a link is good that an admin hands over."""
PAGE = 100
_NAME = re.compile(r"[^\s\x00-\x1f\x7f<>\"]{1,100}\Z")
_FIRST_NAMES = ("admin", "site-admin", "gateway-admin")
"""Of the account of the first admin: the first that is free."""


def operator(name: str) -> Viewer:
    """Return who acts on the command line: somebody who may do everything."""
    return Viewer(account=0, name=name, role=Role.SITE_ADMIN, reach=Reach(site=True))


class Accounts:
    """Manages accounts of other people; one's own is `own_account`."""

    def __init__(
        self,
        rules: SignInRules,
        store: AccountsStore,
        sessions: Sessions,
        hashing: Hashing,
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
        least_password: int = 12,
    ) -> None:
        self._rules = rules
        self._store = store
        self._sessions = sessions
        self._hashing = hashing
        self._now = now
        self._random_octets = random_octets
        self._least_password = least_password

    # --- looking ---

    async def page(self, viewer: Viewer, words: str = "", after: str = "") -> Sequence[Account]:
        """Return accounts within reach by name, at most PAGE, from behind `after`."""
        domains = None if viewer.reach.site else sorted(viewer.reach.domains)
        if not viewer.may(Right.SEE_ACCOUNTS):
            return ()
        found = await self._store.look(lambda tx: tx.accounts.page(words[:200], domains, after, PAGE))
        return [account for account in found if covers(viewer, account)]

    async def get(self, viewer: Viewer, account_id: int) -> Account | None:
        """Return an account within the viewer's reach; None for any other."""
        return await self._store.look(lambda tx: within(tx, viewer, account_id))

    async def named(self, viewer: Viewer, name: str) -> Account | None:
        """Return the one of this name, or that owns this address, within reach."""
        account = await self._store.look(lambda tx: tx.accounts.by_name(name))
        return account if account is not None and covers(viewer, account) else None

    async def sessions_of(self, viewer: Viewer, account_id: int) -> Sequence[Session]:
        """Return where somebody within reach is signed in."""

        def work(tx: AccountsTx) -> Sequence[Session]:
            return tx.sessions.of_account(account_id) if within(tx, viewer, account_id) else ()

        return await self._store.look(work)

    # --- changing others ---

    async def add(
        self,
        viewer: Viewer,
        name: str,
        role: Role,
        addresses: Sequence[str] = (),
        domains: Sequence[str] = (),
        password: str = "",
    ) -> Account:
        """Make an account. Raises Wrong."""
        if not _NAME.match(name):
            raise Wrong(phrase("a name has 1 to 100 characters, and no blanks"))
        keys = [self._own_address(text, role) for text in addresses]
        if not keys and "@" in name:
            keys = [self._own_address(name, role)]
        told = self._checked_domains(role, domains)
        new = Account(0, name, role, addresses=(), domains=told)
        may_edit(viewer, new, keys)
        hashed = ""
        if password:
            check_new_password(password, self._least_password, (name, *keys))
            hashed = await self._hashing.make(password)
        made = NewAccount(
            name, role, viewer.name, self._now(), password=hashed, domains=told,
            addresses=tuple((key, Kind.OWN if number == 0 else Kind.ALIAS) for number, key in enumerate(keys)),
        )  # fmt: skip

        def work(tx: AccountsTx) -> Account:
            account = tx.accounts.get(tx.accounts.add(made))
            assert account is not None
            return account

        try:
            account = await self._store.transact(work)
        except Taken as taken:
            raise Wrong(words_of(taken)) from taken
        event(_log, "account-added", account=name, role=role.value, actor=viewer.name)
        return account

    async def link(self, viewer: Viewer, account_id: int) -> str | None:
        """Return the token of a one-time link for somebody within reach, to be handed over; None for nobody."""
        token = token_text(self._random_octets(TOKEN_OCTETS))

        def work(tx: AccountsTx) -> str | None:
            account = editable(tx, viewer, account_id)
            if account is None:
                return None
            tx.sessions.add_link(token_hash(token), Link("", account_id, "", self._now() + HANDED_SECONDS))
            return account.name

        name = await self._store.transact(work)
        if name is None:
            return None
        event(_log, "link-made", account=name, actor=viewer.name)
        return token

    async def set_role(self, viewer: Viewer, account_id: int, role: Role, domains: Sequence[str] = ()) -> bool:
        """Change what somebody may do. He has to sign in again. Raises Wrong. False: nobody there."""
        told = self._checked_domains(role, domains)

        def change(tx: AccountsTx, account: Account) -> None:
            may_edit(viewer, Account(account.id, account.name, role, addresses=account.addresses, domains=told), ())
            keep_one_admin(tx, account, stays=role is Role.SITE_ADMIN)
            tx.accounts.set_role(account_id, role, told)
            tx.sessions.end_all(account_id)

        return await self._changed(viewer, account_id, change, f"role {role.value} {' '.join(told)}".strip())

    async def set_disabled(self, viewer: Viewer, account_id: int, disabled: bool) -> bool:
        """Shut somebody out, or let him in again. Raises Wrong. False: nobody there."""

        def change(tx: AccountsTx, account: Account) -> None:
            if disabled and account.id == viewer.account:
                raise Wrong(phrase("you cannot disable your own account"))
            if disabled:
                keep_one_admin(tx, account, stays=False)
                tx.sessions.end_all(account_id)
            tx.accounts.set_disabled(account_id, disabled)

        return await self._changed(viewer, account_id, change, "disabled" if disabled else "enabled")

    async def remove(self, viewer: Viewer, account_id: int) -> bool:
        """Drop an account with its sessions; mail and lists stay. Raises Wrong. False: nobody there."""

        def change(tx: AccountsTx, account: Account) -> None:
            if account.id == viewer.account:
                raise Wrong(phrase("you cannot remove your own account"))
            keep_one_admin(tx, account, stays=False)
            tx.accounts.remove(account_id)

        return await self._changed(viewer, account_id, change, "removed")

    async def give(self, viewer: Viewer, account_id: int, text: str, kind: Kind) -> bool:
        """Let an address belong to somebody. Raises Wrong. False: nobody there."""
        address = self._address(text)

        def change(tx: AccountsTx, account: Account) -> None:
            if not viewer.reach.covers_recipient(address):
                raise Wrong(phrase("{address} is not in your domains", address=address))
            if kind is not Kind.DELEGATED and not self._ours(address) and not account.is_admin:
                raise Wrong(phrase("{address} is not in a domain this gateway takes mail for", address=address))
            tx.accounts.give(account_id, address, kind, viewer.name, self._now())

        try:
            return await self._changed(viewer, account_id, change, f"{kind.value} {address}")
        except Taken as taken:
            raise Wrong(words_of(taken)) from taken

    async def take(self, viewer: Viewer, account_id: int, text: str) -> bool:
        """Take an address away from somebody. Raises Wrong. False: nobody there, or none such."""
        address = self._address(text)

        def change(tx: AccountsTx, account: Account) -> None:
            if not tx.accounts.take(account_id, address):
                raise Wrong(phrase("{name} has no address {address}", name=account.name, address=address))

        return await self._changed(viewer, account_id, change, f"without {address}")

    async def end_sessions(self, viewer: Viewer, account_id: int, session_id: int = 0) -> bool:
        """Sign somebody out everywhere, or of one session. False: nobody there, or none such."""
        ended = True

        def change(tx: AccountsTx, account: Account) -> None:
            nonlocal ended
            if session_id:
                ended = tx.sessions.end(account_id, session_id)
            else:
                tx.sessions.end_all(account_id)

        return await self._changed(viewer, account_id, change, "signed out") and ended

    async def reset_second_factor(self, viewer: Viewer, account_id: int) -> bool:
        """Take all second factors away from somebody who has lost them. False: nobody there."""

        def change(tx: AccountsTx, account: Account) -> None:
            tx.accounts.set_totp(account_id, "", 0)
            tx.accounts.set_recovery(account_id, ())
            for key in tx.accounts.passkeys(account_id):
                tx.accounts.remove_passkey(account_id, key.id)
            tx.sessions.end_all(account_id)

        return await self._changed(viewer, account_id, change, "second factor reset")

    async def _changed(
        self, viewer: Viewer, account_id: int, change: Callable[[AccountsTx, Account], None], what: str
    ) -> bool:
        def work(tx: AccountsTx) -> str:
            account = editable(tx, viewer, account_id)
            if account is None:
                return ""
            change(tx, account)
            return account.name

        name = await self._store.transact(work)
        if name:
            event(_log, "account-changed", account=name, what=what, actor=viewer.name)
        return bool(name)

    # --- the first admin ---

    async def first_admin_link(self) -> str | None:
        """Return the token of a link for a site admin, where none has ever signed in; None where one has."""
        token = token_text(self._random_octets(TOKEN_OCTETS))
        now = self._now()

        def work(tx: AccountsTx) -> bool:
            admins = tx.accounts.site_admins()
            if any(admin.signed_in_at is not None or admin.password for admin in admins):
                return False
            if admins:
                number = admins[0].id
            else:
                free = next(name for name in _FIRST_NAMES if tx.accounts.by_name(name) is None)
                number = tx.accounts.add(NewAccount(free, Role.SITE_ADMIN, "service", now))
            tx.sessions.add_link(token_hash(token), Link("", number, "", now + HANDED_SECONDS))
            return True

        return token if await self._store.transact(work) else None

    # --- reading ---

    def _address(self, text: str) -> str:
        try:
            key = parse_scope(text)
        except ValueError as fault:
            raise Wrong(words_of(fault)) from fault
        if not key or key.startswith("@"):
            raise Wrong(phrase("{text} is no address; write name@example.org", text=repr(text)))
        return without_tag(key, self._rules.delimiter) if self._rules.delimiter else key

    def _own_address(self, text: str, role: Role) -> str:
        address = self._address(text)
        if role is Role.USER and not self._ours(address):
            raise Wrong(phrase("{address} is not in a domain this gateway takes mail for", address=address))
        return address

    def _ours(self, address: str) -> bool:
        return address.rpartition("@")[2] in self._rules.domains

    def _checked_domains(self, role: Role, domains: Sequence[str]) -> tuple[str, ...]:
        told = []
        for text in domains:
            try:
                key = parse_scope(text)
            except ValueError as fault:
                raise Wrong(words_of(fault)) from fault
            if not key.startswith("@") or key[1:] not in self._rules.domains:
                raise Wrong(phrase("{text} is not a domain this gateway takes mail for", text=text))
            told.append(key[1:])
        if role is Role.DOMAIN_ADMIN and not told:
            raise Wrong(phrase("a domain admin needs at least one domain"))
        if told and role not in (Role.DOMAIN_ADMIN, Role.AUDITOR):
            raise Wrong(phrase("domains are for domain admins and auditors only"))
        return tuple(dict.fromkeys(told))
