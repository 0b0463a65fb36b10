"""Mail has a score; words of the list are found by longer beginnings, by recipient and by source."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

_LISTED = sa.text("listed = 1")
_MACHINE = sa.text("listed = 1 AND lane = 'machine'")
_ENDED = sa.text("listed = 0")
_INDEXES = (
    ("queue_place", ("lane", "domain", "owner", "age", "score"), _LISTED),
    ("queue_source", ("source", "age", "score"), _MACHINE),
    ("queue_domain_source", ("domain", "source", "age", "score"), _MACHINE),
    ("queue_ended", ("state", "age", "score"), _ENDED),
    ("queue_domain_ended", ("domain", "state", "age", "score"), _ENDED),
    ("queue_owner_ended", ("owner", "state", "age", "score"), _ENDED),
)
_NEW_INDEXES = (
    ("queue_score", ("lane", "score", "age"), _LISTED),
    ("queue_domain_score", ("lane", "domain", "score", "age"), _LISTED),
)
_WORDS = "w_from, w_to, w_subject, w_file, marks"


def upgrade() -> None:
    """Add the columns, and make the index of words anew: it cannot be changed, and holds no text of its own."""
    op.add_column(
        "message",
        sa.Column("score", sa.Float(), nullable=True, comment="what a filter in front wrote into the mail"),
    )
    op.add_column("queue", sa.Column("score", sa.Float(), nullable=False, server_default=sa.text("-1e+99")))
    for name, columns, where in _INDEXES:
        op.drop_index(name, "queue")
        op.create_index(name, "queue", list(columns), unique=False, sqlite_where=where)
    for name, columns, where in _NEW_INDEXES:
        op.create_index(name, "queue", list(columns), unique=False, sqlite_where=where)
    op.create_index("seen_account", "seen", ["account", "pending_id"], unique=False)
    _mark_owners_and_sources()
    for table, listed in (("waiting_words", 1), ("ended_words", 0)):
        op.execute(f"DROP TABLE {table}")
        op.execute(
            f"CREATE VIRTUAL TABLE {table} USING fts5({_WORDS}, content='', columnsize=0, tokenize='ascii',"
            " prefix='2 3 4 5 6')"
        )
        rows = f"SELECT id, {_WORDS} FROM queue WHERE listed = {listed}"  # noqa: S608 names of our own
        op.execute(f"INSERT INTO {table}(rowid, {_WORDS}) {rows}")


def _mark_owners_and_sources() -> None:
    connection = op.get_bind()
    driver = connection.connection.driver_connection
    assert driver is not None
    driver.create_function("mark", 2, _mark, deterministic=True)
    op.execute(
        "UPDATE queue SET marks = marks || ' ' || mark('o', owner)"
        " || CASE WHEN recipient_key <> owner THEN ' ' || mark('t', recipient_key) ELSE '' END"
        " || CASE WHEN source <> '' THEN ' ' || mark('s', source) ELSE '' END"
    )


def _mark(kind: str, text: str) -> str:
    return kind + "".join(c if c.isascii() and c.isalnum() and c != "z" else f"z{ord(c):x}z" for c in text)
