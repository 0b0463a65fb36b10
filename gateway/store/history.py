"""What is known of all mail: passages, mail that was kept, challenges and other letters of ours."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Connection,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
)

from gateway.domain.address import normal_form
from gateway.domain.lifecycle import FINAL, OPEN
from gateway.flow.history import Asked, Line, Start
from gateway.flow.letter_book import Letter
from gateway.flow.passages import Passage
from gateway.flow.queue_ports import Place
from gateway.store.dropping import drop_messages, drop_rows
from gateway.store.history_age import older_of
from gateway.store.history_kinds import KINDS, PASSING
from gateway.store.history_lines import page_of
from gateway.store.naming import asked_of, held_of, mail_of, outgoing_of, passed_by
from gateway.store.prepared import Prepared
from gateway.store.tables import (
    challenge,
    departure,
    digest,
    digest_choice,
    digest_mailbox,
    disowned,
    expecting,
    letter,
    list_entry,
    message,
    notice,
    passage,
    pending,
    policy_choice,
    release_request,
    sent_mail,
    webhook_event,
)
from gateway.store.tables.accounts import sign_in_order

# One for each relayed mail: by the way of statements that are compiled each time it costs as much as the relaying.
_ADD = Prepared(insert(passage).values({name: bindparam(name) for name in Passage._fields}), by_place=True)


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

    def page(self, place: Place, asked: Asked, start: Start | None, most: int) -> list[Line]:
        """Return up to `most` lines behind `start`, the newest first."""
        return page_of(self._connection, place, asked, start, most)

    def outdated(
        self, before: float, domains: Collection[str], *, but: bool, most: int
    ) -> Iterator[tuple[str, list[int]]]:
        """Yield numbers of facts of mail of before then, of these domains or of all but these, by their kind."""
        for kind in PASSING:
            yield kind, older_of(self._connection, kind, before, domains, but=but, most=most)

    def forget(self, kind: str, ids: Collection[int]) -> int:
        """Drop such facts; return how many there were."""
        table = KINDS[kind].table
        return self._connection.execute(delete(table).where(table.c.id.in_(ids))).rowcount

    def over(self, before: float, domains: Collection[str], *, but: bool, most: int) -> list[tuple[int, int]]:
        """Return rows that ended before then, of these domains or of all but these, each with its message.

        Without those of a mail that its sender may still be asked for, and without the newest row there is: its number
        must not be given again.
        """
        named = pending.c.recipient_domain.in_(domains)
        asked = select(challenge.c.id).where(
            challenge.c.message_id == pending.c.message_id, challenge.c.state.in_([state.value for state in OPEN])
        )
        newest = select(func.max(pending.c.id)).scalar_subquery()
        query = (
            select(pending.c.id, pending.c.message_id)
            .where(
                pending.c.changed_at < before,
                pending.c.state.in_([state.value for state in FINAL]),
                ~named if but else named,
                ~asked.exists(),
                pending.c.id < newest,
            )
            .order_by(pending.c.changed_at)
            .limit(most)
        )
        return [(row_id, message_id) for row_id, message_id in self._connection.execute(query)]

    def drop(self, rows: Collection[tuple[int, int]]) -> None:
        """Drop rows, each with its message's number, and the messages that no row is left of."""
        drop_rows(self._connection, [row_id for row_id, _ in rows])
        drop_messages(self._connection, {message_id for _, message_id in rows})

    def export(self, address: str) -> Mapping[str, list[Mapping[str, object]]]:
        """Return all that is known of an address, by kind."""
        held = select(pending.c.id).where(held_of(address))
        wanted: Sequence[tuple[str, Table, ColumnElement[bool]]] = (
            ("passages", passage, passed_by(address)),
            ("departures", departure, outgoing_of(address)),
            ("sent_mails", sent_mail, sent_mail.c.owner == address),
            ("letters", letter, mail_of(address, letter.c.sender, letter.c.recipient_key)),
            ("digests", digest, digest.c.mailbox == address),
            ("digest_mailbox", digest_mailbox, digest_mailbox.c.mailbox == address),
            ("digest_choice", digest_choice, digest_choice.c.scope == address),
            ("sign_in_orders", sign_in_order, sign_in_order.c.address_key == address),
            ("policy_choice", policy_choice, policy_choice.c.scope == address),
            ("held", pending, held_of(address)),
            ("messages", message, message.c.id.in_(select(pending.c.message_id).where(held_of(address)))),
            ("challenges", challenge, asked_of(address)),
            ("entries", list_entry, or_(list_entry.c.pattern == address, list_entry.c.owner == address)),
            ("windows", expecting, expecting.c.address == address),
            ("disowned", disowned, disowned.c.sender_key == address),
            ("release_requests", release_request, asks(address)),
            ("notices", notice, notice.c.mailbox == address),
            ("webhook", webhook_event, webhook_event.c.pending_id.in_(held)),
        )
        return {
            name: [_told(row) for row in self._connection.execute(select(table).where(which)).mappings()]
            for name, table, which in wanted
        }


class LetterTable:
    """Implements `flow.letter_book.LetterTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, line: Letter) -> None:
        """Keep that a letter was sent."""
        values = {
            "at": line.at,
            "kind": line.kind.value,
            "sender": normal_form(line.sender),
            "recipient": line.recipient.text,
            "recipient_key": line.recipient.key,
            "recipient_domain": line.recipient.domain,
            "size": line.size,
            "state": line.state,
            "reply": line.reply,
        }
        self._connection.execute(insert(letter), values)


def asks(address: str) -> ColumnElement[bool]:
    """Return the condition for requests of release in which an address stands."""
    asked = release_request.c
    return or_(asked.recipient_key == address, asked.asked_by == address, asked.answer_to == address)


def _told(row: Mapping[Any, Any]) -> Mapping[str, object]:
    """Write a row for a file; hashes and keys say nothing to anybody."""
    return {name: value for name, value in row.items() if not isinstance(value, bytes | memoryview)}
