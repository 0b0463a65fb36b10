"""The tables of the lists page: entries that were removed and may come back, and imports that are not yet saved."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, String, Table, Text

from gateway.store.tables.core import RowId, list_entry, metadata

removal = Table(
    "entry_removal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("removed_by", Text, nullable=False),
    Column("removed_at", Float, nullable=False, index=True),
    sqlite_autoincrement=True,
)

removed_entry = Table(
    "removed_entry",
    metadata,
    Column("id", RowId, primary_key=True, comment="the number it had"),
    Column("removal_id", RowId, ForeignKey("entry_removal.id"), nullable=False, index=True),
    *(Column(column.name, column.type, nullable=column.nullable) for column in list_entry.c if column.name != "id"),
)

draft = Table(
    "entry_draft",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("made_by", Text, nullable=False),
    Column("made_at", Float, nullable=False, index=True),
    Column("form", String(8), nullable=False, comment="csv, or the verdict of plain lines"),
    Column("scope", Text, nullable=False, comment="for lines that name none"),
    Column("words", Text, nullable=False, comment="the file as it came"),
    sqlite_autoincrement=True,
)
