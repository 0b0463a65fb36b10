"""Sign-in: how somebody shows who he is, and gets a session for it.

A way to sign in by name and password is a `PasswordCheck`; a way that proves an identity by itself (an identity
provider's answer, a header of a trusted proxy) ends in `SignIn.admit`. Whoever comes in by either, or by a link, gets
the account that owns his address, or a user's account of his own where there is none yet.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.domain.address import normal_form, without_tag
from gateway.domain.challenge import token_hash
from gateway.domain.evidence import network_of
from gateway.domain.lists import parse_scope
from gateway.domain.phrase import phrase
from gateway.domain.roles import Role
from gateway.domain.sign_in import (
    LINKS_OF_ADDRESS,
    LINKS_OF_NETWORK,
    LINKS_OF_SITE,
    LONGEST_PASSWORD,
    TRIES_NEAR,
    TRIES_OF_NAME,
    TRIES_OF_NETWORK,
    safe_path,
)
from gateway.flow.account_ports import Account, AccountsStore, AccountsTx, Kind, NewAccount
from gateway.flow.sessions import Arrival, Entered, Sessions
from gateway.flow.sign_in_ports import CheckDown, Identity, PasswordCheck
from gateway.flow.tries import count_try, seconds_until_next, subject_of
from gateway.log import event, warning

_log = logging.getLogger("gateway.sign_in")

LINK_SECONDS = 900.0
"""How long a mailed link is good."""
_LONGEST_ADDRESS = 254


@dataclass(frozen=True, slots=True)
class Asked:
    """What became of asking for a link."""

    wait: float = 0.0
    """Seconds until one may be asked for; 0.0 where this one was taken."""
    fault: str = ""
    """What is wrong with the address as written."""


@dataclass(frozen=True, slots=True)
class Refused:
    """Why nobody came in."""

    wait: float = 0.0
    """Seconds until the next try is looked at; 0.0 where name and password were looked at, and are wrong."""
    down: bool = False
    """They could not be looked at."""


@dataclass(frozen=True, slots=True)
class SignInRules:
    """What holds for signing in."""

    domains: frozenset[str]
    """Ours, as A-labels: who has an address in them may come in."""
    delimiter: str = "+"
    """Starts a sub-address; "" is none."""
    links: bool = True
    """Links are sent by mail."""


class SignIn:
    """Lets people in: by a link, by name and password, or because another server vouches for them."""

    def __init__(
        self,
        rules: SignInRules,
        store: AccountsStore,
        sessions: Sessions,
        checks: Sequence[PasswordCheck],
        *,
        now: Callable[[], float],
        random_octets: Callable[[int], bytes],
        wake_mail: Callable[[], None] = lambda: None,
    ) -> None:
        """checks: asked in this order. wake_mail: says that a link waits to be sent."""
        self.rules = rules
        self._store = store
        self._sessions = sessions
        self._checks = tuple(checks)
        self._now = now
        self._random_octets = random_octets
        self._wake_mail = wake_mail

    @property
    def by_password(self) -> bool:
        """True where there is a way to come in by name and password."""
        return bool(self._checks)

    @property
    def sends_links(self) -> bool:
        """True where links are sent by mail."""
        return self.rules.links

    # --- by link ---

    async def ask_link(self, text: str, wanted: str, arrival: Arrival) -> Asked:
        """Let a link be sent to an address, if it is one of ours. Nobody learns here whether it is."""
        address = self._address(text)
        if not address:
            return Asked(fault=phrase("Write one whole address, as name@example.org."))
        now = self._now()
        network = network_of(arrival.client)
        limits = (
            ("link-address", subject_of(address), LINKS_OF_ADDRESS),
            ("link-network", subject_of(network), LINKS_OF_NETWORK),
            ("link-site", subject_of(""), LINKS_OF_SITE),
        )
        path = safe_path(wanted)

        def work(tx: AccountsTx) -> float:
            wait = max(seconds_until_next(tx, kind, subject, windows, now) for kind, subject, windows in limits)
            if not wait:
                for kind, subject, _ in limits:
                    tx.sessions.tried(kind, subject, now)
                tx.sessions.request_link(address, path, arrival.client, arrival.language, now)
            return wait

        wait = await self._store.transact(work)
        event(_log, "link-asked", address=address, client=arrival.client, wait=round(wait))
        if not wait:
            self._wake_mail()
        return Asked(wait)

    def _address(self, text: str) -> str:
        """Return the mailbox that is meant, in normal form: a sub-address is its mailbox; "" for what is none."""
        try:
            key = parse_scope(text[: _LONGEST_ADDRESS + 2])
        except (ValueError, UnicodeError):
            return ""
        if key.startswith("@") or len(key) > _LONGEST_ADDRESS or any(c in key for c in '<>"(),;:\\[]'):
            return ""
        return without_tag(key, self.rules.delimiter) if self.rules.delimiter else key

    async def whose_link(self, token: str) -> str | None:
        """Return whom a link signs in; None where it is used, too old, or none of ours. Uses nothing up."""
        now, hashed = self._now(), token_hash(token)

        def work(tx: AccountsTx) -> str | None:
            link = tx.sessions.link(hashed)
            if link is None or now >= link.ends_at:
                return None
            if link.account is None:
                return link.address
            account = tx.accounts.get(link.account)
            return account.name if account is not None and not account.disabled else None

        return await self._store.look(work)

    async def enter_by_link(self, token: str, arrival: Arrival) -> Entered | None:
        """Use a link up; None where it is used, too old, or none of ours."""
        now, hashed, secret = self._now(), token_hash(token), self._sessions.secret()

        def work(tx: AccountsTx) -> Entered | None:
            link = tx.sessions.link(hashed)
            if link is None or not tx.sessions.use_link(hashed) or now >= link.ends_at:
                return None
            if link.account is not None:
                account = tx.accounts.get(link.account)
            else:
                account = self._account_of(tx, Identity(link.address, (link.address,)), "link", now)
                # Others that wait in the mailbox have done their duty too.
                tx.sessions.forget_links(link.address)
            if account is None or account.disabled:
                return None
            return self._sessions.begin(tx, account, secret, "link", link.wanted, arrival, proven=False)

        return self._told(await self._store.transact(work), "link", arrival)

    # --- by password ---

    async def enter_by_password(self, name: str, password: str, wanted: str, arrival: Arrival) -> Entered | Refused:
        """Try name and password. Wrong ones are answered alike, and ever more slowly."""
        now = self._now()
        name = name.strip()[:_LONGEST_ADDRESS]
        key, network = normal_form(name), network_of(arrival.client)
        near = subject_of(f"{key}\0{network}")
        limits = (
            ("near", near, TRIES_NEAR),
            ("name", subject_of(key), TRIES_OF_NAME),
            ("network", subject_of(network), TRIES_OF_NETWORK),
        )
        # Counted before it is looked at: of many tries at once, none slips through.
        wait = await self._store.transact(lambda tx: count_try(tx, limits, now))
        if wait:
            event(_log, "sign-in-slowed", account=name, client=arrival.client, wait=round(wait))
            return Refused(wait)
        found, down = await self._check(name, password[: LONGEST_PASSWORD + 1])
        if found is None:
            warning(_log, "sign-in-refused", account=name, client=arrival.client, down=down)
            return Refused(down=down)
        way, identity = found

        def forgive(tx: AccountsTx) -> None:
            for kind, subject, _ in limits[:2]:
                tx.sessions.forgive(kind, subject)

        await self._store.transact(forgive)
        return await self.admit(identity, way, wanted, arrival) or Refused()

    async def _check(self, name: str, password: str) -> tuple[tuple[str, Identity] | None, bool]:
        down = False
        if not name or not password or "\0" in name + password:
            return None, down
        for check in self._checks:
            try:
                identity = await check.check(name, password)
            except CheckDown as fault:
                warning(_log, "sign-in-down", way=check.name, problem=str(fault))
                down = True
                continue
            if identity is not None:
                return (check.name, identity), False
        return None, down

    def takes_password_of(self, account: Account) -> bool:
        """True where this account may have a password that can be checked: here, or at another system."""
        ours = bool(account.password)
        theirs = any(held.kind is not Kind.DELEGATED for held in account.addresses)
        return any(ours if check.name == "password" else theirs for check in self._checks)

    async def is_password_of(self, account: Account, password: str) -> bool:
        """Say whether a password is of this account. Counts nothing. Raises CheckDown."""
        owned = [held for held in account.addresses if held.kind is not Kind.DELEGATED]
        owned.sort(key=lambda held: held.kind is not Kind.OWN)
        name = account.name if account.password or not owned else owned[0].address
        found, down = await self._check(name, password[: LONGEST_PASSWORD + 1])
        if found is None:
            if down:
                raise CheckDown("a way to sign in cannot be asked")
            return False
        way, identity = found

        def work(tx: AccountsTx) -> bool:
            there = self._known(tx, identity, way)
            return there is not None and there.id == account.id

        return await self._store.look(work)

    async def admit(self, identity: Identity, way: str, wanted: str, arrival: Arrival) -> Entered | None:
        """Let somebody in whom `way` has proven; None where he has no account here and may not get one."""
        now, secret, path = self._now(), self._sessions.secret(), safe_path(wanted)

        def work(tx: AccountsTx) -> Entered | None:
            account = self._account_of(tx, identity, way, now)
            if account is None or account.disabled:
                return None
            return self._sessions.begin(tx, account, secret, way, path, arrival, proven=identity.second_factor)

        return self._told(await self._store.transact(work), way, arrival)

    def _account_of(self, tx: AccountsTx, identity: Identity, way: str, now: float) -> Account | None:
        """Return the account of somebody, made now where he has an address of ours and none yet."""
        account = self._known(tx, identity, way)
        if identity.account is not None:
            return account
        if account is None:
            addresses = [self._address(text) for text in identity.addresses]
            ours = [key for key in dict.fromkeys(addresses) if key and key.rpartition("@")[2] in self.rules.domains]
            if not ours:
                return None
            # An account of this name that does not own the address is somebody else's.
            name = ours[0] if tx.accounts.by_name(ours[0]) is None else f"{ours[0]} ({way})"
            if tx.accounts.by_name(name) is not None:
                return None
            new = NewAccount(name, Role.USER, way, now, full_name=identity.full_name, addresses=((ours[0], Kind.OWN),))
            account = tx.accounts.get(tx.accounts.add(new))
        if account is not None and identity.subject:
            tx.accounts.tie(account.id, way, identity.subject)
        return account

    def _known(self, tx: AccountsTx, identity: Identity, way: str) -> Account | None:
        """Return the account of somebody; None where he has none yet."""
        if identity.account is not None:
            return tx.accounts.get(identity.account)
        account = tx.accounts.by_identity(way, identity.subject) if identity.subject else None
        for key in map(self._address, identity.addresses) if account is None else ():
            account = account or (tx.accounts.owner(key) if key else None)
        return account

    def _told(self, entered: Entered | None, way: str, arrival: Arrival) -> Entered | None:
        if entered is None:
            warning(_log, "sign-in-refused", account="", client=arrival.client, down=False)
        else:
            event(_log, "signed-in", account=entered.name, way=way, stage=entered.stage.value, client=arrival.client)
        return entered
