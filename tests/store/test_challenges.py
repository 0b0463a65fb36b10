"""Challenges, their tokens, caps and leases, and used puzzles."""

from __future__ import annotations

from dataclasses import replace

import pytest
from sqlalchemy import select

from gateway.domain.address import Address
from gateway.domain.challenge import AskHistory, token_hash
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.policy import Scope
from gateway.flow.rows import ChallengeRow
from gateway.store.store import Store
from gateway.store.tables import disowned as disowned_table
from gateway.store.transaction import Transaction
from tests.store.letters import ANNA, DAY, EVIDENCE, HOUR, JOE, KIM, NOW, Kept, challenge_for, keep, message

EVE = Address.of("eve@oak.example")


def claim(tx: Transaction, lease: int, now: float = NOW, most: int = 10) -> list[int]:
    return [row.id for row in tx.challenges.claim(now, most, lease, now + HOUR, now + 4 * HOUR)]


async def get(store: Store, challenge_id: int) -> ChallengeRow:
    row = await store.look(lambda tx: tx.challenges.get(challenge_id))
    assert row is not None
    return row


async def test_challenge_kept_and_read_tells_what_its_page_and_mail_need(store: Store) -> None:
    kept = await keep(store, message("Grüße"), ask=True)
    row = await get(store, kept.challenge)
    assert row == ChallengeRow(
        id=kept.challenge,
        message_id=kept.message_id,
        sender=ANNA,
        recipient=JOE,
        scope=Scope.DOMAIN,
        state=ChallengeState.QUEUED,
        created_at=NOW,
        expires_at=NOW + 14 * DAY,
        attempts=0,
        wrong_answers=0,
        paused_until=None,
        solved_puzzle=None,
        received_at=NOW,
        subject="Grüße",
        mail_id="<1@oak.example>",
        references=("<a@x>", "<b@x>"),
        proofs=EVIDENCE.proofs,
        network="192.0.2.0/24",
    )
    assert await store.look(lambda tx: tx.challenges.get(999)) is None


# --- caps ---


async def ask(store: Store, sender: Address, recipient: Address, at: float) -> Kept:
    kept = await keep(store, message(f"{sender} {at}", sender=sender, at=at))
    await store.transact(
        lambda tx: tx.challenges.insert(challenge_for(kept.message_id, sender=sender, recipient=recipient, at=at))
    )
    return kept


async def history(store: Store, sender: Address = ANNA, recipient: Address = JOE, now: float = NOW) -> AskHistory:
    return await store.look(lambda tx: tx.challenges.history(sender, recipient, now))


async def test_history_of_an_empty_store_is_empty(store: Store) -> None:
    assert await history(store) == AskHistory()


async def test_history_counts_by_sender_domain_recipient_and_in_all_within_the_hour(store: Store) -> None:
    await ask(store, ANNA, JOE, NOW - 3 * DAY)
    await ask(store, ANNA, KIM, NOW - 2 * HOUR)
    await ask(store, EVE, JOE, NOW - 60)
    await ask(store, EVE, KIM, NOW - 50)
    await ask(store, Address.of("x@elm.example"), JOE, NOW - 40)
    assert await history(store) == AskHistory(NOW - 2 * HOUR, None, 2, 2, 3)
    assert await history(store, EVE, KIM) == AskHistory(NOW - 50, None, 2, 1, 3)
    assert await history(store, now=NOW + HOUR) == AskHistory(NOW - 2 * HOUR, None, 0, 0, 0)


async def test_history_leaves_out_what_was_withheld_but_counts_what_failed(store: Store) -> None:
    kept = await keep(store, message(), ask=True)
    await store.transact(lambda tx: tx.challenges.move(kept.challenge, ChallengeState.WITHHELD, NOW, "over-budget"))
    assert await history(store) == AskHistory()
    await store.transact(lambda tx: tx.challenges.move(kept.challenge, ChallengeState.FAILED, NOW, ""))
    assert await history(store) == AskHistory(NOW, None, 1, 1, 1)


async def test_disown_is_remembered_renewed_and_counted(store: Store) -> None:
    await store.transact(lambda tx: tx.challenges.disown(ANNA.key, NOW + DAY))
    await store.transact(lambda tx: tx.challenges.disown(ANNA.key, NOW + 2 * DAY))
    assert (await history(store)).disowned_until == NOW + 2 * DAY
    assert (await history(store, EVE)).disowned_until is None
    assert await store.look(lambda tx: tx.connection.execute(select(disowned_table.c.times)).scalar()) == 2


# --- tokens ---


async def test_every_token_that_was_sent_leads_to_its_challenge(store: Store) -> None:
    kept = await keep(store, ask=True)
    other = await keep(store, message("b"), ask=True)
    await store.transact(lambda tx: claim(tx, 1))
    hashes = [token_hash(token) for token in ("a", "b")]
    minted = await store.transact(lambda tx: [tx.challenges.mint(kept.challenge, 1, one) for one in hashes])
    assert minted == [True, True]
    found = await store.look(lambda tx: [tx.challenges.by_token(one) for one in hashes])
    assert [one and one.id for one in found] == [kept.challenge] * 2
    assert kept.challenge != other.challenge
    assert await store.look(lambda tx: tx.challenges.by_token(token_hash("c"))) is None
    assert await store.look(lambda tx: tx.challenges.by_token(b"a")) is None


async def test_mint_without_the_lease_keeps_nothing(store: Store) -> None:
    kept = await keep(store, ask=True)
    assert not await store.transact(lambda tx: tx.challenges.mint(kept.challenge, 1, token_hash("a")))
    assert await store.look(lambda tx: tx.challenges.by_token(token_hash("a"))) is None


async def test_answered_challenge_is_found_by_its_status_token_alone(store: Store) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: tx.challenges.answered(kept.challenge, b"p" * 16, token_hash("s"), "image", NOW))
    found = await store.look(lambda tx: tx.challenges.by_status(token_hash("s")))
    assert found is not None
    assert (found.id, found.state, found.solved_puzzle) == (kept.challenge, ChallengeState.ANSWERED, b"p" * 16)
    assert await store.look(lambda tx: tx.challenges.by_status(token_hash("x"))) is None
    assert await store.look(lambda tx: tx.challenges.by_token(token_hash("s"))) is None


async def test_wrong_answers_are_kept(store: Store) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: tx.challenges.wrong(kept.challenge, 3, NOW + 60))
    row = await get(store, kept.challenge)
    assert (row.wrong_answers, row.paused_until) == (3, NOW + 60)


async def test_puzzle_is_spent_once_until_it_is_forgotten(store: Store) -> None:
    assert await store.transact(lambda tx: tx.challenges.spend(b"p" * 16, NOW))
    assert not await store.transact(lambda tx: tx.challenges.spend(b"p" * 16, NOW + 1))
    await store.transact(lambda tx: tx.challenges.forget_puzzles(NOW))
    assert not await store.transact(lambda tx: tx.challenges.spend(b"p" * 16, NOW + 1))
    await store.transact(lambda tx: tx.challenges.forget_puzzles(NOW + 1))
    assert await store.transact(lambda tx: tx.challenges.spend(b"p" * 16, NOW + 2))


# --- the worker ---


async def test_claim_gives_a_challenge_to_one_worker_until_its_lease_ends(store: Store) -> None:
    kept = await keep(store, ask=True)
    assert await store.transact(lambda tx: claim(tx, 1, NOW - 1)) == []
    assert await store.transact(lambda tx: claim(tx, 1)) == [kept.challenge]
    assert await store.transact(lambda tx: claim(tx, 2, NOW + HOUR)) == []
    assert await store.transact(lambda tx: claim(tx, 2, NOW + HOUR + 1)) == [kept.challenge]


async def test_claim_after_a_clock_set_back_takes_what_seems_far_away(store: Store) -> None:
    kept = await keep(store, ask=True)
    assert await store.transact(lambda tx: claim(tx, 1, NOW - 100 * DAY)) == [kept.challenge]
    assert await store.transact(lambda tx: claim(tx, 2, NOW - 400 * DAY)) == [kept.challenge]


def finish(tx: Transaction, challenge_id: int, lease: int, to: ChallengeState, due_at: float | None = None) -> bool:
    return tx.challenges.finish(challenge_id, lease, to, "250 OK", due_at, "<c@gw>", NOW + 5)


async def test_stalled_worker_cannot_save_mint_or_undo_an_answer(store: Store) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: claim(tx, 1))
    await store.transact(lambda tx: tx.challenges.answered(kept.challenge, b"p" * 16, token_hash("s"), "image", NOW))
    assert not await store.transact(lambda tx: finish(tx, kept.challenge, 1, ChallengeState.SENT))
    assert not await store.transact(lambda tx: tx.challenges.mint(kept.challenge, 1, token_hash("a")))
    assert (await get(store, kept.challenge)).state is ChallengeState.ANSWERED
    assert await store.transact(lambda tx: claim(tx, 2, NOW + DAY)) == []


async def test_finish_saves_once(store: Store) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: claim(tx, 1))
    assert await store.transact(lambda tx: finish(tx, kept.challenge, 1, ChallengeState.QUEUED, NOW + 120))
    assert not await store.transact(lambda tx: finish(tx, kept.challenge, 1, ChallengeState.SENT))
    row = await get(store, kept.challenge)
    assert (row.state, row.attempts) == (ChallengeState.QUEUED, 1)
    assert await store.transact(lambda tx: claim(tx, 2, NOW + 119)) == []
    assert await store.transact(lambda tx: claim(tx, 2, NOW + 120)) == [kept.challenge]


@pytest.mark.parametrize("state", [ChallengeState.QUEUED, ChallengeState.SENT])
async def test_expire_closes_what_nobody_answered_in_time(store: Store, state: ChallengeState) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: tx.challenges.move(kept.challenge, state, NOW, ""))
    assert await store.transact(lambda tx: tx.challenges.expire(NOW + 14 * DAY - 1, 10)) == 0
    assert await store.transact(lambda tx: tx.challenges.expire(NOW + 14 * DAY, 10)) == 1
    assert (await get(store, kept.challenge)).state is ChallengeState.EXPIRED


async def test_expire_leaves_answered_challenges_alone(store: Store) -> None:
    kept = await keep(store, ask=True)
    await store.transact(lambda tx: tx.challenges.answered(kept.challenge, b"p" * 16, token_hash("s"), "image", NOW))
    assert await store.transact(lambda tx: tx.challenges.expire(NOW + 99 * DAY, 10)) == 0


async def test_challenge_of_an_unproven_mail_has_no_proofs(store: Store) -> None:
    kept = await keep(store, replace(message(), evidence=replace(EVIDENCE, proofs=()), network=""), ask=True)
    row = await get(store, kept.challenge)
    assert (row.proofs, row.network) == ((), "")
