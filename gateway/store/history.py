"""What is known of all mail: passages, mail that was kept, challenges and other letters of ours."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
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
    update,
)

from gateway.domain.address import normal_form
from gateway.domain.lifecycle import FINAL, OPEN, State
from gateway.flow.history import Asked, Erased, Line, Start
from gateway.flow.letter_book import Letter
from gateway.flow.passages import Passage
from gateway.flow.queue_ports import Place
from gateway.store.counters import EXPECTING, LISTS, count_up
from gateway.store.dropping import drop, drop_messages, drop_rows
from gateway.store.history_lines import names, page_of
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
    release_letter,
    release_request,
    removed_entry,
    sent_mail,
    webhook_event,
)
from gateway.store.tables.accounts import sign_in_link, sign_in_order

# One for each relayed mail: by the way of statements that are compiled each time it costs as much as the relaying.
_ADD = Prepared(insert(passage).values({name: bindparam(name) for name in Passage._fields}), by_place=True)
_SOMEBODY_S = (State.PENDING.value, State.RELEASED.value, State.REFUSED.value)
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
        return page_of(self._connection, place, asked, start, most)

    def forget(self, before: float, domains: Collection[str], *, but: bool, most: int) -> int:
        """Drop facts of mail of before then, of these domains or of all but these; return how many."""
        gone = 0
        places = (
            (passage, passage.c.recipient_domain),
            (departure, departure.c.sender_domain),
            (letter, letter.c.recipient_domain),
        )
        for table, domain in places:
            named = domain.in_(domains)
            old = select(table.c.id).where(table.c.at < before, ~named if but else named).limit(most)
            gone += self._connection.execute(delete(table).where(table.c.id.in_(old))).rowcount
        return gone

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

    def erase(self, address: str) -> Erased:
        """Drop all that is known of mail from and to an address, and of entries and windows that name it."""
        run = self._connection.execute
        mails = sum(
            run(delete(table).where(names(address, table.c.sender_key, table.c.recipient_key))).rowcount
            for table in (passage, departure)
        )
        run(delete(sent_mail).where(sent_mail.c.owner == address))
        mails += run(delete(letter).where(names(address, letter.c.sender, letter.c.recipient_key))).rowcount
        self._forget_digests(address)
        self._forget_requests(address)
        for asked in (sign_in_order, sign_in_link):
            run(delete(asked).where(asked.c.address_key == address))
        named = names(address, pending.c.sender_key, pending.c.recipient_key)
        ended = run(select(pending.c.id, pending.c.message_id).where(named, pending.c.state.not_in(_SOMEBODY_S))).all()
        waiting = len(run(select(pending.c.id).where(named, pending.c.state.in_(_SOMEBODY_S))).all())
        drop_rows(self._connection, [row_id for row_id, _ in ended])
        challenges = drop_messages(self._connection, {message_id for _, message_id in ended})
        entry = list_entry.c
        entries = run(delete(list_entry).where(or_(entry.pattern == address, entry.owner == address))).rowcount
        # What was removed could be put back for a while, and is kept for that.
        removed = removed_entry.c
        run(delete(removed_entry).where(or_(removed.pattern == address, removed.owner == address)))
        windows = [number for (number,) in run(select(expecting.c.id).where(expecting.c.address == address))]
        drop(self._connection, expecting, windows)
        for name, gone in ((LISTS, entries), (EXPECTING, windows)):
            if gone:
                # Else the copies that processes have would go on deciding about mail.
                count_up(self._connection, name)
        run(delete(disowned).where(disowned.c.sender_key == address))
        return Erased(mails + len(ended), challenges, entries, len(windows), waiting)

    def export(self, address: str) -> Mapping[str, list[Mapping[str, object]]]:
        """Return all that is known of an address, by kind."""
        held = select(pending.c.id).where(names(address, pending.c.sender_key, pending.c.recipient_key))
        wanted: Sequence[tuple[str, Table, ColumnElement[bool]]] = (
            ("passages", passage, names(address, passage.c.sender_key, passage.c.recipient_key)),
            ("departures", departure, names(address, departure.c.sender_key, departure.c.recipient_key)),
            ("sent_mails", sent_mail, sent_mail.c.owner == address),
            ("letters", letter, names(address, letter.c.sender, letter.c.recipient_key)),
            ("digests", digest, digest.c.mailbox == address),
            ("digest_mailbox", digest_mailbox, digest_mailbox.c.mailbox == address),
            ("digest_choice", digest_choice, digest_choice.c.scope == address),
            ("sign_in_orders", sign_in_order, sign_in_order.c.address_key == address),
            ("held", pending, names(address, pending.c.sender_key, pending.c.recipient_key)),
            (
                "messages",
                message,
                message.c.id.in_(
                    select(pending.c.message_id).where(names(address, pending.c.sender_key, pending.c.recipient_key))
                ),
            ),
            ("challenges", challenge, names(address, challenge.c.sender_key, challenge.c.recipient_key)),
            ("entries", list_entry, or_(list_entry.c.pattern == address, list_entry.c.owner == address)),
            ("windows", expecting, expecting.c.address == address),
            ("disowned", disowned, disowned.c.sender_key == address),
            ("release_requests", release_request, _asks(address)),
            ("notices", notice, notice.c.mailbox == address),
            ("webhook", webhook_event, webhook_event.c.pending_id.in_(held)),
        )
        return {
            name: [_told(row) for row in self._connection.execute(select(table).where(which)).mappings()]
            for name, table, which in wanted
        }

    def _forget_requests(self, address: str) -> None:
        """Drop mails to an address about requests and single mails, and its name as that of who asked."""
        run, asked = self._connection.execute, release_request.c
        drop(self._connection, notice, list(run(select(notice.c.id).where(notice.c.mailbox == address)).scalars()))
        run(delete(release_letter).where(release_letter.c.mailbox == address))
        for column in (asked.asked_by, asked.answer_to):
            run(update(release_request).where(column == address).values({column: ""}))

    def _forget_digests(self, address: str) -> None:
        """Drop what is known of digests to a mailbox, and what was chosen for them."""
        run = self._connection.execute
        drop(self._connection, digest, list(run(select(digest.c.id).where(digest.c.mailbox == address)).scalars()))
        run(delete(digest_mailbox).where(digest_mailbox.c.mailbox == address))
        run(delete(digest_choice).where(digest_choice.c.scope == address))


class LetterTable:
    """Implements `flow.letter_book.LetterTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def add(self, line: Letter) -> None:
        """Keep one more."""
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


def _asks(address: str) -> ColumnElement[bool]:
    asked = release_request.c
    return or_(asked.recipient_key == address, asked.asked_by == address, asked.answer_to == address)


def _told(row: Mapping[Any, Any]) -> Mapping[str, object]:
    """Write a row for a file; hashes and keys say nothing to anybody."""
    return {name: value for name, value in row.items() if not isinstance(value, bytes | memoryview)}
