from __future__ import annotations

import itertools

import pytest

from gateway.domain.lifecycle import (
    ANSWERABLE,
    FINAL,
    FIRST,
    MOVES,
    ChallengeState,
    Event,
    IllegalMove,
    State,
    advance,
)


@pytest.mark.parametrize(("state", "event"), [*itertools.product(State, Event)])
def test_advance_is_a_line_of_the_table_or_an_illegal_move(state: State, event: Event) -> None:
    if (state, event) in MOVES:
        assert advance(state, event) is MOVES[state, event]
    else:
        with pytest.raises(IllegalMove, match=event.value) as caught:
            advance(state, event)
        assert (caught.value.state, caught.value.event) == (state, event)
        assert state.value in str(caught.value)


def test_final_states_are_left_by_nothing() -> None:
    assert {(state, to) for (state, _), to in MOVES.items() if state in FINAL and to is not state} == set()


def test_every_state_but_the_final_ones_can_be_left() -> None:
    assert {state for (state, _), to in MOVES.items() if to is not state} == set(State) - FINAL


def test_every_state_is_reached_from_a_first_one() -> None:
    reached = set(FIRST.values())
    for _ in State:
        reached |= {to for (state, _), to in MOVES.items() if state in reached}
    assert reached == set(State)


def test_every_event_is_a_first_one_or_moves_something() -> None:
    assert set(FIRST) | {event for _, event in MOVES} == set(Event)
    assert not set(FIRST) & {event for _, event in MOVES}


def test_r42_second_answer_or_click_moves_nothing() -> None:
    for event in (Event.ANSWER, Event.AUTHORIZE, Event.DELIVER):
        assert advance(State.RELEASED, event) is State.RELEASED


def test_delivered_mail_is_never_released_again() -> None:
    assert {to for (state, _), to in MOVES.items() if state is State.DELIVERED} == {State.DELIVERED}


def test_only_the_service_ends_a_released_row() -> None:
    ends = {event for (state, event), to in MOVES.items() if state is State.RELEASED and to is not state}
    assert ends == {Event.ACCEPTED, Event.REFUSED, Event.GAVE_UP}


def test_answerable_challenges_are_those_that_may_have_arrived() -> None:
    assert {ChallengeState.QUEUED, ChallengeState.SENT, ChallengeState.FAILED} == ANSWERABLE
