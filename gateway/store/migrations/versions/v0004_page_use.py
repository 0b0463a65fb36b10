"""Answers that come from the page of a challenge are counted."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the table; of answers that came before nothing is known."""
    op.create_table(
        "page_use",
        sa.Column("challenge_id", _ROW_ID, nullable=False),
        sa.Column("first_at", sa.Float(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["challenge_id"], ["challenge.id"]),
        sa.PrimaryKeyConstraint("challenge_id"),
        sqlite_with_rowid=False,
    )
