"""Drop mail from the store with all that hangs on it, so that nothing is left that names it."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from sqlalchemy import Connection, Table, and_, delete, select, update

from gateway.store.counters import rewind_cursors
from gateway.store.tables import (
    challenge,
    digest_item,
    digest_secret,
    list_entry,
    message,
    metadata,
    pending,
    removed_entry,
)
from gateway.store.webhook import rewind


def drop_rows(connection: Connection, ids: Sequence[int]) -> None:
    """Drop rows with all that hangs on them; entries that a mail gave rise to stay, and forget which mail it was."""
    # A number may be given to another mail one day: no link of a digest, and no entry, may lead to that one then.
    shown = select(digest_item.c.digest_id).where(digest_item.c.pending_id.in_(ids))
    mine = and_(digest_secret.c.digest_id.in_(shown), digest_secret.c.pending_id.in_(ids))
    connection.execute(delete(digest_secret).where(mine))
    for entries in (list_entry, removed_entry):
        connection.execute(update(entries).where(entries.c.pending_id.in_(ids)).values(pending_id=None))
    for table in reversed(metadata.sorted_tables):
        if "pending_id" in table.c and not table.c["pending_id"].nullable:
            connection.execute(delete(table).where(table.c["pending_id"].in_(ids)))
    drop(connection, pending, ids)
    rewind(connection)
    rewind_cursors(connection)


def drop_messages(connection: Connection, ids: Collection[int]) -> int:
    """Drop those messages that no row is left of, with their challenges; return how many challenges."""
    left = select(pending.c.message_id).where(pending.c.message_id.in_(ids))
    gone = select(message.c.id).where(message.c.id.in_(ids), message.c.id.not_in(left))
    numbers = list(connection.execute(gone).scalars())
    asked = list(connection.execute(select(challenge.c.id).where(challenge.c.message_id.in_(numbers))).scalars())
    # Rows of other mails that the same answer let go.
    connection.execute(update(pending).where(pending.c.challenge_id.in_(asked)).values(challenge_id=None))
    drop(connection, message, numbers)
    return len(asked)


def drop(connection: Connection, table: Table, ids: Collection[int]) -> None:
    """Drop rows of a table by their ids, and before them what refers to them."""
    if not ids:
        return
    for other in metadata.sorted_tables:
        for key in other.foreign_keys:
            if key.column is table.c.id:
                if "id" in other.c and other is not table:
                    which = select(other.c.id).where(key.parent.in_(ids))
                    drop(connection, other, list(connection.execute(which).scalars()))
                else:
                    connection.execute(delete(other).where(key.parent.in_(ids)))
    connection.execute(delete(table).where(table.c.id.in_(ids)))
