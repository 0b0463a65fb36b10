"""The tables of the webhook: events that are to be sent, and how it stands."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, ForeignKey, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.core import RowId, metadata

webhook_event = Table(
    "webhook_event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("event_id", Text, nullable=False, comment="by which a receiver knows it again"),
    Column("kind", String(16), nullable=False),
    Column("pending_id", RowId, ForeignKey("pending.id"), nullable=False, index=True),
    Column("body", LargeBinary, nullable=False, comment="JSON, as it is signed and sent"),
    Column("at", Float, nullable=False, comment="when it happened"),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=False, index=True),
    Column("fault", Text, nullable=False, comment="of the last attempt: a status, or a word"),
)

webhook_state = Table(
    "webhook_state",
    metadata,
    Column("name", String(16), primary_key=True),
    Column("cursor", BigInteger, nullable=False, comment="the last line of the audit trail that was read"),
    Column("sent_at", Float, nullable=True, comment="when one was last taken"),
    Column("failing_since", Float, nullable=True),
    Column("fault", Text, nullable=False, comment="of the last attempt that failed"),
    Column("dropped", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""One row, once the webhook was used."""
