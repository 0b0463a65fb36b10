"""Who did what."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, insert, select

from gateway.flow.journal import Deed
from gateway.store.journal_find import JournalFinder
from gateway.store.tables.overview import journal


class JournalTable:
    """Implements `flow.journal.JournalTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, deed: Deed) -> None:
        """Keep one more line."""
        self._connection.execute(
            insert(journal).values(
                at=deed.at,
                actor=deed.actor,
                looked_as=deed.looked_as,
                deed=deed.deed,
                object=deed.object,
                domain=deed.domain,
                detail=deed.detail,
                client=deed.client,
            )
        )

    def page(self, domains: Collection[str] | None, actor: str, words: str, before_id: int, most: int) -> list[Deed]:
        """Return lines, the newest first. domains: None is all, the site's own too."""
        ids = JournalFinder(self._connection).find(domains, actor, words, before_id, most)
        rows = self._connection.execute(select(journal).where(journal.c.id.in_(ids)).order_by(journal.c.id.desc()))
        return [Deed(**row) for row in rows.mappings()]
