"""Notices in the store, and the hashes of the secrets in them."""

from __future__ import annotations

from sqlalchemy import Connection, and_, delete, exists, func, insert, or_, select, update
from sqlalchemy.dialects.sqlite import insert as insert_or

from gateway.domain.levels import PolicySetting
from gateway.domain.lifecycle import State
from gateway.domain.notice import OFF
from gateway.flow.notice_ports import DueNotice, NoticeBearer
from gateway.store import counters
from gateway.store.tables import notice, notice_secret, pending, policy_choice, queue

_QUEUED = "queued"
MOST_PASSED = 5000
"""Rows looked at in one go: where notices are switched on late, all that came before is passed over quickly."""


class NoticeTable:
    """Implements `flow.notice_ports.NoticeTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def wanted(self) -> bool:
        """True where anybody has chosen that notices go."""
        chosen = and_(policy_choice.c.setting == PolicySetting.NOTICES.value, policy_choice.c.value != OFF)
        return self._connection.execute(select(policy_choice.c.scope).where(chosen).limit(1)).first() is not None

    def cursor(self) -> int:
        """Return the row up to which newcomers were looked for."""
        return counters.cursor(self._connection, counters.NOTICE_ROWS)

    def set_cursor(self, row: int) -> None:
        """Save up to which row newcomers were looked for."""
        counters.set_cursor(self._connection, counters.NOTICE_ROWS, row)

    def newcomers(self, after: int, since: float, most: int) -> tuple[int, list[int]]:
        """Return the last row looked at behind this one, and up to `most` on the way that came since then and wait."""
        own = queue.c
        query = select(own.id, own.held_at, own.listed).where(own.id > after).order_by(own.id)
        last = after
        found: list[int] = []
        for row in self._connection.execute(query.limit(max(most, MOST_PASSED))).all():
            if row.listed and row.held_at > since:
                if len(found) == most:
                    break
                found.append(row.id)
            last = row.id
        return last, found

    def add(self, row: int, mailbox: str, last: bool, now: float) -> None:
        """Let a notice be sent; there is one for each row."""
        values = {
            "pending_id": row, "mailbox": mailbox, "last": last, "state": _QUEUED, "created_at": now,
            "changed_at": now, "due_at": now, "attempts": 0, "last_reply": "", "mail_id": "",
        }  # fmt: skip
        self._connection.execute(insert_or(notice).values(values).on_conflict_do_nothing())

    def sent_since(self, mailbox: str, since: float) -> int:
        """Return how many notices were made for a mailbox since then."""
        mine = and_(notice.c.mailbox == mailbox, notice.c.created_at > since)
        return int(self._connection.execute(select(func.count()).select_from(notice).where(mine)).scalar_one())

    def due(self, now: float, latest: float, most: int) -> list[DueNotice]:
        """Return notices that are to be sent, the eldest first; those due later than `latest` count as due."""
        own = notice.c
        # A clock set back would leave attempts due in a far future: no wait is ever longer than that.
        ripe = and_(own.state == _QUEUED, or_(own.due_at <= now, own.due_at > latest))
        columns = (own.id, own.pending_id, own.mailbox, own.last, own.created_at, own.attempts)
        return [
            DueNotice(*row)
            for row in self._connection.execute(select(*columns).where(ripe).order_by(own.id).limit(most))
        ]

    def mint(self, notice_id: int, opens: bytes, stops: bytes, mail_id: str) -> None:
        """Keep hashes of secrets before the mail that bears them is sent."""
        row = self._connection.execute(select(notice.c.pending_id).where(notice.c.id == notice_id)).scalar_one()
        rows = [
            {"hash": hashed, "notice_id": notice_id, "pending_id": row, "stops": ends}
            for hashed, ends in ((opens, False), (stops, True))
        ]
        self._connection.execute(insert(notice_secret), rows)
        self._connection.execute(update(notice).where(notice.c.id == notice_id).values(mail_id=mail_id))

    def finish(self, notice_id: int, state: str, reply: str, now: float) -> None:
        """Note how it ended."""
        values = {"state": state, "last_reply": reply, "due_at": None, "changed_at": now}
        mine = update(notice).where(notice.c.id == notice_id)
        self._connection.execute(mine.values({**values, "attempts": notice.c.attempts + 1}))

    def put_off(self, notice_id: int, reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""
        values = {"last_reply": reply, "due_at": due_at, "changed_at": now}
        mine = update(notice).where(notice.c.id == notice_id)
        self._connection.execute(mine.values({**values, "attempts": notice.c.attempts + 1}))

    def bearer(self, hashed: bytes) -> NoticeBearer | None:
        """Return what a secret stands for."""
        query = select(notice.c.mailbox, notice.c.pending_id, notice_secret.c.stops).join(
            notice, notice.c.id == notice_secret.c.notice_id
        )
        row = self._connection.execute(query.where(notice_secret.c.hash == hashed)).first()
        return None if row is None else NoticeBearer(*row)

    def forget(self, before: float, most: int) -> int:
        """Drop notices that ended before then, and whose mail no longer waits; return how many."""
        waits = exists().where(pending.c.id == notice.c.pending_id, pending.c.state == State.PENDING.value)
        old = select(notice.c.id).where(notice.c.changed_at < before, notice.c.state != _QUEUED, ~waits)
        ids = list(self._connection.execute(old.order_by(notice.c.changed_at).limit(most)).scalars())
        self._connection.execute(delete(notice_secret).where(notice_secret.c.notice_id.in_(ids)))
        self._connection.execute(delete(notice).where(notice.c.id.in_(ids)))
        return len(ids)
