"""History in one order, that of time; and by the domain of whoever is not one of us."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

_OUTSIDE = {
    "passage": ("sender", "sender_key"),
    "departure": ("recipient", "recipient_key"),
    "letter": ("sender", "sender"),
    "pending": ("sender", "sender_key"),
}
"""Whose domain is looked for, by the beginning of its column, and the column that it stands in."""
_NUMBERED = {
    "passage": ("recipient", "sender"),
    "departure": ("sender", "recipient"),
    "letter": ("recipient",),
    "pending": ("recipient",),
}
"""Indexes in the order of numbers, by the end of their names."""
_NEW = {
    "passage_state": ("passage", "state", "at"),
    "passage_recipient": ("passage", "recipient_key", "at"),
    "passage_sender": ("passage", "sender_domain", "at", "sender_key"),
    "departure_state": ("departure", "state", "at"),
    "departure_sender": ("departure", "sender_key", "at"),
    "departure_recipient": ("departure", "recipient_domain", "at", "recipient_key"),
    "letter_state": ("letter", "state", "at"),
    "letter_recipient": ("letter", "recipient_key", "at"),
    "letter_sender": ("letter", "sender_domain", "at", "sender"),
    "pending_held": ("pending", "state", "held_at"),
    "pending_domain": ("pending", "recipient_domain", "held_at"),
    "pending_recipient": ("pending", "recipient_key", "held_at"),
    "pending_sender": ("pending", "sender_domain", "held_at", "sender_key"),
    "challenge_state": ("challenge", "state", "created_at"),
    "challenge_place": ("challenge", "recipient_domain", "created_at"),
}
_ONLY_HISTORY = ("pending_held", "pending_domain", "challenge_state", "challenge_place")
"""Those that no other statement is to take."""


def upgrade() -> None:
    """Add the columns, which no row keeps, and make the indexes."""
    for table, (who, key) in _OUTSIDE.items():
        domain = f"substr({key}, length(rtrim({key}, replace({key}, '@', ''))) + 1)"
        op.add_column(table, sa.Column(f"{who}_domain", sa.Text(), sa.Computed(domain, persisted=False)))
    for table, names in _NUMBERED.items():
        for name in names:
            op.drop_index(f"{table}_{name}", table_name=table)
    for name, (table, *columns) in _NEW.items():
        where = sa.text("id <> 0") if name in _ONLY_HISTORY else None
        op.create_index(name, table, columns, unique=False, sqlite_where=where)
