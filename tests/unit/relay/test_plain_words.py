from __future__ import annotations

import re
from email.header import decode_header, make_header

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.relay.plain_words import display_name, header_text, one_line, piece_of_subject


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("plain", "plain"),
        ("a\r\nBcc: x@y", "a Bcc: x@y"),
        ("a\x00b\x1b[31mc\x7f\x85d", "a b [31mc d"),
        ("a\u2028b\u2029c\u202ed\u200be\ufefff", "a b c d e f"),
        ("  a \t b  ", "a b"),
        ("\ud800x", "x"),
        ("x" * 50, "x" * 19 + "…"),
        ("", ""),
    ],
)
def test_one_line_controls_are_gone_and_length_is_bounded(text: str, line: str) -> None:
    assert one_line(text, 20) == line


@pytest.mark.parametrize(
    "advert",
    [
        "http://evil.example/x", "HTTPS://EVIL.example", "//evil.example", "evil.example", "www.evil", "x@evil.example",
        "mailto:x", "javascript:alert(1)", "tel:+4930", "192.0.2.1/x", "evil．example", "evil。example", "ｅｖｉｌ．ｅｘａｍｐｌｅ",
        "x＠evil", "<a href=evil.example>", "[u](evil.example)", "evil․example", "пример.рф", "data:text/html,x",
        "ftp:/evil",
    ],
)  # fmt: skip
def test_piece_of_subject_addresses_and_links_are_cut_out(advert: str) -> None:
    piece = piece_of_subject(f"Offer {advert} today")
    assert piece.startswith("Offer ")
    assert "…" in piece
    assert piece.endswith("today")
    assert "evil" not in piece
    assert "пример" not in piece


@pytest.mark.parametrize(
    ("subject", "piece"),
    [
        ("Re: Offer for the roof, no. 12", "Re: Offer for the roof, no. 12"),
        ("Grüße aus Köln", "Grüße aus Köln"),
        ("http://evil.example", ""),
        ("--- !!!", ""),
        ("", ""),
        ("word " * 40, "word word word word word word word word word word word word…"[:60]),
        ("<b>bold</b>", "b bold /b"),
    ],
)
def test_piece_of_subject_keeps_the_words(subject: str, piece: str) -> None:
    cut = piece_of_subject(subject)
    assert len(cut) <= 60
    assert cut == piece


def test_piece_of_subject_hostile_length_is_no_work() -> None:
    for hostile in ("a" * 10**6, "@" * 10**6, "a." * 10**6, "\u0300" * 10**6, "ﷺ" * 10**4):
        assert len(piece_of_subject(hostile)) <= 60


@given(st.text(max_size=120))
def test_header_text_any_line_survives_and_stays_one_field(text: str) -> None:
    line = one_line(text, 100)
    field = header_text(line)
    assert field.isascii()
    assert all(part.startswith(" ") for part in field.split("\r\n")[1:])
    assert not re.search(r"[\r\n]", field.replace("\r\n ", ""))
    assert all(len(part) <= 110 for part in field.split("\r\n"))
    if line.isascii():
        assert str(make_header(decode_header(field.replace("\r\n", "")))) == line


@pytest.mark.parametrize("text", ["Grüße", "Auto: 日本語のとても長い件名" * 4, "a =?utf-8?q?=0ABcc:_x?= b", "x ü y"])
def test_header_text_foreign_words_decode_to_themselves(text: str) -> None:
    field = header_text(text)
    assert all(len(word) <= 75 for word in field.split())
    assert str(make_header(decode_header(field.replace("\r\n", "")))) == text


def test_header_text_only_foreign_words_are_encoded() -> None:
    assert header_text("Auto: Grüße - one step") == "Auto: =?utf-8?b?R3LDvMOfZQ==?= - one step"


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Oak & Sons", '"Oak & Sons"'),
        ('The "Oak" \\ Co', '"The \\"Oak\\" \\\\ Co"'),
        ("Köln", "=?utf-8?b?S8O2bG4=?="),
        ("=?utf-8?q?x?=", "=?utf-8?b?PT91dGYtOD9xP3g/PQ==?="),
    ],
)
def test_display_name_is_quoted_or_encoded(name: str, field: str) -> None:
    assert display_name(name) == field
