"""What the checks ask of the DNS, and the values that come back."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class NotFound(Enum):
    """The DNS answered, and there is nothing. Never a failure: that is DnsFailure."""

    NAME = "no such name"  # NXDOMAIN: nothing at this name or below it (RFC 8020 §2).
    RECORD = "no such record"  # The name exists, without a record of this type (RFC 2308 §2.2).


class DnsFailure(Exception):
    """No answer for now: time-out, SERVFAIL, no server. Ask again later."""


@dataclass(frozen=True, slots=True, order=True)
class Mx:
    """One mail exchanger; sorts by preference (RFC 5321 §5.1)."""

    preference: int
    host: str
    """Lower case without the root dot; "" is the null MX (RFC 7505 §3)."""


class Lookups(Protocol):
    """The questions. Names are A-labels; a name that cannot be in the DNS is NotFound.NAME.

    Each raises DnsFailure.
    """

    async def txt(self, name: str) -> tuple[bytes, ...] | NotFound:
        """Return the TXT records, the strings of each joined (RFC 7208 §3.3, RFC 6376 §3.6.2.2)."""

    async def mx(self, name: str) -> tuple[Mx, ...] | NotFound:
        """Return the mail exchangers, the most preferred first."""

    async def a(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the IPv4 addresses."""

    async def aaaa(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the IPv6 addresses."""

    async def ptr(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the host names behind a name under in-addr.arpa or ip6.arpa."""
