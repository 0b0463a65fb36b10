"""The table of letters that the gateway wrote itself, but for challenges, which have their own."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.core import RowId, domain_of, metadata

letter = Table(
    "letter",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("kind", String(16), nullable=False, comment="digest, sign-in, notice, request, answer, copy, sample"),
    Column("sender", Text, nullable=False, comment="reverse-path; empty is the null one"),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("recipient_domain", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("reply", Text, nullable=False, comment="of the server that it was given to"),
    Column("sender_domain", Text, domain_of("sender")),
)
Index("letter_state", letter.c.state, letter.c.at)
Index("letter_domain", letter.c.recipient_domain, letter.c.at)
Index("letter_recipient", letter.c.recipient_key, letter.c.at)
Index("letter_sender", letter.c.sender_domain, letter.c.at, letter.c.sender)
