from __future__ import annotations

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.reply import Reply
from gateway.relay.recipients import RecipientCache

ANNA, EVE, JO = Address.of("anna@oak.example"), Address.of("eve@evil.example"), Address.of("Jo@Example.org")
TAKEN = Reply(250, "2.1.5", "fine")


def refusal(enhanced: str) -> Reply:
    return Reply(550, enhanced, "no")


def cache(most: int = 100) -> RecipientCache:
    return RecipientCache(taken_seconds=300.0, refused_seconds=60.0, most=most)


def test_cache_nothing_learned_knows_nothing() -> None:
    assert cache().look(ANNA, JO, 0.0) is None


def test_cache_acceptance_counts_for_every_sender_until_it_is_old() -> None:
    known = cache()
    known.learn(ANNA, JO, TAKEN, 0.0)
    assert known.look(EVE, Address.of("jo@EXAMPLE.org"), 299.9) == TAKEN
    assert known.look(ANNA, JO, 300.0) is None
    assert len(known) == 0


@pytest.mark.parametrize("enhanced", ["5.1.1", "5.1.2", "5.1.3", "5.1.6", "5.1.10", "5.2.1", "5.2.2"])
def test_cache_refusal_of_the_mailbox_counts_for_every_sender(enhanced: str) -> None:
    known = cache()
    known.learn(EVE, JO, refusal(enhanced), 0.0)
    assert known.look(ANNA, JO, 59.9) == refusal(enhanced)
    assert known.look(ANNA, JO, 60.0) is None


@pytest.mark.parametrize("enhanced", ["5.7.1", "5.0.0", "5.1.0", "5.1.7", "5.1.8", "5.5.1", "5.4.6"])
def test_cache_refusal_that_may_be_of_the_sender_counts_for_that_sender_only(enhanced: str) -> None:
    known = cache()
    known.learn(EVE, JO, refusal(enhanced), 0.0)
    assert known.look(ANNA, JO, 1.0) is None
    assert known.look(NULL_PATH, JO, 1.0) is None
    assert known.look(EVE, JO, 1.0) == refusal(enhanced)


def test_cache_acceptance_from_others_leaves_the_refusal_of_one_sender() -> None:
    known = cache()
    known.learn(EVE, JO, refusal("5.7.1"), 0.0)
    known.learn(ANNA, JO, TAKEN, 1.0)
    assert known.look(EVE, JO, 2.0) == refusal("5.7.1")
    known.learn(EVE, JO, TAKEN, 3.0)
    assert known.look(EVE, JO, 4.0) == TAKEN


def test_cache_null_sender_refused_closes_the_mailbox_to_nobody_else() -> None:
    known = cache()
    known.learn(NULL_PATH, JO, refusal("5.7.1"), 0.0)
    assert known.look(ANNA, JO, 1.0) is None
    assert known.look(NULL_PATH, JO, 1.0) == refusal("5.7.1")


def test_cache_temporary_refusal_is_not_kept() -> None:
    known = cache()
    known.learn(ANNA, JO, Reply(451, "4.1.1", "later"), 0.0)
    assert known.look(ANNA, JO, 0.0) is None


def test_cache_refusal_after_acceptance_replaces_it() -> None:
    known = cache()
    known.learn(ANNA, JO, TAKEN, 0.0)
    known.learn(ANNA, JO, refusal("5.1.1"), 1.0)
    assert known.look(ANNA, JO, 2.0) == refusal("5.1.1")


def test_cache_full_forgets_the_oldest() -> None:
    known = cache(most=3)
    for i in range(5):
        known.learn(ANNA, Address.of(f"r{i}@example.org"), TAKEN, float(i))
    assert len(known) == 3
    assert known.look(ANNA, Address.of("r1@example.org"), 5.0) is None
    assert known.look(ANNA, Address.of("r4@example.org"), 5.0) == TAKEN
