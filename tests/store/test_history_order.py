"""The order of history against a plain model: sorted lists of all lines, whatever the clock did while they were written."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import pytest
from sqlalchemy import Connection, Table, insert, select

from gateway.domain.address import without_tag
from gateway.domain.roles import Reach
from gateway.flow.history import KINDS, Asked, Line, Start
from gateway.flow.queue_ports import Place
from gateway.store.history_kinds import KINDS as FACTS
from gateway.store.history_lines import Limits, page_of
from gateway.store.tables import departure, message, passage
from tests.store.letters import NOW

OURS = ("joe@a.example", "joe+shop@a.example", "joe+x@b.example", "kim@b.example", "kim@c.example", "joey@a.example")
OTHERS = ("ann@elm.example", "bob@elm.example", "ann@oak.example", '"x@elm.example"@far.example', "", "joe@a.example")
STATES = ("relayed", "refused", "deferred", "pending", "sent")
NO_LIMITS = (Limits(), Limits(parts=0), Limits(few=0, counted=0), Limits(few=3, counted=20))


@dataclass(frozen=True, slots=True)
class Fact:
    """What the model knows of a line."""

    kind: str
    id: int
    at: float
    ours: str
    other: str
    state: str

    @property
    def key(self) -> tuple[float, int, int]:
        return self.at, self.id, KINDS.index(self.kind)

    def within(self, reach: Reach) -> bool:
        """True for mail that one may see."""
        own = {self.ours, without_tag(self.ours)}
        return reach.site or self.ours.rpartition("@")[2] in reach.domains or bool(own & reach.addresses)

    def fits(self, asked: Asked) -> bool:
        """True where it is asked for."""
        told = (self.ours, self.other)
        named = any(one.endswith(asked.address) for one in told) if asked.address[:1] == "@" else asked.address in told
        since = asked.after is None or self.at >= asked.after
        return (
            (not asked.address or named)
            and (not asked.state or self.state == asked.state)
            and (since and (asked.before is None or self.at < asked.before))
        )


def put(connection: Connection, facts: Sequence[Fact]) -> None:
    """Write lines down; what the model does not know is empty."""
    for fact in facts:
        facts_of = FACTS[fact.kind]
        own = {
            "id": fact.id, facts_of.at: fact.at, facts_of.key: fact.ours, facts_of.ours: fact.ours,
            facts_of.domain: fact.ours.rpartition("@")[2], facts_of.other_key: fact.other, "state": fact.state,
            "message_id": fact.id,
        }  # fmt: skip
        if "message_id" in facts_of.table.c:
            mail = filled(message, {"id": fact.id, "key": b"", "sha256": b"", "trace": b""})
            connection.execute(insert(message).prefix_with("OR IGNORE").values(mail))
        if fact.kind == "challenge":
            own["sender_domain"] = fact.other.rpartition("@")[2]
        connection.execute(insert(facts_of.table).values(filled(facts_of.table, own)))


def filled(table: Table, values: dict[str, object]) -> dict[str, object]:
    """Return a row of a table."""
    nothing = {str: "", bytes: b"", float: 0.0, int: 0, bool: False}
    return {
        column.name: values.get(column.name, None if column.nullable else nothing[column.type.python_type])
        for column in table.c
        if column.computed is None
    }


def drawn(chance: random.Random, count: int) -> list[Fact]:
    """Return lines as they are written with a clock that jumps back and forth, and stands still for some of them."""
    facts, at = [], NOW
    numbers = dict.fromkeys(KINDS, 0)
    for _ in range(count):
        kind = chance.choice(KINDS)
        numbers[kind] += chance.choice((1, 1, 3))
        at += chance.choice((0.0, 0.0, 1.0, 0.125, 60.0, -90.0, 7.0))
        facts.append(
            Fact(kind, numbers[kind], at, chance.choice(OURS), chance.choice(OTHERS), chance.choice(STATES[: chance.choice((1, 5))]))
        )  # fmt: skip
    return facts


def asked_for(chance: random.Random) -> Asked:
    """Return something that may be asked for."""
    days = (None, None, NOW - 50.0, NOW, NOW + 30.0)
    addresses = ("", "", *OTHERS, *OURS, "@elm.example", "@a.example", "@ar.example", "@", "nobody@elm.example")
    return Asked(
        chance.choice(addresses), chance.choice(("", "", *STATES, "x")), chance.choice(days), chance.choice(days)
    )


def reaches(chance: random.Random) -> Reach:
    """Return what somebody may see."""
    domains = frozenset(
        chance.sample(("a.example", "b.example", "c.example", "none.example"), chance.choice((0, 1, 3)))
    )
    addresses = frozenset(chance.sample(OURS, chance.choice((0, 1, 2))))
    return Reach(chance.random() < 0.4, domains, addresses)


def pages(connection: Connection, reach: Reach, asked: Asked, size: int, limits: Limits) -> Iterator[list[Line]]:
    """Yield pages as the service asks for them."""
    start: Start | None = None
    while True:
        lines = page_of(connection, Place.of(reach), asked, start, size + 1, limits)
        yield lines[:size]
        if len(lines) <= size:
            return
        start = lines[size - 1].key


@pytest.mark.parametrize("seed", range(3))
def test_all_pages_together_are_what_is_asked_for_in_one_order(connection: Connection, seed: int) -> None:
    chance = random.Random(seed)
    facts = drawn(chance, 90)
    put(connection, facts)
    for look in range(32):
        reach, asked, size = reaches(chance), asked_for(chance), chance.choice((1, 4, 25))
        wanted = sorted((fact.key for fact in facts if fact.within(reach) and fact.fits(asked)), reverse=True)
        shown = [line.key for page in pages(connection, reach, asked, size, NO_LIMITS[look % 4]) for line in page]
        assert shown == wanted, (reach, asked, size, look % 4)


def test_lines_that_come_while_pages_are_turned_show_none_twice_and_hide_none(connection: Connection) -> None:
    chance = random.Random(9)
    facts = drawn(chance, 60)
    put(connection, facts)
    newest, highest = max(fact.at for fact in facts), 1000
    shown = list[Start]()
    for page in pages(connection, Reach(site=True), Asked(), 7, Limits()):
        shown += [line.key for line in page]
        # Some are of later, some have a clock that was put back and lie among those that were shown already.
        for at in (newest + highest, page[0].at):
            highest += 1
            put(connection, [Fact(kind, highest, at, OURS[0], OTHERS[0], "relayed") for kind in KINDS])
    assert [key for key in shown if key[1] < 1000] == sorted((fact.key for fact in facts), reverse=True)
    assert len(set(shown)) == len(shown)


def test_domain_that_is_looked_for_is_what_stands_behind_the_last_at(connection: Connection) -> None:
    told = (
        "a@b.example",
        '"a@b"@c.example',
        "postmaster",
        "",
        "x@",
        "@y",
        "ö@ß.example",
        "@@",
        "a@[192.0.2.1]",
        "A@B@",
    )
    fact = Fact("passage", 1, NOW, OURS[0], "", "relayed")
    put(connection, [replace(fact, id=number, other=one) for number, one in enumerate(told, 1)])
    put(connection, [replace(fact, kind="sent", id=number, other=one) for number, one in enumerate(told, 1)])
    for column in (passage.c.sender_domain, departure.c.recipient_domain):
        found = connection.execute(select(column).order_by(column.table.c.id)).scalars().all()
        assert found == [one.rpartition("@")[2] for one in told]
