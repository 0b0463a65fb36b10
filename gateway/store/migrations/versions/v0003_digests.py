"""Digests: choices, mailboxes, what was shown to whom, and the hashes of secrets."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables of digests."""
    op.create_table(
        "digest",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False, comment="queued, delivered, refused, or void"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True, comment="next attempt, while queued"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False, comment="mails that waited"),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False, comment="Message-ID of the digest"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index("digest_changed", "digest", ["changed_at"], unique=False)
    op.create_index("digest_due", "digest", ["due_at"], unique=False, sqlite_where=sa.text("state = 'queued'"))
    op.create_index("digest_mail_id", "digest", ["mail_id"], unique=False)
    op.create_index("digest_of", "digest", ["mailbox", "id"], unique=False)
    op.create_table(
        "digest_choice",
        sa.Column("scope", sa.Text(), nullable=False, comment="empty: the site; @domain; or a mailbox"),
        sa.Column("schedule", sa.Text(), nullable=True, comment="as daily@18; null: as above"),
        sa.Column("kinds", sa.Text(), nullable=True, comment="which kinds of mail, parted by commas; null: as above"),
        sa.Column("time_zone", sa.Text(), nullable=True),
        sa.Column("language", sa.Text(), nullable=True),
        sa.Column("subject", sa.Text(), nullable=True, comment="with placeholders; null: as above"),
        sa.Column(
            "phrase", sa.Text(), nullable=True, comment="words of the reader's own, by which he knows a true digest"
        ),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "digest_mailbox",
        sa.Column("mailbox", sa.Text(), nullable=False, comment="where digests go, in normal form"),
        sa.Column("slot", sa.Float(), nullable=True, comment="the hour of its schedule that was seen to last"),
        sa.Column("look_at", sa.Float(), nullable=False, comment="when to look again whether one is due"),
        sa.Column(
            "asked",
            sa.String(length=8),
            nullable=False,
            comment="one is wanted now: new, or all that waits; else empty",
        ),
        sa.Column("sent_at", sa.Float(), nullable=True, comment="when the last one was delivered"),
        sa.Column("stuck_since", sa.Float(), nullable=True, comment="since when none could be delivered"),
        sa.Column("stuck_reply", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("mailbox"),
        sqlite_with_rowid=False,
    )
    op.create_index("digest_mailbox_look", "digest_mailbox", ["look_at"], unique=False)
    op.create_index(
        "digest_mailbox_stuck",
        "digest_mailbox",
        ["stuck_since"],
        unique=False,
        sqlite_where=sa.text("stuck_since IS NOT NULL"),
    )
    op.create_table(
        "digest_secret",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("digest_id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=True, comment="null: stops the digests"),
        sa.ForeignKeyConstraint(
            ["digest_id"],
            ["digest.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_digest_secret_digest_id"), "digest_secret", ["digest_id"], unique=False)
    op.create_table(
        "digest_item",
        sa.Column("digest_id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("place", sa.Integer(), nullable=False, comment="of its line, from 1 on"),
        sa.ForeignKeyConstraint(
            ["digest_id"],
            ["digest.id"],
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending.id"],
        ),
        sa.PrimaryKeyConstraint("digest_id", "pending_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_digest_item_pending_id"), "digest_item", ["pending_id"], unique=False)
