"""The tables behind the pending page: rows made to be listed, their words, and actions that wait for their undo."""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.store.tables.core import RowId, also_make, metadata

queue = Table(
    "queue",
    metadata,
    Column("id", RowId, ForeignKey("pending.id"), primary_key=True),
    Column("age", RowId, nullable=False, comment="minus the id: of rows with the same key the newest comes first"),
    Column("state", String(16), nullable=False, comment="as in pending; kept by a trigger"),
    Column("order_id", RowId, nullable=True, comment="the order that has it in hand"),
    Column("listed", Boolean, nullable=False, comment="waits, and no order has it in hand"),
    Column("lane", String(8), nullable=False, comment="people or machine"),
    Column("domain", Text, nullable=False),
    Column("owner", Text, nullable=False, comment="recipient_key without sub-address"),
    Column("recipient_key", Text, nullable=False),
    Column("held_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("size", Integer, nullable=False),
    Column("reason", String(40), nullable=False),
    Column("sender_sort", Text, nullable=False),
    Column("subject_sort", Text, nullable=False),
    Column("source", Text, nullable=False, comment="of machine mail: list:… or signed:… or from:…"),
    Column("files", Text, nullable=False, comment="JSON list of the files' names"),
    # What is searched: small letters, words parted by single blanks, a blank at each end.
    Column("w_from", Text, nullable=False),
    Column("w_to", Text, nullable=False),
    Column("w_subject", Text, nullable=False),
    Column("w_file", Text, nullable=False),
    Column("marks", Text, nullable=False, comment="domain, owner, source, lane, reason, files, as words"),
    Column("score", Float, nullable=False, server_default=text("-1e+99"), comment="as in message; -1e+99: it has none"),
)

_LISTED = text("listed = 1")
_MACHINE = text("listed = 1 AND lane = 'machine'")
_ENDED = text("listed = 0")
# The score stands at the end of some indexes only so that rows are passed over by it without being fetched.
Index("queue_place", queue.c.lane, queue.c.domain, queue.c.owner, queue.c.age, queue.c.score, sqlite_where=_LISTED)
for _name, _column in {
    "age": queue.c.age,
    "sender": queue.c.sender_sort,
    "subject": queue.c.subject_sort,
    "size": queue.c.size,
    "reason": queue.c.reason,
    "expiry": queue.c.expires_at,
    "score": queue.c.score,
}.items():
    _last = () if _column is queue.c.age else (queue.c.age,)
    Index(f"queue_{_name}", queue.c.lane, _column, *_last, sqlite_where=_LISTED)
    Index(f"queue_domain_{_name}", queue.c.lane, queue.c.domain, _column, *_last, sqlite_where=_LISTED)
Index("queue_source", queue.c.source, queue.c.age, queue.c.score, sqlite_where=_MACHINE)
Index("queue_domain_source", queue.c.domain, queue.c.source, queue.c.age, queue.c.score, sqlite_where=_MACHINE)
Index("queue_held", queue.c.held_at)
Index("queue_order", queue.c.order_id, sqlite_where=text("order_id IS NOT NULL"))
Index("queue_ended", queue.c.state, queue.c.age, queue.c.score, sqlite_where=_ENDED)
Index("queue_domain_ended", queue.c.domain, queue.c.state, queue.c.age, queue.c.score, sqlite_where=_ENDED)
Index("queue_owner_ended", queue.c.owner, queue.c.state, queue.c.age, queue.c.score, sqlite_where=_ENDED)

seen = Table(
    "seen",
    metadata,
    Column("pending_id", RowId, primary_key=True),
    Column("account", RowId, primary_key=True),
    sqlite_with_rowid=False,
)
Index("seen_account", seen.c.account, seen.c.pending_id)

bulk_order = Table(
    "bulk_order",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account", RowId, nullable=False),
    Column("actor", Text, nullable=False),
    Column(
        "nonce",
        String(64),
        nullable=False,
        comment="of the form: a form sent twice makes one order; or a redating's scope",
    ),
    Column("action", String(16), nullable=False),
    Column("breadth", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column(
        "selection",
        Text,
        nullable=False,
        comment="JSON of what is still to be gathered; empty where all is; or how far a redating is",
    ),
    Column("created_at", Float, nullable=False),
    Column("due_at", Float, nullable=False, comment="not before; moves on while rows are gathered"),
    Column("changed_at", Float, nullable=False),
    Column("total", Integer, nullable=False, comment="rows it has in hand"),
    Column("done", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("missed", Integer, nullable=False, comment="rows that were named, but not to be had"),
)
Index("bulk_order_nonce", bulk_order.c.account, bulk_order.c.nonce, unique=True)
Index(
    "bulk_order_due", bulk_order.c.due_at, sqlite_where=text("state IN ('gathering', 'waiting', 'running', 'undoing')")
)

order_row = Table(
    "order_row",
    metadata,
    Column("order_id", RowId, ForeignKey("bulk_order.id"), primary_key=True),
    Column("pending_id", RowId, primary_key=True),
    Column("outcome", Text, nullable=False, comment="empty: to be done; done; back: undone; else why it was not done"),
    sqlite_with_rowid=False,
)
Index("order_row_open", order_row.c.order_id, order_row.c.pending_id, sqlite_where=text("outcome = ''"))

saved_search = Table(
    "saved_search",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account_id", RowId, nullable=False),
    Column("name", Text, nullable=False),
    Column("query", Text, nullable=False, comment="parameters of the list's address"),
    Column("saved_at", Float, nullable=False),
    UniqueConstraint("account_id", "name"),
)

_WORDS = "w_from, w_to, w_subject, w_file, marks"


def _values(row: str) -> str:
    return ", ".join(f"{row}.{name}" for name in _WORDS.split(", "))


def _put(table: str) -> str:
    return f"INSERT INTO {table}(rowid, {_WORDS}) VALUES (NEW.id, {_values('NEW')});"  # noqa: S608 names of our own


def _take(table: str) -> str:
    return f"INSERT INTO {table}({table}, rowid, {_WORDS}) VALUES ('delete', OLD.id, {_values('OLD')});"  # noqa: S608 names of our own


# The words keep no text of their own: what is taken out must be named as it was put in, and the triggers do that.
# The words of a row never change; it moves from the one index to the other when it no longer waits.
# Beginnings of up to six letters have lists of their own: else all words that begin so would be read before the first row.
_INDEX = f"USING fts5({_WORDS}, content='', columnsize=0, tokenize='ascii', prefix='2 3 4 5 6')"
STATEMENTS: tuple[str, ...] = (
    f"CREATE VIRTUAL TABLE waiting_words {_INDEX}",
    f"CREATE VIRTUAL TABLE ended_words {_INDEX}",
    f"CREATE TRIGGER queue_new AFTER INSERT ON queue WHEN NEW.listed = 1 BEGIN {_put('waiting_words')} END",
    f"CREATE TRIGGER queue_new_ended AFTER INSERT ON queue WHEN NEW.listed = 0 BEGIN {_put('ended_words')} END",
    "CREATE TRIGGER queue_hidden AFTER UPDATE OF listed ON queue WHEN OLD.listed = 1 AND NEW.listed = 0 BEGIN "
    f"{_take('waiting_words')} {_put('ended_words')} END",
    "CREATE TRIGGER queue_shown AFTER UPDATE OF listed ON queue WHEN OLD.listed = 0 AND NEW.listed = 1 BEGIN "
    f"{_take('ended_words')} {_put('waiting_words')} END",
    f"CREATE TRIGGER queue_gone AFTER DELETE ON queue WHEN OLD.listed = 1 BEGIN {_take('waiting_words')} END",
    f"CREATE TRIGGER queue_gone_ended AFTER DELETE ON queue WHEN OLD.listed = 0 BEGIN {_take('ended_words')} END",
    "CREATE TRIGGER pending_moved AFTER UPDATE OF state ON pending WHEN OLD.state <> NEW.state BEGIN "
    "UPDATE queue SET state = NEW.state, listed = (NEW.state = 'pending' AND order_id IS NULL) WHERE id = NEW.id; "
    "DELETE FROM seen WHERE pending_id = NEW.id; END",
    "CREATE TRIGGER pending_delayed AFTER UPDATE OF expires_at ON pending WHEN OLD.expires_at <> NEW.expires_at BEGIN "
    "UPDATE queue SET expires_at = NEW.expires_at WHERE id = NEW.id; END",
)
"""What the columns above cannot say; made with the tables, in this order."""

also_make(STATEMENTS)
