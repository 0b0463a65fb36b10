from __future__ import annotations

import json
from dataclasses import replace

import pytest

from gateway.domain.durations import DAY
from gateway.domain.lifecycle import Event, State
from gateway.domain.retry import next_attempt
from gateway.domain.webhook import FAULTS, Happened, backoff, body, event_id, fault_words, sample_body

HELD = Happened(
    number=7, at=1_700_000_000.25, event=Event.HOLD, state=State.PENDING, actor="service", pending=3,
    sender="anna@oak.example", author="anna@oak.example", recipient="joe@example.org", reason="unknown-sender",
    asked=True, size=1234, held_at=1_700_000_000.25, expires_at=1_701_209_600.25, queue_id="4XyZ",
    transaction_id="3fX", client="192.0.2.7",
)  # fmt: skip


def test_event_tells_basic_facts_and_nothing_that_the_mail_says() -> None:
    told = json.loads(body(HELD, "https://mail.example.org/console/message/3"))
    assert (told["type"], told["timestamp"]) == ("message.held", "2023-11-14T22:13:20.250Z")
    assert told["data"] == {
        "id": 3, "state": "pending", "how": "hold", "actor": "service", "sender": "anna@oak.example",
        "author": "anna@oak.example", "recipient": "joe@example.org", "reason": "unknown-sender", "asked": True,
        "size": 1234, "held_at": "2023-11-14T22:13:20.250Z", "expires_at": "2023-11-28T22:13:20.250Z",
        "queue_id": "4XyZ", "transaction_id": "3fX", "client": "192.0.2.7",
        "url": "https://mail.example.org/console/message/3",
    }  # fmt: skip


def test_event_of_an_address_that_is_no_text_is_text_all_the_same() -> None:
    assert json.loads(body(replace(HELD, sender="a\udcff@x"), ""))["data"]["sender"] == "a?@x"


def test_id_is_the_same_each_time_and_another_for_each_event_of_each_site() -> None:
    assert event_id("mx", HELD) == event_id("mx", replace(HELD, state=State.RELEASED))
    others = {event_id("mx", one) for one in (replace(HELD, number=8), replace(HELD, pending=4), replace(HELD, at=1.0))}
    assert len({event_id("mx", HELD), event_id("mx2", HELD), *others}) == 5
    assert event_id("mx", HELD).startswith("msg_")


def test_test_event_names_the_gateway() -> None:
    assert json.loads(sample_body("mx.example.org", 0.0)) == {
        "type": "webhook.test", "timestamp": "1970-01-01T00:00:00.000Z", "data": {"gateway": "mx.example.org"},
    }  # fmt: skip


@pytest.mark.parametrize(
    ("fault", "words"),
    [
        ("503", "It answered 503."),
        ("302", "It answered 302: it points elsewhere, and is not followed there."),
        ("timeout", FAULTS["timeout"]),
        ("of a later version", FAULTS["connection"]),
    ],
)
def test_fault_is_told_in_words(fault: str, words: str) -> None:
    assert fault_words(fault) == words


def test_event_is_tried_for_its_days_and_three_times_at_least() -> None:
    schedule = backoff(2)
    assert [next_attempt(schedule, n, 0.0, 0.0, 0.5) for n in (1, 2, 11, 99)] == [5.0, 10.0, 3600.0, 3600.0]
    assert next_attempt(schedule, 2, 0.0, 2 * DAY, 0.5) is not None
    assert next_attempt(schedule, 3, 0.0, 2 * DAY, 0.5) is None
