"""The lines of history: facts of each kind of mail, found in one way and told in one form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, false, literal, or_, select, true, tuple_

from gateway.flow.history import KINDS, Asked, Line, Start
from gateway.flow.queue_ports import Place
from gateway.store.tables import challenge, departure, letter, message, passage, pending

_PARTS = 30
"""Domains, or addresses, whose lines are looked for one after the other; where there are more, among all lines."""


@dataclass(frozen=True, slots=True)
class _Facts:
    """Those of one kind, and the columns by which they are found."""

    lines: Select[Any]
    """The fields of `Line` behind its kind, in their order."""
    table: Table
    at: ColumnElement[float]
    ours: str = "recipient"
    """Who of the two is one of ours, in the names of columns."""
    sender: str = "sender_key"

    in_time: bool = False
    """An index knows each domain's in the order of time, which may not be quite that of their numbers."""

    def page(self, connection: Connection, place: Place, asked: Asked, behind: int, most: int) -> Sequence[Any]:
        """Return what is asked for, the newest first."""
        own, parts = self.table.c, self._parts(place, asked)
        by_time = self.by_time(place, asked)
        rest = and_(
            names(asked.address, own[self.sender], own.recipient_key),
            _between(asked, self.at),
            own.state == asked.state if asked.state else true(),
        )
        found: list[Any] = []
        for part, number in parts:
            order = (self.at, number) if by_time else (number,)
            lines = self.lines.where(part, rest, self._further(behind, number, by_time))
            found += connection.execute(lines.order_by(*(column.desc() for column in order)).limit(most))
        if len(parts) > 1:
            found.sort(key=lambda row: (row[1], row[0]) if by_time else row[0], reverse=True)
        return found[:most]

    def by_time(self, place: Place, asked: Asked) -> bool:
        """True where its lines come in the order of time; else in that of their numbers."""
        return self.in_time and not place.site and len(place.domains) <= _PARTS and not asked.address

    def _further(self, behind: int, number: ColumnElement[int], by_time: bool) -> ColumnElement[bool]:
        own = self.table.c
        if not behind or not by_time:
            return number < behind if behind else true()
        # The line itself may be forgotten by now.
        there = select(self.at).where(own.id <= behind).order_by(own.id.desc()).limit(1).scalar_subquery()
        return tuple_(self.at, own.id) < tuple_(there, literal(behind))

    def _parts(self, place: Place, asked: Asked) -> list[tuple[ColumnElement[bool], ColumnElement[int]]]:
        """Part a reach, so that an index finds the newest of each part; or not, where an address is looked for.

        Returns each with the number of its lines, as it is to be said in the statement.
        """
        domain, key = self.table.c[f"{self.ours}_domain"], self.table.c[f"{self.ours}_key"]
        number: ColumnElement[int] = self.table.c.id
        if place.site or asked.address or len(place.owners) > _PARTS:
            return [(_reach(place, domain, key), number)]
        if self.in_time and len(place.domains) <= _PARTS:
            parts = [(domain == one, number) for one in place.domains]
        else:
            parts = [(domain.in_(place.domains), number)] if place.domains else []
        for owner in place.owners:
            parts.append((key == (owner.tagged or owner.key), number))
            if not owner.tagged:
                local, _, name = owner.key.rpartition("@")
                # The sign behind "+" ends what begins with it.
                tags = and_(key >= f"{local}+", key < f"{local},", key.endswith(f"@{name}", autoescape=True))
                # Not the plain number: SQLite would rather go through all lines in their order.
                parts.append((tags, number + 0))
        return parts or [(false(), number)]


def _facts() -> dict[str, _Facts]:
    """Tell for each kind where its facts are."""
    none, coming, going = literal(""), literal("in"), literal("out")
    went, kept, mail, asked, left, told = passage.c, pending.c, message.c, challenge.c, departure.c, letter.c
    through = select(
        went.id, went.at, coming, went.sender, went.recipient, went.size, went.decision, went.reason, went.state,
        went.queue_id, went.reply, went.client, went.transaction_id,
    )  # fmt: skip
    held = select(
        kept.id, kept.held_at, coming, mail.reverse_path, kept.recipient, mail.size, literal("hold"), kept.reason,
        kept.state, mail.queue_id, kept.last_reply, mail.client_address, mail.transaction_id,
    )  # fmt: skip
    challenges = select(
        asked.id, asked.created_at, going, asked.recipient, asked.sender, literal(0), none, literal("challenge"),
        asked.state, none, asked.last_reply, none, none,
    )  # fmt: skip
    departures = select(
        left.id, left.at, going, left.sender, left.recipient, left.size, none, left.taught, left.state, left.queue_id,
        left.reply, left.client, left.transaction_id,
    )  # fmt: skip
    letters = select(
        told.id, told.at, going, told.sender, told.recipient, told.size, none, told.kind, told.state, none, told.reply,
        none, none,
    )  # fmt: skip
    return {
        "passage": _Facts(through, passage, went.at, in_time=True),
        "held": _Facts(held.join(message, kept.message_id == mail.id), pending, kept.held_at),
        "challenge": _Facts(challenges, challenge, asked.created_at),
        "sent": _Facts(departures, departure, left.at, ours="sender", in_time=True),
        "letter": _Facts(letters, letter, told.at, sender="sender", in_time=True),
    }


_FACTS = _facts()


def page_of(connection: Connection, place: Place, asked: Asked, start: Start, most: int) -> list[Line]:
    """Return lines behind `start`, up to `most` of each kind, the newest first."""
    return [
        Line(kind, *row)
        for kind, behind in zip(KINDS, start, strict=True)
        for row in _FACTS[kind].page(connection, place, asked, behind, most)
    ]


def kinds_by_time(place: Place, asked: Asked) -> frozenset[str]:
    """Return the kinds whose lines come in the order of time; others in that of their numbers."""
    return frozenset(kind for kind, facts in _FACTS.items() if facts.by_time(place, asked))


def _reach(place: Place, domain: ColumnElement[str], key: ColumnElement[str]) -> ColumnElement[bool]:
    if place.site:
        return true()
    ways: list[ColumnElement[bool]] = [domain.in_(place.domains)] if place.domains else []
    for owner in place.owners:
        local, _, name = owner.key.rpartition("@")
        tags = and_(key.startswith(f"{local}+", autoescape=True), key.endswith(f"@{name}", autoescape=True))
        ways.append(key == owner.tagged if owner.tagged else or_(key == owner.key, tags))
    return or_(*ways) if ways else false()


def names(address: str, sender: ColumnElement[str], recipient: ColumnElement[str]) -> ColumnElement[bool]:
    """Select mail from or to an address, or `@domain`; "" is all mail."""
    if not address:
        return true()
    if address.startswith("@"):
        return or_(sender.endswith(address, autoescape=True), recipient.endswith(address, autoescape=True))
    return or_(sender == address, recipient == address)


def _between(asked: Asked, at: ColumnElement[float]) -> ColumnElement[bool]:
    return and_(
        at >= asked.after if asked.after is not None else true(),
        at < asked.before if asked.before is not None else true(),
    )
