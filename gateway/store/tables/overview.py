"""The tables behind the overview: numbers by the hour, and who did what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.core import RowId, also_make, metadata

tally = Table(
    "tally",
    metadata,
    Column("hour", BigInteger, primary_key=True, comment="its first second"),
    Column("domain", Text, primary_key=True, comment="of the recipient, ours"),
    Column("happening", String(16), primary_key=True),
    Column("times", Integer, nullable=False),
    sqlite_with_rowid=False,
)

journal = Table(
    "journal",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("actor", Text, nullable=False, comment="name of the account"),
    Column("looked_as", Text, nullable=False, comment="the user whose pages an admin looked at; else empty"),
    Column("deed", String(40), nullable=False, comment="name of the route"),
    Column("object", Text, nullable=False, comment="what it was done to, as the page's address names it"),
    Column("domain", Text, nullable=False, comment="whose admins may see the line; empty: the site's only"),
    Column("detail", Text, nullable=False),
    Column("client", Text, nullable=False, comment="address it came from"),
)
Index("journal_actor", journal.c.actor, journal.c.id)
Index("journal_domain", journal.c.domain, journal.c.id)


def _words(row: str) -> str:
    """Return what of a line is searched. Behind each sign stand two others, so that it begins a word of three."""
    columns = (f"{row}.{name}" for name in ("deed", "object", "detail", "actor"))
    return f"{row}.id, {' || char(10) || '.join(columns)} || char(10, 10)"


_PUT = f"INSERT INTO journal_words(rowid, words) VALUES ({_words('NEW')});"  # noqa: S608 names of our own
_TAKE = f"INSERT INTO journal_words(journal_words, rowid, words) VALUES ('delete', {_words('OLD')});"  # noqa: S608 names of our own
STATEMENTS: tuple[str, ...] = (
    "CREATE VIRTUAL TABLE journal_words USING fts5(words, content='', columnsize=0, detail=none, tokenize='trigram')",
    "CREATE VIRTUAL TABLE journal_words_known USING fts5vocab('journal_words', 'row')",
    f"CREATE TRIGGER journal_new AFTER INSERT ON journal BEGIN {_PUT} END",
    f"CREATE TRIGGER journal_changed AFTER UPDATE ON journal BEGIN {_TAKE} {_PUT} END",
    f"CREATE TRIGGER journal_gone AFTER DELETE ON journal BEGIN {_TAKE} END",
)
"""All words of three signs in each line, for any part of its words may be looked for."""

also_make(STATEMENTS)
