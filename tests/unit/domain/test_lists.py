from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.address import NULL_PATH, Address
from gateway.domain.evidence import Proof
from gateway.domain.lists import (
    ALIGNED,
    UNPROVEN,
    Entry,
    Verdict,
    merge_entries,
    parse_pattern,
    parse_scope,
    scope_keys,
    sender_keys,
    winner,
)
from tests.unit.domain.letters import ANNA, DKIM_OAK, JOE, NET, NETWORK, SPF_OAK, allow, deny


@pytest.mark.parametrize(
    ("text", "pattern"),
    [
        ("Anna@Oak.Example", "anna@oak.example"),
        (" anna@oak.example ", "anna@oak.example"),
        ("oak.example", "@oak.example"),
        ("@oak.example", "@oak.example"),
        ("*@oak.example", "@oak.example"),
        ("*.oak.example", "@.oak.example"),
        ("@.oak.example", "@.oak.example"),
        (".oak.example", "@.oak.example"),
        ("@*.oak.example", "@.oak.example"),
        ("bücher.example", "@xn--bcher-kva.example"),
        ("oak.example.", "@oak.example"),
    ],
)
def test_parse_pattern_brings_each_spelling_into_one_form(text: str, pattern: str) -> None:
    assert parse_pattern(text) == pattern


@pytest.mark.parametrize(
    "text",
    ["", " ", "*", "*@*", "*@", "@", "com", "*.com", ".com", "@com", "anna@com", "a*@oak.example", "anna@*.example",
     "oak..example", "an na@oak.example", "oak\x00.example", "oak\x7f.example", "*.*.example", "a@", "..", "@.", "*@.com"],
)  # fmt: skip
def test_parse_pattern_too_wide_or_malformed_raises_value_error_with_a_sentence(text: str) -> None:
    with pytest.raises(ValueError, match=r"pattern|not an address|too wide"):
        parse_pattern(text)


@given(st.text(max_size=40))
def test_parse_pattern_of_any_text_is_a_stored_form_or_an_error(text: str) -> None:
    try:
        pattern = parse_pattern(text)
    except ValueError:
        return
    assert "." in pattern.rpartition("@")[2].removeprefix(".")
    assert not any(c.isspace() for c in pattern.rpartition("@")[2])


@pytest.mark.parametrize(
    ("text", "scope"),
    [
        ("", ""),
        ("  ", ""),
        ("Joe@Example.ORG", "joe@example.org"),
        ("example.org", "@example.org"),
        ("@Example.org.", "@example.org"),
    ],
)
def test_parse_scope_reads_site_domain_and_recipient(text: str, scope: str) -> None:
    assert parse_scope(text) == scope


@pytest.mark.parametrize("text", ["*", "joe@", "jo e@example.org", "*@example.org", "@"])
def test_parse_scope_of_anything_else_raises_value_error(text: str) -> None:
    with pytest.raises(ValueError, match="neither a recipient nor a domain"):
        parse_scope(text)


def test_key_of_an_entry_is_what_no_second_one_has() -> None:
    entry = Entry(Verdict.DENY, "@oak.example", "joe@example.org")
    assert entry.key == ("@oak.example", "joe@example.org", "deny")
    assert replace(entry, proof="", id=7, expires_at=1.0, learned=True).key == entry.key


def test_sender_keys_are_address_domain_and_parents() -> None:
    assert sender_keys(Address.of("Anna@a.b.example")) == (
        "anna@a.b.example",
        "@a.b.example",
        "@.b.example",
        "@.example",
    )


def test_sender_keys_of_the_null_path_are_none() -> None:
    assert sender_keys(NULL_PATH) == ()


def test_sender_keys_of_a_very_deep_name_keep_the_outermost_parents() -> None:
    deep = Address.of("x@" + ".".join("abcdefghijklmnop") + ".evil.example")
    assert len(sender_keys(deep)) <= 12
    assert winner([deny("@.evil.example")], (deep,), JOE) is not None


def test_domain_entry_covers_the_domain_alone_and_the_dotted_one_its_sub_domains_alone() -> None:
    below = Address.of("anna@mail.oak.example")
    assert winner([allow("@oak.example")], (ANNA,), JOE)
    assert winner([allow("@oak.example")], (below,), JOE) is None
    assert winner([allow("@.oak.example")], (below,), JOE)
    assert winner([allow("@.oak.example")], (ANNA,), JOE) is None
    assert winner([allow("@oak.example")], (Address.of("anna@notoak.example"),), JOE) is None


def test_scope_keys_are_the_recipient_its_base_its_domain_and_the_site() -> None:
    assert scope_keys(JOE) == ("joe@example.org", "@example.org", "")
    assert scope_keys(Address.of("Joe+shop@example.org")) == (
        "joe+shop@example.org",
        "joe@example.org",
        "@example.org",
        "",
    )


@pytest.mark.parametrize("scope", ["", "@example.org", "joe@example.org"])
def test_entry_holds_within_its_scope_only(scope: str) -> None:
    entry = allow(scope=scope)
    assert winner([entry], (ANNA,), JOE) == entry
    assert winner([entry], (ANNA,), Address.of("joe+shop@example.org")) == entry
    elsewhere = winner([entry], (ANNA,), Address.of("kim@elsewhere.example"))
    assert elsewhere == (entry if scope == "" else None)


PATTERNS = ("anna@mail.oak.example", "@mail.oak.example", "@.oak.example", "@.example")
SCOPES = ("joe+x@example.org", "joe@example.org", "@example.org", "")
SENDER = Address.of("anna@mail.oak.example")
RECIPIENT = Address.of("joe+x@example.org")


def test_winner_is_the_nearest_scope_then_the_most_exact_pattern_then_deny() -> None:
    ladder = [
        Entry(verdict, pattern, scope)
        for scope in SCOPES
        for pattern in PATTERNS
        for verdict in (Verdict.DENY, Verdict.ALLOW)
    ]
    for (higher, first), (lower, second) in itertools.combinations(enumerate(ladder), 2):
        assert higher < lower
        assert winner([first, second], (SENDER,), RECIPIENT) == first
        assert winner([second, first], (SENDER,), RECIPIENT) == first


def test_winner_is_learned_only_where_no_person_made_one() -> None:
    learned = replace(allow(scope="joe@example.org"), learned=True)
    for made in (deny("@oak.example"), deny(scope="@example.org"), allow("@.example", proof=UNPROVEN)):
        assert winner([learned, made], (ANNA,), JOE) is made
    assert winner([learned], (ANNA,), JOE) is learned


def test_learned_entry_made_by_a_person_is_his_and_ends_as_he_says() -> None:
    learned = replace(allow(), learned=True, expires_at=9.0)
    assert merge_entries(learned, allow(proof="dkim:oak.example"), 1.0) == allow()
    assert merge_entries(learned, replace(allow(), expires_at=5.0), 1.0) == replace(allow(), expires_at=5.0)
    assert merge_entries(learned, replace(learned, expires_at=12.0), 1.0) == replace(learned, expires_at=12.0)
    assert merge_entries(learned, allow(), 9.0) == allow()


def test_winner_looks_at_every_sender_of_the_mail() -> None:
    other = Address.of("bounce@esp.example")
    assert winner([deny()], (other, ANNA), JOE) == deny()
    assert winner([deny()], (ANNA, other), JOE) == deny()
    assert winner([allow("@esp.example"), deny()], (other, ANNA), JOE) == deny()


def test_winner_of_foreign_entries_is_none() -> None:
    assert winner([], (ANNA,), JOE) is None
    assert winner([allow("kim@oak.example"), allow(scope="kim@example.org")], (ANNA,), JOE) is None
    assert winner([allow()], (), JOE) is None


@pytest.mark.parametrize(
    ("proof", "proofs", "network", "good"),
    [
        (UNPROVEN, (), "", True),
        (ALIGNED, (), NETWORK, False),
        (ALIGNED, (SPF_OAK,), "", True),
        ("dkim:oak.example", (DKIM_OAK,), "", True),
        ("dkim:oak.example", (SPF_OAK,), "", False),
        ("spf:oak.example", (DKIM_OAK,), "", True),
        ("dkim:oak.example spf:elm.example", (SPF_OAK,), "", False),
        ("dkim:elm.example dkim:oak.example", (DKIM_OAK,), "", True),
        (f"network:{NETWORK}", (), NETWORK, True),
        (f"network:{NETWORK}", (), "198.51.100.0/24", False),
        (f"network:{NETWORK}", (), "", False),
        ("dkim:oak.example", (NET,), NETWORK, False),
    ],
)
def test_allow_entry_is_satisfied_only_by_as_good_a_proof(
    proof: str, proofs: tuple[Proof, ...], network: str, good: bool
) -> None:
    assert allow(proof=proof).satisfied_by(proofs, network) is good


def test_deny_entry_asks_for_no_proof() -> None:
    assert replace(deny(), proof="dkim:oak.example").satisfied_by((), "")
