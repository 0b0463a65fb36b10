"""Passwords that the gateway keeps itself, as argon2id."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from gateway.flow.account_ports import AccountsStore
from gateway.flow.sign_in_ports import CheckDown, Identity

if TYPE_CHECKING:
    from argon2 import PasswordHasher

_MOST_WAITING = 20
"""Tries that wait for their turn; each takes a tenth of a second and 64 MiB."""


class Hashes:
    """Makes and checks hashes, one at a time and in a thread: each needs 64 MiB (RFC 9106 §4)."""

    def __init__(self) -> None:
        self._hasher: PasswordHasher | None = None
        self._turn = asyncio.Semaphore(1)
        self._waiting = 0
        self._dummy = ""

    async def make(self, password: str) -> str:
        """Return the hash of a password, in PHC form."""
        async with self._turn:
            return await asyncio.to_thread(lambda: self._library().hash(password))

    async def matches(self, hashed: str, password: str) -> bool:
        """Say whether a password is the one; "" is the hash of none, and takes as long. Raises CheckDown when busy."""
        if self._waiting >= _MOST_WAITING:
            raise CheckDown("too many passwords wait to be checked")
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(self._matches, hashed, password)
        finally:
            self._waiting -= 1

    def stale(self, hashed: str) -> bool:
        """True for a hash of other parameters than are used now."""
        return self._library().check_needs_rehash(hashed)

    def _matches(self, hashed: str, password: str) -> bool:
        from argon2.exceptions import InvalidHashError, VerificationError

        if not self._dummy:
            self._dummy = self._library().hash("no password of anybody")
        try:
            self._library().verify(hashed or self._dummy, password)
        except (VerificationError, InvalidHashError):
            return False
        return bool(hashed)

    def _library(self) -> PasswordHasher:
        if self._hasher is None:
            # Imported here: most sites sign in by link, and never need it.
            from argon2 import PasswordHasher

            self._hasher = PasswordHasher()
        return self._hasher


class LocalPassword:
    """Signs in with a password of ours; implements `flow.sign_in_ports.PasswordCheck`."""

    name = "password"

    def __init__(self, store: AccountsStore, hashes: Hashes) -> None:
        self._store = store
        self._hashes = hashes

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is; None where name and password are not right. Takes as long for either. Raises CheckDown."""
        account = await self._store.look(lambda tx: tx.accounts.by_name(name))
        usable = account is not None and not account.disabled
        right = await self._hashes.matches(account.password if account is not None and usable else "", password)
        if account is None or not right:
            return None
        if self._hashes.stale(account.password):
            fresh = await self._hashes.make(password)
            await self._store.transact(lambda tx: tx.accounts.set_password(account.id, fresh))
        return Identity(account.name, account=account.id)
