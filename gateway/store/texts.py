"""The challenge's words."""

from __future__ import annotations

from sqlalchemy import Connection, Row, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.flow.texts import Override, Texts
from gateway.store.tables.texts import challenge_text


class TextTable:
    """Implements `flow.texts.TextTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def override(self, scope: str, language: str) -> Override | None:
        """Return one."""
        where = (challenge_text.c.scope == scope, challenge_text.c.language == language)
        row = self._connection.execute(select(challenge_text).where(*where)).first()
        return None if row is None else _override(row)

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
        statement = insert(challenge_text).values(scope=override.scope, language=override.language, **values)
        self._connection.execute(statement.on_conflict_do_update(index_elements=["scope", "language"], set_=values))

    def drop(self, scope: str, language: str) -> bool:
        """Forget them; False where there were none."""
        where = (challenge_text.c.scope == scope, challenge_text.c.language == language)
        return self._connection.execute(delete(challenge_text).where(*where)).rowcount > 0


def _override(row: Row[tuple[object, ...]]) -> Override:
    texts = Texts(row.subject, row.text, row.html, row.from_line)
    return Override(row.scope, row.language, texts, row.shipped, row.changed_by, row.changed_at)
