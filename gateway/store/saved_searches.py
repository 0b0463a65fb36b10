"""Searches of the pending list that people saved."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.flow.saved_searches import SavedSearch
from gateway.store.tables import saved_search


class SavedSearchTable:
    """Implements `flow.saved_searches.SavedSearchTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def of(self, account: int) -> Sequence[SavedSearch]:
        """Return an account's searches, by name."""
        query = (
            select(saved_search.c.id, saved_search.c.name, saved_search.c.query)
            .where(saved_search.c.account_id == account)
            .order_by(saved_search.c.name)
        )
        return [SavedSearch(*row) for row in self._connection.execute(query)]

    def put(self, account: int, name: str, query: str, now: float) -> None:
        """Keep one; one of the same name is replaced."""
        statement = insert(saved_search).values(account_id=account, name=name, query=query, saved_at=now)
        same = statement.on_conflict_do_update(
            index_elements=["account_id", "name"], set_={"query": query, "saved_at": now}
        )
        self._connection.execute(same)

    def remove(self, account: int, search_id: int) -> bool:
        """Drop one of an account's; False where it has none of this number."""
        mine = (saved_search.c.account_id == account) & (saved_search.c.id == search_id)
        return self._connection.execute(delete(saved_search).where(mine)).rowcount == 1
