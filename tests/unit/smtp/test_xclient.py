"""What a trusted server tells about its client."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.envelope import Client
from gateway.smtp.xclient import XCLIENT_NAMES, XFORWARD_NAMES, Attributes, Forwarded, overridden, parse


def told(argument: str, names: tuple[str, ...] = XFORWARD_NAMES) -> Attributes:
    found = parse(argument, names)
    assert found is not None
    return found


def test_attributes_are_decoded_from_xtext() -> None:
    assert told("NAME=a+2Db HELO=+5B192.0.2.1+5D") == {"NAME": "a-b", "HELO": "[192.0.2.1]"}


def test_attributes_of_an_old_server_need_no_encoding() -> None:
    assert told("name=spike.example.net addr=192.0.2.7 helo=a+b") == {
        "NAME": "spike.example.net",
        "ADDR": "192.0.2.7",
        "HELO": "a+b",
    }


@pytest.mark.parametrize("word", ["[UNAVAILABLE]", "[unavailable]", "[TEMPUNAVAIL]", "+5BUNAVAILABLE+5D", ""])
def test_attribute_that_is_not_known_is_none(word: str) -> None:
    assert told(f"NAME={word}") == {"NAME": None}


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("IPV6:2001:db8::7", "2001:db8::7"),
        ("ipv6:2001:DB8:0:0::7", "2001:db8::7"),
        ("2001:db8::7", "2001:db8::7"),
        ("IPV6:::ffff:192.0.2.7", "192.0.2.7"),
    ],
)
def test_address_is_given_in_its_one_spelling(text: str, address: str) -> None:
    assert told(f"ADDR={text}") == {"ADDR": address}


@pytest.mark.parametrize(
    "argument",
    [
        "",
        " ",
        "NAME",
        "FOO=x",
        "NAME=a FOO=x",
        "ADDR=example.net",
        "ADDR=192.0.2.256",
        "ADDR=IPV6:192.0.2.1",
        "PORT=x",
        "PORT=65536",
        "PORT=-1",
        "PROTO=a+20b",
        "SOURCE=HERE",
        "NAME=a+0D+0Ab",
        "NAME=a+00",
        "HELO=a+22b",
        "HELO=+3Cx+3E",
        "HELO=" + "a" * 256,
        "ADDR=fe80::1%eth0",
        "NAME=a+E9",
    ],
)
def test_attributes_malformed_are_refused(argument: str) -> None:
    assert parse(argument, XFORWARD_NAMES) is None


def test_login_is_understood_by_xclient_only() -> None:
    assert parse("LOGIN=anna", XCLIENT_NAMES) == {"LOGIN": "anna"}
    assert parse("LOGIN=anna", XFORWARD_NAMES) is None
    assert parse("IDENT=1", XCLIENT_NAMES) is None


def test_forwarded_client_is_all_that_was_told_and_nothing_else() -> None:
    forwarded = Forwarded(told("NAME=spike.example.net ADDR=192.0.2.7 PORT=4711 PROTO=ESMTPS"))
    forwarded = forwarded.with_more(told("HELO=spike IDENT=3CF6B2AAE8 SOURCE=REMOTE"))
    assert forwarded.client() == Client(
        "192.0.2.7", 4711, "spike.example.net", "spike", "ESMTPS", True, "REMOTE", "3CF6B2AAE8"
    )


def test_forwarded_attribute_withdrawn_is_gone() -> None:
    forwarded = Forwarded(told("NAME=spike.example.net ADDR=192.0.2.7")).with_more(told("NAME=[UNAVAILABLE]"))
    assert forwarded.client() == Client("192.0.2.7", protocol="")


@pytest.mark.parametrize("argument", ["ADDR=[UNAVAILABLE] NAME=x HELO=y IDENT=Q", "IDENT=Q"])
def test_forwarded_without_address_is_a_local_submission(argument: str) -> None:
    assert Forwarded(told(argument)).client() == Client("", protocol="", source="LOCAL", queue_id="Q")


def test_xclient_replaces_what_it_names() -> None:
    before = Client("127.0.0.1", 40000, "", "proxy", "ESMTP")
    after = overridden(before, told("ADDR=192.0.2.7 NAME=spike.example.net HELO=spike PROTO=SMTP", XCLIENT_NAMES))
    assert after == Client("192.0.2.7", 0, "spike.example.net", "spike", "SMTP")
    assert overridden(after, told("PORT=25", XCLIENT_NAMES)).port == 25
    assert overridden(after, told("ADDR=198.51.100.1", XCLIENT_NAMES)).name == ""


@given(st.text(max_size=100))
def test_attributes_never_raise_nor_let_a_control_through(argument: str) -> None:
    for text in (argument, f"NAME={argument}", f"ADDR={argument}", f"HELO=+0{argument}", f"PORT={argument}"):
        found = parse(text, XFORWARD_NAMES)
        for value in (found or {}).values():
            assert value is None or (value.isascii() and value.isprintable() and " " not in value)
