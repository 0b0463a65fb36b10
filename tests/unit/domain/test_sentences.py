from __future__ import annotations

import pytest

from gateway.domain.challenge import Silence
from gateway.domain.evidence import Method, Proof
from gateway.domain.lifecycle import ChallengeState, State
from gateway.domain.policy import Reason
from gateway.domain.reply import NEXT_HOP_DOWN
from gateway.domain.sentences import (
    STATES,
    answer_of,
    challenge_sentence,
    days_left,
    proof_sentence,
    reason_sentence,
    short_challenge,
    short_reason,
)

DAY = 86_400.0


@pytest.mark.parametrize("reason", Reason)
def test_each_reason_has_words_short_and_whole(reason: Reason) -> None:
    assert reason_sentence(reason.value).endswith(".")
    assert 0 < len(short_reason(reason.value)) < 32


def test_reason_of_a_newer_program_is_shown_as_it_is() -> None:
    assert reason_sentence("new-reason") == short_reason("new-reason") == "new-reason"


def test_answer_of_a_server_that_gave_none_is_a_sentence_and_no_reply_of_ours() -> None:
    assert answer_of("550 5.1.1 no") == "550 5.1.1 no"
    assert answer_of("") == ""
    assert answer_of(str(NEXT_HOP_DOWN)).startswith("Nothing:")


def test_each_state_has_words() -> None:
    assert set(STATES) == set(State)


def test_proof_is_told_by_the_strongest() -> None:
    spf, dkim = Proof(Method.SPF, "mx.example"), Proof(Method.DKIM, "oak.example")
    assert proof_sentence((spf, dkim)) == "Signed by oak.example"
    assert proof_sentence((spf,)) == "Sent by a server of mx.example"
    assert proof_sentence((Proof(Method.NETWORK, "192.0.2.0/24"),)) == "Nobody vouches for the sender"


@pytest.mark.parametrize("state", ChallengeState)
def test_each_challenge_state_is_a_sentence(state: ChallengeState) -> None:
    assert challenge_sentence(state.value, "").startswith("The sender")


@pytest.mark.parametrize("silence", Silence)
def test_each_silence_says_why_the_sender_was_not_asked(silence: Silence) -> None:
    assert challenge_sentence("", silence.value).startswith("The sender was not asked: ")
    assert challenge_sentence("withheld", silence.value).startswith("The sender was not asked: ")


def test_challenge_words_of_a_newer_program_are_shown_as_they_are() -> None:
    assert challenge_sentence("dreamt", "") == "dreamt"
    assert challenge_sentence("", "moon") == "The sender was not asked: moon."
    assert challenge_sentence("", "") == "The sender was not asked."
    assert short_challenge("dreamt", "") == "dreamt"
    assert short_challenge("", "moon") == "not asked: moon"
    assert short_challenge("", "") == "not asked"


@pytest.mark.parametrize("state", ChallengeState)
def test_each_challenge_state_has_a_few_words_for_a_row(state: ChallengeState) -> None:
    assert 0 < len(short_challenge(state.value, "")) < 32


@pytest.mark.parametrize("silence", Silence)
def test_each_silence_has_a_few_words_for_a_row(silence: Silence) -> None:
    short, whole = short_challenge("withheld", silence.value), challenge_sentence("", silence.value)
    assert short.removeprefix("not asked: ") == whole.removeprefix("The sender was not asked: ").rstrip(".")


@pytest.mark.parametrize(
    ("left", "words"),
    [
        (13.7 * DAY, ("13 days left", False)),
        (2.1 * DAY, ("2 days left", False)),
        (2 * DAY, ("2 days left", True)),
        (1.5 * DAY, ("1 day left", True)),
        (7300.0, ("goes in 2 hours", True)),
        (60.0, ("goes in 1 hour", True)),
        (0.0, ("goes now", True)),
        (-5.0, ("goes now", True)),
    ],
)
def test_days_left_are_marked_in_the_last_two(left: float, words: tuple[str, bool]) -> None:
    assert days_left(1000.0 + left, 1000.0) == words
