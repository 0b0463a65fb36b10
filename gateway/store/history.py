"""What is known of all mail: passages, mail that was kept, and challenges of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, bindparam, delete, false, insert, or_, select, true

from gateway.domain.lifecycle import State
from gateway.flow.history import KINDS, Asked, Erased, Line, Start
from gateway.flow.passages import Passage
from gateway.flow.queue import Place
from gateway.store.prepared import Prepared
from gateway.store.tables import (
    challenge,
    departure,
    disowned,
    expecting,
    list_entry,
    message,
    metadata,
    passage,
    pending,
    sent_mail,
    webhook_event,
)
from gateway.store.webhook import rewind

# One for each relayed mail: by the way of statements that are compiled each time it costs as much as the relaying.
_ADD = Prepared(insert(passage).values({name: bindparam(name) for name in Passage._fields}), by_place=True)
_OPEN = (State.PENDING.value, State.RELEASED.value, State.REFUSED.value)
"""Mail in these states is somebody's still."""


class PassageTable:
    """Implements `flow.passages.PassageTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, passages: Sequence[Passage]) -> None:
        """Keep some more."""
        if passages:
            _ADD.insert_together(self._connection, passages)


class HistoryTable:
    """Implements `flow.history.HistoryTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def page(self, place: Place, asked: Asked, start: Start, most: int) -> list[Line]:
        """Return lines behind `start`, up to `most` of each kind, the newest first."""
        kinds = (self._passages, self._held, self._challenges, self._departures)
        return [line for kind, behind in zip(kinds, start, strict=True) for line in kind(place, asked, behind, most)]

    def _passages(self, place: Place, asked: Asked, behind: int, most: int) -> list[Line]:
        own = passage.c
        query = select(passage).where(
            _reach(place, own.recipient_domain, own.recipient_key),
            _names(asked.address, own.sender_key, own.recipient_key),
            _between(asked, own.at),
            own.state == asked.state if asked.state else true(),
            own.id < behind if behind else true(),
        )
        return [
            Line(
                KINDS[0], row["id"], row["at"], "in", row["sender"], row["recipient"], row["size"], row["decision"],
                row["reason"], row["state"], row["queue_id"], row["reply"], row["client"], row["transaction_id"],
            )
            for row in self._connection.execute(query.order_by(own.id.desc()).limit(most)).mappings()
        ]  # fmt: skip

    def _held(self, place: Place, asked: Asked, behind: int, most: int) -> list[Line]:
        own = pending.c
        query = (
            select(
                own.id, own.held_at, own.recipient, own.reason, own.state, own.last_reply, message.c.reverse_path,
                message.c.size, message.c.queue_id, message.c.client_address, message.c.transaction_id,
            )
            .join(message, own.message_id == message.c.id)
            .where(
                _reach(place, own.recipient_domain, own.recipient_key),
                _names(asked.address, own.sender_key, own.recipient_key),
                _between(asked, own.held_at),
                own.state == asked.state if asked.state else true(),
                own.id < behind if behind else true(),
            )
        )  # fmt: skip
        return [
            Line(
                KINDS[1], row["id"], row["held_at"], "in", row["reverse_path"], row["recipient"], row["size"], "hold",
                row["reason"], row["state"], row["queue_id"], row["last_reply"], row["client_address"],
                row["transaction_id"],
            )
            for row in self._connection.execute(query.order_by(own.id.desc()).limit(most)).mappings()
        ]  # fmt: skip

    def _challenges(self, place: Place, asked: Asked, behind: int, most: int) -> list[Line]:
        own = challenge.c
        query = select(challenge).where(
            _reach(place, own.recipient_domain, own.recipient_key),
            _names(asked.address, own.sender_key, own.recipient_key),
            _between(asked, own.created_at),
            own.state == asked.state if asked.state else true(),
            own.id < behind if behind else true(),
        )
        return [
            Line(
                KINDS[2], row["id"], row["created_at"], "out", row["recipient"], row["sender"], 0, "", "challenge",
                row["state"], "", row["last_reply"], "", "",
            )
            for row in self._connection.execute(query.order_by(own.id.desc()).limit(most)).mappings()
        ]  # fmt: skip

    def _departures(self, place: Place, asked: Asked, behind: int, most: int) -> list[Line]:
        own = departure.c
        query = select(departure).where(
            _reach(place, own.sender_domain, own.sender_key),
            _names(asked.address, own.sender_key, own.recipient_key),
            _between(asked, own.at),
            own.state == asked.state if asked.state else true(),
            own.id < behind if behind else true(),
        )
        return [
            Line(
                KINDS[3], row["id"], row["at"], "out", row["sender"], row["recipient"], row["size"], "", row["taught"],
                row["state"], row["queue_id"], row["reply"], row["client"], row["transaction_id"],
            )
            for row in self._connection.execute(query.order_by(own.id.desc()).limit(most)).mappings()
        ]  # fmt: skip

    def forget(self, before: float, domains: Collection[str], *, but: bool, most: int) -> int:
        """Drop facts of mail of before then, of these domains or of all but these; return how many."""
        gone = 0
        for table, domain in ((passage, passage.c.recipient_domain), (departure, departure.c.sender_domain)):
            named = domain.in_(domains)
            old = select(table.c.id).where(table.c.at < before, ~named if but else named).limit(most)
            gone += self._connection.execute(delete(table).where(table.c.id.in_(old))).rowcount
        return gone

    def erase(self, address: str) -> Erased:
        """Drop all that is known of mail from and to an address, and of entries and windows that name it."""
        run = self._connection.execute
        mails = sum(
            run(delete(table).where(_names(address, table.c.sender_key, table.c.recipient_key))).rowcount
            for table in (passage, departure)
        )
        run(delete(sent_mail).where(sent_mail.c.owner == address))
        named = _names(address, pending.c.sender_key, pending.c.recipient_key)
        ended = run(select(pending.c.id, pending.c.message_id).where(named, pending.c.state.not_in(_OPEN))).all()
        waiting = len(run(select(pending.c.id).where(named, pending.c.state.in_(_OPEN))).all())
        self._drop_rows([row_id for row_id, _ in ended])
        challenges = self._drop_messages({message_id for _, message_id in ended})
        entry = list_entry.c
        entries = run(delete(list_entry).where(or_(entry.pattern == address, entry.owner == address))).rowcount
        windows = [number for (number,) in run(select(expecting.c.id).where(expecting.c.address == address))]
        self._drop(expecting, windows)
        run(delete(disowned).where(disowned.c.sender_key == address))
        return Erased(mails + len(ended), challenges, entries, len(windows), waiting)

    def export(self, address: str) -> Mapping[str, list[Mapping[str, object]]]:
        """Return all that is known of an address, by kind."""
        held = select(pending.c.id).where(_names(address, pending.c.sender_key, pending.c.recipient_key))
        wanted: Sequence[tuple[str, Table, ColumnElement[bool]]] = (
            ("passages", passage, _names(address, passage.c.sender_key, passage.c.recipient_key)),
            ("departures", departure, _names(address, departure.c.sender_key, departure.c.recipient_key)),
            ("sent_mails", sent_mail, sent_mail.c.owner == address),
            ("held", pending, _names(address, pending.c.sender_key, pending.c.recipient_key)),
            (
                "messages",
                message,
                message.c.id.in_(
                    select(pending.c.message_id).where(_names(address, pending.c.sender_key, pending.c.recipient_key))
                ),
            ),
            ("challenges", challenge, _names(address, challenge.c.sender_key, challenge.c.recipient_key)),
            ("entries", list_entry, or_(list_entry.c.pattern == address, list_entry.c.owner == address)),
            ("windows", expecting, expecting.c.address == address),
            ("disowned", disowned, disowned.c.sender_key == address),
            ("webhook", webhook_event, webhook_event.c.pending_id.in_(held)),
        )
        return {
            name: [_told(row) for row in self._connection.execute(select(table).where(which)).mappings()]
            for name, table, which in wanted
        }

    def _drop_rows(self, ids: Sequence[int]) -> None:
        """Drop rows with all that hangs on them; entries that a mail gave rise to stay."""
        for table in reversed(metadata.sorted_tables):
            if "pending_id" in table.c and not table.c["pending_id"].nullable:
                self._connection.execute(delete(table).where(table.c["pending_id"].in_(ids)))
        self._drop(pending, ids)
        rewind(self._connection)

    def _drop_messages(self, ids: Collection[int]) -> int:
        """Drop those messages that no row is left of, with their challenges; return how many challenges."""
        left = select(pending.c.message_id).where(pending.c.message_id.in_(ids))
        gone = select(message.c.id).where(message.c.id.in_(ids), message.c.id.not_in(left))
        numbers = [number for (number,) in self._connection.execute(gone)]
        asked = select(challenge.c.id).where(challenge.c.message_id.in_(numbers))
        challenges = [number for (number,) in self._connection.execute(asked)]
        self._drop(message, numbers)
        return len(challenges)

    def _drop(self, table: Table, ids: Collection[int]) -> None:
        """Drop rows of a table by their ids, and before them what refers to them."""
        if not ids:
            return
        for other in metadata.sorted_tables:
            for key in other.foreign_keys:
                if key.column is table.c.id:
                    if "id" in other.c and other is not table:
                        which = select(other.c.id).where(key.parent.in_(ids))
                        self._drop(other, [number for (number,) in self._connection.execute(which)])
                    else:
                        self._connection.execute(delete(other).where(key.parent.in_(ids)))
        self._connection.execute(delete(table).where(table.c.id.in_(ids)))


def _reach(place: Place, domain: ColumnElement[str], key: ColumnElement[str]) -> ColumnElement[bool]:
    if place.site:
        return true()
    ways: list[ColumnElement[bool]] = [domain.in_(place.domains)] if place.domains else []
    for owner in place.owners:
        local, _, name = owner.key.rpartition("@")
        tags = key.like(f"{_literal(local)}+%@{_literal(name)}", escape="\\")
        ways.append(key == owner.tagged if owner.tagged else or_(key == owner.key, tags))
    return or_(*ways) if ways else false()


def _names(address: str, sender: ColumnElement[str], recipient: ColumnElement[str]) -> ColumnElement[bool]:
    if not address:
        return true()
    if address.startswith("@"):
        like = f"%{_literal(address)}"
        return or_(sender.like(like, escape="\\"), recipient.like(like, escape="\\"))
    return or_(sender == address, recipient == address)


def _between(asked: Asked, at: ColumnElement[float]) -> ColumnElement[bool]:
    return and_(
        at >= asked.after if asked.after is not None else true(),
        at < asked.before if asked.before is not None else true(),
    )


def _literal(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def _told(row: Mapping[Any, Any]) -> Mapping[str, object]:
    """Write a row for a file; hashes and keys say nothing to anybody."""
    return {name: value for name, value in row.items() if not isinstance(value, bytes | memoryview)}
