"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_ROW_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_STATEMENTS = (
    "CREATE VIRTUAL TABLE waiting_words USING fts5(w_from, w_to, w_subject, w_file, marks, content='', columnsize=0, tokenize='ascii', prefix='2 3')",
    "CREATE VIRTUAL TABLE ended_words USING fts5(w_from, w_to, w_subject, w_file, marks, content='', columnsize=0, tokenize='ascii', prefix='2 3')",
    "CREATE TRIGGER queue_new AFTER INSERT ON queue WHEN NEW.listed = 1 BEGIN INSERT INTO waiting_words(rowid, w_from, w_to, w_subject, w_file, marks) VALUES (NEW.id, NEW.w_from, NEW.w_to, NEW.w_subject, NEW.w_file, NEW.marks); END",
    "CREATE TRIGGER queue_new_ended AFTER INSERT ON queue WHEN NEW.listed = 0 BEGIN INSERT INTO ended_words(rowid, w_from, w_to, w_subject, w_file, marks) VALUES (NEW.id, NEW.w_from, NEW.w_to, NEW.w_subject, NEW.w_file, NEW.marks); END",
    "CREATE TRIGGER queue_hidden AFTER UPDATE OF listed ON queue WHEN OLD.listed = 1 AND NEW.listed = 0 BEGIN INSERT INTO waiting_words(waiting_words, rowid, w_from, w_to, w_subject, w_file, marks) VALUES ('delete', OLD.id, OLD.w_from, OLD.w_to, OLD.w_subject, OLD.w_file, OLD.marks); INSERT INTO ended_words(rowid, w_from, w_to, w_subject, w_file, marks) VALUES (NEW.id, NEW.w_from, NEW.w_to, NEW.w_subject, NEW.w_file, NEW.marks); END",
    "CREATE TRIGGER queue_shown AFTER UPDATE OF listed ON queue WHEN OLD.listed = 0 AND NEW.listed = 1 BEGIN INSERT INTO ended_words(ended_words, rowid, w_from, w_to, w_subject, w_file, marks) VALUES ('delete', OLD.id, OLD.w_from, OLD.w_to, OLD.w_subject, OLD.w_file, OLD.marks); INSERT INTO waiting_words(rowid, w_from, w_to, w_subject, w_file, marks) VALUES (NEW.id, NEW.w_from, NEW.w_to, NEW.w_subject, NEW.w_file, NEW.marks); END",
    "CREATE TRIGGER queue_gone AFTER DELETE ON queue WHEN OLD.listed = 1 BEGIN INSERT INTO waiting_words(waiting_words, rowid, w_from, w_to, w_subject, w_file, marks) VALUES ('delete', OLD.id, OLD.w_from, OLD.w_to, OLD.w_subject, OLD.w_file, OLD.marks); END",
    "CREATE TRIGGER queue_gone_ended AFTER DELETE ON queue WHEN OLD.listed = 0 BEGIN INSERT INTO ended_words(ended_words, rowid, w_from, w_to, w_subject, w_file, marks) VALUES ('delete', OLD.id, OLD.w_from, OLD.w_to, OLD.w_subject, OLD.w_file, OLD.marks); END",
    "CREATE TRIGGER pending_moved AFTER UPDATE OF state ON pending WHEN OLD.state <> NEW.state BEGIN UPDATE queue SET state = NEW.state, listed = (NEW.state = 'pending' AND order_id IS NULL) WHERE id = NEW.id; DELETE FROM seen WHERE pending_id = NEW.id; END",
    "CREATE TRIGGER pending_delayed AFTER UPDATE OF expires_at ON pending WHEN OLD.expires_at <> NEW.expires_at BEGIN UPDATE queue SET expires_at = NEW.expires_at WHERE id = NEW.id; END",
)


def upgrade() -> None:
    """Make every table."""
    op.create_table(
        "account",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("name", sa.Text(), nullable=False, comment="under which it signs in, as written"),
        sa.Column("name_key", sa.Text(), nullable=False),
        sa.Column("full_name", sa.Text(), nullable=False),
        sa.Column("role", sa.String(length=16), nullable=False),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("password", sa.Text(), nullable=False, comment="argon2id in PHC form; empty where it has none"),
        sa.Column("totp_secret", sa.Text(), nullable=False, comment="base32; empty where none is in use"),
        sa.Column(
            "totp_step",
            sa.BigInteger(),
            nullable=False,
            comment="last time step whose code was used: no code counts twice",
        ),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("time_zone", sa.Text(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("signed_in_at", sa.Float(), nullable=True, comment="the last time"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("name_key"),
    )
    op.create_table(
        "bulk_order",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account", _ROW_ID, nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column(
            "nonce", sa.String(length=64), nullable=False, comment="of the form: a form sent twice makes one order"
        ),
        sa.Column("action", sa.String(length=16), nullable=False),
        sa.Column("breadth", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column(
            "selection", sa.Text(), nullable=False, comment="JSON of what is still to be gathered; empty where all is"
        ),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False, comment="not before; moves on while rows are gathered"),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False, comment="rows it has in hand"),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("missed", sa.Integer(), nullable=False, comment="rows that were named, but not to be had"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(
        "bulk_order_due",
        "bulk_order",
        ["due_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('gathering', 'waiting', 'running', 'undoing')"),
    )
    op.create_index("bulk_order_nonce", "bulk_order", ["account", "nonce"], unique=True)
    op.create_table(
        "challenge_text",
        sa.Column("scope", sa.Text(), nullable=False, comment="empty: the site; @domain"),
        sa.Column("language", sa.String(length=35), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=False),
        sa.Column("from_line", sa.Text(), nullable=False),
        sa.Column(
            "shipped",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="hash of the shipped texts that these were made from",
        ),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "language"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "disowned",
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("sender_key"),
    )
    op.create_table(
        "entry_draft",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("made_at", sa.Float(), nullable=False),
        sa.Column("form", sa.String(length=8), nullable=False, comment="csv, or the verdict of plain lines"),
        sa.Column("scope", sa.Text(), nullable=False, comment="for lines that name none"),
        sa.Column("words", sa.Text(), nullable=False, comment="the file as it came"),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entry_draft_made_at"), "entry_draft", ["made_at"], unique=False)
    op.create_table(
        "entry_removal",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("removed_by", sa.Text(), nullable=False),
        sa.Column("removed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_autoincrement=True,
    )
    op.create_index(op.f("ix_entry_removal_removed_at"), "entry_removal", ["removed_at"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("event", sa.String(length=24), nullable=False),
        sa.Column("state_from", sa.String(length=16), nullable=False, comment="empty for the first"),
        sa.Column("state_to", sa.String(length=16), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_event_pending_id"), "event", ["pending_id"], unique=False)
    op.create_table(
        "expecting",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("address", sa.Text(), nullable=False, comment="whose it is, in normal form"),
        sa.Column("opens", sa.Text(), nullable=False, comment="the address itself, or the tagged one"),
        sa.Column("domain", sa.Text(), nullable=False, comment="of authors; empty: any"),
        sa.Column("once", sa.Boolean(), nullable=False),
        sa.Column("uses", sa.Integer(), nullable=False),
        sa.Column("made_by", sa.Text(), nullable=False),
        sa.Column("starts_at", sa.Float(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("expecting_address", "expecting", ["address"], unique=False)
    op.create_index("expecting_ends", "expecting", ["ends_at"], unique=False)
    op.create_index("expecting_opens", "expecting", ["opens"], unique=False)
    op.create_table(
        "journal",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False, comment="name of the account"),
        sa.Column(
            "looked_as", sa.Text(), nullable=False, comment="the user whose pages an admin looked at; else empty"
        ),
        sa.Column("deed", sa.String(length=40), nullable=False, comment="name of the route"),
        sa.Column("object", sa.Text(), nullable=False, comment="what it was done to, as the page's address names it"),
        sa.Column("domain", sa.Text(), nullable=False, comment="whose admins may see the line; empty: the site's only"),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, comment="address it came from"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("journal_actor", "journal", ["actor", "id"], unique=False)
    op.create_index("journal_domain", "journal", ["domain", "id"], unique=False)
    op.create_table(
        "list_entry",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=True, comment="the mail that gave rise to it"),
        sa.Column("expires_at", sa.Float(), nullable=True, comment="from then on it decides nothing"),
        sa.Column(
            "last_used_at", sa.Float(), nullable=True, comment="when it last decided a mail; written down each minute"
        ),
        sa.Column("owner", sa.Text(), nullable=False, comment="the scope without sub-address: whose page it is on"),
        sa.Column("owner_domain", sa.Text(), nullable=False, comment="domain of the scope; empty for the site"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pattern", "scope", "verdict"),
        sqlite_autoincrement=True,
    )
    op.create_index("list_entry_domain", "list_entry", ["owner_domain", "verdict", "id"], unique=False)
    op.create_index("list_entry_owner", "list_entry", ["owner", "verdict", "id"], unique=False)
    op.create_index("list_entry_verdict", "list_entry", ["verdict", "id"], unique=False)
    op.create_table(
        "message",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column(
            "key",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="hash of reverse-path and content: a client's retry has the same",
        ),
        sa.Column(
            "sha256",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="of the content, so that the audit can check it",
        ),
        sa.Column("received_at", sa.Float(), nullable=False),
        sa.Column("transaction_id", sa.String(length=32), nullable=False),
        sa.Column("reverse_path", sa.Text(), nullable=False),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("author_name", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Text(), nullable=False),
        sa.Column("reference_ids", sa.Text(), nullable=False),
        sa.Column("list_id", sa.Text(), nullable=False, comment="what its List-Id names; or empty"),
        sa.Column("size", sa.Integer(), nullable=False, comment="octets of the content"),
        sa.Column("client_address", sa.Text(), nullable=False),
        sa.Column("client_name", sa.Text(), nullable=False),
        sa.Column("helo", sa.Text(), nullable=False),
        sa.Column("protocol", sa.String(length=16), nullable=False),
        sa.Column("queue_id", sa.Text(), nullable=False, comment="of the MTA in front"),
        sa.Column("evidence", sa.Text(), nullable=False, comment="JSON of domain.evidence.Evidence"),
        sa.Column("proofs", sa.Text(), nullable=False, comment="identities that vouched, parted by blanks"),
        sa.Column("network", sa.Text(), nullable=False, comment="of the client, as a proof of last resort"),
        sa.Column("trace", sa.LargeBinary(), nullable=False, comment="fields we put on top"),
        sa.Column(
            "cuts",
            sa.Text(),
            nullable=False,
            comment="JSON list of [start, end) of forged fields that are left out on the way on",
        ),
        sa.Column("body_8bit", sa.Boolean(), nullable=False),
        sa.Column("smtputf8", sa.Boolean(), nullable=False),
        sa.Column("ret", sa.String(length=8), nullable=False),
        sa.Column("envid", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("message_key", "message", ["key"], unique=False)
    op.create_table(
        "policy_choice",
        sa.Column("scope", sa.Text(), nullable=False, comment="empty: the site; @domain; or a recipient"),
        sa.Column("setting", sa.String(length=24), nullable=False),
        sa.Column("value", sa.Text(), nullable=True, comment="null: only locks what holds"),
        sa.Column("locked", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.Text(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("scope", "setting"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "secret",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "seen",
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column("account", _ROW_ID, nullable=False),
        sa.PrimaryKeyConstraint("pending_id", "account"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "sequence",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("value", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "service",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column(
            "last_seen",
            sa.Float(),
            nullable=False,
            comment="sign of life, to notice a clock that jumped while nothing ran",
        ),
        sa.PrimaryKeyConstraint("name"),
    )
    op.create_table(
        "sign_in_order",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("asked_at", sa.Float(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sign_in_order_due_at"), "sign_in_order", ["due_at"], unique=False)
    op.create_table(
        "sign_in_try",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column(
            "subject",
            sa.LargeBinary(length=32),
            nullable=False,
            comment="hash of the name, address or network that is counted",
        ),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_sign_in_try_at"), "sign_in_try", ["at"], unique=False)
    op.create_index("sign_in_try_subject", "sign_in_try", ["kind", "subject", "at"], unique=False)
    op.create_table(
        "spent_puzzle",
        sa.Column("id", sa.LargeBinary(length=16), nullable=False),
        sa.Column("spent_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_spent_puzzle_spent_at"), "spent_puzzle", ["spent_at"], unique=False)
    op.create_table(
        "tally",
        sa.Column("hour", sa.BigInteger(), nullable=False, comment="its first second"),
        sa.Column("domain", sa.Text(), nullable=False, comment="of the recipient, ours"),
        sa.Column("happening", sa.String(length=16), nullable=False),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("hour", "domain", "happening"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_address",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("address_key", sa.Text(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("account_id", "address_key"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
    )
    op.create_index("account_address_key", "account_address", ["address_key"], unique=False)
    op.create_index(
        "account_address_owned",
        "account_address",
        ["address_key"],
        unique=True,
        sqlite_where=sa.text("kind <> 'delegated'"),
    )
    op.create_table(
        "account_domain",
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "domain"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "account_identity",
        sa.Column("method", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False, comment="how the method names this person for ever"),
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("method", "subject"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_account_identity_account_id"), "account_identity", ["account_id"], unique=False)
    op.create_table(
        "challenge",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("sender", sa.Text(), nullable=False, comment="the reverse-path it goes to"),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column("sender_domain", sa.Text(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column("scope", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False, comment="why it was withheld or failed"),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("sent_at", sa.Float(), nullable=True),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True),
        sa.Column("lease", sa.BigInteger(), nullable=True),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False),
        sa.Column("mail_id", sa.Text(), nullable=False, comment="Message-ID of the challenge mail"),
        sa.Column("wrong_answers", sa.Integer(), nullable=False),
        sa.Column("paused_until", sa.Float(), nullable=True),
        sa.Column("solved_puzzle", sa.LargeBinary(), nullable=True),
        sa.Column("how", sa.String(length=24), nullable=False, comment="kind of puzzle that was solved"),
        sa.Column("status_hash", sa.LargeBinary(length=32), nullable=True),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("status_hash"),
    )
    op.create_index("challenge_created", "challenge", ["created_at"], unique=False)
    op.create_index("challenge_domain", "challenge", ["sender_domain", "created_at"], unique=False)
    op.create_index("challenge_due", "challenge", ["due_at"], unique=False, sqlite_where=sa.text("state = 'queued'"))
    op.create_index(
        "challenge_expiry",
        "challenge",
        ["expires_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('queued', 'sent')"),
    )
    op.create_index("challenge_message", "challenge", ["message_id"], unique=False)
    op.create_index("challenge_recipient", "challenge", ["recipient_key", "created_at"], unique=False)
    op.create_index("challenge_sender", "challenge", ["sender_key", "created_at"], unique=False)
    op.create_table(
        "content",
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("octets", sa.LargeBinary(), nullable=False, comment="as received, without dot-stuffing"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("message_id"),
    )
    op.create_table(
        "expecting_use",
        sa.Column("expecting_id", _ROW_ID, nullable=False),
        sa.Column("message_key", sa.LargeBinary(length=32), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("sender", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["expecting_id"],
            ["expecting.id"],
        ),
        sa.PrimaryKeyConstraint("expecting_id", "message_key"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "order_row",
        sa.Column("order_id", _ROW_ID, nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=False),
        sa.Column(
            "outcome",
            sa.Text(),
            nullable=False,
            comment="empty: to be done; done; back: undone; else why it was not done",
        ),
        sa.ForeignKeyConstraint(
            ["order_id"],
            ["bulk_order.id"],
        ),
        sa.PrimaryKeyConstraint("order_id", "pending_id"),
        sqlite_with_rowid=False,
    )
    op.create_index(
        "order_row_open", "order_row", ["order_id", "pending_id"], unique=False, sqlite_where=sa.text("outcome = ''")
    )
    op.create_table(
        "passkey",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("counter", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("credential"),
    )
    op.create_index(op.f("ix_passkey_account_id"), "passkey", ["account_id"], unique=False)
    op.create_table(
        "pending",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("message_id", _ROW_ID, nullable=False),
        sa.Column("recipient", sa.Text(), nullable=False),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("recipient_domain", sa.Text(), nullable=False),
        sa.Column("notify", sa.Text(), nullable=False),
        sa.Column("orcpt", sa.Text(), nullable=False),
        sa.Column("sender_key", sa.Text(), nullable=False),
        sa.Column(
            "source",
            sa.Text(),
            nullable=False,
            comment="key of the machine it comes from, as list:news.oak.example; or empty",
        ),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column(
            "silence", sa.String(length=40), nullable=False, comment="why its sender was not asked; empty where it was"
        ),
        sa.Column("challenge_id", _ROW_ID, nullable=True),
        sa.Column("held_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("changed_at", sa.Float(), nullable=False),
        sa.Column("as_spam", sa.Boolean(), nullable=False, comment="deliver marked as spam"),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("due_at", sa.Float(), nullable=True, comment="next attempt, while released"),
        sa.Column("due_since", sa.Float(), nullable=True, comment="first attempt, while released"),
        sa.Column("lease", sa.BigInteger(), nullable=True, comment="fencing token of the worker that has it"),
        sa.Column("lease_until", sa.Float(), nullable=True),
        sa.Column("last_reply", sa.Text(), nullable=False, comment="the next hop's own words"),
        sa.ForeignKeyConstraint(
            ["message_id"],
            ["message.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_pending_message_id"), "pending", ["message_id"], unique=False)
    op.create_index("pending_changed", "pending", ["changed_at"], unique=False)
    op.create_index("pending_due", "pending", ["due_at"], unique=False, sqlite_where=sa.text("state = 'released'"))
    op.create_index(
        "pending_expiry", "pending", ["expires_at"], unique=False, sqlite_where=sa.text("state = 'pending'")
    )
    op.create_index("pending_recipient", "pending", ["recipient_key", "id"], unique=False)
    op.create_index("pending_state", "pending", ["state", "id"], unique=False)
    op.create_index(
        "pending_waiting_sender", "pending", ["sender_key"], unique=False, sqlite_where=sa.text("state = 'pending'")
    )
    op.create_index(
        "pending_waiting_source",
        "pending",
        ["source", "id"],
        unique=False,
        sqlite_where=sa.text("state = 'pending' AND source <> ''"),
    )
    op.create_table(
        "recovery_code",
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("account_id", "hash"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "removed_entry",
        sa.Column("id", _ROW_ID, nullable=False, comment="the number it had"),
        sa.Column("removal_id", _ROW_ID, nullable=False),
        sa.Column("verdict", sa.String(length=8), nullable=False),
        sa.Column("pattern", sa.Text(), nullable=False),
        sa.Column("scope", sa.Text(), nullable=False),
        sa.Column("proof", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=False),
        sa.Column("added_by", sa.Text(), nullable=False),
        sa.Column("added_at", sa.Float(), nullable=False),
        sa.Column("pending_id", _ROW_ID, nullable=True),
        sa.Column("expires_at", sa.Float(), nullable=True),
        sa.Column("last_used_at", sa.Float(), nullable=True),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("owner_domain", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["removal_id"],
            ["entry_removal.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index(op.f("ix_removed_entry_removal_id"), "removed_entry", ["removal_id"], unique=False)
    op.create_table(
        "session",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("account_id", _ROW_ID, nullable=False),
        sa.Column("stage", sa.String(length=16), nullable=False, comment="full, or what is still to be shown"),
        sa.Column("way", sa.String(length=32), nullable=False, comment="how its owner came in"),
        sa.Column("second_factor", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.Float(), nullable=False),
        sa.Column("used_at", sa.Float(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False, comment="address it was last used from"),
        sa.Column("browser", sa.Text(), nullable=False, comment="in words of ours"),
        sa.Column("wanted", sa.Text(), nullable=False, comment="path to go on to"),
        sa.Column("scratch", sa.Text(), nullable=False, comment="what a step under way has to remember"),
        sa.Column("looks_as", sa.Text(), nullable=False, comment="the user whose pages an admin looks at; else empty"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("hash"),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
    )
    op.create_index(op.f("ix_session_account_id"), "session", ["account_id"], unique=False)
    op.create_index(op.f("ix_session_ends_at"), "session", ["ends_at"], unique=False)
    op.create_table(
        "sign_in_link",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column(
            "address_key",
            sa.Text(),
            nullable=False,
            comment="whoever reads its mail may come in; empty for a named account",
        ),
        sa.Column("account_id", _ROW_ID, nullable=True),
        sa.Column("wanted", sa.Text(), nullable=False),
        sa.Column("ends_at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_sign_in_link_ends_at"), "sign_in_link", ["ends_at"], unique=False)
    op.create_table(
        "queue",
        sa.Column("id", _ROW_ID, nullable=False),
        sa.Column(
            "age", _ROW_ID, nullable=False, comment="minus the id: of rows with the same key the newest comes first"
        ),
        sa.Column("state", sa.String(length=16), nullable=False, comment="as in pending; kept by a trigger"),
        sa.Column("order_id", _ROW_ID, nullable=True, comment="the order that has it in hand"),
        sa.Column("listed", sa.Boolean(), nullable=False, comment="waits, and no order has it in hand"),
        sa.Column("lane", sa.String(length=8), nullable=False, comment="people or machine"),
        sa.Column("domain", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False, comment="recipient_key without sub-address"),
        sa.Column("recipient_key", sa.Text(), nullable=False),
        sa.Column("held_at", sa.Float(), nullable=False),
        sa.Column("expires_at", sa.Float(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=False),
        sa.Column("reason", sa.String(length=40), nullable=False),
        sa.Column("sender_sort", sa.Text(), nullable=False),
        sa.Column("subject_sort", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="of machine mail: list:… or signed:… or from:…"),
        sa.Column("files", sa.Text(), nullable=False, comment="JSON list of the files' names"),
        sa.Column("w_from", sa.Text(), nullable=False),
        sa.Column("w_to", sa.Text(), nullable=False),
        sa.Column("w_subject", sa.Text(), nullable=False),
        sa.Column("w_file", sa.Text(), nullable=False),
        sa.Column("marks", sa.Text(), nullable=False, comment="domain, lane, reason, files, as words"),
        sa.ForeignKeyConstraint(
            ["id"],
            ["pending.id"],
        ),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_index("queue_age", "queue", ["lane", "age"], unique=False, sqlite_where=sa.text("listed = 1"))
    op.create_index(
        "queue_domain_age", "queue", ["lane", "domain", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_index(
        "queue_domain_ended", "queue", ["domain", "state", "age"], unique=False, sqlite_where=sa.text("listed = 0")
    )
    op.create_index(
        "queue_domain_expiry",
        "queue",
        ["lane", "domain", "expires_at", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1"),
    )
    op.create_index(
        "queue_domain_reason",
        "queue",
        ["lane", "domain", "reason", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1"),
    )
    op.create_index(
        "queue_domain_sender",
        "queue",
        ["lane", "domain", "sender_sort", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1"),
    )
    op.create_index(
        "queue_domain_size",
        "queue",
        ["lane", "domain", "size", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1"),
    )
    op.create_index(
        "queue_domain_source",
        "queue",
        ["domain", "source", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1 AND lane = 'machine'"),
    )
    op.create_index(
        "queue_domain_subject",
        "queue",
        ["lane", "domain", "subject_sort", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1"),
    )
    op.create_index("queue_ended", "queue", ["state", "age"], unique=False, sqlite_where=sa.text("listed = 0"))
    op.create_index(
        "queue_expiry", "queue", ["lane", "expires_at", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_index("queue_held", "queue", ["held_at"], unique=False)
    op.create_index("queue_order", "queue", ["order_id"], unique=False, sqlite_where=sa.text("order_id IS NOT NULL"))
    op.create_index(
        "queue_owner_ended", "queue", ["owner", "state", "age"], unique=False, sqlite_where=sa.text("listed = 0")
    )
    op.create_index(
        "queue_place", "queue", ["lane", "domain", "owner", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_index(
        "queue_reason", "queue", ["lane", "reason", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_index(
        "queue_sender", "queue", ["lane", "sender_sort", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_index("queue_size", "queue", ["lane", "size", "age"], unique=False, sqlite_where=sa.text("listed = 1"))
    op.create_index(
        "queue_source",
        "queue",
        ["source", "age"],
        unique=False,
        sqlite_where=sa.text("listed = 1 AND lane = 'machine'"),
    )
    op.create_index(
        "queue_subject", "queue", ["lane", "subject_sort", "age"], unique=False, sqlite_where=sa.text("listed = 1")
    )
    op.create_table(
        "token",
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("challenge_id", _ROW_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["challenge_id"],
            ["challenge.id"],
        ),
        sa.PrimaryKeyConstraint("hash"),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_token_challenge_id"), "token", ["challenge_id"], unique=False)
    for statement in _STATEMENTS:
        op.execute(statement)
