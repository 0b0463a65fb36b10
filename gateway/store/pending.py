"""Messages, their content, and the rows that wait for one recipient each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import (
    BindParameter,
    Exists,
    and_,
    bindparam,
    delete,
    insert,
    literal_column,
    null,
    or_,
    select,
    update,
)

from gateway.domain.address import Address, normal_form
from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import FINAL, FIRST, Event, State
from gateway.domain.sources import source_of
from gateway.flow.rows import NewMessage, NewPending, PendingRow, Progress
from gateway.store.deliveries import DeliveryTable, event_values, insert_event
from gateway.store.prepared import Prepared
from gateway.store.states import is_in
from gateway.store.tables import content, message, pending

_insert_message = Prepared(insert(message).values({c.name: bindparam(c.name) for c in message.c if c.name != "id"}))
_insert_content = Prepared(insert(content).values({c.name: bindparam(c.name) for c in content.c}))
_insert_pending = Prepared(
    insert(pending).values({c.name: bindparam(c.name) for c in pending.c if c.name != "id" and c.computed is None})
)

_find_retry = Prepared(
    select(pending.c.recipient_key, pending.c.state)
    .join(message, message.c.id == pending.c.message_id)
    .where(message.c.key == bindparam("key"), message.c.received_at > bindparam("since"))
    .order_by(pending.c.id)
)
row_columns = (
    pending.c.id,
    pending.c.message_id,
    pending.c.recipient,
    pending.c.recipient_key,
    pending.c.sender_key,
    pending.c.state,
    pending.c.reason,
    message.c.author,
    message.c.proofs,
    message.c.network,
    pending.c.attempts,
    pending.c.due_since,
)
_select_row = select(*row_columns).join(message, message.c.id == pending.c.message_id)
_get_row = Prepared(_select_row.where(pending.c.id == bindparam("row_id")))
_FINAL = [state.value for state in FINAL]
_as_read = and_(pending.c.id == bindparam("row_id"), pending.c.state == bindparam("from"))
_moved: dict[str, BindParameter[object]] = {"state": bindparam("to"), "changed_at": bindparam("now")}
_move = Prepared(update(pending).where(_as_read).values(_moved))
_release = Prepared(
    update(pending)
    .where(_as_read)
    .values(
        **_moved,
        due_at=bindparam("now"),
        due_since=bindparam("now"),
        attempts=literal_column("0"),
        lease=null(),
        lease_until=null(),
    )
)


class PendingTable(DeliveryTable):
    """Implements `flow.ports.PendingTx`."""

    def find_retry(self, key: bytes, since: float) -> dict[str, State]:
        """Return recipient key → state of the rows of the same message received since then; the newest row counts."""
        rows = _find_retry.rows(self._connection, {"key": key, "since": since})
        return {recipient: State(state) for recipient, state in rows}

    def insert_message(self, message: NewMessage) -> int:
        """Keep a message with its content; return its id."""
        transaction, facts = message.transaction, message.facts
        client = transaction.client
        message_id = _insert_message.insert(
            self._connection,
            {
                "key": message.key,
                "sha256": message.sha256,
                "received_at": message.received_at,
                "transaction_id": transaction.id,
                "reverse_path": transaction.reverse_path.text,
                "sender_key": transaction.reverse_path.key,
                "author": facts.author.text if facts.author else "",
                "author_name": facts.author_name,
                "subject": facts.subject,
                "message_id": facts.message_id,
                "reference_ids": " ".join(facts.references),
                "list_id": facts.list_id,
                "size": len(message.content),
                "client_address": client.address,
                "client_name": client.name,
                "helo": client.helo,
                "protocol": client.protocol,
                "queue_id": client.queue_id,
                "evidence": msgspec.json.encode(message.evidence).decode(),
                "proofs": " ".join(map(str, message.evidence.proofs)),
                "network": message.network,
                "trace": message.trace,
                "cuts": msgspec.json.encode(message.cuts).decode(),
                "body_8bit": transaction.body_8bit,
                "smtputf8": transaction.smtputf8,
                "ret": transaction.ret,
                "envid": transaction.envid,
                "score": message.score,
            },
        )
        _insert_content.insert(self._connection, {"message_id": message_id, "octets": message.content})
        return message_id

    def insert_rows(
        self, message_id: int, message: NewMessage, rows: Sequence[NewPending], challenge_id: int | None
    ) -> list[int]:
        """Keep a kept message's rows, each with its first event; return their ids."""
        now = message.received_at
        source = source_of(message.facts, message.evidence)
        ids = []
        for row in rows:
            state = FIRST[row.event]
            owed = state is State.RELEASED
            row_id = _insert_pending.insert(
                self._connection,
                {
                    "message_id": message_id,
                    "recipient": row.recipient.address.text,
                    "recipient_key": row.recipient.address.key,
                    "recipient_domain": row.recipient.address.domain,
                    "notify": row.recipient.notify,
                    "orcpt": row.recipient.orcpt,
                    "sender_key": message.transaction.reverse_path.key,
                    "source": source,
                    "state": state.value,
                    "reason": row.reason,
                    "silence": row.silence,
                    "challenge_id": challenge_id if state is State.PENDING else None,
                    "held_at": now,
                    "expires_at": row.expires_at,
                    "changed_at": now,
                    "as_spam": False,
                    "attempts": 0,
                    "due_at": now if owed else None,
                    "due_since": now if owed else None,
                    "lease": None,
                    "lease_until": None,
                    "last_reply": "",
                },
            )
            ids.append(row_id)
        insert_event.insert_all(
            self._connection,
            [
                event_values(row_id, row.event, None, FIRST[row.event], "service", row.reason, now)
                for row_id, row in zip(ids, rows, strict=True)
            ],
        )
        return ids

    def get(self, row_id: int) -> PendingRow | None:
        """Return one row."""
        rows = _get_row.rows(self._connection, {"row_id": row_id})
        return pending_row(rows[0]) if rows else None

    def waiting_from(self, sender_key: str) -> list[PendingRow]:
        """Return every row in state PENDING from this sender."""
        if not sender_key:
            return []
        where = and_(pending.c.sender_key == sender_key, is_in(pending.c.state, State.PENDING))
        return [pending_row(row) for row in self._connection.execute(_select_row.where(where).order_by(pending.c.id))]

    def of_message(self, message_id: int) -> list[PendingRow]:
        """Return every row of a message."""
        query = _select_row.where(pending.c.message_id == message_id).order_by(pending.c.id)
        return [pending_row(row) for row in self._connection.execute(query)]

    def of_challenge(self, challenge_id: int) -> list[Progress]:
        """Return what became of the mails of a challenge, in the order they came."""
        query = (
            select(
                pending.c.recipient,
                pending.c.recipient_domain,
                pending.c.held_at,
                pending.c.state,
                pending.c.changed_at,
                pending.c.expires_at,
            )
            .where(pending.c.challenge_id == challenge_id)
            .order_by(pending.c.id)
            .limit(200)
        )
        return [
            Progress(recipient, domain, held_at, State(state), changed_at, expires_at)
            for recipient, domain, held_at, state, changed_at, expires_at in self._connection.execute(query)
        ]

    def move(self, row: PendingRow, to: State, event: Event, actor: str, now: float, detail: str) -> bool:
        """Compare and save: False when the row has left the state it was read in. Writes the audit event."""
        statement = _release if to is State.RELEASED else _move
        values = {"row_id": row.id, "from": row.state.value, "to": to.value, "now": now}
        if statement.update_all(self._connection, [values]) != 1:
            return False
        insert_event.insert(self._connection, event_values(row.id, event, row.state, to, actor, detail, now))
        return True

    def tie(self, row_id: int, challenge_id: int) -> None:
        """Note that this challenge is the one whose answer let the row go."""
        self._connection.execute(update(pending).where(pending.c.id == row_id).values(challenge_id=challenge_id))

    def expired(self, now: float, most: int) -> list[PendingRow]:
        """Return rows in state PENDING whose time is over, the oldest first."""
        where = and_(is_in(pending.c.state, State.PENDING), pending.c.expires_at <= now)
        query = _select_row.where(where).order_by(pending.c.expires_at).limit(most)
        return [pending_row(row) for row in self._connection.execute(query)]

    def hasten(self, row_id: int, now: float) -> None:
        """Let a released row that waits for its next attempt be due now."""
        where = and_(pending.c.id == row_id, pending.c.state == State.RELEASED.value, pending.c.due_at > now)
        self._connection.execute(update(pending).where(where).values(due_at=now))

    def mark_as_spam(self, row_id: int) -> None:
        """Let the delivery mark the mail as spam."""
        self._connection.execute(update(pending).where(pending.c.id == row_id).values(as_spam=True))

    def silence(self, challenge_id: int, why: str) -> None:
        """Note with the rows of a challenge that their sender was not asked after all."""
        self._connection.execute(update(pending).where(pending.c.challenge_id == challenge_id).values(silence=why))

    def purgeable(self, before: float, most: int) -> list[int]:
        """Return messages whose content is kept, and all of whose rows ended before then."""
        ended = select(pending.c.message_id).where(pending.c.changed_at < before, pending.c.state.in_(_FINAL))
        query = select(content.c.message_id).where(content.c.message_id.in_(ended), ~_needed(before)).limit(most)
        return list(self._connection.execute(query).scalars())

    def purge(self, before: float, ids: Sequence[int]) -> int:
        """Forget the content of those messages that are purgeable still; return how many."""
        mine = delete(content).where(content.c.message_id.in_(ids), ~_needed(before))
        return self._connection.execute(mine).rowcount


def _needed(before: float) -> Exists:
    """Return what is true of content that a row has use for."""
    rows = select(pending.c.message_id).where(pending.c.message_id == content.c.message_id)
    return rows.where(or_(pending.c.state.not_in(_FINAL), pending.c.changed_at >= before)).correlate(content).exists()


def pending_row(row: Sequence[Any]) -> PendingRow:
    """Make a row of the verbs of a row that begins with `row_columns`."""
    (
        row_id, message_id, recipient, recipient_key, sender_key, state, reason, author, proofs, network, attempts,
        due_since,
    ) = row[: len(row_columns)]  # fmt: skip
    return PendingRow(
        id=row_id,
        message_id=message_id,
        recipient=Address(recipient, recipient_key),
        sender_key=sender_key,
        author_key=normal_form(author),
        state=State(state),
        reason=reason,
        proofs=tuple(Proof.parse(text) for text in proofs.split()),
        network=network,
        attempts=attempts,
        due_since=due_since,
    )
