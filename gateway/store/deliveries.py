"""Released rows in the hands of the delivery workers: leases, attempts, and what became of them."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import Connection, and_, bindparam, func, insert, literal_column, null, or_, select, update

from gateway.domain.address import Address
from gateway.domain.durations import DAY
from gateway.domain.envelope import Envelope, Recipient
from gateway.domain.lifecycle import Event, State
from gateway.flow.rows import Owed
from gateway.store.prepared import Prepared
from gateway.store.states import is_in
from gateway.store.tables import content, event, message, pending

insert_event = Prepared(insert(event).values({c.name: bindparam(c.name) for c in event.c if c.name != "id"}))
_lease = Prepared(
    update(pending)
    .where(pending.c.id == bindparam("row_id"))
    .values(lease=bindparam("lease"), lease_until=bindparam("lease_until"))
)
_mine = and_(
    pending.c.id == bindparam("row_id"), pending.c.lease == bindparam("claimed"), is_in(pending.c.state, State.RELEASED)
)
_owed = Prepared(
    select(
        pending.c.recipient,
        pending.c.recipient_key,
        pending.c.notify,
        pending.c.orcpt,
        pending.c.attempts,
        pending.c.due_since,
        pending.c.held_at,
        pending.c.as_spam,
        message.c.reverse_path,
        message.c.sender_key,
        message.c.body_8bit,
        message.c.smtputf8,
        message.c.ret,
        message.c.envid,
        message.c.trace,
        message.c.cuts,
        content.c.octets,
    )
    .join(message, message.c.id == pending.c.message_id)
    .join(content, content.c.message_id == message.c.id)
    .where(_mine)
)
_finish = Prepared(
    update(pending)
    .where(_mine)
    .values(
        state=bindparam("to"),
        last_reply=bindparam("reply"),
        attempts=literal_column("attempts + 1"),
        due_at=bindparam("next_at"),
        lease=null(),
        lease_until=null(),
        changed_at=func.coalesce(bindparam("ended_at"), pending.c.changed_at),
    )
)

_put_off = Prepared(update(pending).where(_mine).values(due_at=bindparam("next_at"), lease=null(), lease_until=null()))


class DeliveryTable:
    """Implements the deliveries' part of `flow.ports.PendingTx`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def claim(self, now: float, most: int, lease: int, lease_until: float, latest_due: float) -> dict[int, str]:
        """Take released rows that are due for this worker; rows due later than latest_due count as due.

        Returns the domain of each one's recipient, in the order in which they are due.
        """
        free = or_(
            pending.c.lease_until.is_(None), pending.c.lease_until < now, pending.c.lease_until > latest_due + DAY
        )
        columns = select(pending.c.id, pending.c.recipient_domain)
        query = columns.where(is_in(pending.c.state, State.RELEASED), free).order_by(pending.c.due_at)
        claimed: dict[int, str] = {}
        # One after the other: together they would be looked for among all that wait for their next attempt.
        for due in (pending.c.due_at <= now, pending.c.due_at > latest_due):
            rows = self._connection.execute(query.where(due).limit(most - len(claimed)))
            claimed.update((row.id, row.recipient_domain) for row in rows)
            if len(claimed) == most:
                break
        _lease.update_all(
            self._connection, [{"row_id": row_id, "lease": lease, "lease_until": lease_until} for row_id in claimed]
        )
        return claimed

    def put_off(self, ids: Sequence[int], lease: int, due_at: float) -> None:
        """Give claimed rows back without an attempt, to be due later."""
        _put_off.update_all(
            self._connection, [{"row_id": row_id, "claimed": lease, "next_at": due_at} for row_id in ids]
        )

    def owed(self, row_id: int, lease: int) -> Owed | None:
        """Return a claimed row, or None when the lease is lost."""
        rows = _owed.rows(self._connection, {"row_id": row_id, "claimed": lease})
        if not rows:
            return None
        (
            recipient, recipient_key, notify, orcpt, attempts, due_since, held_at, as_spam,
            reverse_path, sender_key, body_8bit, smtputf8, ret, envid, trace, cuts, octets,
        ) = rows[0]  # fmt: skip
        return Owed(
            id=row_id,
            lease=lease,
            attempts=attempts,
            due_since=due_since,
            as_spam=bool(as_spam),
            days=round((due_since - held_at) / DAY, 1),
            envelope=Envelope(
                reverse_path=Address(reverse_path, sender_key),
                recipients=(Recipient(Address(recipient, recipient_key), notify, orcpt),),
                body_8bit=bool(body_8bit),
                smtputf8=bool(smtputf8),
                ret=ret,
                envid=envid,
            ),
            trace=trace,
            cuts=tuple((start, end) for start, end in msgspec.json.decode(cuts)),
            content=octets,
        )

    def finish(
        self, row_id: int, lease: int, to: State, event: Event | None, reply: str, due_at: float | None, now: float
    ) -> bool:
        """Save the outcome of an attempt; False when the lease is lost. due_at: the next attempt, where one follows."""
        values = {
            "row_id": row_id, "claimed": lease, "to": to.value, "reply": reply, "next_at": due_at,
            "ended_at": now if event is not None else None,
        }  # fmt: skip
        if _finish.update_all(self._connection, [values]) != 1:
            return False
        if event is not None:
            insert_event.insert(
                self._connection, event_values(row_id, event, State.RELEASED, to, "service", reply, now)
            )
        return True


def event_values(
    row_id: int, happened: Event, state_from: State | None, to: State, actor: str, detail: str, now: float
) -> dict[str, object]:
    """Return the columns of an audit event."""
    return {
        "at": now,
        "pending_id": row_id,
        "event": happened.value,
        "state_from": state_from.value if state_from else "",
        "state_to": to.value,
        "actor": actor,
        "detail": detail,
    }
