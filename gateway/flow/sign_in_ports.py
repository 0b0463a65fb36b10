"""What a way to sign in is, and what it says of somebody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Somebody, as a way to sign in knows him."""

    name: str
    """Under which he signed in."""
    addresses: tuple[str, ...] = ()
    """That are his for certain, the main one first. Those of other people's domains are left aside."""
    subject: str = ""
    """A name that never becomes somebody else's, where the other system has one."""
    full_name: str = ""
    account: int | None = None
    """The account itself, where the way knows it."""
    second_factor: bool = False
    """The other system asked for one, and may be believed."""


class PasswordCheck(Protocol):
    """A way to sign in by name and password."""

    @property
    def name(self) -> str:
        """One word, for log lines and sessions: "password", "imap", "ldap"."""

    async def check(self, name: str, password: str) -> Identity | None:
        """Return who it is; None where name and password are not right. Takes as long for either. Raises CheckDown."""


class CheckDown(Exception):
    """A way to sign in cannot be asked now."""
