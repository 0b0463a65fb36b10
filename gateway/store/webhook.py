"""Events for the webhook, read from the audit trail and kept until they are sent."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import Connection, Select, and_, delete, func, insert, or_, select, update

from gateway.domain.lifecycle import Event, State
from gateway.domain.webhook import KINDS, Happened, Kind
from gateway.flow.webhook_ports import Item, NewItem, News, Outcome, Standing
from gateway.store.tables import event, message, pending
from gateway.store.tables.webhook import webhook_event, webhook_state

_NAME = "webhook"
_state = webhook_state.c
_item = webhook_event.c
_facts = (
    event.c.id,
    event.c.at,
    event.c.event,
    event.c.state_to,
    event.c.actor,
    pending.c.id,
    message.c.reverse_path,
    message.c.author,
    pending.c.recipient,
    pending.c.reason,
    pending.c.challenge_id,
    message.c.size,
    pending.c.held_at,
    pending.c.expires_at,
    message.c.queue_id,
    message.c.transaction_id,
    message.c.client_address,
)


class WebhookTable:
    """Implements `flow.webhook_ports.WebhookTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def standing(self, latest_due: float, now: float) -> Standing | None:
        """Return how it stands; None where nothing was ever sent."""
        run = self._connection.execute
        row = run(select(webhook_state).where(_state.name == _NAME)).first()
        if row is None:
            return None
        waiting, oldest = run(select(func.count(), func.min(_item.at))).one()
        due = run(select(_item.id).where(or_(_item.due_at <= now, _item.due_at > latest_due)).limit(1)).first()
        newest = run(select(func.max(event.c.id))).scalar() or 0
        return Standing(
            row.cursor, newest, waiting, due is not None, oldest, row.sent_at, row.failing_since, row.fault, row.dropped
        )

    def begin(self) -> None:
        """Begin behind what is in the trail."""
        newest = self._connection.execute(select(func.max(event.c.id))).scalar() or 0
        values = {"name": _NAME, "cursor": newest, "sent_at": None, "failing_since": None, "fault": "", "dropped": 0}
        self._connection.execute(insert(webhook_state), values)

    def news(self, cursor: int, kinds: Collection[Kind], most: int) -> News:
        """Return moves of these kinds behind a line."""
        newest = self._connection.execute(select(func.max(event.c.id))).scalar() or 0
        wanted = [move.value for move, kind in KINDS.items() if kind in kinds]
        # Of mail that is let go a second time, or that a person has tried again, nothing new is told.
        moved = and_(event.c.state_from.in_(("", State.PENDING.value)), event.c.state_to != event.c.state_from)
        query = (
            select(*_facts)
            .join(pending, pending.c.id == event.c.pending_id)
            .join(message, message.c.id == pending.c.message_id)
            .where(event.c.id > cursor, event.c.event.in_(wanted), moved)
            .order_by(event.c.id)
            .limit(most)
        )
        rows = tuple(
            Happened(number, at, Event(name), State(state), actor, row_id, sender, author, recipient, reason,
                     challenge_id is not None, size, held_at, expires_at, queue_id, transaction_id, client)
            for number, at, name, state, actor, row_id, sender, author, recipient, reason, challenge_id, size, held_at,
            expires_at, queue_id, transaction_id, client in self._connection.execute(query)
        )  # fmt: skip
        cursor = rows[-1].number if len(rows) == most else newest
        return News(rows, cursor, self._line(cursor))

    def _line(self, number: int) -> tuple[float, int]:
        found = self._connection.execute(select(event.c.at, event.c.pending_id).where(event.c.id == number)).first()
        return (0.0, 0) if found is None else (found.at, found.pending_id)

    def keep(self, items: Sequence[NewItem], news: News, dropped: int) -> bool:
        """Keep events to be sent, and note up to where the trail was read; False where it was cut since then."""
        if self._line(news.cursor) != news.end:
            return False
        # Of mail that was erased since then nothing is told.
        there = select(pending.c.id).where(pending.c.id.in_({one.pending for one in items}))
        still = set(self._connection.execute(there).scalars()) if items else set()
        items = [one for one in items if one.pending in still]
        if items:
            values = [
                {
                    "event_id": one.event_id,
                    "kind": one.kind.value,
                    "pending_id": one.pending,
                    "body": one.body,
                    "at": one.at,
                    "attempts": 0,
                    "due_at": one.at,
                    "fault": "",
                }
                for one in items
            ]
            self._connection.execute(insert(webhook_event), values)
        self._change(cursor=news.cursor, dropped=_state.dropped + dropped)
        return True

    def due(self, now: float, latest_due: float, most: int) -> list[Item]:
        """Return events whose time has come, the eldest first."""
        where = or_(_item.due_at <= now, _item.due_at > latest_due)
        return self._items(select(webhook_event).where(where).order_by(_item.id).limit(most))

    def settle(self, outcomes: Sequence[Outcome], now: float) -> None:
        """Save what became of attempts."""
        run = self._connection.execute
        over = [one.id for one in outcomes if one.due_at is None]
        run(delete(webhook_event).where(_item.id.in_(over)))
        for one in outcomes:
            if one.due_at is not None:
                later = {"attempts": _item.attempts + 1, "due_at": one.due_at, "fault": one.fault}
                run(update(webhook_event).where(_item.id == one.id).values(later))
        faults = [one.fault for one in outcomes if one.fault]
        dropped = sum(1 for one in outcomes if one.fault and one.due_at is None)
        if len(faults) < len(outcomes):
            self._change(sent_at=now, failing_since=None, dropped=_state.dropped + dropped)
        elif faults:
            since = func.coalesce(_state.failing_since, now)
            self._change(failing_since=since, fault=faults[-1], dropped=_state.dropped + dropped)

    def hasten(self, now: float) -> int:
        """Let all that wait be due; return how many."""
        return self._connection.execute(update(webhook_event).values(due_at=now)).rowcount

    def items(self, most: int) -> list[Item]:
        """Return events that wait, the eldest first."""
        return self._items(select(webhook_event).order_by(_item.id).limit(most))

    def _items(self, query: Select[Any]) -> list[Item]:
        return [
            Item(
                row.id, row.event_id, Kind(row.kind), row.pending_id, row.body, row.at, row.attempts, row.due_at,
                row.fault,
            )
            for row in self._connection.execute(query)
        ]  # fmt: skip

    def _change(self, **values: object) -> None:
        self._connection.execute(update(webhook_state).where(_state.name == _NAME).values(**values))


def rewind(connection: Connection) -> None:
    """Set the cursor back to the end of the trail after lines were dropped: their numbers are given anew."""
    newest = select(func.coalesce(func.max(event.c.id), 0)).scalar_subquery()
    connection.execute(update(webhook_state).where(_state.cursor > newest).values(cursor=newest))
