"""Where machine mail that waits comes from, and what else waits from there."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec
from sqlalchemy import Connection, Select, and_, literal_column, or_, select

from gateway.domain.address import Address, normal_form
from gateway.domain.evidence import Evidence
from gateway.domain.lifecycle import State
from gateway.flow.rows import Origin
from gateway.store.pending import pending_row, row_columns
from gateway.store.states import is_in
from gateway.store.tables import message, pending

_origin = select(*row_columns, pending.c.source, message.c.list_id, message.c.evidence).join(
    message, message.c.id == pending.c.message_id
)
_waits = is_in(pending.c.state, State.PENDING)
# As the index says it.
_has_source = pending.c.source != literal_column("''")


class SourceTable:
    """Implements `flow.ports.SourceTx`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def origin(self, row_id: int) -> Origin | None:
        """Return one row, with where its mail comes from."""
        return next(self._origins(_origin.where(pending.c.id == row_id)), None)

    def waiting_from_source(self, source: str) -> list[Origin]:
        """Return every row in state PENDING whose mail comes from this source."""
        if not source:
            return []
        return list(
            self._origins(_origin.where(pending.c.source == source, _has_source, _waits).order_by(pending.c.id))
        )

    def waiting_from_domain(self, domain: str, recipient_key: str) -> list[Origin]:
        """Return every row in state PENDING of this recipient whose reverse-path or author has this domain."""
        named = or_(
            pending.c.sender_key.endswith("@" + domain, autoescape=True),
            message.c.author.icontains("@" + domain, autoescape=True),
        )
        mine = and_(pending.c.recipient_key == recipient_key, _waits, named)
        return [
            one
            for one in self._origins(_origin.where(mine).order_by(pending.c.id))
            if domain in (Address.of(one.row.sender_key).domain, Address.of(one.row.author_key).domain)
        ]

    def _origins(self, query: Select[tuple[object, ...]]) -> Iterator[Origin]:
        for row in self._connection.execute(query):
            yield Origin(
                row=pending_row(row),
                author=Address(row.author, normal_form(row.author)) if row.author else None,
                source=row.source,
                list_id=row.list_id,
                evidence=msgspec.json.decode(row.evidence, type=Evidence),
            )
