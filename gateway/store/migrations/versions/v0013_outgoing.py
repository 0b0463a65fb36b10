"""Mail to the outside: what it taught, by what replies are known, and what became of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Add the columns and make the tables. Entries that are there were made by people."""
    for table in ("list_entry", "removed_entry"):
        for name, length in (("origin", 16), ("origin_mail", 32)):
            op.add_column(table, sa.Column(name, sa.String(length), nullable=False, server_default=sa.text("''")))
        op.add_column(table, sa.Column("lives", sa.Float(), nullable=True))
    op.create_index(
        "list_entry_origin", "list_entry", ["origin", "id"], unique=False, sqlite_where=sa.text("origin <> ''")
    )
    op.create_table(
        "sent_mail",
        sa.Column("mail_id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("mail_id", "owner", "domain"),
        sqlite_with_rowid=False,
    )
    op.create_index("sent_mail_sent", "sent_mail", ["sent_at"], unique=False)
    op.create_index("sent_mail_owner", "sent_mail", ["owner"], unique=False)
    op.create_table(
        "departure",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        *(
            sa.Column(name, sa.Text(), nullable=False)
            for name in ("sender", "sender_key", "sender_domain", "recipient", "recipient_key")
        ),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("taught", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        *(sa.Column(name, sa.Text(), nullable=False) for name in ("queue_id", "reply", "client")),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("departure_domain", "departure", ["sender_domain", "at"], unique=False)
    op.create_index("departure_sender", "departure", ["sender_key", "id"], unique=False)
    op.create_index("departure_recipient", "departure", ["recipient_key", "id"], unique=False)
