"""What a filter in front wrote of how spam-like a mail is."""

from __future__ import annotations

import pytest

from gateway.domain import header
from gateway.domain.score import read_score


def score(*values: str, name: str = "X-Spam-Status") -> float | None:
    head = "".join(f"X-Spam-Status: {value}\r\n" for value in values)
    return read_score(header.split(f"{head}\r\n".encode()), name)


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("5.3", 5.3),
        ("  7 (+++++++)", 7.0),
        ("+2.50", 2.5),
        ("-0.1", -0.1),
        ("Yes, score=7.2 required=5.0 tests=[A=1, B=2]", 7.2),
        ("No, hits=-1.5 required=5.0", -1.5),
        ("Yes,\r\n\tscore=12 required=5", 12.0),
        ("default: False [7.10 / 15.00];\r\n\tDMARC_POLICY_ALLOW(-0.50)[x]", 7.1),
    ],
)
def test_score_is_read_as_filters_write_it(value: str, number: float) -> None:
    assert score(value) == number


@pytest.mark.parametrize(
    "value", ["", "Yes", "*****", "nan", "inf", "1e9", "1234567", "1.2.3", "required=5.0", "0x10", "--5"]
)
def test_score_that_is_no_number_is_none(value: str) -> None:
    assert score(value) is None


def test_score_is_read_from_the_topmost_field_only() -> None:
    assert score("Yes, score=9 required=5", "No, score=-100 required=5") == 9.0
    assert score("unscanned", "No, score=-100 required=5") is None


def test_score_behind_very_much_is_not_looked_for() -> None:
    assert score("x" * 2000 + " score=5") is None


def test_score_of_no_field_is_none() -> None:
    assert score("5.3", name="X-Other") is None
    assert score("5.3", name="") is None
    assert score("5.3", name="x-spam-status") == 5.3
