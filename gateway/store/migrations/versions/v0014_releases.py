"""Requests of release, and the mails about them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "release_knock",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False, comment="as typed: looked at later, whatever it is"),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "release_request",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column(
            "asked_by", sa.Text(), nullable=False, comment="account or mailbox; empty: whoever knew the mail's number"
        ),
        sa.Column("answer_to", sa.Text(), nullable=False, comment="mailbox that gets the answer; empty: there is none"),
        sa.Column("words", sa.Text(), nullable=False, comment="the asker's own"),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column(
            "state", sa.String(length=16), nullable=False, comment="open, released, refused, or ended with its mail"
        ),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("why", sa.Text(), nullable=False, comment="a word to the asker"),
        sa.Column("inspected_by", sa.Text(), nullable=False, comment="who had a copy sent to himself last"),
        sa.Column("inspected_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_release_request_pending_id"), "release_request", ["pending_id"], unique=False)
    op.create_index(
        "release_request_open", "release_request", ["pending_id"], unique=True, sqlite_where=sa.text("state = 'open'")
    )
    op.create_index("release_request_recipient", "release_request", ["recipient_key", "asked_at"], unique=False)
    op.create_index("release_request_state", "release_request", ["state", "id"], unique=False)
    op.create_table(
        "release_letter",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("request_id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False, comment="ask, or answer"),
        sa.Column("mailbox", sa.Text(), nullable=False, comment="where it goes, in normal form"),
        sa.Column("state", sa.String(length=16), nullable=False, comment="queued, sent, refused, or void"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True, comment="next attempt, while queued"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["pending_id"],
            ["pending.id"],
        ),
        sa.ForeignKeyConstraint(
            ["request_id"],
            ["release_request.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_release_letter_pending_id"), "release_letter", ["pending_id"], unique=False)
    op.create_index(op.f("ix_release_letter_request_id"), "release_letter", ["request_id"], unique=False)
    op.create_index(
        "release_letter_due", "release_letter", ["due_at"], unique=False, sqlite_where=sa.text("state = 'queued'")
    )
    op.create_index("release_letter_mailbox", "release_letter", ["mailbox", "changed_at"], unique=False)
