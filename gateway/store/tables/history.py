"""The table of mail that went through, or was refused at once."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.core import RowId, domain_of, metadata

passage = Table(
    "passage",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("transaction_id", String(32), nullable=False),
    Column("sender", Text, nullable=False, comment="reverse-path; empty is the null one"),
    Column("sender_key", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("recipient_domain", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("decision", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("state", String(16), nullable=False),
    Column("queue_id", Text, nullable=False, comment="of the MTA in front"),
    Column("reply", Text, nullable=False, comment="what the client was told"),
    Column("client", Text, nullable=False),
    Column("sender_domain", Text, domain_of("sender_key")),
)
# Each in the order of time. Those of senders, who are many, lie by their domain: so do mails that come one after the other
# seldom go to a page each, and one index knows of an address and of its domain.
Index("passage_state", passage.c.state, passage.c.at)
Index("passage_domain", passage.c.recipient_domain, passage.c.at)
Index("passage_recipient", passage.c.recipient_key, passage.c.at)
Index("passage_sender", passage.c.sender_domain, passage.c.at, passage.c.sender_key)
