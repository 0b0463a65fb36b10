"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "disowned",
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sender_key"),
    )
    op.create_table(
        "event",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("state_from", sa.String(length=16), nullable=False, comment="empty for the first"),
        sa.Column("state_to", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_event_pending_id"), "event", ["pending_id"], unique=False)
    op.create_table(
        "list_entry",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=True, comment="the mail that gave rise to it"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pattern", "scope", "verdict"),
    )
    op.create_table(
        "message",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column(
            "key",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="hash of reverse-path and content: a client's retry has the same",
        ),
        sa.Column(
            "sha256",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of the content, so that the audit can check it",
        ),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("reference_ids", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False, comment="octets of the content"),
        sa.Column("client_address", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("queue_id", sa.Text(), nullable=False, comment="of the MTA in front"),
        sa.Column("evidence", sa.Text(), nullable=False, comment="JSON of domain.evidence.Evidence"),
        sa.Column("proofs", sa.Text(), nullable=False, comment="identities that vouched, parted by blanks"),
        sa.Column("network", sa.Text(), nullable=False, comment="of the client, as a proof of last resort"),
        sa.Column("trace", sa.LargeBinary(), nullable=False, comment="fields we put on top"),
        sa.Column(
            "cuts",
            sa.Text(),
            nullable=False,
            comment="JSON list of [start, end) of forged fields that are left out on the way on",
        ),
        sa.Column("body_8bit", sa.Boolean(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("ret", sa.String(length=8), nullable=False),
        sa.Column("envid", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_key", "message", ["key"], unique=False)
    op.create_table(
        "secret",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "sequence",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column(
            "last_seen",
            sa.Float(),
            nullable=False,
            comment="sign of life, to notice a clock that jumped while nothing ran",
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "spent_puzzle",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("spent_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_spent_puzzle_spent_at"), "spent_puzzle", ["spent_at"], unique=False)
    op.create_table(
        "challenge",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("sender", sa.Text(), nullable=False, comment="the reverse-path it goes to"),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("sender_domain", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False, comment="why it was withheld or failed"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False, comment="Message-ID of the challenge mail"),
        sa.Column("wrong_answers", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.Float(), nullable=True),
        sa.Column("solved_puzzle", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.String(length=24), nullable=False, comment="kind of puzzle that was solved"),
        sa.Column("status_hash", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("status_hash"),
    )
    op.create_index("challenge_created", "challenge", ["created_at"], unique=False)
    op.create_index("challenge_domain", "challenge", ["sender_domain", "created_at"], unique=False)
    op.create_index("challenge_due", "challenge", ["due_at"], unique=False, sqlite_where=sa.text("state = 'queued'"))
    op.create_index(
        "challenge_expiry",
        "challenge",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'sent')"),
    )
    op.create_index("challenge_message", "challenge", ["message_id"], unique=False)
    op.create_index("challenge_recipient", "challenge", ["recipient_key", "created_at"], unique=False)
    op.create_index("challenge_sender", "challenge", ["sender_key", "created_at"], unique=False)
    op.create_table(
        "content",
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False, comment="as received, without dot-stuffing"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "pending",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column("notify", sa.Text(), nullable=False),
        sa.Column("orcpt", sa.Text(), nullable=False),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column(
            "silence", sa.String(length=40), nullable=False, comment="why its sender was not asked; empty where it was"
        ),
        sa.Column("challenge_id", _ROW_ID, nullable=True),
        sa.Column("held_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("as_spam", sa.Boolean(), nullable=False, comment="deliver marked as spam"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True, comment="next attempt, while released"),
        sa.Column("due_since", sa.Float(), nullable=True, comment="first attempt, while released"),
        sa.Column("lease", sa.BigInteger(), nullable=True, comment="fencing token of the worker that has it"),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False, comment="the next hop's own words"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_pending_message_id"), "pending", ["message_id"], unique=False)
    op.create_index("pending_changed", "pending", ["changed_at"], unique=False)
    op.create_index("pending_due", "pending", ["due_at"], unique=False, sqlite_where=sa.text("state = 'released'"))
    op.create_index(
        "pending_expiry", "pending", ["expires_at"], unique=False, sqlite_where=sa.text("state = 'pending'")
    )
    op.create_index("pending_recipient", "pending", ["recipient_key", "id"], unique=False)
    op.create_index("pending_state", "pending", ["state", "id"], unique=False)
    op.create_index(
        "pending_waiting_sender", "pending", ["sender_key"], unique=False, sqlite_where=sa.text("state = 'pending'")
    )
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("challenge_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenge.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_token_challenge_id"), "token", ["challenge_id"], unique=False)
