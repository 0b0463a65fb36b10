"""Answers to programs that may ask again."""

from __future__ import annotations

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects.sqlite import insert

from gateway.flow.kept_answers import Answer, Kept
from gateway.store.tables.api import api_answer


class KeptTable:
    """Implements `flow.kept_answers.KeptTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, account: int, key: bytes) -> Kept | None:
        """Return what is kept under a key's hash."""
        query = select(api_answer).where(api_answer.c.account_id == account, api_answer.c.key == key)
        row = self._connection.execute(query).mappings().first()
        if row is None:
            return None
        answer = Answer(row["status"], row["media_type"], row["location"], row["body"]) if row["status"] else None
        return Kept(row["request"], row["at"], answer)

    def put(self, account: int, key: bytes, kept: Kept) -> None:
        """Keep, in place of what was there."""
        answer = kept.answer or Answer(0, "", "", b"")
        values = {
            "request": kept.request,
            "at": kept.at,
            "status": answer.status,
            "media_type": answer.media_type,
            "location": answer.location,
            "body": answer.body,
        }
        statement = insert(api_answer).values(account_id=account, key=key, **values)
        self._connection.execute(
            statement.on_conflict_do_update(index_elements=[api_answer.c.account_id, api_answer.c.key], set_=values)
        )

    def drop(self, account: int, key: bytes) -> None:
        """Forget the answer to one of an account's requests."""
        self._connection.execute(delete(api_answer).where(api_answer.c.account_id == account, api_answer.c.key == key))

    def sweep(self, before: float) -> int:
        """Forget those from before then; return how many."""
        return self._connection.execute(delete(api_answer).where(api_answer.c.at < before)).rowcount
