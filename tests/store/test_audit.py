"""The audit finds every kind of damage one can do to the file."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from sqlalchemy import select

from gateway.domain.lifecycle import Event, State
from gateway.flow.moves import move
from gateway.store.audit import Report
from gateway.store.engine import sqlite_path
from gateway.store.store import Store
from gateway.store.tables import content as content_table
from gateway.store.transaction import Transaction
from tests.store.audited import audited
from tests.store.letters import JOE, KIM, NOW, keep, message, row


async def fill(store: Store) -> None:
    """Put one message of every kind into the store."""
    for number, first in enumerate((Event.HOLD, Event.OWE, Event.DROP)):
        await keep(store, message(str(number)), row(JOE, first), row(KIM, first), ask=first is Event.HOLD)

    def moves(tx: Transaction) -> None:
        (first, *_) = tx.pending.of_message(1)
        move(tx, first, Event.AUTHORIZE, "cli", NOW + 1)
        for row_id in list(tx.pending.claim(NOW + 1, 10, 7, NOW + 99, NOW + 999))[:2]:
            tx.pending.finish(row_id, 7, State.DELIVERED, Event.ACCEPTED, "250", None, NOW + 2)

    await store.transact(moves)


async def test_audit_of_a_sound_store_finds_nothing(store: Store) -> None:
    await fill(store)
    report = await audited(store)
    assert report.faults == []
    assert (report.messages, report.rows, report.challenges) == (3, 6, 1)
    assert report.states == {"pending": 1, "released": 1, "delivered": 2, "blocked": 2}


async def test_audit_of_an_empty_store_finds_nothing(store: Store) -> None:
    assert await audited(store) == Report()


async def test_audit_of_ended_mail_whose_content_is_purged_finds_nothing(store: Store) -> None:
    await fill(store)
    assert await store.transact(lambda tx: tx.pending.purge(NOW + 99, tx.pending.purgeable(NOW + 99, 10))) >= 1
    assert (await audited(store)).faults == []


DAMAGE = {
    "wrong content": ("UPDATE content SET octets = x'00' WHERE message_id = 1", "not what was accepted"),
    "same length, another octet": (
        "UPDATE content SET octets = CAST(replace(CAST(octets AS TEXT), 'Hello', 'Hallo') AS BLOB) WHERE message_id = 1",
        "not what was accepted",
    ),
    "wrong size": ("UPDATE message SET size = size + 1 WHERE id = 1", "not what was accepted"),
    "wrong hash": ("UPDATE message SET sha256 = zeroblob(32) WHERE id = 1", "not what was accepted"),
    "content gone": ("DELETE FROM content WHERE message_id = 1", "content is gone"),
    "rows gone": ("DELETE FROM pending WHERE message_id = 3", "waits for nobody"),
    "one row gone": ("DELETE FROM pending WHERE id = 1", "rows that are not there"),
    "message gone": ("DELETE FROM message WHERE id = 3", "no message"),
    "message gone, reference": ("DELETE FROM message WHERE id = 3", "refers to another"),
    "challenge of nothing": ("UPDATE challenge SET message_id = 99", "refers to another"),
    "state without history": ("UPDATE pending SET state = 'deleted' WHERE id = 2", "but its history ends with pending"),
    "state unknown": ("UPDATE pending SET state = 'lost' WHERE id = 2", "is lost"),
    "history gone": ("DELETE FROM event WHERE pending_id = 2", "history ends with nothing"),
    "last event gone": ("DELETE FROM event WHERE id = (SELECT max(id) FROM event)", "but its history ends with"),
    "first event gone": ("DELETE FROM event WHERE event = 'hold' AND pending_id = 1", "cannot follow"),
    "event unknown": ("UPDATE event SET event = 'vanish' WHERE pending_id = 2", "vanish cannot follow"),
    "event illegal": (
        "UPDATE event SET event = 'accepted' WHERE pending_id = 1 AND event = 'authorize'",
        "cannot follow",
    ),
    "event leads elsewhere": ("UPDATE event SET state_to = 'expired' WHERE pending_id = 2", "led to expired"),
    "event from elsewhere": ("UPDATE event SET state_from = 'expired' WHERE pending_id = 2", "came from expired"),
    "event twice": (
        "INSERT INTO event (at, pending_id, event, state_from, state_to, actor, detail) "
        "SELECT at, pending_id, event, state_from, state_to, actor, detail FROM event WHERE pending_id = 2",
        "cannot follow",
    ),
    "delivered twice": (
        "INSERT INTO event (at, pending_id, event, state_from, state_to, actor, detail) "
        "SELECT at, pending_id, event, state_from, state_to, actor, detail FROM event WHERE event = 'accepted'",
        "accepted cannot follow",
    ),
    "recipient twice": ("UPDATE pending SET recipient_key = 'joe@example.org' WHERE id = 2", "twice for one recipient"),
    "released, but not due": ("UPDATE pending SET due_at = NULL WHERE state = 'released'", "no delivery is due"),
    "queued, but not due": ("UPDATE challenge SET due_at = NULL", "no attempt is due"),
    "sent without a link": ("UPDATE challenge SET state = 'sent'", "no link leads to it"),
}


@pytest.mark.parametrize("damage", DAMAGE)
async def test_audit_finds(store: Store, url: str, damage: str) -> None:
    statement, words = DAMAGE[damage]
    await fill(store)
    assert (await audited(store)).faults == []
    with closing(sqlite3.connect(sqlite_path(url))) as other, other:
        assert other.execute(statement).rowcount > 0
    faults = (await audited(store)).faults
    assert any(words in fault for fault in faults), faults


async def test_audit_of_a_damaged_file_says_so(url: str) -> None:
    store = Store(url)
    await fill(store)
    page = await store.look(
        lambda tx: tx.connection.exec_driver_sql(
            "SELECT rootpage FROM sqlite_master WHERE name = 'list_entry'"
        ).scalar_one()
    )
    size = await store.look(lambda tx: tx.connection.exec_driver_sql("PRAGMA page_size").scalar_one())
    await store.close()
    with sqlite_path(url).open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xff" * size)
    again = Store(url)
    faults = (await audited(again)).faults
    await again.close()
    assert any("damaged" in fault for fault in faults), faults


async def test_audit_tells_its_progress_up_to_the_end(store: Store) -> None:
    for number in range(3):
        await keep(store, message(str(number)))
    told: list[tuple[int, int]] = []
    await audited(store, lambda done, total: told.append((done, total)))
    assert told[-1] == (3, 3)


async def test_audit_reads_more_than_a_page(store: Store) -> None:
    def many(tx: Transaction) -> None:
        for number in range(1203):
            new = message(str(number))
            tx.pending.insert_rows(tx.pending.insert_message(new), new, [row()], None)

    await store.transact(many)
    assert len(await store.look(lambda tx: tx.connection.execute(select(content_table.c.message_id)).all())) == 1203
    report = await audited(store)
    assert (report.messages, report.faults) == (1203, [])
