from __future__ import annotations

import base64

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gateway.domain import header
from gateway.domain.header import Header
from gateway.domain.message import read_message
from gateway.domain.structured_fields import addresses, without_comments

# Shapes on which a careless parser takes square time or deep stacks, 200 kB each.
BIG = 200_000
HOSTILE = {
    "quotes": b'"' * BIG,
    "escaped quotes": b'\\"' * (BIG // 2),
    "quote and backslashes": b'"' + b"\\" * BIG,
    "parentheses": b"(" * BIG,
    "parentheses closed": b"(" * (BIG // 2) + b")" * (BIG // 2),
    "angles": b"<" * BIG,
    "angles both": b"<>" * (BIG // 2),
    "commas": b"," * BIG,
    "addresses": b"a@b.example," * (BIG // 12),
    "at signs": b"@" * BIG,
    "encoded words": b"=?utf-8?q?=41?= " * (BIG // 16),
    "encoded words begun": b"=?utf-8?q?" * (BIG // 10),
    "encoded word endless": b"=?utf-8?b?" + b"A" * BIG,
    "word ends and blanks": (b"?=" + b" " * 1000) * (BIG // 1002),
    "blanks": b" " * BIG,
    "folds": b"\r\n " * (BIG // 3),
    "colons": b":" * BIG,
    "high octets": b"\xff" * BIG,
    "nul": b"\0" * BIG,
    "ids": b"<" + b"a" * BIG,
    "ids many": b"<a@b>" * (BIG // 5),
}


def test_split_of_a_plain_message_tells_each_field_and_the_body() -> None:
    content = b"From: a@b\r\nSubject: one\r\n two\r\n\r\nBody: no field\r\n"
    head = header.split(content)
    assert [field.name for field in head.fields] == [b"from", b"subject"]
    assert content[head.fields[1].start : head.fields[1].end] == b"Subject: one\r\n two\r\n"
    assert head.fields[1].value == b" one\r\n two"
    assert content[head.body :] == b"Body: no field\r\n"


_LINES = st.sampled_from(
    [
        b"A: 1",
        b"a :2",
        b" folded",
        b"\tfolded: too",
        b" ",
        b"",
        b"no field",
        b":",
        b": x",
        b"From x",
        b"B:",
        b"\x80: 1",
        b"C: \r",
        b"D:\n",
    ]
)


@given(st.lists(_LINES, max_size=8), st.booleans())
@example([b"A: 1", b"", b"B: body"], True)
@example([b" begins: blank", b"A: 1", b"", b""], True)
@example([b"x" * 100 + b": long name", b"", b""], True)
def test_split_of_what_looks_plain_says_the_same_as_the_long_way(lines: list[bytes], ended: bool) -> None:
    content = b"\r\n".join(lines) + b"\r\n" * ended
    assert header.split(content) == header._split_strange(content)


def test_split_of_a_plain_block_takes_the_short_way() -> None:
    plain = header._split_plain(b"A: 1\r\nB: 2\r\n three\r\n\r\nbody")
    assert plain == Header((header.Field(b"a", 0, 6, b" 1"), header.Field(b"b", 6, 20, b" 2\r\n three")), 22)


def test_header_all_and_first_find_fields_top_first_and_unfolded() -> None:
    head = header.split(b"X: 1\r\nY: z\r\nx:\t2\r\n\t3\r\n\r\n")
    assert head.all(b"x") == [b"1", b"2\t3"]
    assert head.first(b"x") == b"1"
    assert head.first(b"none") is None
    assert head.has_prefix(b"y")
    assert not head.has_prefix(b"list-")


@pytest.mark.parametrize(
    ("content", "names", "body"),
    [
        (b"", [], 0),
        (b"\r\nbody\r\n", [], 2),
        (b"From : a@b\r\n\r\nx", [b"from"], 14),  # RFC 5322 §4.5 allows the blank.
        (b"From: a@b", [b"from"], 9),
        (b"From: a@b\r\n", [b"from"], 11),
        (b"From: a@b\r\n folded", [b"from"], 18),
        (b"A: 1\r\n \r\nB: 2\r\n\r\n", [b"a", b"b"], 17),
        # Postmarks of a mailbox file are no fields, and no fault either.
        (b"From a@b Mon Nov 20 14:05:00 2023\r\nFrom: a@b\r\n\r\n", [b"from"], 48),
        (b"From: a@b\r\n>From a@b Mon Nov 20 14:05:00 2023\r\nTo: c@d\r\n\r\n", [b"from", b"to"], 58),
    ],
)
def test_split_of_a_sound_block_ends_behind_the_blank_line(content: bytes, names: list[bytes], body: int) -> None:
    head = header.split(content)
    assert [field.name for field in head.fields] == names
    assert head.body == body
    assert not head.malformed


@pytest.mark.parametrize(
    ("content", "names"),
    [
        (b"no field here\r\nFrom: a@b\r\n\r\n", [b"from"]),
        (b" From: starts with a blank\r\n\r\n", []),
        (b"From: a@b\r\nbroken line\r\nTo: c@d\r\n\r\n", [b"from", b"to"]),
        (b": no name\r\n\r\n", []),
        (b"Fr\xf6m: a@b\r\n\r\n", []),
        (b"Fr om: a@b\r\n\r\n", []),
        (b"Colonless\r\n folded: x\r\n\r\n", []),
        (b"strange\r\n" * 10 + b"From: a@b\r\n\r\n", [b"from"]),
    ],
)
def test_split_passes_over_a_few_strange_lines_and_warns(content: bytes, names: list[bytes]) -> None:
    head = header.split(content)
    assert [field.name for field in head.fields] == names
    assert head.body == len(content)
    assert head.malformed


def test_split_of_many_strange_lines_ends_at_the_first() -> None:
    content = b"A: 1\r\n" + b"strange\r\nB: 2\r\n" * 11 + b"\r\n"
    head = header.split(content)
    assert [field.name for field in head.fields] == [b"a"]
    assert head.body == 6
    assert head.malformed


@given(st.binary(max_size=400))
@example(b"\r\n")
@example(b"a:\r\n \r\n\t\r\n")
def test_split_of_any_octets_covers_them_without_a_gap_unless_it_warns(content: bytes) -> None:
    head = header.split(content)
    at = 0
    for field in head.fields:
        assert field.start == at or (
            field.start > at and (head.malformed or content[at : at + 6].startswith((b"From ", b">From ")))
        )
        assert content[field.start : field.end].lower().startswith(field.name)
        at = field.end
    assert at <= head.body <= len(content)
    assert head.malformed or content[at : head.body] in (b"", b"\r\n") or b"From " in content


FIELD_TEXT = st.binary(max_size=200) | st.lists(
    st.sampled_from(
        [b'"', b"\\", b"(", b")", b"<", b">", b",", b";", b":", b"@", b" ", b"a", b"b.example", b"=?utf-8?q?", b"?=",
         b"=?x?b?", b"=0A", b"\xff", b"\r\n ", b"\0", "é".encode()]
    ),
    max_size=40,
).map(b"".join)  # fmt: skip


@given(FIELD_TEXT)
@example(b"<@")
@example(b'"')
@example(b"a@[")
@example(b"=?unicode_escape?b?XHFh?=")
def test_reading_any_value_raises_nothing_and_lets_no_control_through(value: bytes) -> None:
    plain = header.text(header.unfold(value))
    assert plain.isprintable() or not set(plain) & set("\r\n\0\x1b\u2028\u2029\u202e\u0085")
    plain.encode("utf-8")  # No lone surrogates.
    for mailbox in addresses(value):
        local, at, domain = mailbox.address.rpartition("@")
        assert at
        assert local
        assert domain
        assert not set(mailbox.address) & set("\r\n\0")
        assert not any(c.isspace() for c in domain)
    without_comments(value)


@pytest.mark.no_cover
@pytest.mark.parametrize("shape", HOSTILE)
def test_hostile_value_of_200_kb_is_read(shape: str) -> None:
    value = HOSTILE[shape]
    for octets in (value, value[: BIG // 4]):
        header.text(octets)
        addresses(octets)
        without_comments(octets)
        for name in (b"From", b"To", b"Subject", b"Auto-Submitted", b"References", b"Message-ID", b"Precedence"):
            facts = read_message(header.split(name + b": " + octets + b"\r\n\r\n"))
            assert len(facts.subject) <= 500


def test_hostile_block_of_many_fields_is_split() -> None:
    assert len(header.split(b"a:\r\n" * 50_000).fields) == 50_000
    assert len(header.split(b"a: b\r\n" + b" c\r\n" * 50_000).fields) == 1
    assert header.split(b"x" * BIG).fields == ()


@pytest.mark.no_cover
@pytest.mark.parametrize("line", [b"a:\r\n", b" c\r\n", b"From x\r\n", b"a: b\r\n" + b" c\r\n" * 200])
def test_hostile_block_without_an_end_is_looked_at_no_further_than_it_may_reach(line: bytes) -> None:
    # Split to its end, such a mail of 50 MB stopped every session for half a minute and took 2 GB.
    content = b"a: b\r\n" + line * (20 * header.MAX_HEADER_OCTETS // len(line))
    head = header.split(content + b"\r\nbody\r\n")
    assert head.malformed
    assert head.body > header.MAX_HEADER_OCTETS
    assert all(field.end < 2 * header.MAX_HEADER_OCTETS for field in head.fields)


def test_block_of_the_largest_size_is_split_whole_even_under_fields_of_ours() -> None:
    ours = b"Received: from a by b\r\n" * 50
    content = ours + b"a:" + b"x" * (header.MAX_HEADER_OCTETS - 6) + b"\r\n\r\nbody\r\n"
    head = header.split(content)
    assert (content[head.body :], head.malformed) == (b"body\r\n", False)


def test_unfold_of_a_huge_value_is_bounded() -> None:
    assert len(header.unfold(b" " + b"x" * BIG)) <= 65_536


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (b"plain", "plain"),
        (b"=?utf-8?q?caf=C3=A9?=", "café"),
        (b"=?UTF-8?B?Y2Fmw6k=?=", "café"),
        (b"=?utf-8?b?Y2Fmw6k?=", "café"),  # Padding left out.
        (b"=?utf-8?q?a_b?=", "a b"),
        (b"=?utf-8?q?one?= =?utf-8?q?two?=", "onetwo"),  # RFC 2047 §6.2: the blank between two words is none.
        (b"=?utf-8?q?one?= and =?utf-8?q?two?=", "one and two"),
        (b"=?iso-8859-1*de?q?f=FCr?=", "für"),  # RFC 2231 §5: with a language.
        ("grüße".encode(), "grüße"),
        ("grüße".encode("latin-1"), "grüße"),
        (b"=?big5?q?=ff?=", "\ufffd"),
        (b"=?no-such-charset?q?a?=", "=?no-such-charset?q?a?="),
        (b"=?rot13?q?a?=", "=?rot13?q?a?="),
        (b"=?idna?q?a?=", "=?idna?q?a?="),
        (b"=?punycode?q?a-b?=", "=?punycode?q?a-b?="),
        (b"=?unicode_escape?b?XHFh?=", "=?unicode_escape?b?XHFh?="),
        (b"=?undefined?q?a?=", "=?undefined?q?a?="),
        (b"=?utf-7?q?+ADw-?=", "=?utf-7?q?+ADw-?="),
        (b"=?utf7?q?+ADw-?=", "=?utf7?q?+ADw-?="),
        (b"=?unicode-1-1-utf-7?q?+ADw-?=", "=?unicode-1-1-utf-7?q?+ADw-?="),
        ("=?utf-8?b?é?=".encode(), "=?utf-8?b?é?="),
        (b"=?utf-8?q?not closed", "=?utf-8?q?not closed"),
        (b"=?utf-8?b?A?=", "=?utf-8?b?A?="),  # One letter is no base64.
    ],
)
def test_text_decodes_encoded_words_and_leaves_what_is_none(value: bytes, words: str) -> None:
    assert header.text(value) == words


HIDDEN = [
    "\r\nBcc: x@y",
    "\n",
    "\r",
    "\0",
    "\x1b[2J",
    "\x85",
    "\u2028",
    "\u2029",
    "\u202e",
    "\u2066",
    "\u200f",
    "\u061c",
]


@pytest.mark.parametrize("hidden", HIDDEN)
def test_text_lets_no_control_out_of_an_encoded_word(hidden: str) -> None:
    payload = hidden.encode()
    quoted = b"".join(b"=%02X" % octet for octet in payload)
    for word in (b"=?utf-8?q?a" + quoted + b"?=", b"=?utf-8?b?" + base64.b64encode(b"a" + payload) + b"?=", payload):
        assert not set(header.text(b"x " + word)) & set("\r\n\0\x1b\x85\u2028\u2029\u202e\u2066\u200f\u061c")


def test_header_of_nothing_is_empty() -> None:
    assert header.split(b"") == Header((), 0)


@pytest.mark.parametrize(
    ("octets", "name", "value"),
    [
        (b"X-A: b\r\n\r\n", b"x-a", b" b"),
        (b"X-A \t:\r\n\r\n", b"x-a", b""),
        (b"X-A: b\rc\r\n\r\n", b"x-a", b" b\rc"),
        (b"X-A: b\r\n c\r\n\tD: e\r\n\r\n", b"x-a", b" b\r\n c\r\n\tD: e"),
        (b"X-A: b", b"x-a", b" b"),
    ],
)
def test_field_of_one_line_and_of_several_is_read_alike(octets: bytes, name: bytes, value: bytes) -> None:
    (field,) = header.split(octets).fields
    assert (field.name, field.value, field.start) == (name, value, 0)
