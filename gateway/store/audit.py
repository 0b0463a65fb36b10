"""Audit: does every accepted message stand in exactly one state, and does its content match its row?"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from sqlalchemy import Connection, func, select

from gateway.domain.lifecycle import FINAL, FIRST, Event, IllegalMove, State, advance
from gateway.store.tables import challenge, content, event, message, pending, token

_PAGE = 500


@dataclass(slots=True)
class Report:
    """What the audit found."""

    messages: int = 0
    rows: int = 0
    challenges: int = 0
    states: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """One sentence each; empty where all is well."""


def audit(connection: Connection, progress: Callable[[int, int], None]) -> Report:
    """Check the whole store; progress is told messages done and in total."""
    report = Report()
    if (damage := connection.exec_driver_sql("PRAGMA quick_check(20)").scalars().all()) != ["ok"]:
        report.faults.extend(f"the file is damaged: {line}" for line in damage)
    if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
        report.faults.append("a row refers to another that is not there")
    total = connection.execute(select(func.count()).select_from(message)).scalar_one()
    for message_id, sha256, size in _pages(connection):
        _audit_message(connection, report, message_id, sha256, size)
        report.messages += 1
        if report.messages % _PAGE == 0:
            progress(report.messages, total)
    _audit_challenges(connection, report)
    orphans = select(func.count()).select_from(pending).outerjoin(message, message.c.id == pending.c.message_id)
    if count := connection.execute(orphans.where(message.c.id.is_(None))).scalar_one():
        report.faults.append(f"{count} rows have no message")
    progress(total, total)
    return report


def _pages(connection: Connection) -> Iterator[tuple[int, bytes, int]]:
    last = 0
    while True:
        query = select(message.c.id, message.c.sha256, message.c.size).where(message.c.id > last)
        rows = connection.execute(query.order_by(message.c.id).limit(_PAGE)).tuples().all()
        if not rows:
            return
        yield from rows
        last = rows[-1][0]


def _audit_message(connection: Connection, report: Report, message_id: int, sha256: bytes, size: int) -> None:
    query = select(pending.c.id, pending.c.state, pending.c.recipient_key).where(pending.c.message_id == message_id)
    rows = connection.execute(query).all()
    if not rows:
        report.faults.append(f"message {message_id} was accepted, but waits for nobody")
    open_rows = False
    for row_id, state, _ in rows:
        report.rows += 1
        report.states[state] = report.states.get(state, 0) + 1
        _audit_history(connection, report, row_id, state)
        open_rows = open_rows or State(state) not in FINAL
    octets = connection.execute(select(content.c.octets).where(content.c.message_id == message_id)).scalar()
    if octets is None:
        if open_rows:
            report.faults.append(f"message {message_id} still waits, but its content is gone")
    elif len(octets) != size or hashlib.sha256(octets).digest() != sha256:
        report.faults.append(f"the content of message {message_id} is not what was accepted")


def _audit_history(connection: Connection, report: Report, row_id: int, state: str) -> None:
    """Walk the row's events through the table of moves; they must lead to the state it is in."""
    lines = connection.execute(
        select(event.c.event, event.c.state_from, event.c.state_to)
        .where(event.c.pending_id == row_id)
        .order_by(event.c.id)
    ).all()
    at: State | None = None
    for happened, state_from, state_to in lines:
        try:
            reached = FIRST[Event(happened)] if at is None else advance(at, Event(happened))
        except (IllegalMove, KeyError, ValueError):
            report.faults.append(f"pending {row_id}: {happened} cannot follow {state_from or 'nothing'}")
            return
        if reached.value != state_to:
            report.faults.append(f"pending {row_id}: {happened} led to {state_to}, not to {reached.value}")
            return
        at = reached
    if at is None or at.value != state:
        report.faults.append(f"pending {row_id} is {state}, but its history ends with {at.value if at else 'nothing'}")


def _audit_challenges(connection: Connection, report: Report) -> None:
    report.challenges = connection.execute(select(func.count()).select_from(challenge)).scalar_one()
    silent = (
        select(challenge.c.id)
        .outerjoin(token, token.c.challenge_id == challenge.c.id)
        .where(challenge.c.state == "sent", token.c.hash.is_(None))
    )
    for (challenge_id,) in connection.execute(silent):
        report.faults.append(f"challenge {challenge_id} was sent, but no link leads to it")
