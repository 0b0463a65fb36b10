"""The tables of mail that our users sent to the outside."""

from __future__ import annotations

from sqlalchemy import Column, Float, Index, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.core import RowId, domain_of, metadata

sent_mail = Table(
    "sent_mail",
    metadata,
    Column("mail_id", LargeBinary(16), primary_key=True, comment="hash of its Message-ID"),
    Column("owner", Text, primary_key=True, comment="of ours, to whom a reply may come; without sub-address"),
    Column("domain", Text, primary_key=True, comment="where it went"),
    Column("sent_at", Float, nullable=False),
    sqlite_with_rowid=False,
)
"""By what a reply is known."""
Index("sent_mail_sent", sent_mail.c.sent_at)
Index("sent_mail_owner", sent_mail.c.owner)

departure = Table(
    "departure",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("transaction_id", String(32), nullable=False),
    Column("sender", Text, nullable=False, comment="reverse-path; empty is the null one"),
    Column("sender_key", Text, nullable=False),
    Column("sender_domain", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("size", Integer, nullable=False),
    Column("taught", String(40), nullable=False, comment="whether it taught us whom to let in, or why not"),
    Column("state", String(16), nullable=False),
    Column("queue_id", Text, nullable=False, comment="of the MTA in front"),
    Column("reply", Text, nullable=False, comment="what the server behind said"),
    Column("client", Text, nullable=False),
    Column("recipient_domain", Text, domain_of("recipient_key")),
)
"""What became of each mail, for history."""
Index("departure_state", departure.c.state, departure.c.at)
Index("departure_domain", departure.c.sender_domain, departure.c.at)
Index("departure_sender", departure.c.sender_key, departure.c.at)
Index("departure_recipient", departure.c.recipient_domain, departure.c.at, departure.c.recipient_key)
