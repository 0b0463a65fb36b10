"""Messages, their rows, leases and purge."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import select, update

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.lifecycle import Event, State
from gateway.flow.moves import move
from gateway.flow.rows import Progress
from gateway.store.engine import sqlite_path
from gateway.store.store import Store
from gateway.store.tables import content as content_table
from gateway.store.tables import event as event_table
from gateway.store.tables import pending as pending_table
from gateway.store.transaction import Transaction
from tests.store.letters import ANNA, DAY, EVIDENCE, HOUR, JOE, KIM, NOW, keep, keep_in, message, row

LATEST = NOW + 2 * HOUR


def claim(tx: Transaction, lease: int, now: float = NOW, most: int = 10) -> list[int]:
    return list(tx.pending.claim(now, most, lease, now + HOUR, now + 2 * HOUR))


def finish(tx: Transaction, row_id: int, lease: int, to: State = State.DELIVERED, due_at: float | None = None) -> bool:
    happened = {State.DELIVERED: Event.ACCEPTED, State.REFUSED: Event.REFUSED}.get(to)
    return tx.pending.finish(row_id, lease, to, happened, "250 2.0.0 OK", due_at, NOW + 5)


async def owed_row(store: Store, subject: str = "Hi") -> int:
    kept = await keep(store, message(subject), row(event=Event.OWE))
    return kept.rows[0]


async def state_of(store: Store, row_id: int) -> State:
    found = await store.look(lambda tx: tx.pending.get(row_id))
    assert found is not None
    return found.state


async def history(store: Store, row_id: int) -> list[tuple[str, str, str]]:
    query = select(event_table.c.event, event_table.c.state_from, event_table.c.state_to)
    ordered = query.where(event_table.c.pending_id == row_id).order_by(event_table.c.id)
    return await store.look(lambda tx: [(e, f, t) for e, f, t in tx.connection.execute(ordered)])


async def test_message_kept_and_read_is_what_was_received(store: Store) -> None:
    new = message("Grüße \u2603", body="x" * 300_000)
    kept = await keep(store, new, row(event=Event.OWE))
    await store.transact(lambda tx: claim(tx, 7))
    owed = await store.look(lambda tx: tx.pending.owed(kept.rows[0], 7))
    assert owed is not None
    assert owed.content == new.content
    assert owed.trace == new.trace
    assert owed.cuts == new.cuts
    assert owed.envelope.reverse_path == ANNA
    (recipient,) = owed.envelope.recipients
    assert (recipient.address, recipient.notify, recipient.orcpt) == (JOE, "FAILURE", "rfc822;joe")
    assert (owed.envelope.body_8bit, owed.envelope.smtputf8) == (True, False)
    assert (owed.envelope.ret, owed.envelope.envid) == ("FULL", "env+2Bid")
    assert (owed.attempts, owed.due_since, owed.as_spam, owed.days) == (0, NOW, False, 0.0)


@pytest.mark.parametrize(
    ("first", "state", "events"),
    [
        (Event.HOLD, State.PENDING, ("hold", "", "pending")),
        (Event.OWE, State.RELEASED, ("owe", "", "released")),
        (Event.DROP, State.BLOCKED, ("drop", "", "blocked")),
    ],
)
async def test_row_begins_in_its_first_state_with_its_first_event(
    store: Store, first: Event, state: State, events: tuple[str, str, str]
) -> None:
    kept = await keep(store, message(), row(event=first), ask=True)
    assert await state_of(store, kept.rows[0]) is state
    assert await history(store, kept.rows[0]) == [events]
    tied = await store.look(lambda tx: tx.connection.execute(select(pending_table.c.challenge_id)).scalar())
    assert tied == (kept.challenge if state is State.PENDING else None)


async def test_row_of_a_hostile_sender_is_kept_as_it_is(store: Store) -> None:
    sender = Address.of("a';drop--@x.example")
    kept = await keep(store, message("'; DROP TABLE pending; --\x00", sender=sender))
    waiting = await store.look(lambda tx: tx.pending.waiting_from(sender.key))
    assert [one.id for one in waiting] == kept.rows
    assert waiting[0].proofs == EVIDENCE.proofs


async def test_find_retry_knows_the_same_message_within_the_window_only(store: Store) -> None:
    new = message()
    await keep(store, new, row(JOE), row(KIM, Event.OWE))
    found = await store.look(lambda tx: [tx.pending.find_retry(new.key, NOW + since) for since in (-1, 0, 1)])
    assert found == [{JOE.key: State.PENDING, KIM.key: State.RELEASED}, {}, {}]
    assert await store.look(lambda tx: tx.pending.find_retry(b"other" * 6, 0.0)) == {}


async def test_find_retry_tells_the_newest_row_of_a_recipient(store: Store) -> None:
    new = message()
    await keep(store, new, row(event=Event.DROP))
    await keep(store, new, row(event=Event.HOLD))
    assert await store.look(lambda tx: tx.pending.find_retry(new.key, 0.0)) == {JOE.key: State.PENDING}


async def test_waiting_from_tells_rows_that_wait_alone(store: Store) -> None:
    held = await keep(store, message("a"))
    await keep(store, message("b"), row(event=Event.OWE))
    await keep(store, message("c", sender=Address.of("eve@evil.example")))
    await keep(store, message("d", sender=NULL_PATH))
    assert [one.id for one in await store.look(lambda tx: tx.pending.waiting_from(ANNA.key))] == held.rows
    assert await store.look(lambda tx: tx.pending.waiting_from("")) == []


async def test_of_message_and_get_tell_rows_and_nothing_for_what_is_not_there(store: Store) -> None:
    kept = await keep(store, message(), row(JOE), row(KIM))
    assert [one.recipient for one in await store.look(lambda tx: tx.pending.of_message(kept.message_id))] == [JOE, KIM]
    assert await store.look(lambda tx: tx.pending.of_message(999)) == []
    assert await store.look(lambda tx: tx.pending.get(999)) is None


async def test_move_compares_and_saves(store: Store) -> None:
    kept = await keep(store)
    read = await store.look(lambda tx: tx.pending.get(kept.rows[0]))
    assert read is not None
    first = await store.transact(lambda tx: tx.pending.move(read, State.DELETED, Event.DELETE, "cli", NOW, "by hand"))
    second = await store.transact(lambda tx: tx.pending.move(read, State.RELEASED, Event.AUTHORIZE, "cli", NOW, ""))
    assert (first, second) == (True, False)
    assert await state_of(store, kept.rows[0]) is State.DELETED
    assert await history(store, kept.rows[0]) == [("hold", "", "pending"), ("delete", "pending", "deleted")]


async def test_move_of_an_event_that_changes_nothing_leaves_no_trace(store: Store) -> None:
    row_id = await owed_row(store)

    def again(tx: Transaction) -> State:
        read = tx.pending.get(row_id)
        assert read is not None
        return move(tx, read, Event.AUTHORIZE, "cli", NOW)

    assert await store.transact(again) is State.RELEASED
    assert len(await history(store, row_id)) == 1


async def test_expired_tells_rows_whose_time_is_over_the_oldest_first(store: Store) -> None:
    late = await keep(store, message("late"), row(days=2))
    soon = await keep(store, message("soon"), row(days=1))
    await keep(store, message("owed"), row(event=Event.OWE, days=0))

    async def expired(at: float, most: int) -> list[int]:
        return [one.id for one in await store.look(lambda tx: tx.pending.expired(at, most))]

    for at, most, ids in (
        (NOW + DAY - 1, 10, []),
        (NOW + DAY, 10, soon.rows),
        (NOW + 3 * DAY, 10, soon.rows + late.rows),
        (NOW + 3 * DAY, 1, soon.rows),
    ):
        assert await expired(at, most) == ids


# --- leases ---


async def test_claim_gives_a_row_to_one_worker_until_its_lease_ends(store: Store) -> None:
    row_id = await owed_row(store)
    assert await store.transact(lambda tx: claim(tx, 1)) == [row_id]
    assert await store.transact(lambda tx: claim(tx, 2)) == []
    assert await store.transact(lambda tx: claim(tx, 2, NOW + HOUR)) == []
    assert await store.transact(lambda tx: claim(tx, 2, NOW + HOUR + 1)) == [row_id]


async def test_stalled_worker_that_comes_back_cannot_save(store: Store) -> None:
    row_id = await owed_row(store)
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: claim(tx, 2, NOW + HOUR + 1))
    assert await store.look(lambda tx: tx.pending.owed(row_id, 1)) is None
    assert not await store.transact(lambda tx: finish(tx, row_id, 1))
    assert await state_of(store, row_id) is State.RELEASED
    assert await store.transact(lambda tx: finish(tx, row_id, 2))
    assert not await store.transact(lambda tx: finish(tx, row_id, 2, State.REFUSED))
    assert await history(store, row_id) == [("owe", "", "released"), ("accepted", "released", "delivered")]


async def test_claim_takes_what_is_due_up_to_as_many_as_asked_for(store: Store) -> None:
    ids = [await owed_row(store, str(number)) for number in range(5)]
    assert await store.transact(lambda tx: claim(tx, 1, NOW - 1)) == []
    assert await store.transact(lambda tx: claim(tx, 1, most=3)) == ids[:3]
    assert await store.transact(lambda tx: claim(tx, 2, most=3)) == ids[3:]


async def test_claimed_row_that_is_put_off_is_due_later_and_was_not_attempted(store: Store) -> None:
    row_id, other = await owed_row(store), await owed_row(store, "other")
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: tx.pending.put_off([row_id], 2, NOW + 9))
    assert await store.look(lambda tx: tx.pending.owed(row_id, 1)) is not None
    await store.transact(lambda tx: tx.pending.put_off([row_id], 1, NOW + 9))
    assert await store.transact(lambda tx: claim(tx, 3, NOW + 8)) == []
    assert await store.transact(lambda tx: claim(tx, 3, NOW + 9)) == [row_id]
    owed = await store.look(lambda tx: tx.pending.owed(row_id, 3))
    assert owed is not None
    assert owed.attempts == 0
    assert await store.look(lambda tx: tx.pending.owed(other, 1)) is not None


async def test_claim_after_a_clock_set_back_takes_what_seems_due_in_a_far_future(store: Store) -> None:
    row_id = await owed_row(store)
    back = NOW - 300 * DAY
    assert await store.transact(lambda tx: claim(tx, 1, back)) == [row_id]


async def test_claim_after_a_clock_set_back_ends_a_lease_that_seems_to_last_for_ever(store: Store) -> None:
    row_id = await owed_row(store)
    await store.transact(lambda tx: claim(tx, 1))
    assert await store.transact(lambda tx: claim(tx, 2, NOW - 300 * DAY)) == [row_id]


async def test_claims_of_many_workers_at_once_never_share_a_row(store: Store) -> None:
    ids = {await owed_row(store, str(number)) for number in range(40)}

    async def claimed(lease: int) -> list[int]:
        return await store.transact(lambda tx: claim(tx, lease, most=7))

    taken = await asyncio.gather(*map(claimed, range(1, 10)))
    flat = [row_id for batch in taken for row_id in batch]
    assert len(flat) == len(set(flat))
    assert set(flat) == ids


async def test_finish_of_a_deferral_keeps_the_row_and_counts(store: Store) -> None:
    row_id = await owed_row(store)
    await store.transact(lambda tx: claim(tx, 1))
    assert await store.transact(lambda tx: finish(tx, row_id, 1, State.RELEASED, NOW + 60))
    assert await store.transact(lambda tx: claim(tx, 2, NOW + 59)) == []
    assert await store.transact(lambda tx: claim(tx, 2, NOW + 60)) == [row_id]
    owed = await store.look(lambda tx: tx.pending.owed(row_id, 2))
    assert owed is not None
    assert (owed.attempts, owed.due_since) == (1, NOW)
    assert len(await history(store, row_id)) == 1


async def test_release_by_hand_takes_the_row_from_the_worker_that_has_it(store: Store) -> None:
    row_id = await owed_row(store)
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: finish(tx, row_id, 1, State.REFUSED))

    def again(tx: Transaction) -> None:
        read = tx.pending.get(row_id)
        assert read is not None
        move(tx, read, Event.DELIVER, "cli", NOW + 10)

    await store.transact(again)
    assert not await store.transact(lambda tx: finish(tx, row_id, 1))
    assert await store.transact(lambda tx: claim(tx, 2, NOW + 10)) == [row_id]


async def test_owed_of_a_row_whose_content_is_gone_is_nothing(store: Store) -> None:
    row_id = await owed_row(store)
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: tx.connection.execute(content_table.delete()))
    assert await store.look(lambda tx: tx.pending.owed(row_id, 1)) is None


async def test_mark_as_spam_and_days_waited_reach_the_delivery(store: Store) -> None:
    kept = await keep(store)

    def expire(tx: Transaction) -> None:
        read = tx.pending.get(kept.rows[0])
        assert read is not None
        tx.pending.mark_as_spam(read.id)
        move(tx, read, Event.EXPIRE_AS_SPAM, "service", NOW + 14 * DAY)

    await store.transact(expire)
    await store.transact(lambda tx: claim(tx, 1, NOW + 14 * DAY))
    owed = await store.look(lambda tx: tx.pending.owed(kept.rows[0], 1))
    assert owed is not None
    assert (owed.as_spam, owed.days) == (True, 14.0)


# --- challenges of rows ---


async def test_silence_is_noted_with_the_rows_of_the_challenge(store: Store) -> None:
    kept = await keep(store, message(), row(JOE), row(KIM), ask=True)
    other = await keep(store, message("b"))
    await store.transact(lambda tx: tx.pending.silence(kept.challenge, "challenge-undeliverable"))
    found = await store.look(
        lambda tx: dict(tx.connection.execute(select(pending_table.c.id, pending_table.c.silence)).all())
    )
    assert found == {**dict.fromkeys(kept.rows, "challenge-undeliverable"), other.rows[0]: ""}


async def test_of_challenge_tells_every_mail_tied_to_it(store: Store) -> None:
    kept = await keep(store, message(), ask=True)
    other = await keep(store, message("b"), row(KIM))
    await store.transact(lambda tx: tx.pending.tie(other.rows[0], kept.challenge))
    assert await store.look(lambda tx: tx.pending.of_challenge(kept.challenge)) == [
        Progress(address.text, "example.org", NOW, State.PENDING, NOW, NOW + 14 * DAY) for address in (JOE, KIM)
    ]
    assert await store.look(lambda tx: tx.pending.of_challenge(999)) == []


# --- purge ---


async def end(store: Store, row_id: int, happened: Event, now: float) -> None:
    def work(tx: Transaction) -> None:
        read = tx.pending.get(row_id)
        assert read is not None
        move(tx, read, happened, "cli", now)

    await store.transact(work)


async def contents(store: Store) -> set[int]:
    return await store.look(lambda tx: set(tx.connection.execute(select(content_table.c.message_id)).scalars()))


async def test_purge_forgets_content_of_messages_all_of_whose_rows_ended_before(store: Store) -> None:
    ended = await keep(store, message("a"))
    half = await keep(store, message("b"), row(JOE), row(KIM))
    fresh = await keep(store, message("c"))
    waiting = await keep(store, message("d"))
    refused = await owed_row(store, "e")
    for row_id, at in ((ended.rows[0], NOW + 1), (half.rows[0], NOW + 1), (fresh.rows[0], NOW + 100)):
        await end(store, row_id, Event.DELETE, at)
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: finish(tx, refused, 1, State.REFUSED))
    before = await contents(store)
    assert await store.transact(lambda tx: tx.pending.purge(NOW + 50, tx.pending.purgeable(NOW + 50, 10))) == 1
    assert await contents(store) == before - {ended.message_id}
    assert await state_of(store, ended.rows[0]) is State.DELETED  # The row stays, for the audit.
    assert await store.transact(lambda tx: tx.pending.purge(NOW + 50, tx.pending.purgeable(NOW + 50, 10))) == 0
    assert waiting.message_id in await contents(store)


async def test_purge_takes_no_more_than_asked_for(store: Store) -> None:
    for number in range(5):
        kept = await keep(store, message(str(number)))
        await end(store, kept.rows[0], Event.DELETE, NOW)
    assert [
        await store.transact(lambda tx: tx.pending.purge(NOW + 1, tx.pending.purgeable(NOW + 1, 2))) for _ in range(4)
    ] == [2, 2, 1, 0]


async def test_purge_gives_the_space_back_to_the_file_system(store: Store, url: str) -> None:
    for number in range(8):
        kept = await keep(store, message(str(number), body="x" * 1_000_000))
        await end(store, kept.rows[0], Event.DELETE, NOW)

    def size(tx: Transaction) -> int:
        pages = tx.connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        return int(pages * tx.connection.exec_driver_sql("PRAGMA page_size").scalar_one())

    full = await store.look(size)
    assert await store.transact(lambda tx: tx.pending.purge(NOW + 1, tx.pending.purgeable(NOW + 1, 100))) == 8
    await store.sign_of_life(NOW)
    assert await store.look(size) < full / 8
    await store.close()
    assert sqlite_path(url).stat().st_size < full / 8


async def test_message_whose_key_repeats_is_kept_twice(store: Store) -> None:
    # The key finds a retry; whether it is one is the flow's to say.
    new = message()
    one, two = await keep(store, new), await keep(store, replace(new, received_at=NOW + 2 * DAY))
    assert one.message_id != two.message_id


async def test_whole_write_of_a_held_mail_is_one_transaction(store: Store) -> None:
    def fails_late(tx: Transaction) -> None:
        keep_in(tx, message(), [row()], ask=True)
        tx.connection.execute(update(pending_table).values(state=None))  # NOT NULL.

    with pytest.raises(Exception, match="NOT NULL"):
        await store.transact(fails_late)
    assert await contents(store) == set()
