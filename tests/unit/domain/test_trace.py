from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import header, trace
from gateway.domain.address import Address
from gateway.domain.envelope import Client, Recipient, Transaction
from tests.unit.domain.letters import ANNA, JOE, block

KEY = b"k" * 32
NOW = 1_700_000_000.0
CONTENT = block(
    "From: anna@oak.example", "Date: Mon, 20 Nov 2023 14:05:00 +0000", "Message-ID: <1@oak.example>", "Subject: Hi"
)


def transaction(
    client: Client | None = None, *, smtputf8: bool = False, to: tuple[Address, ...] = (JOE,)
) -> Transaction:
    return Transaction(
        client or Client("192.0.2.7", 25, "mx.oak.example", "mx.oak.example"),
        ANNA,
        [Recipient(address) for address in to],
        smtputf8=smtputf8,
        id="3fX",
    )


def test_r26_received_names_client_protocol_id_recipient_and_time() -> None:
    assert trace.received_field(transaction(), "gw.example.org", NOW) == (
        b"Received: from mx.oak.example (mx.oak.example [192.0.2.7])\r\n"
        b"\tby gw.example.org with ESMTP id 3fX\r\n"
        b"\tfor <joe@example.org>;\r\n"
        b"\tTue, 14 Nov 2023 22:13:20 +0000\r\n"
    )


def test_r26_received_of_a_client_that_told_nothing_says_unknown() -> None:
    field = trace.received_field(transaction(Client("2001:db8::1")), "gw.example.org", NOW)
    assert b"from unknown (unknown [IPv6:2001:db8::1])" in field


@pytest.mark.parametrize(
    ("protocol", "tls", "smtputf8", "told"),
    [
        ("SMTP", False, False, b"with SMTP "),
        ("ESMTPS", True, False, b"with ESMTPS "),
        ("ESMTPSA", True, False, b"with ESMTPSA "),
        ("ESMTP", False, True, b"with UTF8SMTP "),
        ("ESMTPS", True, True, b"with UTF8SMTPS "),
    ],
)
def test_r26_received_tells_the_registered_protocol(protocol: str, tls: bool, smtputf8: bool, told: bytes) -> None:
    client = Client("192.0.2.7", protocol=protocol, tls=tls)
    assert told in trace.received_field(transaction(client, smtputf8=smtputf8), "gw.example.org", NOW)


def test_received_of_several_recipients_tells_nobody_of_the_others() -> None:
    field = trace.received_field(transaction(to=(JOE, Address.of("kim@example.org"))), "gw.example.org", NOW)
    assert b"for <" not in field


def test_received_names_a_recipient_outside_ascii_only_in_a_utf8_transaction() -> None:
    to = (Address.of("jürgen@example.org"),)
    assert b"for <" not in trace.received_field(transaction(to=to), "gw.example.org", NOW)
    assert "for <jürgen@example.org>".encode() in trace.received_field(
        transaction(to=to, smtputf8=True), "gw.example.org", NOW
    )


NASTY = st.text(max_size=300) | st.sampled_from(
    ["a\r\nBcc: x@y", "x) by evil (", "\\", "a\nb", "\0", "é", "\u2028", "\ud800", "[1.2.3.4]", "x" * 5000]
)


@given(NASTY, NASTY, NASTY, NASTY)
def test_received_field_cannot_be_broken_by_what_a_client_says(
    address: str, name: str, helo: str, protocol: str
) -> None:
    client = Client(address, 25, name, helo, protocol)
    field = trace.received_field(transaction(client), "gw.example.org", NOW)
    head = header.split(field + b"\r\nbody")
    assert [each.name for each in head.fields] == [b"received"]
    assert head.fields[0].end == len(field)
    assert field.isascii()
    assert field.count(b"(") == field.count(b")") == 1
    assert field.count(b"\r") == field.count(b"\n") == field.count(b"\r\n") == 4
    assert max(map(len, field.split(b"\r\n"))) <= 998


@pytest.mark.parametrize(
    ("now", "text"),
    [
        (0.0, "Thu, 1 Jan 1970 00:00:00 +0000"),
        (951_782_400.0, "Tue, 29 Feb 2000 00:00:00 +0000"),
        (4_102_444_799.9, "Thu, 31 Dec 2099 23:59:59 +0000"),
    ],
)
def test_date_time_is_written_in_english_whatever_the_locale(now: float, text: str) -> None:
    assert trace.date_time(now) == text


def marked(content: bytes = CONTENT, key: bytes = KEY, now: float = NOW) -> bytes:
    return trace.release_mark(key, content, header.split(content), now) + content


def bears(content: bytes, key: bytes = KEY, now: float = NOW) -> bool:
    return trace.bears_release_mark(key, content, header.split(content), now)


def test_release_mark_is_known_again_on_the_same_mail() -> None:
    assert bears(marked())
    assert bears(b"Received: from here by there\r\nReturn-Path: <x@y>\r\n" + marked())
    assert not bears(CONTENT)


def test_release_mark_survives_folding_and_white_space_around_the_marked_fields() -> None:
    assert bears(marked().replace(b"Subject: Hi", b"Subject:  Hi "))


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"Hello", b"Hello!"),
        (b"Subject: Hi", b"Subject: Buy"),
        (b"From: anna@oak.example", b"From: evil@oak.example"),
        (b"From: anna", b"From: x@y.example\r\nFrom: anna"),
        (b"<1@oak.example>", b"<2@oak.example>"),
        (b"14:05:00", b"14:05:01"),
    ],
)
def test_release_mark_on_a_changed_mail_is_worth_nothing(old: bytes, new: bytes) -> None:
    assert not bears(marked().replace(old, new, 1))


def test_release_mark_of_another_site_is_worth_nothing() -> None:
    assert not bears(marked(key=b"x" * 32))


@pytest.mark.parametrize(
    ("age", "valid"),
    [(0.0, True), (trace.MARK_LIFETIME, True), (trace.MARK_LIFETIME + 1, False), (-86_400.0, True), (-86_401.0, False)],
)
def test_release_mark_lives_for_two_weeks(age: float, valid: bool) -> None:
    assert bears(marked(), now=NOW + age) is valid


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"1",
        b"1; t=1700000000; m=",
        b"1; t=1700000000; m=" + b"0" * 64,
        b"1; t=1700000000; m=" + b"g" * 64,
        b"1; t=" + b"9" * 100 + b"; m=" + b"0" * 64,
        b"2; t=1700000000; m=" + b"0" * 64,
        b"1; t=1700000000; m=" + b"\xff" * 64,
        "1; t=１７００００００００; m=".encode() + b"0" * 64,
    ],
)
def test_release_mark_forged_is_worth_nothing(value: bytes) -> None:
    assert not bears(b"X-Gateway-Release: " + value + b"\r\n" + CONTENT)


def test_release_mark_with_another_time_is_worth_nothing() -> None:
    assert not bears(marked().replace(b"t=1700000000", b"t=1700000001"))


def test_release_mark_among_forged_ones_is_found_within_the_first_five() -> None:
    forged = b"X-Gateway-Release: 1; t=1700000000; m=" + b"0" * 64 + b"\r\n"
    assert bears(forged * 4 + marked())
    assert not bears(forged * 5 + marked())


STRANGE = block("From: anna@oak.example", "Subject: Hi", "a strange line", "To: joe@example.org")


def test_release_mark_of_a_malformed_mail_covers_what_another_reader_takes_for_the_body() -> None:
    assert bears(marked(STRANGE))
    assert not bears(marked(STRANGE).replace(b"a strange", b"a changed"))
    assert not bears(marked(STRANGE).replace(b"To: joe", b"To: kim"))
    assert not bears(marked(b"short\r\nand plain\r\n").replace(b"plain", b"other"))
    trailing = block("From: anna@oak.example", "a strange line")
    assert bears(marked(trailing))
    assert not bears(marked(trailing).replace(b"a strange", b"a changed"))


def test_release_mark_of_a_malformed_mail_survives_a_server_that_ends_the_header_there() -> None:
    assert bears(marked(STRANGE).replace(b"a strange", b"\r\na strange"))


def test_release_mark_of_a_mail_without_header_fields_is_known_again() -> None:
    assert bears(marked(b"\r\nbody only\r\n"))


@given(st.binary(max_size=300))
def test_release_mark_reading_any_octets_raises_nothing(content: bytes) -> None:
    assert not bears(b"X-Gateway-Release: " + content)


CUTS = st.lists(st.integers(0, 60), max_size=8, unique=True).map(sorted)


@given(CUTS)
def test_r31_without_leaves_out_exactly_the_ranges(points: list[int]) -> None:
    content = bytes(range(60))
    cuts = tuple(zip(points[::2], points[1::2], strict=False))
    kept = bytes(octet for octet in content if not any(start <= octet < end for start, end in cuts))
    assert b"".join(trace.without(content, cuts)) == kept


@given(CUTS, st.integers(0, 60), st.integers(0, 60))
def test_replaced_puts_the_text_in_place_and_leaves_out_the_cuts(points: list[int], one: int, other: int) -> None:
    content = bytes(range(60))
    span = (min(one, other), max(one, other))
    cuts = tuple(cut for cut in zip(points[::2], points[1::2], strict=False) if cut[1] <= span[0] or cut[0] >= span[1])
    expected = bytearray()
    for octet in range(61):
        if octet == span[0]:
            expected += b"NEW"
        if octet < 60 and not span[0] <= octet < span[1] and not any(start <= octet < end for start, end in cuts):
            expected.append(octet)
    assert b"".join(trace.replaced(content, cuts, span, b"NEW")) == bytes(expected)


def tagged(content: bytes) -> bytes:
    span, field = trace.with_subject_tag(content, header.split(content), "[unasked]")
    return b"".join(trace.replaced(content, (), span, field))


def test_subject_tag_stands_before_the_subject_and_keeps_its_folds() -> None:
    assert tagged(b"A: 1\r\nSubject:  long\r\n\tline\r\nB: 2\r\n\r\nx") == (
        b"A: 1\r\nSubject: [unasked] long\r\n\tline\r\nB: 2\r\n\r\nx"
    )


def test_subject_tag_on_a_mail_without_a_subject_makes_one() -> None:
    assert tagged(b"A: 1\r\n\r\nx") == b"A: 1\r\nSubject: [unasked]\r\n\r\nx"
    assert tagged(b"\r\nx") == b"Subject: [unasked]\r\n\r\nx"


def test_spam_fields_are_two_clean_fields() -> None:
    head = header.split(trace.spam_fields(14.0) + b"\r\n")
    assert head.first(b"x-spam-flag") == b"YES"
    assert (head.first(b"x-spam-status") or b"").startswith(b"Yes")
    assert b"within 14 days" in trace.spam_fields(14.0)


def test_received_field_of_a_transaction_with_a_quoted_recipient_stays_one_field() -> None:
    to = (Address.of('"a b(c"@example.org'),)
    field = trace.received_field(replace(transaction(to=to)), "gw.example.org", NOW)
    assert [each.name for each in header.split(field + b"\r\n").fields] == [b"received"]
