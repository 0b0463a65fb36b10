"""A password that somebody chooses: refused where it is easy to guess, and kept as a hash."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.domain.sign_in import password_fault
from gateway.flow.account_rights import Wrong


class Hashing(Protocol):
    """Makes and checks hashes of passwords."""

    async def make(self, password: str) -> str:
        """Return the hash of a password."""

    async def matches(self, hashed: str, password: str) -> bool:
        """Say whether a password is the one; "" is the hash of none. Raises CheckDown when busy."""


def check_new_password(password: str, least: int, names: Sequence[str]) -> None:
    """Refuse a password that is too easy to guess. least: characters. names: of its owner. Raises Wrong."""
    fault = password_fault(password, least, names)
    if fault:
        raise Wrong(fault)
