"""Who did what."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import Connection, delete, insert, or_, select

from gateway.flow.journal import Deed
from gateway.store.tables.overview import journal


class JournalTable:
    """Implements `flow.journal.JournalTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, deed: Deed) -> None:
        """Write one more."""
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
        query = select(journal)
        if domains is not None:
            query = query.where(journal.c.domain.in_(domains))
        if actor:
            query = query.where(journal.c.actor == actor)
        if words:
            columns = (journal.c.deed, journal.c.object, journal.c.detail, journal.c.actor)
            query = query.where(or_(*(column.icontains(words, autoescape=True) for column in columns)))
        if before_id:
            query = query.where(journal.c.id < before_id)
        rows = self._connection.execute(query.order_by(journal.c.id.desc()).limit(most)).mappings()
        return [Deed(**row) for row in rows]

    def forget(self, before: float) -> None:
        """Drop the lines from before then."""
        self._connection.execute(delete(journal).where(journal.c.at < before))
