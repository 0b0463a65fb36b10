"""Saved searches: a person keeps a search of the pending list under a name, and finds it there again."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import parse_qsl, urlencode

from gateway.domain.header import text
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.transactions import StoreOf

MOST = 20
"""Of one account."""
LONGEST_NAME = 40
LONGEST_QUERY = 1000
KEPT = ("q", "lane", "source", "sort", "desc", "size")
"""Parameters of the list's address that are part of a search: its place in the list is none."""


@dataclass(frozen=True, slots=True)
class SavedSearch:
    """A search under its name."""

    id: int
    name: str
    query: str
    """The parameters of the list's address, without a place in it."""


class SavedSearchTable(Protocol):
    """The searches in the store."""

    def of(self, account: int) -> Sequence[SavedSearch]:
        """Return an account's searches, by name."""

    def put(self, account: int, name: str, query: str, now: float) -> None:
        """Keep one; one of the same name is replaced."""

    def remove(self, account: int, search_id: int) -> bool:
        """Drop one of an account's; False where it has none of this number."""


class SavedSearchTx(Protocol):
    """What saving needs of a transaction."""

    @property
    def saved_searches(self) -> SavedSearchTable:
        """The searches."""


SavedSearchStore = StoreOf[SavedSearchTx]


class NotSaved(Exception):
    """The search cannot be kept; says why, for the person."""

    def __init__(self, sentence: str, *, about_name: bool = True) -> None:
        super().__init__(sentence)
        self.about_name = about_name


class SavedSearches:
    """Keeps searches, each account its own."""

    def __init__(self, store: SavedSearchStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def all(self, viewer: Viewer) -> Sequence[SavedSearch]:
        """Return the viewer's searches, by name."""
        if not viewer.may(Right.SEE_PENDING):
            return ()
        return await self._store.look(lambda tx: tx.saved_searches.of(viewer.account))

    async def save(self, viewer: Viewer, name: str, query: str) -> str:
        """Keep a search; return its name as it is kept. Raises NotSaved."""
        name = " ".join(text(name.encode("utf-8", "replace")).split())
        if not name:
            raise NotSaved(phrase("Give the search a name."))
        if len(name) > LONGEST_NAME:
            raise NotSaved(phrase("The name is too long: {most} letters at most.", most=LONGEST_NAME))
        if not query or len(query) > LONGEST_QUERY:
            words = (
                phrase("There is no search to save.") if not query else phrase("The search is too long to be saved.")
            )
            raise NotSaved(words, about_name=False)

        def work(tx: SavedSearchTx) -> bool:
            known = tx.saved_searches.of(viewer.account)
            if len(known) >= MOST and all(one.name != name for one in known):
                return False
            tx.saved_searches.put(viewer.account, name, query, self._now())
            return True

        if not viewer.may(Right.SEE_PENDING) or not await self._store.transact(work):
            raise NotSaved(phrase("You have {count} saved searches; remove one first.", count=MOST))
        return name

    async def remove(self, viewer: Viewer, search_id: int) -> bool:
        """Drop one of the viewer's own; False for what is not there, or another's."""
        if not viewer.may(Right.SEE_PENDING):
            return False
        return await self._store.transact(lambda tx: tx.saved_searches.remove(viewer.account, search_id))


def packed(parameters: Mapping[str, str]) -> str:
    """Return what is kept of a list's parameters; "" where nothing is searched, filtered or sorted."""
    return urlencode({name: parameters[name] for name in KEPT if parameters.get(name)})


def unpacked(query: str) -> dict[str, str]:
    """Return the parameters of a list that were kept."""
    return {name: value for name, value in parse_qsl(query) if name in KEPT}
