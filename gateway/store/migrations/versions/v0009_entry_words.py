"""Entries of lists are found by any three letters in them."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"

_STATEMENTS = (
    "CREATE VIRTUAL TABLE entry_words USING fts5(text, content='', columnsize=0, detail=none, tokenize='trigram')",
    "INSERT INTO entry_words(rowid, text) SELECT id, pattern || char(10) || note FROM list_entry",
    "CREATE TRIGGER entry_new AFTER INSERT ON list_entry BEGIN INSERT INTO entry_words(rowid, text) VALUES (NEW.id, NEW.pattern || char(10) || NEW.note); END",
    "CREATE TRIGGER entry_gone AFTER DELETE ON list_entry BEGIN INSERT INTO entry_words(entry_words, rowid, text) VALUES ('delete', OLD.id, OLD.pattern || char(10) || OLD.note); END",
    "CREATE TRIGGER entry_noted AFTER UPDATE OF pattern, note ON list_entry BEGIN INSERT INTO entry_words(entry_words, rowid, text) VALUES ('delete', OLD.id, OLD.pattern || char(10) || OLD.note); INSERT INTO entry_words(rowid, text) VALUES (NEW.id, NEW.pattern || char(10) || NEW.note); END",
)


def upgrade() -> None:
    """Make the index, and fill it."""
    for statement in _STATEMENTS:
        op.execute(statement)
