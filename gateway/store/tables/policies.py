"""The tables of policies, and of mail that is expected."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, ForeignKey, Index, Integer, LargeBinary, String, Table, Text

from gateway.store.tables.core import RowId, metadata

policy_choice = Table(
    "policy_choice",
    metadata,
    Column("scope", Text, primary_key=True, comment="empty: the site; @domain; or a recipient"),
    Column("setting", String(24), primary_key=True),
    Column("value", Text, nullable=True, comment="null: only locks what holds"),
    Column("locked", Boolean, nullable=False),
    Column("changed_by", Text, nullable=False),
    Column("changed_at", Float, nullable=False),
    sqlite_with_rowid=False,
)

expecting = Table(
    "expecting",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("address", Text, nullable=False, comment="whose it is, in normal form"),
    Column("opens", Text, nullable=False, comment="the address itself, or the tagged one"),
    Column("domain", Text, nullable=False, comment="of authors; empty: any"),
    Column("once", Boolean, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("made_by", Text, nullable=False),
    Column("starts_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False),
)
Index("expecting_opens", expecting.c.opens)
Index("expecting_address", expecting.c.address)
Index("expecting_ends", expecting.c.ends_at)

expecting_use = Table(
    "expecting_use",
    metadata,
    Column("expecting_id", RowId, ForeignKey("expecting.id"), primary_key=True),
    Column("message_key", LargeBinary(32), primary_key=True),
    Column("at", Float, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("sender", Text, nullable=False),
    Column("subject", Text, nullable=False),
    sqlite_with_rowid=False,
)
