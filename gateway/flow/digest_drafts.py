"""Drafts: what one digest shows, before it is written; anew of what is left, when it is tried again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.address import normal_form, without_tag
from gateway.domain.digest import Group, Kind, Line, arrange
from gateway.domain.durations import DAY
from gateway.domain.lifecycle import State
from gateway.flow.digest_people import Person, Plan, kind_of_row, person_of, plan_of, wanted_by, with_day_to_look
from gateway.flow.digest_ports import DigestRules, DigestTx, Queued
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import Row

MOST_READ = 2000
"""Rows that one digest can stand for; the rest comes with the next."""
LAST_DAYS = 2
"""What goes within so many days stands in each digest that goes for something new."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What one digest shows to whom."""

    person: Person
    plan: Plan
    groups: tuple[Group[Row], ...]
    total: int
    """Mails that wait, counting to 10 001."""

    @property
    def items(self) -> list[tuple[int, int]]:
        """Rows, each with the place of its line."""
        lines = [line for group in self.groups for line in group.lines]
        return [(row.id, place) for place, line in enumerate(lines, 1) for row in (line.first, *line.others)]


def draft_of(
    tx: DigestTx, rules: DigestRules, mailbox: str, now: float, *, everything: bool
) -> tuple[Person | None, Draft | None]:
    """Return whose digests go to a mailbox, and what there is to tell him; None where there is nobody, or nothing.

    everything: also what he was shown before.
    """
    person = person_of(tx, mailbox, rules.domains)
    if person is None:
        return None, None
    plan = plan_of(wanted_by(tx, rules.base, mailbox, person))
    proven = Kind.SPAM not in plan.kinds
    ids = tx.digests.waiting(person.owners, mailbox, MOST_READ, proven=proven, everything=everything)
    rows = _rows(tx, ids, plan, now)
    if not rows:
        return person, None
    if not everything:
        # The last word on what goes soon: it was told of before, and nothing came of that.
        soon = tx.digests.waiting(person.owners, mailbox, MOST_READ, proven=proven, before=now + LAST_DAYS * DAY)
        rows += _rows(tx, sorted(set(soon) - set(ids)), plan, now)
        rows.sort(key=lambda row: row.id, reverse=True)
    groups = arrange(rows, kind_of_row, lambda row: row.source, lambda row: row.expires_at)
    return person, Draft(person, plan, groups, tx.digests.count(person.owners, MOST_COUNTED))


def _rows(tx: DigestTx, ids: Sequence[int], plan: Plan, now: float) -> list[Row]:
    """Return rows of the kinds that are wanted. What is told of for the first time stays for a day at least."""
    shown, earliest = tx.digests.shown(ids), now + DAY
    found = (tx.queue.one(row_id, 0) for row_id in ids)
    return [
        row if row.id in shown else with_day_to_look(row, earliest)
        for row in found
        if row is not None and kind_of_row(row) in plan.kinds
    ]


def redrafted(tx: DigestTx, rules: DigestRules, queued: Queued, now: float) -> Draft | None:
    """Return a digest as it was made, without what no longer waits; None where nothing is left."""
    person = person_of(tx, queued.mailbox, rules.domains)
    if person is None:
        return None
    earliest = now + DAY
    lines: dict[int, list[Row]] = {}
    for row_id, place in tx.digests.items(queued.id):
        row = tx.queue.one(row_id, 0)
        # Looked at anew: the address may be somebody else's by now.
        mine = row is not None and without_tag(normal_form(row.recipient)) in person.owners
        if row is not None and mine and row.state is State.PENDING:
            lines.setdefault(place, []).append(with_day_to_look(row, earliest))
    kinds: dict[Kind, list[Line[Row]]] = {}
    for first, *others in lines.values():
        kinds.setdefault(kind_of_row(first), []).append(Line(first, tuple(others)))
    if not kinds:
        return None
    groups = [
        Group(kind, sum(1 + len(line.others) for line in kinds[kind]), tuple(kinds[kind]))
        for kind in Kind
        if kind in kinds
    ]
    plan = plan_of(wanted_by(tx, rules.base, queued.mailbox, person))
    return Draft(person, plan, tuple(groups), tx.digests.count(person.owners, MOST_COUNTED))
