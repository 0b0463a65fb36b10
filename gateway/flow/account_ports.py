"""Accounts as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain.roles import Reach, Role, Viewer
from gateway.flow.session_ports import SessionTable
from gateway.flow.transactions import StoreOf


class Kind(Enum):
    """How an address belongs to an account. Stored by value."""

    OWN = "own"  # The account's own mailbox: a link sent there signs in.
    ALIAS = "alias"  # Another name of the same mailbox: so does one sent there.
    DELEGATED = "delegated"  # Somebody else's, whose mail this person may see to. It signs nobody in.


@dataclass(frozen=True, slots=True)
class AccountAddress:
    """An address of an account."""

    address: str
    """Normal form."""
    kind: Kind
    given_by: str
    given_at: float


@dataclass(frozen=True, slots=True)
class Account:
    """Somebody who may sign in."""

    id: int
    name: str
    role: Role
    full_name: str = ""
    disabled: bool = False
    addresses: tuple[AccountAddress, ...] = ()
    domains: tuple[str, ...] = ()
    """That a domain admin, or an auditor, is for. A lower-case A-label each; none with an auditor is the whole site."""
    language: str = ""
    time_zone: str = ""
    created_at: float = 0.0
    created_by: str = ""
    signed_in_at: float | None = None
    password: str = ""
    """Its hash; "" where it has none."""
    totp_secret: str = ""
    totp_step: int = 0
    passkeys: int = 0
    recovery_codes: int = 0

    @property
    def has_second_factor(self) -> bool:
        """True where a sign-in asks for more."""
        return bool(self.totp_secret or self.passkeys)

    @property
    def is_admin(self) -> bool:
        """True where it has to do with other people's mail."""
        return self.role is not Role.USER

    @property
    def reach(self) -> Reach:
        """Whose mail it has to do with."""
        addresses = frozenset(held.address for held in self.addresses)
        domains = frozenset(self.domains) if self.role in (Role.DOMAIN_ADMIN, Role.AUDITOR) else frozenset()
        site = self.role is Role.SITE_ADMIN or (self.role is Role.AUDITOR and not domains)
        return Reach(site=site, domains=domains, addresses=addresses)


def viewer_from(account: Account, session: int, second_factor: bool) -> Viewer:
    """Return who is signed in."""
    return Viewer(
        account=account.id,
        name=account.name,
        role=account.role,
        reach=account.reach,
        session=session,
        second_factor=second_factor,
        language=account.language,
        time_zone=account.time_zone or "UTC",
    )


@dataclass(frozen=True, slots=True)
class NewAccount:
    """An account about to be made."""

    name: str
    role: Role
    created_by: str
    created_at: float
    full_name: str = ""
    password: str = ""
    time_zone: str = ""
    language: str = ""
    addresses: tuple[tuple[str, Kind], ...] = ()
    domains: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Passkey:
    """A key that a device or a password manager keeps for its owner."""

    id: int
    account: int
    credential: bytes
    public_key: bytes
    counter: int
    name: str
    added_at: float
    used_at: float | None


class AccountTable(Protocol):
    """Accounts and what belongs to them, within one transaction."""

    def get(self, account_id: int) -> Account | None:
        """Return an account by its id; None where there is none."""

    def by_name(self, name: str) -> Account | None:
        """Return the one of this name, or that owns this address."""

    def owner(self, address: str) -> Account | None:
        """Return the one whose own address or alias this normal form is."""

    def by_identity(self, method: str, subject: str) -> Account | None:
        """Return the one whom another system knows under this name."""

    def page(self, words: str, domains: Sequence[str] | None, after: str, most: int) -> Sequence[Account]:
        """Return accounts by name, from behind `after`; domains: of None are all, else with an address in one of them."""

    def site_admins(self) -> Sequence[Account]:
        """Return those who may do everything and are not disabled, the eldest first."""

    def add(self, new: NewAccount) -> int:
        """Keep a new one; return its id. Raises Taken."""

    def tie(self, account_id: int, method: str, subject: str) -> None:
        """Remember under which name another system knows it."""

    def remove(self, account_id: int) -> None:
        """Drop it with all that belongs to it."""

    def set_role(self, account_id: int, role: Role, domains: Sequence[str]) -> None:
        """Save what it may do, and where."""

    def set_disabled(self, account_id: int, disabled: bool) -> None:
        """Save whether it may sign in."""

    def set_person(self, account_id: int, full_name: str, time_zone: str, language: str) -> None:
        """Save what its owner chooses."""

    def set_password(self, account_id: int, hashed: str) -> None:
        """Save a hash; "" takes the password away."""

    def set_totp(self, account_id: int, secret: str, step: int) -> None:
        """Save a secret and the time step that was used last."""

    def use_totp(self, account_id: int, step: int) -> bool:
        """Use up a time step; False where it or a later one was used before."""

    def signed_in(self, account_id: int, now: float) -> None:
        """Note that its owner came in."""

    def give(self, account_id: int, address: str, kind: Kind, given_by: str, now: float) -> None:
        """Let an address belong to it. Raises Taken where somebody else owns it."""

    def take(self, account_id: int, address: str) -> bool:
        """Take an address away; False where it had none such."""

    def passkeys(self, account_id: int) -> Sequence[Passkey]:
        """Return its passkeys, the eldest first."""

    def add_passkey(self, account_id: int, credential: bytes, public_key: bytes, counter: int, name: str, now: float) -> None:  # fmt: skip
        """Keep one more. Raises Taken."""

    def use_passkey(self, passkey_id: int, counter: int, now: float) -> None:
        """Save a passkey's counter, and when it was used."""

    def remove_passkey(self, account_id: int, passkey_id: int) -> bool:
        """Drop one; False where the account has none such."""

    def set_recovery(self, account_id: int, hashes: Sequence[bytes]) -> None:
        """Save new recovery codes in place of the old ones."""

    def use_recovery(self, account_id: int, hashed: bytes) -> bool:
        """Use up a recovery code; False where it is none, or was used before."""


class Taken(Exception):
    """The name, the address or the key is somebody's already."""


class AccountsTx(Protocol):
    """What signing in needs of a transaction."""

    @property
    def accounts(self) -> AccountTable:
        """Accounts."""

    @property
    def sessions(self) -> SessionTable:
        """Sessions, links and tries."""


AccountsStore = StoreOf[AccountsTx]
