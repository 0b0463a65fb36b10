"""One row with all that is known of it."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from gateway.domain.lifecycle import Event, State
from gateway.flow.describe import Described, Raw, describe
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from tests.store.audited import audited
from tests.store.letters import EVIDENCE, HOUR, NOW, keep, message


async def test_held_row_bears_what_is_known_of_it(store: Store) -> None:
    new = message("Roof")
    kept = await keep(store, new, ask=True)
    held = await store.look(lambda tx: tx.reading.held(kept.rows[0]))
    assert held is not None
    assert (held.subject, held.state, held.evidence, held.sha256) == ("Roof", State.PENDING, EVIDENCE, new.sha256)
    assert [one.event for one in held.history] == ["hold"]
    assert held.content_kept
    assert held.asked is not None
    assert held.asked.state == "queued"
    content = await store.look(lambda tx: tx.reading.content(kept.rows[0]))
    assert content is not None
    assert (content.row_id, content.message_id, content.octets) == (kept.rows[0], kept.message_id, new.content)


async def test_row_without_challenge_or_content_says_so(store: Store) -> None:
    kept = await keep(store)
    purged = NOW + 40 * 24 * HOUR

    def end(tx: Transaction) -> None:
        row = tx.pending.get(kept.rows[0])
        assert row is not None
        tx.pending.move(row, State.DELETED, Event.DELETE, "joe", NOW, "")
        tx.pending.purge(purged, tx.pending.purgeable(purged, 10))

    await store.transact(end)
    held = await store.look(lambda tx: tx.reading.held(kept.rows[0]))
    assert held is not None
    assert (held.asked, held.content_kept, held.state) == (None, False, State.DELETED)
    assert await store.look(lambda tx: tx.reading.content(kept.rows[0])) is None


async def test_mail_of_no_octets_is_described_as_any_other(store: Store) -> None:
    kept = await keep(store, replace(message(), content=b"", sha256=sha256().digest()))
    seen: list[bytes] = []

    def noted(raw: Raw, octets: bytes) -> Described:
        seen.append(octets)
        return describe(raw, octets)

    await store.look(lambda tx: tx.descriptions.describe_new(10, 1000, noted))
    assert seen == [b""]
    assert await store.look(lambda tx: tx.reading.head(kept.message_id, 10)) == b""


async def test_row_that_is_not_there_is_none(store: Store) -> None:
    assert await store.look(lambda tx: tx.reading.held(7)) is None
    assert await store.look(lambda tx: tx.reading.content(7)) is None
    assert not await store.transact(lambda tx: tx.reading.note_forward(7, "joe", "", NOW))


async def test_note_of_a_forward_is_a_line_of_the_history_that_the_audit_takes(store: Store) -> None:
    kept = await keep(store, replace(message()))
    assert await store.transact(lambda tx: tx.reading.note_forward(kept.rows[0], "joe", "to lab@x.example", NOW + 1))
    held = await store.look(lambda tx: tx.reading.held(kept.rows[0]))
    assert held is not None
    assert [(one.event, one.actor, one.detail) for one in held.history][1] == ("forward", "joe", "to lab@x.example")
    assert held.state is State.PENDING
    report = await audited(store)
    assert report.faults == []
