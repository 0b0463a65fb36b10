"""Tokens of the API in the store."""

from __future__ import annotations

from sqlalchemy import ColumnElement, Connection, delete, insert, select, update

from gateway.domain.scopes import Scope
from gateway.flow.tokens import NewToken, Token
from gateway.store.tables import inserted_id
from gateway.store.tables.api import api_token

_KNOWN = {scope.value: scope for scope in Scope}


class TokenTable:
    """Implements `flow.tokens.TokenTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: NewToken) -> int:
        """Keep a token; return its id."""
        values = {
            "hash": new.hash,
            "account_id": new.account,
            "name": new.name,
            "scopes": " ".join(scope.value for scope in new.scopes),
            "created_at": new.created_at,
            "ends_at": new.ends_at,
            "hint": new.hint,
            "used_at": None,
            "client": "",
        }
        return inserted_id(self._connection.execute(insert(api_token), values))

    def find(self, hashed: bytes) -> Token | None:
        """Return the one of a secret's hash, whatever its age."""
        found = self._tokens(api_token.c.hash == hashed)
        return found[0] if found else None

    def get(self, token_id: int) -> Token | None:
        """Return a token by its id; None where there is none."""
        found = self._tokens(api_token.c.id == token_id)
        return found[0] if found else None

    def of_account(self, account_id: int) -> list[Token]:
        """Return an account's, the newest first."""
        return self._tokens(api_token.c.account_id == account_id)

    def touch(self, token_id: int, now: float, client: str) -> None:
        """Note that it is used."""
        self._connection.execute(update(api_token).where(api_token.c.id == token_id).values(used_at=now, client=client))

    def remove(self, token_id: int) -> bool:
        """Drop one; False where there is none such."""
        return self._connection.execute(delete(api_token).where(api_token.c.id == token_id)).rowcount == 1

    def sweep(self, ended_before: float) -> int:
        """Drop those that ended before then; return how many."""
        return self._connection.execute(delete(api_token).where(api_token.c.ends_at < ended_before)).rowcount

    def _tokens(self, which: ColumnElement[bool]) -> list[Token]:
        query = select(api_token).where(which).order_by(api_token.c.id.desc())
        return [
            Token(
                id=row["id"],
                account=row["account_id"],
                name=row["name"],
                # A store may hold words of a newer program: those lend nothing here.
                scopes=tuple(_KNOWN[word] for word in row["scopes"].split() if word in _KNOWN),
                created_at=row["created_at"],
                ends_at=row["ends_at"],
                hint=row["hint"],
                used_at=row["used_at"],
                client=row["client"],
            )
            for row in self._connection.execute(query).mappings()
        ]
