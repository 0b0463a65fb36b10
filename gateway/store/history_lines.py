"""The lines of history: facts of each kind of mail, found in one way and told in one form."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, Table, and_, false, literal, or_, select, true

from gateway.flow.history import KINDS, Asked, Line, Start
from gateway.flow.queue_ports import Place
from gateway.store.tables import challenge, departure, letter, message, passage, pending


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

    def page(self, place: Place, asked: Asked, behind: int, most: int) -> Select[Any]:
        """Select what is asked for, the newest first."""
        own = self.table.c
        found = self.lines.where(
            _reach(place, own[f"{self.ours}_domain"], own[f"{self.ours}_key"]),
            names(asked.address, own[self.sender], own.recipient_key),
            _between(asked, self.at),
            own.state == asked.state if asked.state else true(),
            own.id < behind if behind else true(),
        )
        return found.order_by(own.id.desc()).limit(most)


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
        "passage": _Facts(through, passage, went.at),
        "held": _Facts(held.join(message, kept.message_id == mail.id), pending, kept.held_at),
        "challenge": _Facts(challenges, challenge, asked.created_at),
        "sent": _Facts(departures, departure, left.at, ours="sender"),
        "letter": _Facts(letters, letter, told.at, sender="sender"),
    }


_FACTS = _facts()


def page_of(connection: Connection, place: Place, asked: Asked, start: Start, most: int) -> list[Line]:
    """Return lines behind `start`, up to `most` of each kind, the newest first."""
    return [
        Line(kind, *row)
        for kind, behind in zip(KINDS, start, strict=True)
        for row in connection.execute(_FACTS[kind].page(place, asked, behind, most))
    ]


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
