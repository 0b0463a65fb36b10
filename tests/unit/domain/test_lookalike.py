"""Addresses that can be taken for others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lookalike import Look, cautions, look_of, name_of_another
from gateway.domain.phrase import Phrase, phrase_in


@pytest.mark.parametrize(
    "plain", ["anna@oak.example", "oak.example", "x@日本語.jp", "j@bücher.de", "я@почта.рф", "a@한글漢字.kr", ""]
)
def test_look_of_what_people_write_raises_no_doubt(plain: str) -> None:
    assert look_of(plain).doubt == ""


@pytest.mark.parametrize(
    ("address", "doubt"),
    [
        ("a@xn--pple-43d.example", "mixes letters of different scripts: Cyrillic, Latin"),
        ("a@аррӏе.example", "of another script and look like apple"),
        ("a@xn--80ak6aa92e.com", "of another script and look like apple"),
        ("a@ｏak.example", "only look like oak"),
        ("a\u200bb@oak.example", "cannot be seen"),
        ("аnna@oak.example", "mixes letters of different scripts"),
    ],
)
def test_look_of_a_disguise_says_what_it_is(address: str, doubt: str) -> None:
    assert doubt in look_of(address).doubt


def test_look_of_mixed_scripts_names_each_so_that_it_can_be_said_in_any_language() -> None:
    doubt = look_of("аnna@oak.example").doubt
    assert isinstance(doubt, Phrase)
    scripts = doubt.values["scripts"]
    assert isinstance(scripts, Phrase)
    assert [value for name, value in scripts.values.items() if name != "between"] == [
        phrase_in("a script", "Cyrillic"),
        phrase_in("a script", "Latin"),
    ]
    assert all(isinstance(value, Phrase) for name, value in scripts.values.items() if name != "between")


def test_cautions_tell_of_name_and_address_and_mostly_nothing() -> None:
    assert cautions("Anna Roth", "anna@oak.example") == ()
    address, name = cautions("kim@example.org", "аnna@oak.example")
    assert "Take care with the address: It mixes letters" in address
    assert "the name speaks of example.org" in name


def test_look_of_a_label_reads_it_out_and_keeps_its_spelling() -> None:
    assert look_of("j@xn--bcher-kva.de") == Look("j@bücher.de", "xn--bcher-kva.de")
    assert look_of("j@bücher.de") == Look("j@bücher.de", "xn--bcher-kva.de")


@pytest.mark.parametrize("label", ["xn--", "xn--zzzzzzzz9999", "xn--abc-", "xn--\u00e9", "xn--" + "a" * 80])
def test_look_of_a_label_that_stands_for_nothing_leaves_it(label: str) -> None:
    assert label in look_of(f"a@{label}.example").text


@pytest.mark.parametrize(
    ("name", "claimed"),
    [
        ("support@bank.example", "bank.example"),
        ('"help@BANK.example" (x)', "bank.example"),
        ("Anna Roth", ""),
        ("anna@oak.example", ""),
        ("write to anna@oak.example or bo@elm.example", "elm.example"),
    ],
)
def test_name_of_another_tells_the_domain_that_the_name_claims(name: str, claimed: str) -> None:
    assert name_of_another(name, "anna@oak.example") == claimed


@given(st.text(alphabet=st.characters(), max_size=80))
def test_look_of_anything_never_raises(text: str) -> None:
    assert isinstance(look_of(text), Look)
    assert look_of(f"a@xn--{text}.example").text
    name_of_another(text, text)
