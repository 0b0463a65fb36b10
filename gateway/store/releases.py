"""Requests of release in the store, the mails about them, and what came by a mail's number alone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    and_,
    delete,
    exists,
    false,
    func,
    insert,
    or_,
    select,
    update,
)

from gateway.domain.lifecycle import State
from gateway.flow.release_ports import Due, NewRequest, ReleaseRequest, RequestLetterKind, RequestState, Told
from gateway.store.tables import event, inserted_id, pending, release_knock, release_letter, release_request

_OPEN = RequestState.OPEN.value
QUEUED, SENT, VOID = "queued", "sent", "void"


class ReleaseTable:
    """Implements `flow.release_ports.ReleaseTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, new: NewRequest, now: float) -> int:
        """Keep a new one; return its id."""
        values = {
            "pending_id": new.row, "recipient_key": new.recipient_key, "recipient_domain": new.domain,
            "asked_by": new.asked_by, "answer_to": new.answer_to, "words": new.words, "asked_at": now, "state": _OPEN,
            "changed_at": now, "decided_by": "", "why": "", "inspected_by": "", "inspected_at": None,
        }  # fmt: skip
        return inserted_id(self._connection.execute(insert(release_request), values))

    def get(self, request_id: int) -> ReleaseRequest | None:
        """Return a request by its id; None where there is none."""
        return self._one(release_request.c.id == request_id)

    def latest(self, row_id: int) -> ReleaseRequest | None:
        """Return the newest request for a mail; None where there is none."""
        return self._one(release_request.c.pending_id == row_id)

    def load(self, recipient_key: str, since: float) -> tuple[int, int]:
        """Return how many of a recipient are open, and how many were made since then."""
        own = release_request.c
        mine = select(func.count()).select_from(release_request).where(own.recipient_key == recipient_key)
        still_open = self._connection.execute(mine.where(own.state == _OPEN)).scalar_one()
        return still_open, self._connection.execute(mine.where(own.asked_at > since)).scalar_one()

    def page(
        self, domains: Collection[str] | None, state: RequestState | None, before_id: int, most: int
    ) -> list[ReleaseRequest]:
        """Return requests, the newest first. domains: None is all. before_id: 0 is the first page."""
        own = release_request.c
        query = select(release_request)
        if domains is not None:
            query = query.where(own.recipient_domain.in_(domains))
        if state is not None:
            query = query.where(own.state == state.value)
        if before_id:
            query = query.where(own.id < before_id)
        rows = self._connection.execute(query.order_by(own.id.desc()).limit(most)).mappings()
        return [_request(row) for row in rows]

    def open_by_domain(self) -> dict[str, int]:
        """Return how many are open, by the recipient's domain."""
        own = release_request.c
        counted = select(own.recipient_domain, func.count()).where(own.state == _OPEN).group_by(own.recipient_domain)
        return {row[0]: row[1] for row in self._connection.execute(counted)}

    def decide(self, request_id: int, state: RequestState, by: str, why: str, now: float) -> None:
        """Save how it ended; letters that ask for it are void."""
        values = {"state": state.value, "decided_by": by, "why": why, "changed_at": now}
        self._connection.execute(update(release_request).where(release_request.c.id == request_id).values(values))
        asks = and_(release_letter.c.request_id == request_id, release_letter.c.state == QUEUED)
        self._connection.execute(update(release_letter).where(asks).values(state=VOID, due_at=None, changed_at=now))

    def inspected(self, request_id: int, by: str, now: float) -> None:
        """Note who had a copy sent to himself."""
        mine = update(release_request).where(release_request.c.id == request_id)
        self._connection.execute(mine.values(inspected_by=by, inspected_at=now))

    def settled(self, most: int) -> list[tuple[ReleaseRequest, str, str]]:
        """Return open ones whose mail waits no longer, each with the mail's state and who moved it."""
        waits = exists().where(pending.c.id == release_request.c.pending_id, pending.c.state == State.PENDING.value)
        query = select(release_request).where(release_request.c.state == _OPEN, ~waits).limit(most)
        found = []
        for row in self._connection.execute(query).mappings().all():
            moved = (
                select(event.c.actor, event.c.state_to)
                .where(event.c.pending_id == row["pending_id"], event.c.state_from == State.PENDING.value)
                .where(event.c.state_to != State.PENDING.value)
                .order_by(event.c.id.desc())
                .limit(1)
            )
            last = self._connection.execute(moved).first()
            state, actor = (last.state_to, last.actor) if last else (State.EXPIRED.value, "service")
            found.append((_request(row), state, actor))
        return found

    # --- mails about them ---

    def write(self, request_id: int, row_id: int, kind: RequestLetterKind, mailbox: str, now: float) -> None:
        """Let a mail be sent."""
        values = {
            "request_id": request_id, "pending_id": row_id, "kind": kind.value, "mailbox": mailbox, "state": QUEUED,
            "created_at": now, "changed_at": now, "due_at": now, "attempts": 0, "last_reply": "",
        }  # fmt: skip
        self._connection.execute(insert(release_letter), values)

    def told(self, request_id: int) -> list[Told]:
        """Return the mails about a request, the eldest first."""
        own = release_letter.c
        query = select(own.kind, own.mailbox, own.state, own.last_reply).where(own.request_id == request_id)
        rows = self._connection.execute(query.order_by(own.id))
        return [Told(RequestLetterKind(kind), mailbox, state, reply) for kind, mailbox, state, reply in rows]

    def due(self, now: float, latest: float, most: int) -> list[Due]:
        """Return mails that are to be sent, the eldest first; those due later than `latest` count as due."""
        own = release_letter.c
        # A clock set back would leave attempts due in a far future: no wait is ever longer than that.
        ripe = and_(own.state == QUEUED, or_(own.due_at <= now, own.due_at > latest))
        columns = (own.id, own.request_id, own.kind, own.mailbox, own.created_at, own.attempts)
        rows = self._connection.execute(select(*columns).where(ripe).order_by(own.id).limit(most))
        return [Due(number, request, RequestLetterKind(kind), *rest) for number, request, kind, *rest in rows]

    def last_sent(self, mailbox: str, kind: RequestLetterKind) -> float | None:
        """Return when a mail of this kind was last sent there."""
        own = release_letter.c
        mine = and_(own.mailbox == mailbox, own.kind == kind.value, own.state == SENT)
        return self._connection.execute(select(func.max(own.changed_at)).where(mine)).scalar()

    def finish(self, ids: Collection[int], state: str, reply: str, now: float) -> None:
        """Note how mails ended."""
        values = {"state": state, "last_reply": reply, "due_at": None, "changed_at": now}
        self._change(ids, {**values, "attempts": release_letter.c.attempts + 1})

    def put_off(self, ids: Collection[int], reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""
        values = {"last_reply": reply, "due_at": due_at, "changed_at": now}
        self._change(ids, {**values, "attempts": release_letter.c.attempts + 1})

    def hold(self, ids: Collection[int], due_at: float) -> None:
        """Let mails wait until then; it counts as no attempt."""
        self._change(ids, {"due_at": due_at})

    def _change(self, ids: Collection[int], values: dict[str, Any]) -> None:
        self._connection.execute(update(release_letter).where(release_letter.c.id.in_(ids)).values(values))

    # --- by number alone ---

    def knock(self, number: str, now: float, most: int) -> None:
        """Keep what somebody typed, unless `most` wait to be looked at."""
        waiting = self._connection.execute(select(func.count()).select_from(release_knock)).scalar_one()
        if waiting < most:
            self._connection.execute(insert(release_knock), {"number": number, "at": now})

    def waiting_knocks(self) -> bool:
        """True where there are some."""
        return self._connection.execute(select(release_knock.c.id).limit(1)).first() is not None

    def knocks(self, most: int) -> list[str]:
        """Take what was typed since."""
        rows = self._connection.execute(select(release_knock).order_by(release_knock.c.id).limit(most)).all()
        taken = [row.id for row in rows]
        self._connection.execute(delete(release_knock).where(release_knock.c.id.in_(taken) if taken else false()))
        return [row.number for row in rows]

    def _one(self, which: ColumnElement[bool]) -> ReleaseRequest | None:
        query = select(release_request).where(which).order_by(release_request.c.id.desc()).limit(1)
        row = self._connection.execute(query).mappings().first()
        return None if row is None else _request(row)


def _request(row: RowMapping) -> ReleaseRequest:
    return ReleaseRequest(
        id=row["id"],
        row=row["pending_id"],
        recipient_key=row["recipient_key"],
        domain=row["recipient_domain"],
        asked_by=row["asked_by"],
        answer_to=row["answer_to"],
        words=row["words"],
        asked_at=row["asked_at"],
        state=RequestState(row["state"]),
        changed_at=row["changed_at"],
        decided_by=row["decided_by"],
        why=row["why"],
        inspected_by=row["inspected_by"],
        inspected_at=row["inspected_at"],
    )
