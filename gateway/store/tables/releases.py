"""The tables of requests of release: what people ask for, the mails about it, and what came by a mail's number alone."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, String, Table, Text, text

from gateway.store.tables.core import RowId, metadata

release_request = Table(
    "release_request",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pending_id", RowId, ForeignKey("pending.id"), nullable=False, index=True),
    Column("recipient_key", Text, nullable=False),
    Column("recipient_domain", Text, nullable=False),
    Column("asked_by", Text, nullable=False, comment="account or mailbox; empty: whoever knew the mail's number"),
    Column("answer_to", Text, nullable=False, comment="mailbox that gets the answer; empty: there is none"),
    Column("words", Text, nullable=False, comment="the asker's own"),
    Column("asked_at", Float, nullable=False),
    Column("state", String(16), nullable=False, comment="open, released, refused, or ended with its mail"),
    Column("changed_at", Float, nullable=False),
    Column("decided_by", Text, nullable=False),
    Column("why", Text, nullable=False, comment="a word to the asker"),
    Column("inspected_by", Text, nullable=False, comment="who had a copy sent to himself last"),
    Column("inspected_at", Float, nullable=True),
    sqlite_autoincrement=True,
)
# One that is open for each mail and recipient, whatever comes at the same time.
Index("release_request_open", release_request.c.pending_id, unique=True, sqlite_where=text("state = 'open'"))
Index("release_request_state", release_request.c.state, release_request.c.id)
Index("release_request_recipient", release_request.c.recipient_key, release_request.c.asked_at)

release_letter = Table(
    "release_letter",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("request_id", RowId, ForeignKey("release_request.id"), nullable=False, index=True),
    Column("pending_id", RowId, ForeignKey("pending.id"), nullable=False, index=True),
    Column("kind", String(8), nullable=False, comment="ask, or answer"),
    Column("mailbox", Text, nullable=False, comment="where it goes, in normal form"),
    Column("state", String(16), nullable=False, comment="queued, sent, refused, or void"),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("due_at", Float, nullable=True, comment="next attempt, while queued"),
    Column("attempts", Integer, nullable=False),
    Column("last_reply", Text, nullable=False),
)
Index("release_letter_due", release_letter.c.due_at, sqlite_where=text("state = 'queued'"))
Index("release_letter_mailbox", release_letter.c.mailbox, release_letter.c.changed_at)

release_knock = Table(
    "release_knock",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("number", String(40), nullable=False, comment="as typed: looked at later, whatever it is"),
    Column("at", Float, nullable=False),
)
