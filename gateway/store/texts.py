"""Words that people chose for challenges, or for notices."""

from __future__ import annotations

from sqlalchemy import Connection, Row, Table, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.flow.text_ports import Override, Texts


class TextTable:
    """Implements `flow.text_ports.TextTable`."""

    def __init__(self, connection: Connection, table: Table) -> None:
        """table: `challenge_text`, or one like it."""
        self._connection = connection
        self._table = table

    def override(self, scope: str, language: str) -> Override | None:
        """Return a scope's own words in one language; None where it has none."""
        where = (self._table.c.scope == scope, self._table.c.language == language)
        row = self._connection.execute(select(self._table).where(*where)).first()
        return None if row is None else _override(row)

    def overrides(self, language: str) -> list[Override]:
        """Return those of all scopes in one language."""
        query = select(self._table).where(self._table.c.language == language)
        return [_override(row) for row in self._connection.execute(query)]

    def put(self, override: Override) -> None:
        """Keep texts in place of those that the scope had."""
        texts = override.texts
        values = {
            "subject": texts.subject,
            "text": texts.text,
            "html": texts.html,
            "from_line": texts.from_line,
            "shipped": override.shipped,
            "changed_by": override.changed_by,
            "changed_at": override.changed_at,
        }
        statement = insert(self._table).values(scope=override.scope, language=override.language, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["scope", "language"], set_=values))

    def drop(self, scope: str, language: str) -> bool:
        """Forget them; False where there were none."""
        where = (self._table.c.scope == scope, self._table.c.language == language)
        return self._connection.execute(delete(self._table).where(*where)).rowcount > 0


def _override(row: Row[tuple[object, ...]]) -> Override:
    texts = Texts(row.subject, row.text, row.html, row.from_line)
    return Override(row.scope, row.language, texts, row.shipped, row.changed_by, row.changed_at)
