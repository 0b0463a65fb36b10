"""The rows of a challenge, found without going through all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "pending_challenge",
        "pending",
        ["challenge_id"],
        unique=False,
        sqlite_where=sa.text("challenge_id IS NOT NULL"),
    )
