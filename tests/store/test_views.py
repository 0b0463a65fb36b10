"""What people look at: filters, pages by key, and strings that mean harm."""

from __future__ import annotations

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.lifecycle import ChallengeState, Event
from gateway.store.store import Store
from gateway.store.views import (
    Filter,
    PendingView,
    content_of,
    list_challenges,
    list_pending,
    show_pending,
)
from tests.store.letters import ANNA, EVIDENCE, JOE, KIM, NOW, keep, message, row

HOSTILE = ["%", "_", "/", "\\", "'", '"', "%%", "/%", "[a-z]", "*", "a'; DROP TABLE pending; --", "\x00", "İ", "🦔"]


async def pages(store: Store, chosen: Filter) -> list[PendingView]:
    return await store.look(lambda tx: list_pending(tx.connection, chosen))


async def test_list_pending_tells_the_newest_first_with_all_there_is_to_see(store: Store) -> None:
    await keep(store, message("first"))
    kept = await keep(store, message("second"), row(KIM), ask=True)
    newest, oldest = await pages(store, Filter())
    assert (newest.subject, oldest.subject) == ("second", "first")
    assert newest == PendingView(
        id=kept.rows[0],
        message_id=kept.message_id,
        state="pending",
        reason="unknown-sender",
        silence="",
        challenge="queued",
        sender="anna@oak.example",
        author="anna@oak.example",
        author_name="Anna Roth",
        recipient="kim@example.org",
        subject="second",
        size=len(message("second").content),
        received_at=NOW,
        expires_at=NOW + 14 * 86_400,
        changed_at=NOW,
        attempts=0,
        due_at=None,
        last_reply="",
        proofs="dkim:oak.example spf:oak.example",
        client="192.0.2.7",
    )
    assert oldest.challenge == ""


async def test_list_pending_filters_by_state_recipient_domain_and_sender(store: Store) -> None:
    eve = Address.of("eve@elm.example")
    await keep(store, message("a"), row(JOE), row(KIM))
    await keep(store, message("b", sender=eve), row(Address.of("x@other.example"), Event.OWE))
    for chosen, subjects in (
        (Filter(state="pending"), ["a", "a"]),
        (Filter(state="released"), ["b"]),
        (Filter(recipient=JOE.key), ["a"]),
        (Filter(recipient="@example.org"), ["a", "a"]),
        (Filter(recipient="@other.example"), ["b"]),
        (Filter(sender=eve.key), ["b"]),
        (Filter(state="pending", sender=eve.key), []),
        (Filter(state="no-such-state"), []),
    ):
        assert [view.subject for view in await pages(store, chosen)] == subjects


async def test_list_pending_pages_by_key_without_gap_or_repeat_while_rows_come_and_go(store: Store) -> None:
    ids = [(await keep(store, message(str(number)))).rows[0] for number in range(25)]
    found: list[int] = []
    before = 0
    while page := await pages(store, Filter(before_id=before, most=10)):
        found += [view.id for view in page]
        before = page[-1].id
        await keep(store, message(f"new {before}"))
    assert found == sorted(ids, reverse=True)


@pytest.mark.parametrize("words", HOSTILE)
async def test_list_pending_search_takes_every_character_as_itself(store: Store, words: str) -> None:
    await keep(store, message("plain subject"))
    subject = f"before {words} after"
    await keep(store, message(subject))
    if words == "\x00":
        words = "before"  # The header reader has made a blank of it.
    assert len(await pages(store, Filter(words=words))) == 1
    assert await pages(store, Filter(words=words + "nowhere")) == []


async def test_list_pending_search_looks_at_subject_author_name_and_sender(store: Store) -> None:
    await keep(store, message("Roof tiles", sender=Address.of("bill@oak.example")))
    for words in ("roof", "TILES", "anna r", "bill@", "oak.example"):
        assert len(await pages(store, Filter(words=words))) == 1
    assert await pages(store, Filter(words="joe@example.org")) == []


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_filters_of_hostile_text_find_nothing_and_break_nothing(store: Store, hostile: str) -> None:
    await keep(store)
    for chosen in (
        Filter(state=hostile),
        Filter(recipient=hostile),
        Filter(recipient="@" + hostile),
        Filter(sender=hostile),
    ):
        assert await pages(store, chosen) == []
    assert len(await pages(store, Filter())) == 1


async def test_show_pending_tells_evidence_and_history(store: Store) -> None:
    kept = await keep(store, message(), ask=True)
    detail = await store.look(lambda tx: show_pending(tx.connection, kept.rows[0]))
    assert detail is not None
    assert detail.evidence == EVIDENCE
    assert [(line.event, line.state, line.actor, line.detail) for line in detail.history] == [
        ("hold", "pending", "service", "unknown-sender")
    ]
    assert detail.content_kept
    assert (detail.mail_id, detail.transaction_id, detail.queue_id) == ("<1@oak.example>", "3fX", "4XyZ")
    assert (detail.client_name, detail.helo, detail.protocol) == ("mx.oak.example", "mx.oak.example", "ESMTPS")
    assert await store.look(lambda tx: show_pending(tx.connection, 999)) is None


async def test_content_of_a_row_is_the_original_octets_until_they_are_gone(store: Store) -> None:
    new = message(body="raw \udcff octets")
    kept = await keep(store, new)
    assert await store.look(lambda tx: content_of(tx.connection, kept.rows[0])) == new.content
    assert await store.look(lambda tx: content_of(tx.connection, 999)) is None
    await store.transact(lambda tx: tx.connection.exec_driver_sql("DELETE FROM content"))
    assert await store.look(lambda tx: content_of(tx.connection, kept.rows[0])) is None
    detail = await store.look(lambda tx: show_pending(tx.connection, kept.rows[0]))
    assert detail is not None
    assert not detail.content_kept


async def test_null_sender_is_shown_as_empty(store: Store) -> None:
    await keep(store, message(sender=NULL_PATH))
    (view,) = await pages(store, Filter())
    assert view.sender == ""


async def test_list_challenges_tells_the_newest_first_in_any_or_one_state(store: Store) -> None:
    kept = [await keep(store, message(str(number)), ask=True) for number in range(3)]
    await store.transact(lambda tx: tx.challenges.move(kept[1].challenge, ChallengeState.WITHHELD, NOW, "over-budget"))
    found = await store.look(lambda tx: list_challenges(tx.connection, "", 2))
    assert [view.id for view in found] == [kept[2].challenge, kept[1].challenge]
    (one,) = await store.look(lambda tx: list_challenges(tx.connection, "withheld", 10))
    assert (one.reason, one.subject, one.sender, one.recipient) == ("over-budget", "1", ANNA.text, JOE.text)
    assert await store.look(lambda tx: list_challenges(tx.connection, "'; --", 10)) == []
