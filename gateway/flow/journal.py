"""Journal: who did what in the console, in lines that nobody can change there."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from gateway.domain.roles import Reach, Right, Viewer
from gateway.flow.transactions import StoreOf

PAGE = 100
CSV_COLUMNS = ("time", "who", "looked_as", "did", "to", "detail", "client")
"""Of a file with lines."""


@dataclass(frozen=True, slots=True)
class Deed:
    """One line: what somebody did."""

    at: float
    actor: str
    deed: str
    """Name of the route that was posted to."""
    object: str
    """What it was done to, as the page's address names it."""
    detail: str
    client: str
    domain: str = ""
    """Whose admins may see it; "" is the site's only."""
    looked_as: str = ""
    id: int = 0


class JournalTable(Protocol):
    """The lines in the store."""

    def add(self, deed: Deed) -> None:
        """Keep one more line."""

    def page(
        self, domains: Collection[str] | None, actor: str, words: str, before_id: int, most: int
    ) -> Sequence[Deed]:
        """Return lines, the newest first. domains: None is all, the site's own too."""


class JournalTx(Protocol):
    """What the journal needs of a transaction."""

    @property
    def journal(self) -> JournalTable:
        """The lines."""


JournalStore = StoreOf[JournalTx]


class Journal:
    """Writes the lines, and shows each admin those of his domains."""

    def __init__(self, store: JournalStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def note(self, viewer: Viewer, deed: str, named: str, detail: str, client: str) -> None:
        """Write down what somebody just did. Raises StoreDown."""
        line = Deed(
            at=self._now(),
            actor=viewer.name,
            deed=deed,
            object=named,
            detail=detail,
            client=client,
            domain=_one_domain(viewer),
            looked_as=viewer.looks_as,
        )
        await self._store.transact(lambda tx: tx.journal.add(line))

    async def page(self, viewer: Viewer, *, actor: str = "", words: str = "", before_id: int = 0) -> Sequence[Deed]:
        """Return the next lines within the viewer's reach, at most PAGE, the newest first."""
        if not viewer.may(Right.SEE_LOG):
            return ()
        reach: Reach = viewer.reach
        domains = None if reach.site else reach.domains
        return await self._store.look(lambda tx: tx.journal.page(domains, actor, words, before_id, PAGE))


def _one_domain(viewer: Viewer) -> str:
    """Return the domain whose admins may read what this person does; "" where it is not one alone."""
    reach = viewer.reach
    domains = set(reach.domains) | {address.rpartition("@")[2] for address in reach.addresses}
    return domains.pop() if len(domains) == 1 and not reach.site else ""


def csv_cells(deed: Deed) -> list[str]:
    """Write a line for a file: none of its cells is taken for a formula by a spreadsheet."""
    at = datetime.fromtimestamp(deed.at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return [at, *map(_harmless, (deed.actor, deed.looked_as, deed.deed, deed.object, deed.detail, deed.client))]


def _harmless(text: str) -> str:
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text
