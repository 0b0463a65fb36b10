"""The tables of notices: mail that somebody is told of at once, and the secrets of the links in it."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from gateway.store.tables.core import RowId, metadata

notice = Table(
    "notice",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("pending_id", RowId, ForeignKey("pending.id"), nullable=False, unique=True),
    Column("mailbox", Text, nullable=False, comment="where it goes, in normal form"),
    Column("last", Boolean, nullable=False, comment="of its hour: it says that no more come"),
    Column("state", String(16), nullable=False, comment="queued, sent, refused, or void"),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("due_at", Float, nullable=True, comment="next attempt, while queued"),
    Column("attempts", Integer, nullable=False),
    Column("last_reply", Text, nullable=False),
    Column("mail_id", Text, nullable=False, comment="Message-ID of the notice"),
    sqlite_autoincrement=True,
)
Index("notice_of", notice.c.mailbox, notice.c.created_at)
Index("notice_due", notice.c.due_at, sqlite_where=text("state = 'queued'"))
Index("notice_changed", notice.c.changed_at)

notice_secret = Table(
    "notice_secret",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    # Several for one mail: each attempt to send mints its own, and the old ones stay good.
    Column("notice_id", RowId, ForeignKey("notice.id"), nullable=False, index=True),
    Column("pending_id", RowId, ForeignKey("pending.id"), nullable=False, index=True),
    Column("stops", Boolean, nullable=False, comment="it ends the notices; else it opens the mail"),
    sqlite_with_rowid=False,
)
