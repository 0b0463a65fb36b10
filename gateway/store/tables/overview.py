"""The tables behind the overview: numbers by the hour, and who did what."""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, Float, Index, Integer, String, Table, Text

from gateway.store.tables.core import RowId, metadata

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
