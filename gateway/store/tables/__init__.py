"""The schema, a module for each room. Times are seconds since the epoch, UTC; addresses ending in `_key` are in normal form."""

from __future__ import annotations

from gateway.store.tables.core import (
    SCHEMA_VERSION,
    RowId,
    challenge,
    content,
    disowned,
    event,
    inserted_id,
    list_entry,
    message,
    metadata,
    pending,
    secret,
    sequence,
    service,
    spent_puzzle,
    token,
)

__all__ = [
    "SCHEMA_VERSION",
    "RowId",
    "challenge",
    "content",
    "disowned",
    "event",
    "inserted_id",
    "list_entry",
    "message",
    "metadata",
    "pending",
    "secret",
    "sequence",
    "service",
    "spent_puzzle",
    "token",
]
