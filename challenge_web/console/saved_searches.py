"""Saving a search of the pending list, and removing it: the forms beside the list."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from aiohttp import web

from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.pending_address import address, read_back
from challenge_web.console.routes import Route
from gateway.domain.phrase import words_of
from gateway.domain.roles import Right
from gateway.flow.saved_searches import NotSaved, SavedSearch, SavedSearches, packed, unpacked

SAVED = say("search-saved", "The search is saved. It stands above the list.")
REMOVED = say("search-removed", "The saved search is removed.")
GONE = say("search-gone", "This saved search is not there any more.", done=False)


class SavedSearchPages:
    """What the forms beside the list do: save a search, or remove one."""

    def __init__(self, searches: SavedSearches, pages: ConsolePages) -> None:
        self._searches = searches
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route("saved-search", "/console/pending/saved", Right.SEE_PENDING, act=self.act),)

    async def act(self, request: web.Request) -> web.StreamResponse:
        """Save a search, or remove one."""
        viewer, form = viewer_of(request), await request.post()
        fields = {name: value for name, value in form.items() if isinstance(value, str)}
        back = read_back(fields.get("back", ""))
        number = fields.get("remove", "")
        if number:
            known = number.isascii() and number.isdigit() and len(number) < 19
            removed = known and await self._searches.remove(viewer, int(number))
            raise see_other(request, address(back), REMOVED if removed else GONE)
        try:
            name = await self._searches.save(viewer, fields.get("name", ""), packed(back))
        except NotSaved as fault:
            words = {"fault": words_of(fault), "list": address(back)}
            words |= {"back": fields.get("back", "")[:4000], "name": fields.get("name", "")[:200]}
            return self._pages.page(request, "pending/saved", words, here="pending", status=400)
        tell(request, name)
        raise see_other(request, address(back), SAVED)


@dataclass(frozen=True, slots=True)
class Link:
    """A saved search above the list."""

    id: int
    name: str
    url: str
    """Below the root."""
    on: bool
    """It is what the list shows."""


def links(searches: Sequence[SavedSearch], query: Mapping[str, str]) -> list[Link]:
    """Return saved searches as links. query: of the page's own address."""
    here = packed(query)
    return [Link(one.id, one.name, address(unpacked(one.query)), one.query == here) for one in searches]
