"""Erase what is known of an address: looked for first, and dropped by its numbers, few at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Row, Table, and_, case, delete, func, or_, select, update

from gateway.domain.lifecycle import State
from gateway.flow.history import Erased, Traces
from gateway.store.counters import EXPECTING, LISTS, POLICIES, count_up
from gateway.store.dropping import drop, drop_messages, drop_rows
from gateway.store.naming import ERASED, asked_of, held_of, mail_of, outgoing_of, passed_by, without
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
    notice,
    passage,
    pending,
    policy_choice,
    release_letter,
    release_request,
    removed_entry,
    sent_mail,
)
from gateway.store.tables.accounts import account, sign_in_link, sign_in_order
from gateway.store.tables.overview import journal
from gateway.store.tables.policies import expecting_use

_SOMEBODY_S = (State.PENDING.value, State.RELEASED.value, State.REFUSED.value)
"""Mail in these states is somebody's still."""
_ours = pending.c.state.in_(_SOMEBODY_S)


def _told(address: str) -> ColumnElement[bool]:
    """Select lines of who did what in which an address may stand."""
    own = journal.c
    words = or_(own.object.icontains(address, autoescape=True), own.detail.icontains(address, autoescape=True))
    local, _, domain = address.rpartition("@")
    tagged = or_(*(column.icontains(f"{local}+", autoescape=True) for column in (own.object, own.detail)))
    return or_(words, and_(tagged, or_(own.object.icontains(domain), own.detail.icontains(domain))),
               own.actor == address, own.looked_as == address)  # fmt: skip


def _asked_for(address: str) -> ColumnElement[bool]:
    """Select challenges on behalf of an address that others are asked for as well: their mail stays."""
    left = select(pending.c.id).where(pending.c.message_id == challenge.c.message_id)
    on_behalf = and_(asked_of(address), challenge.c.sender_key != address)
    return and_(on_behalf, left.exists(), ~left.where(held_of(address)).exists())


_NUMBERED: Mapping[str, tuple[Table, Callable[[str], ColumnElement[bool]]]] = {
    # Whom to let in first: else mail that comes meanwhile would be judged by it.
    "entry": (list_entry, lambda one: or_(list_entry.c.pattern == one, list_entry.c.owner == one)),
    "window": (expecting, lambda one: expecting.c.address == one),
    # What was removed could be put back for a while, and is kept for that.
    "removed": (removed_entry, lambda one: or_(removed_entry.c.pattern == one, removed_entry.c.owner == one)),
    "passage": (passage, passed_by),
    "departure": (departure, outgoing_of),
    "letter": (letter, lambda one: mail_of(one, letter.c.sender, letter.c.recipient_key)),
    "digest": (digest, lambda one: digest.c.mailbox == one),
    "notice": (notice, lambda one: notice.c.mailbox == one),
    "release-letter": (release_letter, lambda one: release_letter.c.mailbox == one),
    "request": (
        release_request,
        lambda one: or_(release_request.c.asked_by == one, release_request.c.answer_to == one),
    ),
    "sign-in": (sign_in_order, lambda one: sign_in_order.c.address_key == one),
    "held": (pending, lambda one: and_(held_of(one), ~_ours)),
    "challenge": (challenge, _asked_for),
    # At last: what is done until then is told there too.
    "journal": (journal, _told),
}
"""What has numbers of its own, in the order in which it goes."""
_OTHERS: Sequence[tuple[Table, ColumnElement[str]]] = (
    (disowned, disowned.c.sender_key),
    (digest_mailbox, digest_mailbox.c.mailbox),
    (digest_choice, digest_choice.c.scope),
    (policy_choice, policy_choice.c.scope),
    (sign_in_link, sign_in_link.c.address_key),
    (sent_mail, sent_mail.c.owner),
    (expecting_use, func.lower(expecting_use.c.sender)),
    (expecting_use, func.lower(expecting_use.c.recipient)),
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
        lines = self._connection.execute(select(journal).where(_told(address)))
        # A part of a longer address names somebody else.
        numbers["journal"] = [row.id for row in lines if self._changed(address, row)]
        return Traces(
            {kind: ids for kind, ids in numbers.items() if ids},
            others,
            self._count(pending, and_(held_of(address), _ours)),
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
        if kind == "challenge":
            self._ask_for_others(address, ids)
            return Erased()
        if kind == "journal":
            for row in self._connection.execute(select(journal).where(journal.c.id.in_(ids))).all():
                self._connection.execute(
                    update(journal).where(journal.c.id == row.id).values(self._changed(address, row))
                )
            return Erased()
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
            dropped = self._connection.execute(delete(table).where(where)).rowcount
            if table is policy_choice and dropped:
                count_up(self._connection, POLICIES)
            gone += dropped
        return gone

    def _erase_held(self, ids: Sequence[int]) -> Erased:
        ended = select(pending.c.id, pending.c.message_id).where(pending.c.id.in_(ids), ~_ours)
        rows = self._connection.execute(ended).all()
        drop_rows(self._connection, [row_id for row_id, _ in rows])
        challenges = drop_messages(self._connection, {message_id for _, message_id in rows})
        return Erased(mails=len(rows), challenges=challenges)

    def _ask_for_others(self, address: str, ids: Sequence[int]) -> None:
        """Let challenges whose mail is for others too name one of these."""
        for number, message_id in self._connection.execute(
            select(challenge.c.id, challenge.c.message_id).where(challenge.c.id.in_(ids))
        ).all():
            own = pending.c
            others = select(own.recipient, own.recipient_key, own.recipient_domain).where(own.message_id == message_id)
            row = self._connection.execute(others.order_by(own.id).limit(1)).one()
            values = {"recipient": row[0], "recipient_key": row[1], "recipient_domain": row[2]}
            self._connection.execute(update(challenge).where(challenge.c.id == number).values(values))

    def _changed(self, address: str, row: Row[Any]) -> dict[str, str]:
        """Return what a line of who did what says in place of an address; nothing where it does not name it.

        As the name of an account it stays there for as long as the account does.
        """
        texts = {name: without(address, getattr(row, name)) for name in ("object", "detail")}
        if not self._count(account, account.c.name_key == address):
            texts |= {name: ERASED for name in ("actor", "looked_as") if getattr(row, name) == address}
        return {name: text for name, text in texts.items() if text != getattr(row, name)}

    def _count(self, table: Table, where: ColumnElement[bool]) -> int:
        return int(self._connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())
