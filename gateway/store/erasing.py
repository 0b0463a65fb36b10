"""Erase what is known of an address: looked for first, and dropped by its numbers, few at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from sqlalchemy import ColumnElement, Connection, Table, and_, case, delete, func, or_, select, update

from gateway.domain.lifecycle import State
from gateway.flow.history import Erased, Traces
from gateway.store.counters import EXPECTING, LISTS, count_up
from gateway.store.dropping import drop, drop_messages, drop_rows
from gateway.store.history_lines import names
from gateway.store.tables import (
    departure,
    digest,
    digest_choice,
    digest_mailbox,
    disowned,
    expecting,
    letter,
    list_entry,
    notice,
    passage,
    pending,
    release_letter,
    release_request,
    removed_entry,
    sent_mail,
)
from gateway.store.tables.accounts import sign_in_link, sign_in_order

_SOMEBODY_S = (State.PENDING.value, State.RELEASED.value, State.REFUSED.value)
"""Mail in these states is somebody's still."""
_ours = pending.c.state.in_(_SOMEBODY_S)


def _held(address: str) -> ColumnElement[bool]:
    return names(address, pending.c.sender_key, pending.c.recipient_key)


_NUMBERED: Mapping[str, tuple[Table, Callable[[str], ColumnElement[bool]]]] = {
    # Whom to let in first: else mail that comes meanwhile would be judged by it.
    "entry": (list_entry, lambda one: or_(list_entry.c.pattern == one, list_entry.c.owner == one)),
    "window": (expecting, lambda one: expecting.c.address == one),
    # What was removed could be put back for a while, and is kept for that.
    "removed": (removed_entry, lambda one: or_(removed_entry.c.pattern == one, removed_entry.c.owner == one)),
    "passage": (passage, lambda one: names(one, passage.c.sender_key, passage.c.recipient_key)),
    "departure": (departure, lambda one: names(one, departure.c.sender_key, departure.c.recipient_key)),
    "letter": (letter, lambda one: names(one, letter.c.sender, letter.c.recipient_key)),
    "digest": (digest, lambda one: digest.c.mailbox == one),
    "notice": (notice, lambda one: notice.c.mailbox == one),
    "release-letter": (release_letter, lambda one: release_letter.c.mailbox == one),
    "request": (
        release_request,
        lambda one: or_(release_request.c.asked_by == one, release_request.c.answer_to == one),
    ),
    "sign-in": (sign_in_order, lambda one: sign_in_order.c.address_key == one),
    "held": (pending, lambda one: and_(_held(one), ~_ours)),
}
"""What has numbers of its own, in the order in which it goes."""
_OTHERS: Sequence[tuple[Table, ColumnElement[str]]] = (
    (disowned, disowned.c.sender_key),
    (digest_mailbox, digest_mailbox.c.mailbox),
    (digest_choice, digest_choice.c.scope),
    (sign_in_link, sign_in_link.c.address_key),
    (sent_mail, sent_mail.c.owner),
)
"""What has none, by the column that names an address."""


class ErasingTable:
    """Implements `flow.history.ErasingTable`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def traces(self, address: str) -> Traces:
        """Return all that is known of mail from and to an address, and what else names it."""
        numbers = {
            kind: list(self._connection.execute(select(table.c.id).where(which(address))).scalars())
            for kind, (table, which) in _NUMBERED.items()
        }
        others = sum(self._count(table, column == address) for table, column in _OTHERS)
        return Traces(
            {kind: ids for kind, ids in numbers.items() if ids},
            others,
            self._count(pending, and_(_held(address), _ours)),
        )

    def erase(self, address: str, kind: str, ids: Sequence[int]) -> Erased:
        """Drop what was found of one kind."""
        table, _ = _NUMBERED[kind]
        if kind == "request":
            # It is of somebody else's mail: only who asked is forgotten.
            own = release_request.c
            forgotten = {
                column.name: case((column == address, ""), else_=column) for column in (own.asked_by, own.answer_to)
            }
            self._connection.execute(update(release_request).where(own.id.in_(ids)).values(forgotten))
            return Erased()
        if kind == "held":
            return self._erase_held(ids)
        gone = self._count(table, table.c.id.in_(ids))
        drop(self._connection, table, ids)
        for known, counter in ((list_entry, LISTS), (expecting, EXPECTING)):
            if table is known and gone:
                # Else the copies that processes have would go on deciding about mail.
                count_up(self._connection, counter)
        return Erased(
            mails=gone if kind in ("passage", "departure", "letter") else 0,
            entries=gone if kind == "entry" else 0,
            windows=gone if kind == "window" else 0,
        )

    def erase_others(self, address: str, most: int) -> int:
        """Drop up to so many of what has no number; return how many."""
        gone = 0
        for table, column in _OTHERS:
            where = column == address
            if table is sent_mail:
                some = select(sent_mail.c.mail_id).where(where).limit(most)
                where = and_(where, sent_mail.c.mail_id.in_(some))
            gone += self._connection.execute(delete(table).where(where)).rowcount
        return gone

    def _erase_held(self, ids: Sequence[int]) -> Erased:
        ended = select(pending.c.id, pending.c.message_id).where(pending.c.id.in_(ids), ~_ours)
        rows = self._connection.execute(ended).all()
        drop_rows(self._connection, [row_id for row_id, _ in rows])
        challenges = drop_messages(self._connection, {message_id for _, message_id in rows})
        return Erased(mails=len(rows), challenges=challenges)

    def _count(self, table: Table, where: ColumnElement[bool]) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())
