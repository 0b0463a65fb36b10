"""Challenges that wait for an answer, found by the Message-ID that a report of their delivery names."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"


def upgrade() -> None:
    """Make the index."""
    op.create_index("challenge_mail", "challenge", ["mail_id"], unique=False, sqlite_where=sa.text("state = 'sent'"))
