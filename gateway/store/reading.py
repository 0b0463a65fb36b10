"""One row with all that is known of it, its content, and the note that it was sent on."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, RowMapping, func, insert, or_, select

from gateway.domain.evidence import Evidence
from gateway.domain.lifecycle import Event, State
from gateway.domain.timeline import Asked, Happened
from gateway.flow.read import Content, Held
from gateway.store.tables import challenge, content, event, message, page_use, pending

_kept = select(content.c.message_id).where(content.c.message_id == message.c.id).exists()
_held = select(
    pending.c.id, pending.c.message_id, pending.c.state, pending.c.reason, pending.c.silence, pending.c.source,
    message.c.reverse_path.label("sender"), message.c.author, message.c.author_name, pending.c.recipient,
    pending.c.recipient_key, message.c.subject, message.c.size, message.c.received_at, pending.c.expires_at,
    pending.c.changed_at, pending.c.attempts, pending.c.due_at, pending.c.last_reply,
    message.c.client_address.label("client"), message.c.client_name, message.c.helo, message.c.protocol,
    message.c.queue_id, message.c.transaction_id, message.c.message_id.label("mail_id"), message.c.list_id,
    message.c.smtputf8, message.c.sha256, message.c.evidence, _kept.label("content_kept"), pending.c.challenge_id,
    message.c.score,
).join(message, message.c.id == pending.c.message_id)  # fmt: skip
_asked = select(
    challenge.c.state, challenge.c.created_at, challenge.c.sent_at, challenge.c.changed_at, challenge.c.expires_at,
    challenge.c.attempts, challenge.c.wrong_answers, challenge.c.how, challenge.c.last_reply,
    page_use.c.first_at.label("used_at"), func.coalesce(page_use.c.times, 0).label("used_times"),
    challenge.c.id.label("challenge_id"),
).outerjoin(page_use, page_use.c.challenge_id == challenge.c.id)  # fmt: skip


class ReadingTable:
    """Implements `flow.read.ReadingTable`, `flow.forward.ForwardTable` and `flow.challenge_language.HeadTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def held(self, row_id: int) -> Held | None:
        """Return a row with all that is known of it; None where there is none."""
        row = self._connection.execute(_held.where(pending.c.id == row_id)).mappings().first()
        return None if row is None else self._whole(row)

    def content(self, row_id: int) -> Content | None:
        """Return its content, where that is still kept."""
        query = (
            select(pending.c.id, content.c.message_id, message.c.sha256, content.c.octets)
            .join(message, message.c.id == pending.c.message_id)
            .join(content, content.c.message_id == message.c.id)
            .where(pending.c.id == row_id)
        )
        row = self._connection.execute(query).first()
        return None if row is None else Content(row.id, row.message_id, bytes(row.sha256), bytes(row.octets))

    def head(self, message_id: int, most: int) -> bytes:
        """Return the first octets of a message; b"" where its content is gone."""
        query = select(func.substr(content.c.octets, 1, most)).where(content.c.message_id == message_id)
        return bytes(self._connection.execute(query).scalar() or b"")

    def note_forward(self, row_id: int, actor: str, detail: str, now: float) -> bool:
        """Write into a row's history that it was sent on; False where there is no such row."""
        return self.note(row_id, Event.FORWARD, actor, detail, now)

    def note(self, row_id: int, what: Event, actor: str, detail: str, now: float) -> bool:
        """Write into a row's history what leaves it in its state; False where there is no such row."""
        state = self._connection.execute(select(pending.c.state).where(pending.c.id == row_id)).scalar()
        if state is None:
            return False
        self._connection.execute(
            insert(event),
            {
                "at": now,
                "pending_id": row_id,
                "event": what.value,
                "state_from": state,
                "state_to": state,
                "actor": actor,
                "detail": detail,
            },
        )
        return True

    def _whole(self, row: RowMapping) -> Held:
        told = dict(row)
        challenge_id = told.pop("challenge_id")
        # Its own is the newest; the one that let it go may have been made for another mail.
        of_mail = or_(challenge.c.message_id == told["message_id"], challenge.c.id == challenge_id)
        asked = {
            one.pop("challenge_id"): Asked(**one)
            for one in map(dict, self._connection.execute(_asked.where(of_mail).order_by(challenge.c.id)).mappings())
        }
        lines = self._connection.execute(
            select(event.c.at, event.c.event, event.c.actor, event.c.detail)
            .where(event.c.pending_id == told["id"])
            .order_by(event.c.id)
        )
        told["state"] = State(told["state"])
        told["sha256"] = bytes(told["sha256"])
        told["content_kept"] = bool(told["content_kept"])
        told["evidence"] = msgspec.json.decode(told["evidence"], type=Evidence)
        return Held(
            **told,
            history=tuple(Happened(line.at, line.event, line.actor, line.detail) for line in lines),
            asked=asked.pop(challenge_id, None),
            asked_before=tuple(asked.values()),
        )
