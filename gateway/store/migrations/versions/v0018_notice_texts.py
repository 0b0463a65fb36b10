"""Words that people chose for notices."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0017"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "notice_text",
        sa.Column("scope", sa.Text(), nullable=False, comment="empty: the site; @domain"),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("from_line", sa.Text(), nullable=False),
        sa.Column(
            "shipped",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="hash of the shipped texts that these were made from",
        ),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "language"),
        sqlite_with_rowid=False,
    )
