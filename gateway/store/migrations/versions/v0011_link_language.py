"""A link that was asked for knows the language of the browser."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    """Add the column; what was asked for before is sent in the account's language, or in English."""
    op.add_column(
        "sign_in_order",
        sa.Column(
            "language",
            sa.String(length=16),
            nullable=False,
            server_default=sa.text("''"),
            comment="of the browser it was asked from",
        ),
    )
