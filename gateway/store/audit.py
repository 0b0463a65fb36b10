"""Audit: does every accepted message stand in exactly one state, and does its content match its row?

It goes in steps, each with a short read of its own: while one read lasts, the database cannot fold its log back
into the file, and the log would grow with every mail that comes in meanwhile. A step sees whole messages, with
their rows and history as they stood at one moment.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from operator import itemgetter

from sqlalchemy import Connection, func, select
from sqlalchemy.exc import DatabaseError

from gateway.domain.lifecycle import FINAL, FIRST, ChallengeState, Event, IllegalMove, State, advance
from gateway.store.tables import challenge, content, event, message, pending, token

Step = Callable[[Connection], None]

_PAGE = 1000
_MOST_OCTETS = 64 * 1024 * 1024
"""Of content in one step; a single message may have more."""
_FINAL = frozenset(state.value for state in FINAL)
_KNOWN = frozenset(state.value for state in State)


@dataclass(slots=True)
class Report:
    """What the audit found."""

    messages: int = 0
    rows: int = 0
    challenges: int = 0
    states: dict[str, int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)
    """One sentence each; empty where all is well."""


@dataclass(frozen=True, slots=True)
class _Row:
    id: int
    state: str
    recipient_key: str
    due_at: float | None


class Audit:
    """One audit: run each of `steps()` on a view of the store of its own, then read `report`."""

    def __init__(self, progress: Callable[[int, int], object]) -> None:
        """progress: is told messages done and in total."""
        self.report = Report()
        self._progress = progress
        self._last = 0
        self._total = 0
        self._done = False

    def steps(self) -> Iterator[Step]:
        """Yield what is to be run, one after the other."""
        yield self._file
        if self.report.faults:
            # What else such a file says means nothing, and reading it may fail.
            return
        yield self._references
        while not self._done:
            yield self._page
        yield self._challenges

    def _fault(self, sentence: str) -> None:
        self.report.faults.append(sentence)

    def _file(self, connection: Connection) -> None:
        try:
            damage = connection.exec_driver_sql("PRAGMA quick_check(20)").scalars().all()
        except DatabaseError as error:
            # Some damage is so deep that the check itself gives up, and the read cannot be ended in order either.
            damage = [str(error.orig)]
            connection.rollback()
        if damage != ["ok"]:
            for line in damage:
                self._fault(f"the file is damaged: {line}")

    def _references(self, connection: Connection) -> None:
        if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
            self._fault("a row refers to another that is not there")
        orphans = select(func.count()).select_from(pending).outerjoin(message, message.c.id == pending.c.message_id)
        if count := connection.execute(orphans.where(message.c.id.is_(None))).scalar_one():
            self._fault(f"{count} rows have no message")
        lines = select(func.count()).select_from(event).outerjoin(pending, pending.c.id == event.c.pending_id)
        if count := connection.execute(lines.where(pending.c.id.is_(None))).scalar_one():
            self._fault(f"{count} lines of history are of rows that are not there")
        self._total = connection.execute(select(func.count()).select_from(message)).scalar_one()
        self._progress(0, self._total)

    # --- messages ---

    def _page(self, connection: Connection) -> None:
        messages = _next_messages(connection, self._last)
        if not messages:
            self._done = True
            self._progress(self._total, self._total)
            return
        first, last = messages[0][0], messages[-1][0]
        rows = _rows_by_message(connection, first, last)
        history = _history_by_row(connection, first, last)
        whole = _whole_contents(connection, messages)
        for message_id, _, _ in messages:
            waiting = False
            mine = rows.get(message_id, ())
            if not mine:
                self._fault(f"message {message_id} was accepted, but waits for nobody")
            if len({row.recipient_key for row in mine}) < len(mine):
                self._fault(f"message {message_id} stands twice for one recipient")
            for row in mine:
                self._row(row, history.get(row.id, ()))
                waiting = waiting or row.state not in _FINAL
            if whole.get(message_id) is False:
                self._fault(f"the content of message {message_id} is not what was accepted")
            elif waiting and message_id not in whole:
                self._fault(f"message {message_id} still waits, but its content is gone")
        self._last = last
        self.report.messages += len(messages)
        self._progress(self.report.messages, max(self._total, self.report.messages))

    def _row(self, row: _Row, history: Sequence[tuple[str, str, str]]) -> None:
        report = self.report
        report.rows += 1
        report.states[row.state] = report.states.get(row.state, 0) + 1
        if row.state not in _KNOWN:
            self._fault(f"pending {row.id} is {row.state}, which is no state")
            return
        if row.state == State.RELEASED.value and row.due_at is None:
            self._fault(f"pending {row.id} is released, but no delivery is due")
        self._walk(row.id, row.state, history)

    def _walk(self, row_id: int, state: str, history: Sequence[tuple[str, str, str]]) -> None:
        """Take the row's events through the table of moves; they must lead to the state it is in."""
        at: State | None = None
        for happened, state_from, state_to in history:
            try:
                reached = FIRST[Event(happened)] if at is None else advance(at, Event(happened))
            except (IllegalMove, KeyError, ValueError):
                self._fault(f"pending {row_id}: {happened} cannot follow {state_from or 'nothing'}")
                return
            if state_from != (at.value if at else ""):
                self._fault(
                    f"pending {row_id}: {happened} came from {state_from}, not from {at.value if at else 'nothing'}"
                )
                return
            if reached.value != state_to:
                self._fault(f"pending {row_id}: {happened} led to {state_to}, not to {reached.value}")
                return
            at = reached
        if at is None or at.value != state:
            self._fault(f"pending {row_id} is {state}, but its history ends with {at.value if at else 'nothing'}")

    # --- challenges ---

    def _challenges(self, connection: Connection) -> None:
        self.report.challenges = connection.execute(select(func.count()).select_from(challenge)).scalar_one()
        sent = challenge.c.state == ChallengeState.SENT.value
        queued = challenge.c.state == ChallengeState.QUEUED.value
        linked = select(token.c.hash).where(token.c.challenge_id == challenge.c.id).exists()
        for challenge_id in connection.execute(select(challenge.c.id).where(sent, ~linked)).scalars():
            self._fault(f"challenge {challenge_id} was sent, but no link leads to it")
        for challenge_id in connection.execute(
            select(challenge.c.id).where(queued, challenge.c.due_at.is_(None))
        ).scalars():
            self._fault(f"challenge {challenge_id} is to be sent, but no attempt is due")


def _next_messages(connection: Connection, after: int) -> list[tuple[int, bytes, int]]:
    """Return id, hash and size of some messages: at least one, unless there is none any more."""
    query = select(message.c.id, message.c.sha256, message.c.size).where(message.c.id > after)
    chosen: list[tuple[int, bytes, int]] = []
    octets = 0
    for row in connection.execute(query.order_by(message.c.id).limit(_PAGE)):
        octets += row[2]
        if chosen and octets > _MOST_OCTETS:
            break
        chosen.append(row)
    return chosen


def _rows_by_message(connection: Connection, first: int, last: int) -> dict[int, list[_Row]]:
    query = (
        select(pending.c.message_id, pending.c.id, pending.c.state, pending.c.recipient_key, pending.c.due_at)
        .where(pending.c.message_id.between(first, last))
        .order_by(pending.c.message_id, pending.c.id)
    )
    rows = connection.execute(query)
    return {key: [_Row(*row[1:]) for row in mine] for key, mine in groupby(rows, key=itemgetter(0))}


def _history_by_row(connection: Connection, first: int, last: int) -> dict[int, list[tuple[str, str, str]]]:
    query = (
        select(event.c.pending_id, event.c.event, event.c.state_from, event.c.state_to)
        .join(pending, pending.c.id == event.c.pending_id)
        .where(pending.c.message_id.between(first, last))
        .order_by(event.c.pending_id, event.c.id)
    )
    rows = connection.execute(query)
    return {key: [(row[1], row[2], row[3]) for row in lines] for key, lines in groupby(rows, key=itemgetter(0))}


def _whole_contents(connection: Connection, messages: Sequence[tuple[int, bytes, int]]) -> dict[int, bool]:
    """Say of each content that is kept whether it is what was accepted. One is in memory at a time."""
    wanted = {message_id: (sha256, size) for message_id, sha256, size in messages}
    query = select(content.c.message_id, content.c.octets).where(
        content.c.message_id.between(messages[0][0], messages[-1][0])
    )
    whole: dict[int, bool] = {}
    for message_id, octets in connection.execute(query.execution_options(stream_results=True)):
        sha256, size = wanted.get(message_id, (b"", -1))
        whole[message_id] = len(octets) == size and hashlib.sha256(octets).digest() == sha256
    return whole
