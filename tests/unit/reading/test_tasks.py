"""Mails taken apart in this process: the tree, the text, the files, the cleaned HTML."""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gateway.domain.outline import Marks, Outline, Unreadable
from gateway.reading import tasks
from gateway.reading.limits import LIMITS
from gateway.reading.octets import parameters, text_of, undone
from tests.corpus import samples, with_crlf

PNG = b"iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def outline(mail: bytes) -> Outline:
    return tasks.outline(with_crlf(mail), Marks(), LIMITS)


def html(body: str, *, images: bool = False, more: bytes = b"") -> str:
    mail = b"Content-Type: multipart/related; boundary=b\n\n--b\nContent-Type: text/html; charset=utf-8\n\n"
    return tasks.document(
        with_crlf(mail + body.encode() + b"\n" + more + b"\n--b--\n"), 1, images, Marks(), LIMITS
    ).html


def test_every_mail_we_know_is_read_without_a_fault() -> None:
    for sample in samples():
        found = tasks.outline(sample.content, Marks(), LIMITS)
        assert found.parts, sample.path
        for part in found.parts:
            if not part.is_multipart:
                tasks.file(sample.content, part.number, LIMITS)
        if found.html is not None:
            text = tasks.document(sample.content, found.html, True, Marks(), LIMITS).html
            for bad in ("<script", "javascript:", "<style", "href=", "http-equiv", " on"):
                assert bad not in _tags(text), (sample.path, bad)


def _tags(text: str) -> str:
    """Return the tags of a document, without the words of its images."""
    return "".join("<" + piece.partition(">")[0].partition(" alt=")[0] for piece in text.split("<")[1:])


@settings(max_examples=60)
@given(st.binary(max_size=600))
def test_any_octets_have_an_outline(octets: bytes) -> None:
    assert tasks.outline(octets, Marks(), LIMITS).parts
    assert tasks.outline(b"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\n" + octets, Marks(), LIMITS).parts


@settings(max_examples=60)
@given(st.text(max_size=300))
def test_any_text_as_html_comes_out_without_anything_that_acts(text: str) -> None:
    for tag in ("", "<p ", "<a href='", "<img src=", "<svg><", "<!--", "<table><td>"):
        found = html(tag + text.replace("\ud800", ""))
        assert "href" not in _tags(found)
        assert "src=" not in _tags(found)


def test_alternatives_show_the_text_and_keep_the_html_for_later() -> None:
    found = outline(
        b"Content-Type: multipart/alternative; boundary=b\n\n--b\n\nplain\n--b\nContent-Type: text/html\n\n<p>rich</p>\n--b--\n"
    )
    assert [(piece.text, piece.from_html) for piece in found.pieces] == [("plain", False)]
    assert found.html == 2


def test_html_alone_is_told_as_text() -> None:
    found = outline(
        b"Content-Type: text/html\n\n<h1>Week 47</h1><ul><li>lamp<li>roof</ul><script>x</script>"
        b'<a href="https://shop.example/x">see</a><img alt="a lamp" src="http://x/">'
    )
    (piece,) = found.pieces
    assert piece.from_html
    assert piece.text.split("\n\n")[0] == "Week 47"
    assert "- lamp" in piece.text
    assert "see [shop.example]" in piece.text
    assert "[image: a lamp]" in piece.text


@pytest.mark.parametrize(
    ("head", "body", "text"),
    [
        (b"Content-Type: text/plain; charset=klingon", b"caf\xc3\xa9", "café"),
        (b"Content-Type: text/plain; charset=utf-8", b"\xff\xfe", "\ufffd\ufffd"),
        (b"Content-Type: text/plain", b"caf\xe9 au lait", "café au lait"),
        (b"Content-Type: text/plain; charset=utf-7", b"+ADw-script+AD4-", "+ADw-script+AD4-"),
        (b"Content-Transfer-Encoding: base64", b"aGVs*bG8=\nSUdOT1JFRA==", "hello"),
        (b"Content-Transfer-Encoding: base64", b"aGVsbG8gdGhlcmU", "hello there"),
        (b"Content-Transfer-Encoding: quoted-printable", b"caf=C3=A9=\n!=ZZ", "café!=ZZ"),
        (b"Content-Transfer-Encoding: x-uuencode", b"as it is", "as it is"),
        (b"Content-Type: text/plain; charset=iso-2022-jp", b"\x1b$B\x1b(Bok", "ok"),
        (b"X: y", b"a\0b \xe2\x80\xaec", "a\ufffdb \ufffdc"),
    ],
)
def test_text_is_shown_sanely_whatever_its_encoding(head: bytes, body: bytes, text: str) -> None:
    assert outline(head + b"\n\n" + body).pieces[0].text.strip() == text


def test_ten_thousand_parts_are_cut_at_the_limit() -> None:
    found = outline(b"Content-Type: multipart/mixed; boundary=b\n\n" + b"--b\n\nx\n" * 10_000)
    assert len(found.parts) == LIMITS.parts
    assert any("more than 500 parts" in one.sentence for one in found.faults)


def test_parts_within_parts_are_cut_at_the_limit() -> None:
    nested = b"".join(b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n" % (n, n) for n in range(2000))
    found = outline(nested)
    assert max(part.depth for part in found.parts) == LIMITS.depth
    assert any("deep in one another" in one.sentence for one in found.faults)


def test_parts_that_cannot_be_told_apart_are_told_of() -> None:
    found = outline(b"Content-Type: multipart/mixed\n\nx\n")
    assert any("cannot be told apart" in one.sentence for one in found.faults)


def test_long_text_is_cut_and_says_so() -> None:
    found = outline(b"Subject: x\n\n" + b"word " * 100_000)
    (piece,) = found.pieces
    assert piece.cut
    assert len(piece.text) <= LIMITS.text_characters


def test_header_fields_are_cut_and_doubles_told_of() -> None:
    found = tasks.outline(
        with_crlf(b"Subject: a\nSubject: b\nX: " + b"y" * 10_000 + b"\n" + b"Z: z\n" * 20 + b"\n\nx\n"),
        Marks(),
        replace(LIMITS, lines=10),
    )
    assert len(found.lines) == 10
    assert found.lines[2].cut
    assert "It has more than one Subject field." in [one.sentence for one in found.faults]
    assert any("more than 10 header fields" in one.sentence for one in found.faults)


def test_people_are_read_out_of_the_fields() -> None:
    found = outline(
        b"From: =?utf-8?q?Zo=C3=AB?= <z@oak.example>\nTo: a@x.example, B <b@x.example>\nCc: c@x.example\n\nx\n"
    )
    assert [(one.name, one.address) for one in found.authors] == [("Zoë", "z@oak.example")]
    assert [one.address for one in found.recipients] == ["a@x.example", "b@x.example"]
    assert [one.address for one in found.copies] == ["c@x.example"]


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (b'attachment; filename="a b.txt"', "a b.txt"),
        (b"attachment; filename=a.txt", "a.txt"),
        (b"attachment; filename*=utf-8''%C3%BC.txt", "ü.txt"),
        (b"attachment; filename*0=a; filename*1*=%20b; filename*2=.txt", "a b.txt"),
        (b'attachment; filename="=?utf-8?q?=C3=BC?=.txt"', "ü.txt"),
        (b'attachment; filename="never closed.txt', "never closed.txt"),
        (b"attachment; filename*=klingon''%FF.txt", "ÿ.txt"),
        (b'attachment; filename="q\\"uote.txt"', 'q"uote.txt'),
    ],
)
def test_name_of_a_file_is_read_in_each_spelling(value: bytes, name: str) -> None:
    assert parameters(value)["filename"] == name


def test_file_is_decoded_and_named() -> None:
    mail = with_crlf(
        b"Content-Type: multipart/mixed; boundary=b\n\n--b\nContent-Type: message/rfc822\n\nSubject: in\n\nx\n--b--\n"
    )
    file = tasks.file(mail, 1, LIMITS)
    assert (file.name, file.octets) == ("mail-1.eml", b"Subject: in\r\n\r\nx")


@pytest.mark.parametrize("number", [0, 7])
def test_part_that_is_no_file_or_no_html_is_refused(number: int) -> None:
    mail = with_crlf(b"Content-Type: multipart/mixed; boundary=b\n\n--b\n\nx\n--b--\n")
    with pytest.raises(Unreadable):
        tasks.file(mail, number, LIMITS)
    with pytest.raises(Unreadable):
        tasks.document(mail, number, False, Marks(), LIMITS)


@pytest.mark.parametrize(
    ("dirty", "clean"),
    [
        ('<p style="position:fixed" class=x id=y>a</p>', "<p>a</p>"),
        ('<table><tr><td colspan=9999 rowspan="x">a', '<td colspan="60">a'),
        ('<p dir="rtl" lang=x>a</p>', '<p dir="rtl">a</p>'),
        ('<a href="javascript:alert(1)">a</a>', '<span class="link">a</span>'),
        ('<a href="https://oak.example/x">read</a>', '<span class="link">read</span> <span class="host">[oak.example]</span>'),
        ('<a href="https://www.oak.example">oak.example</a>', '<span class="link">oak.example</span> <span class="host">[www.oak.example]</span>'),
        ('<a href="mailto:a@oak.example?bcc=x">write</a>', '<span class="link">write</span> <span class="host">[a@oak.example]</span>'),
        ('<a href="https://evil.example">bank.example</a>', '<strong class="false">[in truth leads to evil.example]</strong>'),
        ('<a href="https://xn--80ak6aa92e.com">here</a>', "[xn--80ak6aa92e.com]"),
        ('<a href="https://[">x</a>', '<span class="link">x</span>'),
        ("<img src=http://x/y.png alt='\"><script>'>", "[image: &quot;&gt;&lt;script&gt;]"),
        ("<svg><style><img src=x onerror=alert(1)></style></svg>b", "b"),
        ("<math><mtext><table><mglyph><style><img src=x onerror=alert(1)>", ""),
        ("<noscript><p title='</noscript><img src=x onerror=alert(1)>'>", ""),
        ("<base href=http://x/><meta http-equiv=refresh content='0;url=http://x/'><link rel=prefetch href=http://x/>a", "a"),
        ("a\u202eb", "a\ufffdb"),
    ],
)  # fmt: skip
def test_html_is_cleaned(dirty: str, clean: str) -> None:
    found = html(dirty)
    assert clean in found
    for bad in ("onerror=", "<script", "http://x", "style=", "<img", "href"):
        assert bad not in found


def test_image_of_the_mail_is_shown_when_asked_for_and_only_if_it_is_one() -> None:
    def related(kind: bytes, octets: bytes) -> bytes:
        return b"--b\nContent-Type: " + kind + b"\nContent-ID: <pic>\nContent-Transfer-Encoding: base64\n\n" + octets

    picture = '<img src="cid:pic" alt="roof">'
    assert "data:image/png;base64," in html(picture, images=True, more=related(b"image/png", PNG))
    for no_image in (b"PHN2Zz48L3N2Zz4=", b"R0lGODlh", b""):
        assert html(picture, images=True, more=related(b"image/png", no_image)).strip() == (
            '<span class="image">[image: roof]</span>'
        )
    assert "src" not in html(picture, more=related(b"image/png", PNG))
    inline = f'<img src="data:image/png;base64,{PNG.decode()}">'
    assert "data:image/png" in html(inline, images=True)
    assert "data:" not in html(inline)
    assert "data:" not in html(
        '<img src="data:text/html,x"><img src="data:image/svg+xml;base64,PHN2Zz4=">', images=True
    )


def test_image_that_would_fill_the_memory_is_left_out() -> None:
    head = struct.pack("!IIBBBBB", 60_000, 60_000, 8, 6, 0, 0, 0)
    chunk = b"IHDR" + head
    png = b"\x89PNG\r\n\x1a\n" + struct.pack("!I", 13) + chunk + struct.pack("!I", zlib.crc32(chunk))
    data = base64.b64encode(png).decode()
    assert "data:" not in html(f'<img src="data:image/png;base64,{data}">', images=True)


def test_octets_that_are_no_text_of_their_charset_are_read_all_the_same() -> None:
    assert text_of(b"\xe4", "undefined") == "ä"
    assert text_of(b"x", "rot13") == "x"
    assert text_of(b"x" * 10 + b"\xc3", "utf-8") == "x" * 10 + "\ufffd"
    assert undone(b"=?", "quoted-printable")
