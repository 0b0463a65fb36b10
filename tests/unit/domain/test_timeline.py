"""What happened to a mail, in words."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.explain import evidence_facts
from gateway.domain.lifecycle import Event
from gateway.domain.timeline import Asked, Happened, Step, timeline

ASKED = Asked("sent", 1.0, 2.0, 2.0, 99.0, 1, 0, "", "250 2.0.0 Ok")


@pytest.mark.parametrize("event", list(Event))
def test_timeline_has_a_sentence_for_every_event(event: Event) -> None:
    (step,) = timeline([Happened(1.0, event.value, "joe", "x")], ())
    assert step.words.endswith(".")
    assert step.who == "joe"


def test_timeline_of_an_event_of_a_newer_program_shows_its_name() -> None:
    assert timeline([Happened(1.0, "teleport", "joe", "x")], ()) == (Step(1.0, "teleport.", "joe", "x"),)


def test_timeline_of_what_came_by_itself_names_nobody_and_no_code() -> None:
    (step,) = timeline([Happened(1.0, "hold", "service", "unknown-sender")], ())
    assert (step.who, step.detail) == ("", "")


def test_timeline_puts_the_asking_in_its_place() -> None:
    history = [Happened(0.0, "hold", "service", ""), Happened(9.0, "delete", "joe", "")]
    asked = replace(ASKED, state="expired", changed_at=8.0)
    words = [step.words for step in timeline(history, [asked])]
    assert words == [
        "The mail came and was held.",
        "The sender was asked.",
        "The sender did not answer in time.",
        "The mail was deleted.",
    ]


@pytest.mark.parametrize(
    ("asked", "words", "detail"),
    [
        (ASKED, "The sender was asked.", ""),
        (replace(ASKED, state="queued", sent_at=None, attempts=0, last_reply=""), "The sender is to be asked.", ""),
        (
            replace(ASKED, state="queued", sent_at=None, attempts=2, last_reply="451 later"),
            "The sender is to be asked. 2 attempts so far.",
            "451 later",
        ),
        (
            replace(ASKED, state="answered", wrong_answers=2, how="image"),
            "The sender answered. Wrong answers before: 2.",
            "image",
        ),
        (
            replace(ASKED, state="failed", sent_at=None, last_reply="550 no"),
            "The question could not be delivered.",
            "550 no",
        ),
    ],
)
def test_timeline_tells_how_far_the_asking_came(asked: Asked, words: str, detail: str) -> None:
    last = timeline([], [asked])[-1]
    assert (last.words, last.detail) == (words, detail)


def test_evidence_facts_tell_what_was_found_and_nothing_of_a_decision() -> None:
    topics = {fact.topic for fact in evidence_facts(NO_EVIDENCE)}
    assert "SPF" in topics
    assert "decision" not in topics


def test_timeline_tells_that_the_page_was_used_and_how_often_and_each_question() -> None:
    first = replace(ASKED, used_at=5.0, used_times=1)
    again = replace(ASKED, sent_at=20.0, used_at=21.0, used_times=3, wrong_answers=2)
    words = [step.words for step in timeline([Happened(19.0, "ask-again", "joe", "challenge 2")], [first, again])]
    assert words == [
        "The sender was asked.",
        "Somebody opened the challenge's page and sent an answer.",
        "The sender is to be asked once more.",
        "The sender was asked.",
        "Somebody opened the challenge's page and sent an answer. 3 answers have come from there. Wrong ones: 2.",
    ]
