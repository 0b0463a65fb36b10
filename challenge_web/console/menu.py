"""The menu: which rooms there are, and who has to do with them."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from gateway.domain.phrase import phrase
from gateway.domain.roles import Right


@dataclass(frozen=True, slots=True)
class Entry:
    """One room in the menu."""

    key: str
    """What a room's pages name as `here`."""
    text: str
    path: str
    """Below the application's root."""
    right: Right


MENU = (
    Entry("pending", phrase("Waiting"), "console/pending", Right.SEE_PENDING),
    Entry("lists", phrase("Lists"), "console/lists", Right.SEE_LISTS),
    Entry("policies", phrase("Policies"), "console/policies", Right.SEE_POLICY),
    Entry("expecting", phrase("Expecting mail"), "console/expecting", Right.SEE_POLICY),
    Entry("digests", phrase("Digests"), "console/digests", Right.SEE_POLICY),
    Entry("templates", phrase("Templates"), "console/templates", Right.EDIT_TEMPLATES),
    Entry("overview", phrase("Overview"), "console/overview", Right.SEE_OVERVIEW),
    Entry("domains", phrase("Domains"), "console/domains", Right.SEE_OVERVIEW),
    Entry("requests", phrase("Requests"), "console/requests", Right.SEE_OVERVIEW),
    Entry("outgoing", phrase("Outgoing"), "console/outgoing", Right.SEE_OVERVIEW),
    Entry("accounts", phrase("Accounts"), "console/accounts", Right.SEE_ACCOUNTS),
    Entry("history", phrase("History"), "console/history", Right.SEE_HISTORY),
    Entry("log", phrase("Log"), "console/log", Right.SEE_LOG),
    Entry("account", phrase("My account"), "console/account", Right.OWN_ACCOUNT),
)


def menu(may: Callable[[Right], bool], paths: Collection[str]) -> list[Entry]:
    """Return the entries for a viewer, without those that would lead nowhere.

    paths: of all routes, as the router writes them, with a leading slash.
    """
    return [entry for entry in MENU if "/" + entry.path in paths and may(entry.right)]
