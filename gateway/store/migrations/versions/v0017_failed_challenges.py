"""Challenges that could not be sent, found without going through all."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    """Make the index."""
    op.create_index(
        "challenge_failed",
        "challenge",
        ["created_at", "recipient_domain"],
        unique=False,
        sqlite_where=sa.text("state = 'failed'"),
    )
