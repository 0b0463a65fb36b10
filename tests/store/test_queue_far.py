"""Mail that lies together in the middle of an order is found wherever the page begins, and wherever one of them strays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from gateway.domain.query import Term
from gateway.flow.describe import Raw, describe
from gateway.flow.queue_ports import Key, Place, Selection
from gateway.store.descriptions import PUT, values_of
from gateway.store.engine import open_engine
from gateway.store.queue import QueueTable
from gateway.store.queue_parts import Limits
from gateway.store.schema import create
from gateway.store.transaction import Transaction
from tests.store.letters import NOW, message

ROWS = 2000
TOGETHER = range(800, 1000)
"""Places in the order by sender."""
PLACES = {
    "site": Place(site=True),
    "domain": Place(domains=("large.example",)),
    "domains": Place(domains=("large.example", "d1.example", "d2.example")),
}
STRAYS = {"together": (), "one in front": (7,), "one behind": (1990,), "some on both sides": (7, 300, 1500, 1990)}


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Transaction]:
    url = f"sqlite:///{tmp_path_factory.mktemp('queue')}/gateway.db"
    create(url)
    engine = open_engine(url, writing=True)
    with engine.connect() as connection, connection.begin():
        assert Transaction(connection).pending.insert_message(message()) == 1
        cursor = connection.connection.cursor()
        for row_id in range(1, ROWS + 1):
            raw = _raw(row_id)
            cursor.execute(
                "INSERT INTO pending (id, message_id, recipient, recipient_key, recipient_domain, notify, orcpt, sender_key,"
                " state, reason, silence, held_at, expires_at, changed_at, as_spam, attempts, last_reply, source)"
                " VALUES (?, 1, '', ?, '', '', '', '', 'pending', '', '', ?, 0, 0, 0, 0, '', '')",
                (row_id, raw.recipient_key, raw.held_at),
            )
            cursor.execute(PUT, values_of(describe(raw, b"\r\n")))
        yield Transaction(connection)
    engine.dispose()


def _raw(row_id: int) -> Raw:
    # By sender they stand in quite another order than by arrival.
    place = row_id * 777 % ROWS
    domain = "large.example" if row_id % 5 else f"d{row_id % 3}.example"
    sender = f"a{place:04}@oak.example"
    texts = [name.replace(" ", "") for name, strays in STRAYS.items() if place in TOGETHER or place in strays]
    source = "list:n.example" if row_id % 3 == 0 else ""
    return Raw(
        row_id, f"joe@{domain}", sender, sender, sender, "", " ".join(texts), 1, "unknown-sender", NOW + row_id, NOW, source,
        None,
    )  # fmt: skip


def found(table: QueueTable, chosen: Selection, descending: bool, start: Key | None) -> list[int]:
    return [row_id for _, row_id in table.find(chosen, "sender", descending, start, 20)]


@pytest.mark.parametrize(("place", "many"), [*((place, 50) for place in PLACES), ("domains", 3)])
@pytest.mark.parametrize("stray", STRAYS)
def test_page_begins_anywhere_and_shows_what_is_next(filled: Transaction, stray: str, place: str, many: int) -> None:
    whole = Selection(PLACES[place])
    chosen = Selection(PLACES[place], terms=(Term((stray.replace(" ", ""),), "subject"),))
    table = QueueTable(filled.connection, Limits(few=0, hits=50, walked=40, glanced=40, some=min(many, 8), many=many))
    order = QueueTable(filled.connection).find(whole, "sender", False, None, ROWS)
    meant = {row_id for _, row_id in QueueTable(filled.connection).find(chosen, "sender", False, None, ROWS)}
    assert len(meant) > 50
    for at in (None, 0, 5, 6, 100, 400, 600, 799, 850, 1100, 1400, 1599):
        if at is None or at < len(order):
            start = None if at is None else order[at][0]
            behind = [row_id for _, row_id in order[0 if at is None else at + 1 :] if row_id in meant]
            front = [row_id for _, row_id in (order if at is None else order[:at]) if row_id in meant]
            assert found(table, chosen, False, start) == behind[:20]
            assert found(table, chosen, True, start) == front[::-1][:20]


def test_mail_that_lies_together_is_found_without_reading_all_in_front_of_it(filled: Transaction) -> None:
    driver, steps = filled.connection.connection.driver_connection, dict.fromkeys(("together", "someonbothsides"), 0)
    assert driver is not None
    for word in steps:

        def count_up(word: str = word) -> int:
            steps[word] += 1
            return 0

        chosen = Selection(PLACES["site"], terms=(Term((word,), "subject"),))
        table = QueueTable(filled.connection, Limits(few=0, hits=50, walked=40, glanced=40))
        driver.set_progress_handler(count_up, 10)
        # From behind the mail of the strays in front, so that both find the same.
        page = table.find(chosen, "sender", False, ("a0310 oak example", 0), 20)
        driver.set_progress_handler(None, 10)
        assert len(page) == 20
    assert steps["together"] < 0.8 * steps["someonbothsides"]


@pytest.mark.parametrize("sort", ["arrival", "sender"])
@pytest.mark.parametrize("days", [(0, ROWS + 1), (300, 1701)])
@pytest.mark.parametrize(
    ("term", "frequent"),
    [
        (Term(("a0",), "from"), True),
        (Term(("together",), "subject"), False),
        (Term(("large",)), True),
        (Term(("large", "exa"), "to"), True),
    ],
)
def test_words_frequent_elsewhere_are_found_in_small_domains_without_those_of_others(
    filled: Transaction, term: Term, frequent: bool, days: tuple[int, int], sort: str
) -> None:
    place = Place(domains=("d0.example", "d1.example", "d2.example"))
    chosen = Selection(place, terms=(term,), after=NOW + days[0], before=NOW + days[1])
    meant = QueueTable(filled.connection).find(chosen, sort, False, None, ROWS)
    there = [raw for raw in map(_raw, range(5, ROWS + 1, 5)) if days[0] <= raw.id < days[1]]
    texts = [raw.subject if term.field == "subject" else raw.sender_key for raw in there]
    assert len(meant) == sum(term.words[0] in text for text in texts)
    table = QueueTable(filled.connection, Limits(few=0, hits=5, walked=40, glanced=40, some=3, many=3))
    driver, asked = filled.connection.connection.driver_connection, list[str]()
    assert driver is not None
    driver.set_trace_callback(asked.append)
    assert table.count(chosen, ROWS) == len(meant)
    for at in range(-1, len(meant), 30):
        start = None if at < 0 else meant[at][0]
        front = meant if at < 0 else meant[:at]
        assert table.find(chosen, sort, False, start, 20) == meant[at + 1 : at + 21]
        assert table.find(chosen, sort, True, start, 20) == front[::-1][:20]
    driver.set_trace_callback(None)
    assert any("NOT (marks : dlargez2ezexample)" in one for one in asked) is frequent
