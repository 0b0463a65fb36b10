"""Sessions know when their owner last showed to be who he is: for those that there are, when they began."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_MOVE = """
INSERT INTO session (id, hash, account_id, stage, way, second_factor, created_at, used_at, ends_at, client, browser, wanted,
                     scratch, looks_as, proven_at)
SELECT id, hash, account_id, stage, way, second_factor, created_at, used_at, ends_at, client, browser, wanted,
       scratch, looks_as, created_at
FROM session_before
"""


def upgrade() -> None:
    """Make the table anew and move the rows: a column added to it would stand behind its constraints."""
    op.drop_index(op.f("ix_session_account_id"), "session")
    op.drop_index(op.f("ix_session_ends_at"), "session")
    op.execute("ALTER TABLE session RENAME TO session_before")
    op.create_table(
        "session",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False, comment="full, or what is still to be shown"),
        sa.Column("way", sa.String(length=32), nullable=False, comment="how its owner came in"),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, comment="address it was last used from"),
        sa.Column("browser", sa.Text(), nullable=False, comment="in words of ours"),
        sa.Column("wanted", sa.Text(), nullable=False, comment="path to go on to"),
        sa.Column("scratch", sa.Text(), nullable=False, comment="what a step under way has to remember"),
        sa.Column("looks_as", sa.Text(), nullable=False, comment="the user whose pages an admin looks at; else empty"),
        sa.Column("proven_at", sa.Float(), nullable=False, comment="when its owner last showed to be who he is"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        sa.ForeignKeyConstraint(["account_id"], ["account.id"]),
    )
    op.execute(_MOVE)
    op.drop_table("session_before")
    op.create_index(op.f("ix_session_account_id"), "session", ["account_id"], unique=False)
    op.create_index(op.f("ix_session_ends_at"), "session", ["ends_at"], unique=False)
