from __future__ import annotations

import pytest

from gateway.domain.address import Address
from gateway.domain.notice import checked_notices, matched_parts, may_loop, told_at_once


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("off", "off"),
        (" on ", "on"),
        ("unproven-sender, unknown-sender", "unknown-sender,unproven-sender"),
        ("unknown-sender unknown-sender", "unknown-sender"),
    ],
)
def test_choice_is_kept_in_one_form(typed: str, stored: str) -> None:
    assert checked_notices(typed) == stored


@pytest.mark.parametrize("typed", ["", "yes", "on,off", "on,unknown-sender", "allowlist", "ON"])
def test_choice_that_is_none_is_refused_with_what_there_is(typed: str) -> None:
    with pytest.raises(ValueError, match="unknown-sender"):
        checked_notices(typed)


def test_mail_is_told_of_by_its_reason() -> None:
    assert told_at_once("on", "unknown-sender")
    assert not told_at_once("off", "unknown-sender")
    assert told_at_once("unknown-sender,automatic-mail", "automatic-mail")
    assert not told_at_once("unknown-sender", "automatic-mail")


def test_what_answers_by_itself_may_loop_and_a_newsletter_may_not() -> None:
    assert may_loop("auto-submitted")
    assert not may_loop("mailing-list")
    assert not may_loop("")


@pytest.mark.parametrize(
    ("pattern", "parts"),
    [
        ("@news.oak.example", ("anna",)),
        ("@.oak.example", ("anna", "news")),
        ("@.elm.example", ()),
        ("@elm.example", ()),
        ("anna@news.oak.example", ()),
        ("list:news.oak.example", ()),
    ],
)
def test_parts_are_what_the_pattern_leaves_open(pattern: str, parts: tuple[str, ...]) -> None:
    assert matched_parts(pattern, Address.of("anna@news.oak.example")) == parts
