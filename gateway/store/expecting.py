"""Expected mail in the store: windows, and what came in through them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, and_, delete, insert, or_, select, update

from gateway.domain.expecting import Window
from gateway.flow.arrangements import Use
from gateway.flow.expecting import NewWindow, Passed
from gateway.store.counters import EXPECTING, count_up
from gateway.store.naming import in_domains
from gateway.store.tables import expecting, expecting_use, inserted_id

_MOST_OF_ONE = 50
"""Windows read for one address: far more than may be open; those that end last come first."""

_columns = (
    expecting.c.id,
    expecting.c.address,
    expecting.c.opens,
    expecting.c.starts_at,
    expecting.c.ends_at,
    expecting.c.once,
    expecting.c.uses,
    expecting.c.domain,
)


class ExpectingTable:
    """Implements `flow.arrangements.ExpectingTx` and `flow.expecting.ExpectingTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def windows(self, opens: Sequence[str]) -> tuple[Window, ...]:
        """Return the windows for mail to these addresses; of very many, those that end last."""
        query = select(*_columns).where(expecting.c.opens.in_(opens))
        rows = self._connection.execute(query.order_by(expecting.c.ends_at.desc(), expecting.c.id).limit(_MOST_OF_ONE))
        return tuple(Window(*row) for row in rows)

    # --- of mail that comes in ---

    def used_by(self, windows: Sequence[int], message_key: bytes) -> frozenset[int]:
        """Return which of these windows this very mail has used before."""
        mine = and_(expecting_use.c.expecting_id.in_(windows), expecting_use.c.message_key == message_key)
        return frozenset(row[0] for row in self._connection.execute(select(expecting_use.c.expecting_id).where(mine)))

    def use(self, use: Use) -> bool:
        """Count a mail; False where the window was for one mail and another came first."""
        if self.used_by([use.window], use.message_key):
            return True
        free = and_(expecting.c.id == use.window, or_(~expecting.c.once, expecting.c.uses == 0))
        counted = update(expecting).where(free).values(uses=expecting.c.uses + 1).returning(expecting.c.once)
        row = self._connection.execute(counted).first()
        if row is None:
            return False
        self._connection.execute(
            insert(expecting_use),
            {
                "expecting_id": use.window,
                "message_key": use.message_key,
                "at": use.at,
                "recipient": use.recipient,
                "sender": use.sender,
                "subject": use.subject,
            },
        )
        if row.once:
            count_up(self._connection, EXPECTING)
        return True

    def forget(self, before: float) -> None:
        """Drop what ended before then, with the mails that used it."""
        old = select(expecting.c.id).where(expecting.c.ends_at < before).limit(500)
        ids = [row[0] for row in self._connection.execute(old)]
        if ids:
            self._connection.execute(delete(expecting_use).where(expecting_use.c.expecting_id.in_(ids)))
            self._connection.execute(delete(expecting).where(expecting.c.id.in_(ids)))

    # --- of people ---

    def add(self, new: NewWindow, made_by: str) -> Window:
        """Keep a window."""
        count_up(self._connection, EXPECTING)
        values: dict[str, Any] = {
            "address": new.address,
            "opens": new.opens,
            "domain": new.domain,
            "once": new.once,
            "starts_at": new.starts_at,
            "ends_at": new.ends_at,
        }
        result = self._connection.execute(insert(expecting), {**values, "uses": 0, "made_by": made_by})
        return Window(id=inserted_id(result), **values)

    def get(self, window_id: int) -> Window | None:
        """Return a window by its id; None where there is none."""
        row = self._connection.execute(select(*_columns).where(expecting.c.id == window_id)).first()
        return None if row is None else Window(*row)

    def stop(self, window_id: int, now: float) -> None:
        """Shut one now; one that has ended stays as it was."""
        count_up(self._connection, EXPECTING)
        still = and_(expecting.c.id == window_id, expecting.c.ends_at > now)
        self._connection.execute(update(expecting).where(still).values(ends_at=now))

    def of_address(self, address: str) -> list[Window]:
        """Return the windows of one address that end last."""
        query = select(*_columns).where(expecting.c.address == address)
        rows = self._connection.execute(query.order_by(expecting.c.ends_at.desc(), expecting.c.id).limit(_MOST_OF_ONE))
        return [Window(*row) for row in rows]

    def within(
        self, addresses: Collection[str], domains: Collection[str] | None, ending_after: float, most: int
    ) -> list[Window]:
        """Return windows of these addresses and domains, those that end last first. domains: None is all."""
        query = select(*_columns).where(expecting.c.ends_at > ending_after)
        if domains is not None:
            inside = in_domains(expecting.c.address, domains)
            query = query.where(or_(expecting.c.address.in_(sorted(addresses)), inside))
        rows = self._connection.execute(query.order_by(expecting.c.ends_at.desc(), expecting.c.id.desc()).limit(most))
        return [Window(*row) for row in rows]

    def passed(self, windows: Sequence[int], most: int) -> list[Passed]:
        """Return the mails that came in through these windows, the newest first."""
        columns = (
            expecting_use.c.expecting_id,
            expecting_use.c.at,
            expecting_use.c.recipient,
            expecting_use.c.sender,
            expecting_use.c.subject,
        )
        query = select(*columns).where(expecting_use.c.expecting_id.in_(windows))
        return [Passed(*row) for row in self._connection.execute(query.order_by(expecting_use.c.at.desc()).limit(most))]
