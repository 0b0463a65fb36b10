from __future__ import annotations

import unicodedata

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.domain.address import NULL_PATH, Address, normal_domain, normal_form, without_tag
from gateway.domain.lists import sender_keys

MAILBOX = st.builds("{}@{}".format, st.text(min_size=1, max_size=30), st.text(min_size=1, max_size=30))


def test_address_of_mixed_case_has_one_lower_case_key() -> None:
    address = Address.of("Anna.Roth@OAK.Example.")
    assert address.key == "anna.roth@oak.example"
    assert (address.local, address.domain, str(address)) == ("anna.roth", "oak.example", "Anna.Roth@OAK.Example.")


def test_null_path_is_null_and_has_no_parts() -> None:
    assert NULL_PATH.is_null
    assert Address.of("") == NULL_PATH
    assert (NULL_PATH.local, NULL_PATH.domain, str(NULL_PATH)) == ("", "", "")
    assert not Address.of("a@b").is_null


def test_address_outside_ascii_says_so() -> None:
    assert Address.of("a@b.example").is_ascii
    assert not Address.of("jürgen@b.example").is_ascii


def test_normal_form_without_an_at_sign_is_lower_case() -> None:
    assert normal_form("Postmaster") == "postmaster"


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('"anna"@oak.example', "anna@oak.example"),
        ('"an\\na"@oak.example', "anna@oak.example"),  # A quoted pair of a letter is the letter.
        ('"an na"@oak.example', '"an na"@oak.example'),
        ('"an\\"na"@oak.example', '"an\\"na"@oak.example'),
        ('""@oak.example', '""@oak.example'),
    ],
)
def test_normal_form_of_a_quoted_local_part_drops_quotes_that_say_nothing(text: str, key: str) -> None:
    assert normal_form(text) == key


def test_normal_form_of_an_escaped_backslash_keeps_the_name_apart() -> None:
    assert normal_form('"an\\\\na"@oak.example') != "anna@oak.example"


@pytest.mark.parametrize(
    ("unicode", "label"),
    [
        ("bücher.example", "xn--bcher-kva.example"),
        ("BÜCHER.Example", "xn--bcher-kva.example"),
        ("bu\u0308cher.example", "xn--bcher-kva.example"),  # Decomposed.
        ("例え.example", "xn--r8jz45g.example"),
    ],
)
def test_normal_domain_outside_ascii_becomes_its_a_label(unicode: str, label: str) -> None:
    assert normal_domain(unicode) == label
    assert normal_form(f"a@{unicode}") == f"a@{label}"


def test_local_part_composed_and_decomposed_is_one_mailbox() -> None:
    assert normal_form("ju\u0308rgen@oak.example") == normal_form("jürgen@oak.example")


LOOK_ALIKES = [
    "аpple@apple.example",  # Cyrillic a.
    "apple@аpple.example",
    "apple@xn--pple-43d.example",
    "ａｐｐｌｅ@apple.example",  # Full width.
    "apple@ａｐｐｌｅ.example",
    "apple@apple。example",  # Ideographic full stop.
    "ap\u200bple@apple.example",  # Zero width.
    "apple@ap\u200bple.example",
    "apple@ap\u00adple.example",  # Soft hyphen.
    "app\u0131e@apple.example",
    "apple@app\u0142e.example",
    "apple\u037e@apple.example",
    "apple@apple.example\u0000",
    "apple\ud800@apple.example",
]


@pytest.mark.parametrize("claim", LOOK_ALIKES)
def test_look_alike_sender_never_has_the_key_of_the_real_one(claim: str) -> None:
    real = set(sender_keys(Address.of("apple@apple.example")))
    assert Address.of(claim).key not in real
    assert normal_form(claim).isprintable() or Address.of(claim).key != "apple@apple.example"


@pytest.mark.parametrize(
    ("claim", "real"),
    [
        ("\u212aate@oak.example", "kate@oak.example"),  # The Kelvin sign.
        ("kate@\u212aate.example", "kate@kate.example"),
        ("kate@kat\u212a.example", "kate@katk.example"),
        ("\u0130vy@oak.example", "ivy@oak.example"),  # I with a dot.
        ("\u0131vy@oak.example", "ivy@oak.example"),  # i without one.
        ("ivy@\u0130vy.example", "ivy@ivy.example"),
        ("ivy@\u0131vy.example", "ivy@ivy.example"),
        ("a\u1fefb@oak.example", "a`b@oak.example"),  # The oxia, whose NFC is the grave accent.
        ("a@b\u1fef.example", "a@b`.example"),
        ('"a\u037eb"@oak.example', '"a;b"@oak.example'),  # The Greek question mark, whose NFC is a semicolon.
        ("\u017fam@oak.example", "sam@oak.example"),  # The long s.
        ("sam@\u017fam.example", "sam@sam.example"),
    ],
)
def test_letter_that_folds_into_ascii_never_matches_the_ascii_one(claim: str, real: str) -> None:
    assert normal_form(claim) != normal_form(real)


@given(MAILBOX)
@example("\u212a@\u212a")
@example("\u1fef@\u1fef.\u037e")
def test_normal_form_of_text_outside_ascii_is_never_the_key_of_ascii_text(text: str) -> None:
    local, _, domain = text.rpartition("@")
    key_local, _, key_domain = normal_form(text).rpartition("@")
    if not domain.isascii():
        assert any(label.startswith("xn--") for label in key_domain.split("."))
    if not local.isascii():
        assert not key_local.isascii()
    assert key_domain.isascii()


@given(MAILBOX)
def test_normal_form_of_a_normal_form_is_itself(text: str) -> None:
    once = normal_form(text)
    if not once.startswith('"') and not once.rpartition("@")[2].endswith("."):
        assert normal_form(once) == once


@given(st.text(alphabet="abcXYZ09-", min_size=1, max_size=20), st.text(alphabet="abcXYZ09-.", min_size=1, max_size=20))
def test_normal_form_of_ascii_ignores_case_only(local: str, domain: str) -> None:
    assert normal_form(f"{local}@{domain}") == f"{local}@{domain.removesuffix('.')}".lower()


def test_normal_form_of_lone_surrogates_does_not_raise() -> None:
    assert normal_form("\ud800@\udfff.example").isascii() is False


def test_no_other_letter_than_the_known_three_composes_into_ascii() -> None:
    # What `normal_form` keeps apart; a newer Unicode with a fourth would need a thought.
    found = {chr(c) for c in range(128, 0x110000) if unicodedata.normalize("NFC", chr(c)).isascii()}
    assert found == {"\u037e", "\u1fef", "\u212a"}


@pytest.mark.parametrize(
    ("key", "base"),
    [
        ("anna+shop@x.example", "anna@x.example"),
        ("anna@x.example", "anna@x.example"),
        ("+shop@x.example", "+shop@x.example"),  # Nothing before the tag: it is the name.
        ("anna+a+b@x.example", "anna@x.example"),
    ],
)
def test_without_tag_gives_the_base_address(key: str, base: str) -> None:
    assert without_tag(key) == base


def test_without_tag_follows_another_delimiter() -> None:
    assert without_tag("anna-shop@x.example", "-") == "anna@x.example"
