"""The tables of the lists page: entries that were removed and may come back, and imports that are not yet saved."""

from __future__ import annotations

from sqlalchemy import Column, Float, ForeignKey, String, Table, Text

from gateway.store.tables.core import RowId, also_make, list_entry, metadata

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
    *(
        Column(column.name, column.type, nullable=column.nullable, server_default=column.server_default)
        for column in list_entry.c
        if column.name != "id"
    ),
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

_NEW = "INSERT INTO entry_words(rowid, text) VALUES (NEW.id, NEW.pattern || char(10) || NEW.note);"
_OLD = (
    "INSERT INTO entry_words(entry_words, rowid, text) VALUES ('delete', OLD.id, OLD.pattern || char(10) || OLD.note);"
)
STATEMENTS: tuple[str, ...] = (
    # Which three letters stand side by side in an entry, and not where: that is looked up in the entry itself.
    "CREATE VIRTUAL TABLE entry_words USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram')",
    f"CREATE TRIGGER entry_new AFTER INSERT ON list_entry BEGIN {_NEW} END",
    f"CREATE TRIGGER entry_gone AFTER DELETE ON list_entry BEGIN {_OLD} END",
    f"CREATE TRIGGER entry_noted AFTER UPDATE OF pattern, note ON list_entry BEGIN {_OLD} {_NEW} END",
)
"""What the columns above cannot say; made with the tables, in this order."""

also_make(STATEMENTS)
