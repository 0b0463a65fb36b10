"""Rows of the pending list follow their mail."""

from __future__ import annotations

import pytest

from gateway.domain.evidence import Proof
from gateway.domain.lifecycle import Event, State
from gateway.domain.query import Term
from gateway.flow.describe import describe
from gateway.flow.queue_ports import LANES, PEOPLE, Place, Selection
from gateway.store.queue import QueueTable
from gateway.store.queue_parts import Limits
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.letters import described, keep, message, move, row

SITE = Place(site=True)


def found(tx: Transaction, *words: str, states: tuple[State, ...] = (State.PENDING,)) -> list[int]:
    chosen = Selection(SITE, states=states, terms=tuple(Term((word,)) for word in words))
    ids = {
        few: [
            row_id
            for _, row_id in QueueTable(tx.connection, Limits(few, few, few)).find(chosen, "arrival", False, None, 9)
        ]
        for few in (0, 99)
    }
    assert ids[0] == ids[99]
    return ids[0]


async def test_row_that_is_moved_leaves_the_words_of_what_waits(store: Store) -> None:
    (roof,), (lamp,) = (await keep(store, message("Roof"))).rows, (await keep(store, message("Lamp"))).rows
    await described(store)
    assert await store.look(lambda tx: found(tx, "roof")) == [roof]
    await store.transact(lambda tx: move(tx, roof, State.RELEASED, Event.DELIVER))
    assert await store.look(lambda tx: found(tx, "roof")) == []
    assert await store.look(lambda tx: found(tx, "roof", states=(State.RELEASED,))) == [roof]
    assert await store.look(found) == [lamp]


async def test_row_moved_before_it_was_described_is_listed_in_its_state(store: Store) -> None:
    (roof,) = (await keep(store, message("Roof"))).rows
    rows = await store.look(lambda tx: tx.descriptions.describe_new(10, 1000, describe))
    await store.transact(lambda tx: move(tx, roof, State.DELETED, Event.DELETE))
    for _ in range(2):  # A second program may have described it too.
        await store.transact(lambda tx: tx.descriptions.put(rows))
    assert await store.look(lambda tx: found(tx, "roof")) == []
    assert await store.look(lambda tx: found(tx, "roof", states=(State.DELETED,))) == [roof]


async def test_row_follows_the_day_its_mail_goes(store: Store) -> None:
    kept = await keep(store, message("Roof"))
    await described(store)
    await store.transact(lambda tx: tx.connection.exec_driver_sql("UPDATE pending SET expires_at = 5"))
    keys = await store.look(lambda tx: tx.queue.find(Selection(SITE), "expiry", False, None, 9))
    assert keys == [((5.0, -kept.rows[0]), kept.rows[0])]


async def test_row_that_is_taken_out_is_taken_out_of_the_words(store: Store) -> None:
    kept = await keep(store, message("Roof"))
    await described(store)
    await store.transact(lambda tx: tx.connection.exec_driver_sql("DELETE FROM queue"))
    integrity = "INSERT INTO waiting_words(waiting_words) VALUES ('integrity-check')"
    await store.transact(lambda tx: tx.connection.exec_driver_sql(integrity))
    hits = "SELECT count(*) FROM waiting_words WHERE waiting_words MATCH 'roof'"
    assert kept.rows
    assert await store.look(lambda tx: tx.connection.exec_driver_sql(hits).scalar()) == 0


async def test_row_shows_what_is_known_of_it_and_who_has_seen_it(store: Store) -> None:
    kept = await keep(store, message("Roof"), row(), ask=True)
    await described(store)
    await store.transact(
        lambda tx: tx.connection.exec_driver_sql("UPDATE message SET proofs = 'arc:x dkim:oak.example'")
    )
    await store.transact(lambda tx: tx.queue.see(7, kept.rows))
    mine = await store.look(lambda tx: tx.queue.one(kept.rows[0], 7))
    other = await store.look(lambda tx: tx.queue.one(kept.rows[0], 8))
    assert mine is not None
    assert other is not None
    assert (mine.seen, other.seen) == (True, False)
    assert (mine.subject, mine.author, mine.challenge, mine.lane) == ("Roof", "anna@oak.example", "queued", PEOPLE)
    assert mine.proofs == (Proof.parse("dkim:oak.example"),)
    assert mine.score is None
    assert await store.look(lambda tx: tx.queue.one(4711, 7)) is None


@pytest.mark.parametrize("lane", LANES)
async def test_store_without_rows_has_pages_without_rows(store: Store, lane: str) -> None:
    chosen = Selection(SITE, (lane,))
    assert await store.look(lambda tx: tx.queue.page(chosen, "arrival", False, None, False, 50, 1)) == []
