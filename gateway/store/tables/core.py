"""The tables of mail, challenges and lists. Times are seconds since the epoch, UTC; addresses ending in `_key` are in normal form."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Computed,
    Connection,
    CursorResult,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.event import listen

metadata = MetaData()


def also_make(statements: Sequence[str]) -> None:
    """Run these behind the making of all tables, in their order: what columns cannot say."""

    def make(_target: MetaData, connection: Connection, **_: object) -> None:
        for statement in statements:
            connection.exec_driver_sql(statement)

    listen(metadata, "after_create", make)


def domain_of(key: str) -> Computed:
    """Return how SQLite tells the domain of an address in another column, what stands behind its last "@".

    It is kept in no row: only the index that leads to it has it.
    """
    return Computed(
        f"substr({key}, length(rtrim({key}, replace({key}, '@', ''))) + 1)",
        persisted=False,
    )


def inserted_id(result: CursorResult[Any]) -> int:
    """Return the id the store gave to the row that was inserted."""
    key = result.inserted_primary_key
    if key is None:
        raise LookupError("the store told no id for an inserted row")
    return int(key[0])


SCHEMA_VERSION = "0021"
"""The newest migration; `db check` compares it with what the file says."""

# SQLite numbers rows by itself only where the key is a plain INTEGER.
RowId = BigInteger().with_variant(Integer(), "sqlite")

ONLY_HISTORY = text("id <> 0")
"""Of indexes that no other statement is to take."""

message = Table(
    "message",
    metadata,
    Column("id", RowId, primary_key=True),
    Column(
        "key",
        LargeBinary(32),
        nullable=False,
        comment="hash of reverse-path and content: a client's retry has the same",
    ),
    Column("sha256", LargeBinary(32), nullable=False, comment="of the content, so that the audit can check it"),
    Column("received_at", Float, nullable=False),
    Column("transaction_id", String(32), nullable=False),
    Column("reverse_path", Text, nullable=False),
    Column("sender_key", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("author_name", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("message_id", Text, nullable=False),
    Column("reference_ids", Text, nullable=False),
    Column("list_id", Text, nullable=False, comment="what its List-Id names; or empty"),
    Column("size", Integer, nullable=False, comment="octets of the content"),
    Column("client_address", Text, nullable=False),
    Column("client_name", Text, nullable=False),
    Column("helo", Text, nullable=False),
    Column("protocol", String(16), nullable=False),
    Column("queue_id", Text, nullable=False, comment="of the MTA in front"),
    Column("evidence", Text, nullable=False, comment="JSON of domain.evidence.Evidence"),
    Column("proofs", Text, nullable=False, comment="identities that vouched, parted by blanks"),
    Column("network", Text, nullable=False, comment="of the client, as a proof of last resort"),
    Column("trace", LargeBinary, nullable=False, comment="fields we put on top"),
    Column(
        "cuts",
        Text,
        nullable=False,
        comment="JSON list of [start, end) of forged fields that are left out on the way on",
    ),
    Column("body_8bit", Boolean, nullable=False),
    Column("smtputf8", Boolean, nullable=False),
    Column("ret", String(8), nullable=False),
    Column("envid", Text, nullable=False),
    Column("score", Float, nullable=True, comment="what a filter in front wrote into the mail: how spam-like it is"),
)
Index("message_key", message.c.key)

content = Table(
    "content",
    metadata,
    Column("message_id", RowId, ForeignKey("message.id"), primary_key=True),
    Column("octets", LargeBinary, nullable=False, comment="as received, without dot-stuffing"),
)

pending = Table(
    "pending",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("message_id", RowId, ForeignKey("message.id"), nullable=False, index=True),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("recipient_domain", Text, nullable=False),
    Column("notify", Text, nullable=False),
    Column("orcpt", Text, nullable=False),
    Column("sender_key", Text, nullable=False),
    Column(
        "source", Text, nullable=False, comment="key of the machine it comes from, as list:news.oak.example; or empty"
    ),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False),
    Column("silence", String(40), nullable=False, comment="why its sender was not asked; empty where it was"),
    Column("challenge_id", RowId, nullable=True),
    Column("held_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("as_spam", Boolean, nullable=False, comment="deliver marked as spam"),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=True, comment="next attempt, while released"),
    Column("due_since", Float, nullable=True, comment="first attempt, while released"),
    Column("lease", BigInteger, nullable=True, comment="fencing token of the worker that has it"),
    Column("lease_until", Float, nullable=True),
    Column("last_reply", Text, nullable=False, comment="the next hop's own words"),
    Column("sender_domain", Text, domain_of("sender_key")),
)
Index("pending_waiting_sender", pending.c.sender_key, sqlite_where=text("state = 'pending'"))
Index("pending_waiting_source", pending.c.source, pending.c.id, sqlite_where=text("state = 'pending' AND source <> ''"))
Index("pending_expiry", pending.c.expires_at, sqlite_where=text("state = 'pending'"))
Index("pending_due", pending.c.due_at, sqlite_where=text("state = 'released'"))
Index("pending_state", pending.c.state, pending.c.id)
Index("pending_changed", pending.c.changed_at)
Index("pending_challenge", pending.c.challenge_id, sqlite_where=text("challenge_id IS NOT NULL"))
# For history, in the order of time. Other statements are not to take those of a state or a domain, which SQLite would think
# better than what was made for them: so these have a condition that only history says, and each row fulfils.
Index("pending_held", pending.c.state, pending.c.held_at, sqlite_where=ONLY_HISTORY)
Index("pending_domain", pending.c.recipient_domain, pending.c.held_at, sqlite_where=ONLY_HISTORY)
Index("pending_recipient", pending.c.recipient_key, pending.c.held_at)
Index("pending_sender", pending.c.sender_domain, pending.c.held_at, pending.c.sender_key)

challenge = Table(
    "challenge",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("message_id", RowId, ForeignKey("message.id"), nullable=False),
    Column("sender", Text, nullable=False, comment="the reverse-path it goes to"),
    Column("sender_key", Text, nullable=False),
    Column("sender_domain", Text, nullable=False),
    Column("recipient", Text, nullable=False),
    Column("recipient_key", Text, nullable=False),
    Column("recipient_domain", Text, nullable=False),
    Column("scope", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", String(40), nullable=False, comment="why it was withheld or failed"),
    Column("created_at", Float, nullable=False),
    Column("expires_at", Float, nullable=False),
    Column("changed_at", Float, nullable=False),
    Column("sent_at", Float, nullable=True),
    Column("attempts", Integer, nullable=False),
    Column("due_at", Float, nullable=True),
    Column("lease", BigInteger, nullable=True),
    Column("lease_until", Float, nullable=True),
    Column("last_reply", Text, nullable=False),
    Column("mail_id", Text, nullable=False, comment="Message-ID of the challenge mail"),
    Column("wrong_answers", Integer, nullable=False),
    Column("paused_until", Float, nullable=True),
    Column("solved_puzzle", LargeBinary, nullable=True),
    Column("how", String(24), nullable=False, comment="kind of puzzle that was solved"),
    Column("status_hash", LargeBinary(32), nullable=True, unique=True),
)
Index("challenge_sender", challenge.c.sender_key, challenge.c.created_at)
Index("challenge_domain", challenge.c.sender_domain, challenge.c.created_at)
Index("challenge_recipient", challenge.c.recipient_key, challenge.c.created_at)
Index("challenge_created", challenge.c.created_at)
Index("challenge_due", challenge.c.due_at, sqlite_where=text("state = 'queued'"))
Index(
    "challenge_failed",
    challenge.c.created_at,
    challenge.c.recipient_domain,
    sqlite_where=text("state = 'failed'"),
)
Index("challenge_expiry", challenge.c.expires_at, sqlite_where=text("state IN ('queued', 'sent')"))
# For history, as those of `pending`.
Index("challenge_state", challenge.c.state, challenge.c.created_at, sqlite_where=ONLY_HISTORY)
Index("challenge_place", challenge.c.recipient_domain, challenge.c.created_at, sqlite_where=ONLY_HISTORY)
Index("challenge_message", challenge.c.message_id)
Index("challenge_mail", challenge.c.mail_id, sqlite_where=text("state = 'sent'"))

token = Table(
    "token",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    # Several for one challenge: each attempt to send mints its own, for a mail whose reply got lost may have arrived.
    Column("challenge_id", RowId, ForeignKey("challenge.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

page_use = Table(
    "page_use",
    metadata,
    Column("challenge_id", RowId, ForeignKey("challenge.id"), primary_key=True),
    Column("first_at", Float, nullable=False),
    Column("times", Integer, nullable=False),
    sqlite_with_rowid=False,
)
"""Answers that came from the pages of challenges. Not of those who only looked: programs that check links look too."""

spent_puzzle = Table(
    "spent_puzzle",
    metadata,
    Column("id", LargeBinary(16), primary_key=True),
    Column("spent_at", Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)

list_entry = Table(
    "list_entry",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("verdict", String(8), nullable=False),
    Column("pattern", Text, nullable=False),
    Column("scope", Text, nullable=False),
    Column("proof", Text, nullable=False),
    Column("note", Text, nullable=False),
    Column("added_by", Text, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("pending_id", RowId, nullable=True, comment="the mail that gave rise to it"),
    Column("expires_at", Float, nullable=True, comment="from then on it decides nothing"),
    Column("last_used_at", Float, nullable=True, comment="when it last decided a mail; written down each minute"),
    Column("owner", Text, nullable=False, comment="the scope without sub-address: whose page it is on"),
    Column("owner_domain", Text, nullable=False, comment="domain of the scope; empty for the site"),
    Column(
        "origin", String(16), nullable=False, server_default=text("''"), comment="written-to; empty: a person made it"
    ),
    Column("origin_mail", String(32), nullable=False, server_default=text("''"), comment="transaction it comes from"),
    Column("lives", Float, nullable=True, comment="seconds it holds after its last use, where it was learned"),
    UniqueConstraint("pattern", "scope", "verdict"),
    # A number is never given again: what was removed can come back as it was.
    sqlite_autoincrement=True,
)
# For pages by key: each answers one scope and one verdict in the order of ids.
Index("list_entry_owner", list_entry.c.owner, list_entry.c.verdict, list_entry.c.id)
Index("list_entry_domain", list_entry.c.owner_domain, list_entry.c.verdict, list_entry.c.id)
Index("list_entry_verdict", list_entry.c.verdict, list_entry.c.id)
Index("list_entry_origin", list_entry.c.origin, list_entry.c.id, sqlite_where=text("origin <> ''"))

disowned = Table(
    "disowned",
    metadata,
    Column("sender_key", Text, primary_key=True),
    Column("until", Float, nullable=False),
    Column("times", Integer, nullable=False),
)

event = Table(
    "event",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("at", Float, nullable=False),
    Column("pending_id", RowId, nullable=False, index=True),
    Column("event", String(24), nullable=False),
    Column("state_from", String(16), nullable=False, comment="empty for the first"),
    Column("state_to", String(16), nullable=False),
    Column("actor", Text, nullable=False),
    Column("detail", Text, nullable=False),
)

sequence = Table(
    "sequence",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("value", BigInteger, nullable=False),
)
"""Change counters: a process whose cached copy bears an older number reads again. And how far workers have read."""

secret = Table(
    "secret",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("octets", LargeBinary, nullable=False),
)

service = Table(
    "service",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("last_seen", Float, nullable=False, comment="sign of life, to notice a clock that jumped while nothing ran"),
)
