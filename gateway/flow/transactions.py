"""The store as a verb sees it: what runs within one transaction, on those tables that the verb needs.

A verb describes its tables as a transaction `XTx`; the store it is given is a `StoreOf[XTx]`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

T = TypeVar("T")
Tx_co = TypeVar("Tx_co", covariant=True)


class Looks(Protocol[Tx_co]):
    """A store that is only read."""

    async def look(self, work: Callable[[Tx_co], T]) -> T:
        """Run work on a consistent view that it must not change. Raises StoreDown."""


class Transacts(Protocol[Tx_co]):
    """A store that is only written."""

    async def transact(self, work: Callable[[Tx_co], T]) -> T:
        """Run work in one writing transaction and return its result once it is on stable storage.

        work may run twice (its first run rolled back), and runs in another thread: it must touch nothing
        but the transaction. Raises StoreDown, or what work raises.
        """


class StoreOf(Looks[Tx_co], Transacts[Tx_co], Protocol[Tx_co]):
    """A store that is read and written."""
