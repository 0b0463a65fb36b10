"""Mail that people are told of at once."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "notice",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("mailbox", sa.Text(), nullable=False, comment="where it goes, in normal form"),
        sa.Column("last", sa.Boolean(), nullable=False, comment="of its hour: it says that no more come"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="queued, sent, refused, or void"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True, comment="next attempt, while queued"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False, comment="Message-ID of the notice"),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pending_id"),
        sqlite_autoincrement=True,
    )
    op.create_index("notice_changed", "notice", ["changed_at"], unique=False)
    op.create_index("notice_due", "notice", ["due_at"], unique=False, sqlite_where=sa.text("state = 'queued'"))
    op.create_index("notice_of", "notice", ["mailbox", "created_at"], unique=False)
    op.create_table(
        "notice_secret",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("notice_id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("stops", sa.Boolean(), nullable=False, comment="it ends the notices; else it opens the mail"),
        sa.ForeignKeyConstraint(
            ["notice_id"],
            ["notice.id"],
        ),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_notice_secret_notice_id"), "notice_secret", ["notice_id"], unique=False)
    op.create_index(op.f("ix_notice_secret_pending_id"), "notice_secret", ["pending_id"], unique=False)
