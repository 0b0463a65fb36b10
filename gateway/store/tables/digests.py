"""The tables of digests: what people have chosen, what was shown to whom, and the secrets of the links in it."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text, text

from gateway.store.tables.core import RowId, metadata

digest_choice = Table(
    "digest_choice",
    metadata,
    Column("scope", Text, primary_key=True, comment="empty: the site; @domain; or a mailbox"),
    Column("schedule", Text, nullable=True, comment="as daily@18; null: as above"),
    Column("kinds", Text, nullable=True, comment="which kinds of mail, parted by commas; null: as above"),
    Column("time_zone", Text, nullable=True),
    Column("language", Text, nullable=True),
    Column("subject", Text, nullable=True, comment="with placeholders; null: as above"),
    Column("phrase", Text, nullable=True, comment="words of the reader's own, by which he knows a true digest"),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

digest_mailbox = Table(
    "digest_mailbox",
    metadata,
    Column("mailbox", Text, primary_key=True, comment="where digests go, in normal form"),
    Column("slot", Float, nullable=True, comment="the hour of its schedule that was seen to last"),
    Column("look_at", Float, nullable=False, comment="when to look again whether one is due"),
    Column("asked", String(8), nullable=False, comment="one is wanted now: new, or all that waits; else empty"),
    Column("sent_at", Float, nullable=True, comment="when the last one was delivered"),
    Column("stuck_since", Float, nullable=True, comment="since when none could be delivered"),
    Column("stuck_reply", Text, nullable=False),
    sqlite_with_rowid=False,
)
Index("digest_mailbox_look", digest_mailbox.c.look_at)
Index("digest_mailbox_stuck", digest_mailbox.c.stuck_since, sqlite_where=text("stuck_since IS NOT NULL"))

digest = Table(
    "digest",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("mailbox", Text, nullable=False),
    Column("state", String(16), nullable=False, comment="queued, delivered, refused, or void"),
    Column("created_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("due_at", Float, nullable=True, comment="next attempt, while queued"),
    Column("attempts", Integer, nullable=False),
    Column("total", Integer, nullable=False, comment="mails that waited"),
    Column("last_reply", Text, nullable=False),
    Column("mail_id", Text, nullable=False, comment="Message-ID of the digest"),
    sqlite_autoincrement=True,
)
Index("digest_of", digest.c.mailbox, digest.c.id)
Index("digest_due", digest.c.due_at, sqlite_where=text("state = 'queued'"))
Index("digest_mail_id", digest.c.mail_id)
Index("digest_changed", digest.c.changed_at)

digest_item = Table(
    "digest_item",
    metadata,
    Column("digest_id", RowId, ForeignKey("digest.id"), primary_key=True),
    Column("pending_id", RowId, ForeignKey("pending.id"), primary_key=True, index=True),
    Column("place", Integer, nullable=False, comment="of its line, from 1 on"),
    sqlite_with_rowid=False,
)
"""What a digest shows."""

digest_secret = Table(
    "digest_secret",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    # Several for one mail: each digest, and each attempt to send one, mints its own, and the old ones stay good.
    Column("digest_id", RowId, ForeignKey("digest.id"), nullable=False, index=True),
    Column("pending_id", RowId, nullable=True, comment="null: stops the digests"),
    sqlite_with_rowid=False,
)
