"""What people look at: lists of rows, read-only, in pages by key."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import msgspec
from sqlalchemy import Connection, RowMapping, Select, or_, select

from gateway.domain.evidence import Evidence
from gateway.store.tables import challenge, content, event, message, pending


@dataclass(frozen=True, slots=True)
class PendingView:
    """One row of the pending list."""

    id: int
    message_id: int
    state: str
    reason: str
    silence: str
    challenge: str
    """State of its challenge; "" where there is none."""
    sender: str
    """The reverse-path; "" is the null one."""
    author: str
    author_name: str
    recipient: str
    subject: str
    size: int
    received_at: float
    expires_at: float
    changed_at: float
    attempts: int
    due_at: float | None
    last_reply: str
    proofs: str
    client: str
    score: float | None = None
    """What a filter in front says; None where it says nothing."""


@dataclass(frozen=True, slots=True)
class EventView:
    """One line of a row's history."""

    at: float
    event: str
    state: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class PendingDetail:
    """One row, with all that is known of it."""

    row: PendingView
    client_name: str
    helo: str
    protocol: str
    queue_id: str
    transaction_id: str
    mail_id: str
    evidence: Evidence
    history: tuple[EventView, ...]
    content_kept: bool


@dataclass(frozen=True, slots=True)
class ChallengeView:
    """One row of the list of challenges."""

    id: int
    state: str
    reason: str
    sender: str
    recipient: str
    subject: str
    created_at: float
    sent_at: float | None
    expires_at: float
    changed_at: float
    attempts: int
    wrong_answers: int
    how: str
    last_reply: str


@dataclass(frozen=True, slots=True)
class Filter:
    """Which pending rows to list; an empty field filters nothing."""

    state: str = ""
    recipient: str = ""
    """A recipient's normal form, or `@domain`."""
    sender: str = ""
    """A reverse-path's normal form."""
    words: str = ""
    """Part of the subject, the author or the sender."""
    before_id: int = 0
    """Only rows with a smaller id: the key of the next page."""
    most: int = 50


_pending_view = (
    select(
        pending.c.id,
        pending.c.message_id,
        pending.c.state,
        pending.c.reason,
        pending.c.silence,
        challenge.c.state.label("challenge"),
        message.c.reverse_path.label("sender"),
        message.c.author,
        message.c.author_name,
        pending.c.recipient,
        message.c.subject,
        message.c.size,
        message.c.received_at,
        pending.c.expires_at,
        pending.c.changed_at,
        pending.c.attempts,
        pending.c.due_at,
        pending.c.last_reply,
        message.c.proofs,
        message.c.client_address.label("client"),
        message.c.score,
    )
    .join(message, message.c.id == pending.c.message_id)
    .outerjoin(challenge, challenge.c.id == pending.c.challenge_id)
)


def list_pending(connection: Connection, chosen: Filter) -> list[PendingView]:
    """Return one page of pending rows, the newest first."""
    query: Select[tuple[object, ...]] = _pending_view
    if chosen.state:
        query = query.where(pending.c.state == chosen.state)
    if chosen.recipient.startswith("@"):
        query = query.where(pending.c.recipient_domain == chosen.recipient[1:])
    elif chosen.recipient:
        query = query.where(pending.c.recipient_key == chosen.recipient)
    if chosen.sender:
        query = query.where(pending.c.sender_key == chosen.sender)
    if chosen.words:
        columns = (message.c.subject, message.c.author, message.c.author_name, message.c.reverse_path)
        query = query.where(or_(*(column.icontains(chosen.words, autoescape=True) for column in columns)))
    if chosen.before_id:
        query = query.where(pending.c.id < chosen.before_id)
    rows = connection.execute(query.order_by(pending.c.id.desc()).limit(chosen.most))
    return [_view(row) for row in rows.mappings()]


def list_these(connection: Connection, ids: Sequence[int]) -> list[PendingView]:
    """Return rows by their ids, in that order."""
    found = {row["id"]: _view(row) for row in connection.execute(_pending_view.where(pending.c.id.in_(ids))).mappings()}
    return [found[row_id] for row_id in ids if row_id in found]


def _view(row: RowMapping) -> PendingView:
    return PendingView(**{**row, "challenge": row["challenge"] or ""})


def show_pending(connection: Connection, row_id: int) -> PendingDetail | None:
    """Return one row with its evidence and history, or None."""
    row = connection.execute(_pending_view.where(pending.c.id == row_id)).mappings().first()
    if row is None:
        return None
    view = _view(row)
    more = connection.execute(select(message).where(message.c.id == view.message_id)).one()
    history = connection.execute(select(event).where(event.c.pending_id == row_id).order_by(event.c.id))
    kept = select(content.c.message_id).where(content.c.message_id == view.message_id)
    return PendingDetail(
        row=view,
        client_name=more.client_name,
        helo=more.helo,
        protocol=more.protocol,
        queue_id=more.queue_id,
        transaction_id=more.transaction_id,
        mail_id=more.message_id,
        evidence=msgspec.json.decode(more.evidence, type=Evidence),
        history=tuple(EventView(line.at, line.event, line.state_to, line.actor, line.detail) for line in history),
        content_kept=connection.execute(kept).first() is not None,
    )


def content_of(connection: Connection, row_id: int) -> bytes | None:
    """Return the original octets of a row's message, or None where they are gone."""
    query = (
        select(content.c.octets)
        .join(pending, pending.c.message_id == content.c.message_id)
        .where(pending.c.id == row_id)
    )
    octets = connection.execute(query).scalar()
    return None if octets is None else bytes(octets)


def list_challenges(connection: Connection, state: str, most: int) -> list[ChallengeView]:
    """Return the newest challenges, in any state where none is named."""
    query = (
        select(
            challenge.c.id,
            challenge.c.state,
            challenge.c.reason,
            challenge.c.sender,
            challenge.c.recipient,
            message.c.subject,
            challenge.c.created_at,
            challenge.c.sent_at,
            challenge.c.expires_at,
            challenge.c.changed_at,
            challenge.c.attempts,
            challenge.c.wrong_answers,
            challenge.c.how,
            challenge.c.last_reply,
        )
        .join(message, message.c.id == challenge.c.message_id)
        .order_by(challenge.c.id.desc())
        .limit(most)
    )
    if state:
        query = query.where(challenge.c.state == state)
    return [ChallengeView(**row) for row in connection.execute(query).mappings()]
