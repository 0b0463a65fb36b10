"""A mail as people see it, whatever is in it."""

from __future__ import annotations

import pytest

from challenge_web.demo.reading import Piece, fields_on_top, read_heading, read_mail

URL = "http://127.0.0.1:8080"


def text_of(*lines: bytes) -> str:
    return read_mail(b"\r\n".join(lines)).text


def test_reading_decodes_subject_and_text() -> None:
    mail = read_mail(
        b"Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\nFrom: A <a@b.example>\r\nContent-Type: text/plain; charset=iso-8859-1\r\n"
        b"Content-Transfer-Encoding: quoted-printable\r\n\r\nsch=F6n\r\n"
    )
    assert (mail.heading.subject, mail.heading.author, mail.text) == ("Grüße", "A <a@b.example>", "schön")


@pytest.mark.parametrize(
    ("field", "shown"),
    [
        (b'"Mail desk" <d@b.example>', "Mail desk <d@b.example>"),
        (b"<d@b.example>", "d@b.example"),
        (b'"d@evil.example" <d@b.example>', '"d@evil.example" <d@b.example>'),
        (b"a\xe2\x80\xaeb <d@b.example>", "a b <d@b.example>"),
    ],
)
def test_heading_shows_an_address_as_mail_programs_do(field: bytes, shown: str) -> None:
    assert read_heading(b"From: " + field + b"\r\n\r\n").author == shown


def test_reading_takes_the_text_of_a_mail_with_several_parts() -> None:
    mail = (
        b'Content-Type: multipart/alternative; boundary="b"\r\n\r\n--b\r\nContent-Type: text/html\r\n\r\n<b>no</b>\r\n'
        b"--b\r\nContent-Type: text/plain\r\nContent-Disposition: attachment\r\n\r\nno\r\n"
        b"--b\r\nContent-Type: text/plain\r\n\r\nyes\r\n--b--\r\n"
    )
    assert read_mail(mail).text == "yes"
    assert "no text part" in read_mail(mail.replace(b"text/plain", b"text/html")).text


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"\x00\xff" * 1000,
        b"To: " + b"(" * 5000 + b"\r\n\r\n",
        b"".join(b'Content-Type: multipart/mixed; boundary="%d"\r\n\r\n--%d\r\n' % (n, n) for n in range(3000)),
        b"Content-Type: text/plain; charset=no-such\r\n\r\nx",
        b"Content-Type: text/plain; charset*0*=utf-8''%FF%00; charset*1=\"\r\n\r\nx",
        b"Content-Transfer-Encoding: base64\r\n\r\n!!!\r\n",
        b"Content-Type: text/plain; charset=utf-16\r\n\r\n\xd8\x00\r\n",
        b"Content-Type: text/plain; charset=idna\r\n\r\nxn--\xff\r\n",
        b"Subject: " + b"=?utf-8?b?" + b"A" * 100_000 + b"?=\r\n\r\nx",
    ],
)
def test_reading_hostile_mail_gives_something_to_show(content: bytes) -> None:
    mail = read_mail(content)
    mail.text.encode("utf-8")
    mail.source.encode("utf-8")
    assert mail.octets == len(content)


def test_reading_shows_what_steers_a_screen_as_a_mark() -> None:
    text = text_of(b"Subject: x", b"", b"a\x1b[31mb\x00c\xe2\x80\xaed\xc2\x9be\tf")
    assert text == "a\ufffd[31mb\ufffdc\ufffdd\ufffde\tf"


def test_reading_cuts_a_long_source() -> None:
    mail = read_mail(b"x: y\r\n\r\n" + b"z" * 100_000)
    assert mail.cut
    assert len(mail.source) < 70_000


def test_pieces_make_links_of_our_own_addresses_only() -> None:
    mail = read_mail(f"\r\n(see {URL}/c/abc). Not {URL}.evil.example/ nor http://evil.example/ {URL}/d".encode())
    assert mail.pieces(URL) == [
        Piece("(see "),
        Piece(f"{URL}/c/abc", f"{URL}/c/abc"),
        Piece(f"). Not {URL}.evil.example/ nor http://evil.example/ "),
        Piece(f"{URL}/d", f"{URL}/d"),
        Piece(""),
    ]


def test_fields_on_top_are_what_stands_before_the_sent_mail() -> None:
    assert fields_on_top(b"A: 1\r\n\tb\r\nC: 2\r\nX: y\r\n\r\nt\r\n", b"X: y\r\n\r\nt\r\n") == ["A: 1", "\tb", "C: 2"]
    assert fields_on_top(b"X: y\r\n\r\n", b"X: y\r\n\r\n") == []
    assert fields_on_top(b"A: 1\r\nX: y\r\n\r\nT\r\n", b"X: y\r\n\r\nt\r\n") is None
    assert fields_on_top(b"A: 1\r\n", b"") is None
