"""Searches of the pending list that an account keeps under names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Created, Nothing, Operation
from challenge_web.api.pending import Lane, Search, Sort, SourceKey
from challenge_web.api.problems import invalid, not_found
from challenge_web.console.routes import Names
from gateway.domain.roles import Right
from gateway.flow.queue_ports import SORTS
from gateway.flow.saved_searches import LONGEST_NAME, NotSaved, SavedSearch, SavedSearches, packed, unpacked


class SearchWish(Struct, frozen=True, forbid_unknown_fields=True):
    """A search, as listPending takes it, and its name."""

    name: Annotated[str, Meta(min_length=1, max_length=LONGEST_NAME, description="One of the same name is replaced.")]
    q: Search = ""
    lane: Lane = ""
    source: SourceKey = ""
    sort: Sort = "arrival"
    reverse: bool = False


class SearchItem(Struct, frozen=True):
    """A saved search."""

    id: int
    name: str
    q: str
    lane: str
    source: str
    sort: str
    reverse: bool


class SearchList(Struct, frozen=True):
    """One's searches, by name."""

    items: tuple[SearchItem, ...]


class SavedSearchResource:
    """The operations on saved searches."""

    def __init__(self, searches: SavedSearches) -> None:
        self._searches = searches

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, at = Right.SEE_PENDING, "/pending/searches"
        return (
            Operation("listSearches", "GET", at, see, self.all, "List one's saved searches.", SearchList),
            Operation("saveSearch", "POST", at, see, self.save, "Keep a search under a name.", SearchItem,
                      body=SearchWish, status=201),
            Operation("removeSearch", "DELETE", f"{at}/{{id}}", see, self.remove, "Drop a saved search.",
                      names=Names.OTHER),
        )  # fmt: skip

    async def all(self, call: Call[Nothing, None]) -> SearchList:
        """Return the saved searches of who calls."""
        return SearchList(tuple(map(search_item, await self._searches.all(call.viewer))))

    async def save(self, call: Call[Nothing, SearchWish]) -> Created:
        """Keep a search."""
        told = call.body
        sort = "" if told.sort == "arrival" else told.sort
        fields = {"q": told.q, "lane": told.lane, "source": told.source, "sort": sort}
        try:
            name = await self._searches.save(
                call.viewer, told.name, packed(fields | {"desc": "1" if told.reverse else ""})
            )
        except NotSaved as fault:
            raise invalid("name" if fault.about_name else "q", str(fault)) from None
        found = next((one for one in await self._searches.all(call.viewer) if one.name == name), None)
        if found is None:
            raise not_found()
        return Created(search_item(found), f"/pending/searches/{found.id}")

    async def remove(self, call: Call[Nothing, None]) -> None:
        """Drop a saved search."""
        if not await self._searches.remove(call.viewer, call.id):
            raise not_found()


def search_item(one: SavedSearch) -> SearchItem:
    """Return a search as programs are told it."""
    told = unpacked(one.query)
    sort = told.get("sort", "")
    return SearchItem(
        id=one.id,
        name=one.name,
        q=told.get("q", ""),
        lane=told.get("lane", ""),
        source=told.get("source", ""),
        sort=sort if sort in SORTS else "arrival",
        reverse=told.get("desc") == "1",
    )
