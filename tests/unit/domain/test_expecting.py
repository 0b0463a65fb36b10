"""Expected mail: which window opens to which mail, and for how long."""

from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.challenge import token_text
from gateway.domain.durations import DAY, MINUTE
from gateway.domain.evidence import NO_EVIDENCE
from gateway.domain.expecting import (
    TAG_OCTETS,
    Window,
    opening,
    parse_days,
    parse_minutes,
    parse_sender_domain,
    tagged_address,
)
from gateway.domain.message import Message
from tests.unit.domain.letters import ANNA, JOE, PROVEN, letter

NOW = 1_700_000_000.0
OPEN = Window(1, "joe@example.org", "joe@example.org", NOW, NOW + 900)
TAG = Window(2, "joe@example.org", "joe+x7k2m@example.org", NOW, NOW + 9000)


def found(
    *windows: Window, now: float = NOW, message: Message | None = None, again: frozenset[int] = frozenset()
) -> int:
    window = opening(windows, JOE, ANNA, message or letter(), PROVEN, now, again)
    return window.id if window else 0


@pytest.mark.parametrize(
    ("at", "open_then"), [(-1.0, False), (0.0, True), (899.9, True), (900.0, False), (1e9, False), (-1e9, False)]
)
def test_window_is_open_from_its_start_to_its_end_and_at_no_other_time(at: float, open_then: bool) -> None:
    assert OPEN.open_at(NOW + at) is open_then
    assert found(OPEN, now=NOW + at) == (1 if open_then else 0)


def test_window_for_one_mail_is_shut_after_it_but_for_the_retry_of_that_mail() -> None:
    used = replace(OPEN, once=True, uses=1)
    assert found(replace(OPEN, once=True)) == 1
    assert found(used) == 0
    assert found(used, again=frozenset({1})) == 1
    assert found(used, again=frozenset({1}), now=NOW + 900) == 0
    assert found(replace(OPEN, uses=7)) == 1


def test_window_never_opens_to_who_is_not_proven_or_cannot_be_named() -> None:
    assert opening([OPEN], JOE, ANNA, letter(), NO_EVIDENCE, NOW) is None
    assert opening([OPEN], JOE, NULL_PATH, letter(), PROVEN, NOW) is None
    assert opening([OPEN], JOE, ANNA, replace(letter(), author=None), PROVEN, NOW) is None
    assert opening([], JOE, ANNA, letter(), PROVEN, NOW) is None


def test_window_opens_to_mail_of_machines() -> None:
    assert found(OPEN, message=letter("Auto-Submitted: auto-generated")) == 1


@pytest.mark.parametrize(
    ("domain", "lets_in"),
    [("", True), ("oak.example", True), ("example", True), ("ak.example", False), ("elm.example", False)],
)
def test_window_for_a_domain_opens_to_its_authors_and_those_below_it(domain: str, lets_in: bool) -> None:
    assert found(replace(OPEN, domain=domain)) == (1 if lets_in else 0)


def test_window_of_the_tagged_address_counts_before_the_open_address_and_else_the_one_that_ends_first() -> None:
    tagged = Address.of("Joe+X7K2m@Example.org")
    later = replace(OPEN, id=3, ends_at=NOW + 1800)
    for windows in ([OPEN, TAG, later], [later, TAG, OPEN]):
        chosen = opening(windows, tagged, ANNA, letter(), PROVEN, NOW)
        assert chosen is TAG
        assert found(*windows[::2]) == 1
    assert TAG.tagged
    assert not OPEN.tagged


def test_tags_are_lower_case_and_as_long_as_their_octets() -> None:
    assert token_text(b"\0" * TAG_OCTETS) == "aaaaaaaa"
    assert token_text(b"\xff" * TAG_OCTETS) == "99999999"


def test_tagged_address_stands_behind_the_delimiter() -> None:
    assert tagged_address("joe@example.org", "+", "x7k2m") == "joe+x7k2m@example.org"
    assert tagged_address("joe@example.org", "-", "x7k2m") == "joe-x7k2m@example.org"
    for address, delimiter in (("joe@example.org", ""), (f"{'j' * 59}@example.org", "+"), ('"a b"@example.org', "+")):
        with pytest.raises(ValueError, match="tag"):
            tagged_address(address, delimiter, "x7k2m")


def test_lengths_that_people_type_are_seconds() -> None:
    assert parse_minutes("15") == 15 * MINUTE
    assert parse_minutes("120") == 120 * MINUTE
    assert parse_days("1") == DAY
    assert parse_days("365") == 365 * DAY


@pytest.mark.parametrize("text", ["", "14", "121", "-15", "15.5", "1e2", "nan", "١٥", "1" * 400])
def test_lengths_beyond_the_limits_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="15 to 120"):
        parse_minutes(text)
    if text not in ("14", "121"):
        with pytest.raises(ValueError, match="1 to 365"):
            parse_days(text)


@pytest.mark.parametrize(
    ("typed", "domain"),
    [
        ("", ""),
        (" Shop.Example ", "shop.example"),
        ("news@shop.example", "shop.example"),
        ("bücher.example", "xn--bcher-kva.example"),
    ],
)
def test_sender_domain_is_what_stands_behind_the_sign(typed: str, domain: str) -> None:
    assert parse_sender_domain(typed) == domain


@pytest.mark.parametrize(
    "typed", ["example", "*.example.org", "a b.example", "x/y.example", ".example.", "a\x00.example"]
)
def test_sender_domain_that_is_none_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="not a domain"):
        parse_sender_domain(typed)
