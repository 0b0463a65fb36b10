"""The tables of the API: tokens with which programs come in, and answers to those that ask again."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.core import RowId, metadata

api_token = Table(
    "api_token",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    Column("name", Text, nullable=False, comment="what it is for, in its owner's words"),
    Column("scopes", Text, nullable=False, comment="parted by blanks"),
    Column("created_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    Column("hint", String(8), nullable=False, comment="its last characters"),
    Column("used_at", Float, nullable=True),
    Column("client", Text, nullable=False, comment="address it was last used from"),
    # A number is never given again: the log names tokens by it.
    sqlite_autoincrement=True,
)

api_answer = Table(
    "api_answer",
    metadata,
    Column("account_id", RowId, primary_key=True),
    Column("key", LargeBinary(32), primary_key=True, comment="hash of the Idempotency-Key"),
    Column("request", LargeBinary(32), nullable=False, comment="hash of method, address and body"),
    Column("at", Float, nullable=False, index=True),
    Column("status", Integer, nullable=False, comment="0: it is being answered"),
    Column("media_type", Text, nullable=False),
    Column("location", Text, nullable=False),
    Column("body", LargeBinary, nullable=False),
    sqlite_with_rowid=False,
)
