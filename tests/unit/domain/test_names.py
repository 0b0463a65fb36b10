"""Names of our domains, looked up by words and page by page."""

from __future__ import annotations

import pytest

from gateway.domain.names import names_with

NAMES = ["a.example", "b.example", "oak.example", "xn--bcher-kva.example"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ("", NAMES),
        (" OAK ", ["oak.example"]),
        ("Bücher", ["xn--bcher-kva.example"]),
        ("bücher.ex", ["xn--bcher-kva.example"]),
        ("ak.ex", ["oak.example"]),
        ("elm", []),
        ("%", []),
    ],
)
def test_names_are_found_by_any_part_of_them(words: str, found: list[str]) -> None:
    assert names_with(NAMES, words) == found


def test_names_are_paged_from_behind_one_that_need_not_be_there() -> None:
    assert names_with(NAMES, "", "", 2) == ["a.example", "b.example"]
    assert names_with(NAMES, "", "b.example", 2) == ["oak.example", "xn--bcher-kva.example"]
    assert names_with(NAMES, "", "c.example", 1) == ["oak.example"]
    assert names_with(NAMES, "a.ex", "z") == []
    many = [f"d{number:04}.example" for number in range(250)]
    assert len(names_with(many, "")) == 100
    assert names_with(many, "", most=None) == many
