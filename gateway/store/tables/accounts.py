"""The tables of accounts: who may sign in, how, and who is signed in now."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from gateway.store.tables.core import RowId, metadata

account = Table(
    "account",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("name", Text, nullable=False, comment="under which it signs in, as written"),
    Column("name_key", Text, nullable=False, unique=True),
    Column("full_name", Text, nullable=False),
    Column("role", String(16), nullable=False),
    Column("disabled", Boolean, nullable=False),
    Column("password", Text, nullable=False, comment="argon2id in PHC form; empty where it has none"),
    Column("totp_secret", Text, nullable=False, comment="base32; empty where none is in use"),
    Column("totp_step", BigInteger, nullable=False, comment="last time step whose code was used: no code counts twice"),
    Column("language", String(16), nullable=False),
    Column("time_zone", Text, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("created_by", Text, nullable=False),
    Column("signed_in_at", Float, nullable=True, comment="the last time"),
)

account_address = Table(
    "account_address",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False),
    Column("address_key", Text, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("given_by", Text, nullable=False),
    Column("given_at", Float, nullable=False),
    UniqueConstraint("account_id", "address_key"),
)
# An address may be delegated to many, and is owned by one.
Index("account_address_owned", account_address.c.address_key, unique=True, sqlite_where=text("kind <> 'delegated'"))
Index("account_address_key", account_address.c.address_key)

account_domain = Table(
    "account_domain",
    metadata,
    Column("account_id", RowId, ForeignKey("account.id"), primary_key=True),
    Column("domain", Text, primary_key=True),
    sqlite_with_rowid=False,
)

account_identity = Table(
    "account_identity",
    metadata,
    Column("method", String(32), primary_key=True),
    Column("subject", Text, primary_key=True, comment="how the method names this person for ever"),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    sqlite_with_rowid=False,
)

passkey = Table(
    "passkey",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    Column("credential", LargeBinary, nullable=False, unique=True),
    Column("public_key", LargeBinary, nullable=False),
    Column("counter", BigInteger, nullable=False),
    Column("name", Text, nullable=False),
    Column("added_at", Float, nullable=False),
    Column("used_at", Float, nullable=True),
)

recovery_code = Table(
    "recovery_code",
    metadata,
    Column("account_id", RowId, ForeignKey("account.id"), primary_key=True),
    Column("hash", LargeBinary(32), primary_key=True),
    sqlite_with_rowid=False,
)

session = Table(
    "session",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, unique=True),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=False, index=True),
    Column("stage", String(16), nullable=False, comment="full, or what is still to be shown"),
    Column("way", String(32), nullable=False, comment="how its owner came in"),
    Column("second_factor", Boolean, nullable=False),
    Column("created_at", Float, nullable=False),
    Column("used_at", Float, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    Column("client", Text, nullable=False, comment="address it was last used from"),
    Column("browser", Text, nullable=False, comment="in words of ours"),
    Column("wanted", Text, nullable=False, comment="path to go on to"),
    Column("scratch", Text, nullable=False, comment="what a step under way has to remember"),
    Column("looks_as", Text, nullable=False, comment="the user whose pages an admin looks at; else empty"),
    Column("proven_at", Float, nullable=False, comment="when its owner last showed to be who he is"),
)

sign_in_link = Table(
    "sign_in_link",
    metadata,
    Column("hash", LargeBinary(32), primary_key=True),
    Column(
        "address_key", Text, nullable=False, comment="whoever reads its mail may come in; empty for a named account"
    ),
    Column("account_id", RowId, ForeignKey("account.id"), nullable=True),
    Column("wanted", Text, nullable=False),
    Column("ends_at", Float, nullable=False, index=True),
    sqlite_with_rowid=False,
)

sign_in_order = Table(
    "sign_in_order",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("address_key", Text, nullable=False),
    Column("wanted", Text, nullable=False),
    Column("client", Text, nullable=False),
    Column(
        "language", String(16), nullable=False, server_default=text("''"), comment="of the browser it was asked from"
    ),
    Column("asked_at", Float, nullable=False),
    Column("due_at", Float, nullable=False, index=True),
    Column("attempts", Integer, nullable=False),
)
"""Links that were asked for and are not sent yet."""

sign_in_try = Table(
    "sign_in_try",
    metadata,
    Column("id", RowId, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("subject", LargeBinary(32), nullable=False, comment="hash of the name, address or network that is counted"),
    Column("at", Float, nullable=False, index=True),
)
Index("sign_in_try_subject", sign_in_try.c.kind, sign_in_try.c.subject, sign_in_try.c.at)
