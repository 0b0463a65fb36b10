"""The pending list: every way of looking rows up finds the same ones, and none reads the table from end to end."""

from __future__ import annotations

import operator
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pytest
from sqlalchemy import Connection

from gateway.domain.lifecycle import State
from gateway.domain.query import Score, Term, search_words
from gateway.flow.describe import Described, Raw, describe
from gateway.flow.queue_ports import MACHINE, PEOPLE, SORTS, Key, Owner, Place, Row, Selection
from gateway.store.descriptions import PUT, values_of
from gateway.store.engine import open_engine
from gateway.store.queue import QueueTable
from gateway.store.queue_order import KEYS
from gateway.store.queue_ordered import Found
from gateway.store.queue_parts import Limits
from gateway.store.queue_sql import Values
from gateway.store.schema import create
from gateway.store.transaction import Transaction
from tests.store.letters import NOW, message

ROWS = 1200
HOUR = 3600.0
SEEN = range(1, ROWS, 4)
TOLD = range(40, ROWS, 7)
WORDS = ("roof", "roofing", "lamp", "offer", "invoice", "week")
SITE = Place(site=True)
LARGE = Place(domains=("large.example",))
SMALL = Place(domains=("d3.example",))
SEVERAL = Place(domains=("d1.example", "large.example"), owners=(Owner("d2.example", "u1@d2.example"),))
USER = Place(owners=(Owner("large.example", "u1@large.example"), Owner("d3.example", "u2@d3.example")))
TAGGED = Place(owners=(Owner("large.example", "u1@large.example", "u1+shop@large.example"),))
NOBODY = Place()
PLACES = {
    "site": SITE, "large": LARGE, "small": SMALL, "several": SEVERAL, "user": USER, "tagged": TAGGED, "nobody": NOBODY,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Known:
    """A row as it was made, for looking through all of them one by one."""

    described: Described
    state: State


class Watched(QueueTable):
    """Writes down how the store means to find what it is asked for."""

    def __init__(self, connection: Connection, few: int, plans: list[tuple[str, str]], walked: int = 40) -> None:
        # Where little is few, a place of several domains is one of many too.
        super().__init__(connection, Limits(few, few, walked, walked, 8 if few else 3, 50 if few else 3))
        self.plans = plans

    def found(self, chosen: Selection, sort: str, descending: bool, start: Key | None) -> Found:
        """Find rows as for a page that also tells how many there are."""
        return self._finder.find(chosen, sort, descending, start, 40, counted=True)

    def _run(self, query: str, values: Values) -> Sequence[Any]:
        for line in super()._run(f"EXPLAIN QUERY PLAN {query}", values):
            self.plans.append((query, line[3]))
        return super()._run(query, values)


def make(connection: Connection) -> list[Known]:
    chance = random.Random(3)
    cursor = connection.connection.cursor()
    assert Transaction(connection).pending.insert_message(message()) == 1
    known = []
    for row_id in range(1, ROWS + 1):
        domain = "large.example" if chance.random() < 0.7 else f"d{chance.randrange(5)}.example"
        tag = "+shop" if chance.random() < 0.3 else ""
        owner = f"u{chance.randrange(4)}{tag}@{domain}" if row_id % 97 else "large@d3.example"
        raw = Raw(
            id=row_id, recipient_key=owner, reverse_path="x@oak.example",
            sender_key="x@oak.example", author=f"{chance.choice('abc')}@s{chance.randrange(9)}.example",
            author_name=chance.choice(("Anna Roth", "Bert", "屋根")),
            subject=" ".join(chance.choices(WORDS, k=2)) + (" rare" if row_id % 200 == 0 else ""),
            size=chance.randrange(5), reason=chance.choice(("unknown-sender", "automatic-mail")),
            held_at=NOW + row_id * HOUR, expires_at=NOW + chance.randrange(9) * HOUR,
            source=f"list:n{chance.randrange(7)}.example" if chance.random() < 0.4 else "",
            score=chance.randrange(-2, 9) if chance.random() < 0.7 else None,
        )  # fmt: skip
        body = b'Content-Disposition: attachment; filename="plan.pdf"\r\n\r\nx' if row_id % 3 == 0 else b"\r\n"
        state = State.PENDING if row_id % 10 else chance.choice((State.DELIVERED, State.DELETED))
        known.append(Known(describe(raw, body), state))
        cursor.execute(
            "INSERT INTO pending (id, message_id, recipient, recipient_key, recipient_domain, notify, orcpt, sender_key, state,"
            " reason, silence, held_at, expires_at, changed_at, as_spam, attempts, last_reply, source)"
            " VALUES (?, 1, '', ?, ?, '', '', '', ?, ?, '', ?, ?, 0, 0, 0, '', ?)",
            (raw.id, raw.recipient_key, domain, state.value, raw.reason, raw.held_at, raw.expires_at, raw.source),
        )
    cursor.executemany(PUT, [values_of(one.described) for one in known])
    cursor.executemany("INSERT INTO seen (pending_id, account) VALUES (?, 7)", [(row_id,) for row_id in SEEN])
    cursor.execute(
        "INSERT INTO digest (id, mailbox, state, created_at, changed_at, attempts, total, last_reply, mail_id)"
        " VALUES (5, 'u1@large.example', 'delivered', 0, 0, 1, 1, '', '')"
    )
    cursor.executemany(
        "INSERT INTO digest_item (digest_id, pending_id, place) VALUES (5, ?, 1)", [(row_id,) for row_id in TOLD]
    )
    cursor.close()
    return known


Filled = tuple[Transaction, list[Known]]


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Filled]:
    url = f"sqlite:///{tmp_path_factory.mktemp('queue')}/gateway.db"
    create(url)
    engine = open_engine(url, writing=True)
    with engine.connect() as connection:
        with connection.begin():
            known = make(connection)
        with connection.begin():
            yield Transaction(connection), known
    engine.dispose()


COMPARE = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge, "=": operator.eq}


def in_place(place: Place, key: str) -> bool:
    base = key.replace("+shop", "")
    owned = any(owner.key == base and owner.tagged in ("", key) for owner in place.owners)
    return place.site or key.partition("@")[2] in place.domains or owned


def matches(chosen: Selection, one: Known) -> bool:
    row, raw = one.described, one.described.raw
    texts = {"from": row.w_from, "to": row.w_to, "subject": row.w_subject, "file": row.w_file}
    for term in chosen.terms:
        part = f" {' '.join(term.words)}{' ' if term.whole else ''}"
        fields = [term.field] if term.field else list(texts)
        if not any(part in texts[field] for field in fields):
            return False
    return (
        one.state in chosen.states
        and (one.state is not State.PENDING or row.lane in chosen.lanes)
        and (not chosen.reasons or raw.reason in chosen.reasons)
        and (not chosen.has_file or bool(row.files))
        and (not chosen.source or row.source == chosen.source)
        and (chosen.after is None or raw.held_at >= chosen.after)
        and (chosen.before is None or raw.held_at < chosen.before)
        and (
            chosen.score is None
            or (raw.score is not None and COMPARE[chosen.score.sign](raw.score, chosen.score.value))
        )
        and (chosen.unseen_by != 7 or raw.id not in SEEN)
        and (chosen.digest is None or (chosen.digest == 5 and raw.id in TOLD))
        and in_place(chosen.place, raw.recipient_key)
    )


def key_of(one: Known, sort: str) -> Key:
    row, raw = one.described, one.described.raw
    values: dict[str, str | int | float] = {
        "age": -raw.id, "sender_sort": row.sender_sort, "subject_sort": row.subject_sort, "domain": row.domain,
        "owner": row.owner, "size": raw.size, "reason": raw.reason, "expires_at": raw.expires_at,
        "score": -1e99 if raw.score is None else raw.score,
    }  # fmt: skip
    return tuple(values[column] for column in KEYS[sort])


SELECTIONS = {
    "all": Selection(SITE),
    "people": Selection(SITE, lanes=(PEOPLE,)),
    "word": Selection(SITE, terms=(Term(("roof",)),)),
    "phrase": Selection(SITE, terms=(Term(("roof", "lamp"), "subject", whole=True),)),
    "two words": Selection(SITE, lanes=(MACHINE,), terms=(Term(("anna",), "from"), Term(("off",)))),
    "to a domain": Selection(SITE, terms=(Term(("large",), "to"),)),
    "to a domain, by its whole name": Selection(SITE, lanes=(PEOPLE,), terms=(Term(("large", "example"), "to", True),)),
    "to a domain, and a word": Selection(SITE, terms=(Term(("large",), "to"), Term(("roof",))), has_file=True),
    "to all domains": Selection(SITE, terms=(Term(("example",), "to"),)),
    "rare": Selection(SITE, terms=(Term(("rare",)),)),
    "signs": Selection(SITE, terms=(Term(tuple(search_words("根").split()), whole=True),)),
    "reason and file": Selection(SITE, reasons=("automatic-mail",), has_file=True),
    "days": Selection(SITE, after=NOW + 500 * HOUR, before=NOW + 900 * HOUR),
    "days and word": Selection(SITE, terms=(Term(("lamp",)),), after=NOW + 900 * HOUR, before=NOW + 1100 * HOUR),
    "source, wherever": Selection(SITE, source="list:n3.example"),
    "source, wherever, in a domain": Selection(Place(domains=("large.example",)), source="list:n3.example"),
    "source": Selection(SITE, lanes=(MACHINE,), source="list:n3.example"),
    "source and word": Selection(SITE, lanes=(MACHINE,), source="list:n3.example", terms=(Term(("week",)),)),
    "word within another": Selection(SITE, terms=(Term(("roo",)), Term(("roofing",), "subject"), Term(("off",)))),
    "score": Selection(SITE, score=Score(">", 5.0)),
    "low score": Selection(SITE, lanes=(PEOPLE,), score=Score("<=", -1.0), before=NOW + 800 * HOUR),
    "score and words": Selection(SITE, score=Score(">=", 3.0), terms=(Term(("roof",)),), source="list:n3.example"),
    "one score": Selection(SITE, score=Score("=", 8.0), terms=(Term(("lamp",)),)),
    "unseen": Selection(SITE, unseen_by=7),
    "unseen words": Selection(SITE, unseen_by=7, terms=(Term(("lamp",)),), score=Score("<", 4.0)),
    "unseen phrase": Selection(SITE, unseen_by=7, terms=(Term(("roof", "lamp"), "subject", whole=True),)),
    "few scores": Selection(SITE, lanes=(MACHINE,), score=Score("=", 8.0)),
    "two reasons": Selection(SITE, reasons=("automatic-mail", "unknown-sender"), terms=(Term(("lamp",)),)),
    "unseen by another": Selection(SITE, unseen_by=8, has_file=True),
    "one digest": Selection(SITE, digest=5),
    "one digest, and a word": Selection(SITE, digest=5, terms=(Term(("roof",)),)),
    "one digest, and a reason": Selection(SITE, lanes=(PEOPLE,), digest=5, reasons=("automatic-mail",)),
    "no such digest": Selection(SITE, digest=6),
}


@pytest.mark.parametrize("few", [0, 300])
@pytest.mark.parametrize("name", SELECTIONS)
def test_each_way_finds_the_same_rows_in_the_same_order(filled: Filled, name: str, few: int) -> None:
    tx, known = filled
    chance = random.Random(few)

    for place in PLACES.values():
        chosen = _in(SELECTIONS[name], place)
        meant = [one for one in known if matches(chosen, one)]
        plans: list[tuple[str, str]] = []
        table = Watched(tx.connection, few, plans)
        assert table.count(chosen, ROWS) == len(meant)
        assert table.count(chosen, 10) == min(len(meant), 11)
        for sort in SORTS:
            keys = sorted((key_of(one, sort), one.described.raw.id) for one in meant)
            for descending in (False, True):
                ordered = keys[::-1] if descending else keys
                start = chance.randrange(len(ordered)) if ordered else -1
                at = ordered[start][0] if ordered else None
                assert table.find(chosen, sort, descending, None, 40) == ordered[:40]
                assert table.find(chosen, sort, descending, at, 40) == ordered[start + 1 : start + 41]
                assert table.found(chosen, sort, descending, at) == ordered[start + 1 : start + 41]
        read_whole = [plan for plan in plans if plan[1].startswith(("SCAN queue", "SCAN pending"))]
        assert read_whole == []


def _in(chosen: Selection, place: Place) -> Selection:
    return replace(chosen, place=place)


@pytest.mark.parametrize("few", [0, 300])
def test_mail_to_a_domain_is_read_where_it_lies(filled: Filled, few: int) -> None:
    tx, _ = filled
    chosen = SELECTIONS["to a domain"]
    plans: list[tuple[str, str]] = []
    first = Watched(tx.connection, few, plans).find(chosen, "recipient", False, None, 40)
    assert {domain for (domain, *_), _ in first} == {"d3.example", "large.example"}
    # By the index alone, where what lies outside is little; else by a map of all that is meant.
    assert any("queue_place" in plan and "domain=?" in plan for _, plan in plans) is (few == 300)


@pytest.mark.parametrize("few", [0, 300])
@pytest.mark.parametrize("name", SELECTIONS)
def test_each_way_counts_the_rows_in_front_of_one(filled: Filled, name: str, few: int) -> None:
    tx, known = filled
    chance = random.Random(few + 1)

    for place in PLACES.values():
        chosen = _in(SELECTIONS[name], place)
        meant = [one for one in known if matches(chosen, one)]
        others = [one for one in known if not matches(chosen, one)]
        plans: list[tuple[str, str]] = []
        table = Watched(tx.connection, few, plans, ROWS)
        for sort in SORTS:
            if others:
                assert table.key(chosen, sort, chance.choice(others).described.raw.id) is None
            keys = sorted((key_of(one, sort), one.described.raw.id) for one in meant)
            for descending in (False, True) if keys else ():
                ordered = keys[::-1] if descending else keys
                start = chance.randrange(len(ordered))
                at, row_id = ordered[start]
                assert table.key(chosen, sort, row_id) == at
                assert table.in_front(chosen, sort, descending, at, ROWS) == start
                assert table.in_front(chosen, sort, descending, at, 5) == min(start, 6)
        assert [plan for plan in plans if plan[1].startswith(("SCAN queue", "SCAN pending"))] == []


@pytest.mark.parametrize("few", [0, 100_000])
def test_ended_rows_are_found_by_state_and_words(filled: Filled, few: int) -> None:
    tx, known = filled

    for place in PLACES.values():
        for chosen in (
            Selection(place, states=(State.DELIVERED,)),
            Selection(place, states=tuple(State), terms=(Term(("roof",)),)),
            Selection(place, states=(State.DELIVERED, State.DELETED), reasons=("automatic-mail",)),
            Selection(place, states=(State.DELETED,), source="list:n3.example"),
            Selection(place, states=(State.DELETED,), terms=(Term(("lamp",)),), score=Score(">", 1.0)),
            Selection(place, states=tuple(State), score=Score("<", 3.0), unseen_by=7),
            Selection(place, states=(State.DELIVERED,), terms=(Term(("roof",)),), after=NOW + 900 * HOUR),
        ):
            meant = sorted((key_of(one, "arrival"), one.described.raw.id) for one in known if matches(chosen, one))
            plans: list[tuple[str, str]] = []
            table = Watched(tx.connection, few, plans)
            assert table.find(chosen, "arrival", False, None, 60) == meant[:60]
            assert table.count(chosen, ROWS) == len(meant)
            assert [plan for plan in plans if plan[1].startswith("SCAN queue")] == []


@pytest.mark.parametrize("sort", SORTS)
def test_large_lists_are_read_in_their_order_and_not_sorted(filled: Filled, sort: str) -> None:
    tx, _ = filled

    for place in (SITE, LARGE, SMALL):
        plans: list[tuple[str, str]] = []
        table = Watched(tx.connection, 0, plans)
        first = table.find(Selection(place), sort, False, None, 50)
        table.find(Selection(place), sort, False, first[-1][0], 50)
        assert [plan for plan in plans if "TEMP B-TREE" in plan[1]] == []
        # The key's columns are looked for in the index, all of them: deep pages cost what the first one does.
        pages = [detail for query, detail in plans if f"({', '.join(KEYS[sort][-2:])})" in query]
        assert all("age" in detail or "rowid" in detail for detail in pages)


@pytest.mark.parametrize("few", [0, 100_000])
def test_machine_mail_is_grouped_by_its_sources(filled: Filled, few: int) -> None:
    tx, known = filled

    for place in (SITE, LARGE, SEVERAL, USER, TAGGED):
        chosen = Selection(place, lanes=(MACHINE,))
        meant = [one.described for one in known if matches(chosen, one)]
        counts = {source: sum(one.source == source for one in meant) for source in {one.source for one in meant}}
        groups = _Sources(tx.connection, few).groups(chosen, "", 100, 1)
        assert {group.source: group.count for group in groups} == counts
        if not few:
            pages = [
                _Sources(tx.connection, few).groups(chosen, behind, 2, 1) for behind in ("", *sorted(counts)[1::2])
            ]
            assert [group for page in pages for group in page] == groups
        newest = {group.source: group.newest.id for group in groups}
        assert newest == {one.source: max(o.raw.id for o in meant if o.source == one.source) for one in meant}


class _Sources(QueueTable):
    """Rows without their messages, which these have none of."""

    def __init__(self, connection: Connection, few: int) -> None:
        super().__init__(connection, Limits(few, few, few or 40, few or 40, some=2))

    def _row(self, row_id: int, account: int, key: Key) -> Row | None:
        return Row(
            id=row_id, message_id=1, state=State.PENDING, author="", author_name="", sender="", recipient="", subject="",
            size=0, held_at=0, expires_at=0, changed_at=0, reason="", silence="", challenge="", proofs=(), files=(),
            lane="", source="", seen=False, last_reply="", key=key,
        )  # fmt: skip


def test_key_that_does_not_fit_its_sort_is_passed_over(filled: Filled) -> None:
    tx, _ = filled
    for key in (("a", 1), (1,), ("a",), (1.5, "b"), (1, 2, 3)):
        found = tx.queue.find(Selection(SITE), "recipient", False, key, 1)
        assert len(found) == 1


def test_mail_of_many_domains_is_read_in_the_order_of_all(filled: Filled) -> None:
    tx, known = filled
    many = Place(domains=tuple(sorted({"large.example", "d1.example", *(f"n{n}.example" for n in range(60))})))
    for terms in ((), (Term(("roof",)),)):
        chosen = Selection(many, terms=terms)
        plans: list[tuple[str, str]] = []
        table = Watched(tx.connection, 300, plans)
        meant = sorted((key_of(one, "subject"), one.described.raw.id) for one in known if matches(chosen, one))
        assert table.find(chosen, "subject", False, None, 40) == meant[:40]
        assert table.in_front(replace(chosen, has_file=True), "subject", True, meant[9][0], ROWS) is not None
        assert [plan for _, plan in plans if "queue_domain_subject" in plan] == []


def test_mail_of_many_domains_is_found_by_a_recipient_whose_name_is_that_of_a_domain_too(filled: Filled) -> None:
    tx, known = filled
    domains = {"large.example", *(f"d{n}.example" for n in range(5)), *(f"n{n}.example" for n in range(60))}
    chosen = Selection(Place(domains=tuple(sorted(domains))), terms=(Term(("large",), "to"),))
    meant = [one for one in known if matches(chosen, one)]
    to = {one.described.raw.recipient_key for one in meant}
    assert {key for key in to if not key.endswith("@large.example")} == {"large@d3.example"}
    table = Watched(tx.connection, 10, [])
    assert table.count(chosen, ROWS) == len(meant)
    for sort in ("recipient", "arrival"):
        keys = sorted((key_of(one, sort), one.described.raw.id) for one in meant)
        assert table.find(chosen, sort, False, None, len(keys)) == keys
        assert table.in_front(chosen, sort, False, keys[30][0], ROWS) == 30
