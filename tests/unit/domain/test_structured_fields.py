from __future__ import annotations

import pytest

from gateway.domain.structured_fields import NamedAddress, addresses, without_comments


@pytest.mark.parametrize(
    ("value", "found"),
    [
        (b"anna@oak.example", [NamedAddress("", "anna@oak.example")]),
        (b"<anna@oak.example>", [NamedAddress("", "anna@oak.example")]),
        (b"Anna Roth <anna@oak.example>", [NamedAddress("Anna Roth", "anna@oak.example")]),
        (b'"Roth, Anna" <anna@oak.example>', [NamedAddress("Roth, Anna", "anna@oak.example")]),
        (b'"a\\"b" <anna@oak.example>', [NamedAddress('a\\"b', "anna@oak.example")]),
        (b"=?utf-8?q?J=C3=BCrgen?= <j@oak.example>", [NamedAddress("Jürgen", "j@oak.example")]),
        (b"a@b.example, c@d.example", [NamedAddress("", "a@b.example"), NamedAddress("", "c@d.example")]),
        (b"a@b.example (one (two) \\) three), c@d.example", [NamedAddress("", "a@b.example"), NamedAddress("", "c@d.example")]),
        (b"a@b.example (never closed, c@d.example", [NamedAddress("", "a@b.example")]),
        (b"Friends: a@b.example, c@d.example;", [NamedAddress("", "a@b.example"), NamedAddress("", "c@d.example")]),
        (b"undisclosed-recipients:;", []),
        (b"<@relay.example:anna@oak.example>", [NamedAddress("", "anna@oak.example")]),
        (b"<@relay.example,@b.example:anna@oak.example>", [NamedAddress("", "anna@oak.example")]),
        (b'"an na"@oak.example', [NamedAddress("", '"an na"@oak.example')]),
        (b"an na@oak.example", []),
        (b"anna@oak example", []),
        (b"anna", []),
        (b"@oak.example", []),
        (b"anna@", []),
        (b"<anna@oak.example", []),
        (b"anna@oak.example>", [NamedAddress("", "anna@oak.example")]),
        (b'"never closed <anna@oak.example>', []),
        (b"<anna\x01@oak.example>", []),
        (b"<\xff@oak.example>", []),
        (b"a" * 600 + b"@oak.example", []),
        (b"", []),
        (b'a@"b".example', []),
        # Two mailboxes without a comma: whoever reads only one of them may be shown the other.
        (b"<a@b.example> <c@d.example>", [NamedAddress("", "a@b.example"), NamedAddress("", "c@d.example")]),
    ],
)  # fmt: skip
def test_addresses_reads_lists_leniently(value: bytes, found: list[NamedAddress]) -> None:
    assert addresses(value) == found


def test_addresses_stops_after_as_many_as_asked_for() -> None:
    assert len(addresses(b"a@b.example," * 50, most=2)) == 2


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (b"no", b"no"),
        (b" no (a person) ", b"no"),
        (b"(one (two (three))) no (four)", b"no"),
        (b"no (never closed", b"no"),
        (b"n(x)o", b"no"),
        (b"no (\\) still)", b"no"),
    ],
)
def test_without_comments_leaves_the_value(value: bytes, plain: bytes) -> None:
    assert without_comments(value) == plain
