"""Words in the log, found without going through all lines."""

from __future__ import annotations

from alembic import op

revision = "0021"
down_revision = "0020"

_STATEMENTS = (
    "CREATE VIRTUAL TABLE journal_words USING fts5(words, content='', columnsize=0, detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE journal_words_known USING fts5vocab('journal_words', 'row')",
    "CREATE TRIGGER journal_new AFTER INSERT ON journal BEGIN INSERT INTO journal_words(rowid, words) VALUES (NEW.id, NEW.deed || char(10) || NEW.object || char(10) || NEW.detail || char(10) || NEW.actor || char(10, 10)); END",
    "CREATE TRIGGER journal_changed AFTER UPDATE ON journal BEGIN INSERT INTO journal_words(journal_words, rowid, words) VALUES ('delete', OLD.id, OLD.deed || char(10) || OLD.object || char(10) || OLD.detail || char(10) || OLD.actor || char(10, 10)); INSERT INTO journal_words(rowid, words) VALUES (NEW.id, NEW.deed || char(10) || NEW.object || char(10) || NEW.detail || char(10) || NEW.actor || char(10, 10)); END",
    "CREATE TRIGGER journal_gone AFTER DELETE ON journal BEGIN INSERT INTO journal_words(journal_words, rowid, words) VALUES ('delete', OLD.id, OLD.deed || char(10) || OLD.object || char(10) || OLD.detail || char(10) || OLD.actor || char(10, 10)); END",
    "INSERT INTO journal_words(rowid, words) SELECT journal.id, journal.deed || char(10) || journal.object || char(10) || journal.detail || char(10) || journal.actor || char(10, 10) FROM journal",
)


def upgrade() -> None:
    """Make the index, and put in what is there."""
    for statement in _STATEMENTS:
        op.execute(statement)
