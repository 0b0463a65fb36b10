from __future__ import annotations

import pytest

from gateway.domain.first_words import MOST_OCTETS, FirstWords, first_words


def crlf(text: str) -> bytes:
    return text.replace("\n", "\r\n").encode("utf-8")


def test_plain_mail_begins_with_subject_and_body() -> None:
    mail = "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\nContent-Language: de-AT\n\nGuten Tag\n> Hello\n"
    assert first_words(crlf(mail)) == FirstWords("Grüße\nGuten Tag\r\n\n", "de-AT", "")


def test_quoted_printable_is_read_in_its_charset() -> None:
    mail = "Content-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe\n"
    found = first_words(crlf(mail))
    assert (found.text.strip(), found.charset) == ("Grüße", "iso-8859-1")


@pytest.mark.parametrize("cut", [0, 1, 2, 3])
def test_base64_may_be_cut_off_anywhere(cut: int) -> None:
    mail = crlf("Content-Transfer-Encoding: base64\n\nR3LDvMOfZSBhdXMgV2llbg==")
    assert first_words(mail[: len(mail) - cut]).text.strip().startswith("Grüße aus W")


def test_base64_that_is_none_has_no_words() -> None:
    assert first_words(crlf("Content-Transfer-Encoding: base64\n\nRa=A")).text.strip() == ""


def test_html_is_read_without_its_markup() -> None:
    mail = "Content-Type: text/html\n\n<head><title>x</title></head><p>Gr&uuml;&szlig;e</p><style>p{}</style><b"
    assert first_words(crlf(mail)).text.split() == ["Grüße"]


def test_first_text_of_a_multipart_counts() -> None:
    mail = (
        "Subject: Roof\nContent-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=b\n"
        "\n--b\nContent-Type: text/plain\n\nBonjour\n--b\nContent-Type: text/html\n\n<p>no</p>\n--b--\n--a--\n"
    )
    assert first_words(crlf(mail)).text.split() == ["Roof", "Bonjour"]


def test_file_is_no_text_of_the_mail() -> None:
    mail = (
        "Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: text/plain\nContent-Disposition: attachment\n"
        "\nfile\n--a\nContent-Type: image/png\n\nxx\n--a--\n"
    )
    assert first_words(crlf(mail)) == FirstWords("")


@pytest.mark.parametrize("charset", ["no-such", "zlib", "\x00", "rot13"])
def test_charset_that_is_none_is_read_as_utf_8(charset: str) -> None:
    assert first_words(crlf(f"Content-Type: text/plain; charset={charset}\n\nGrüße")).text.strip() == "Grüße"


def test_only_the_beginning_of_a_large_mail_is_read() -> None:
    assert len(first_words(b"\r\n" + b"x" * 10 * MOST_OCTETS).text) < MOST_OCTETS


def test_mail_that_is_gone_has_no_words() -> None:
    assert first_words(b"") == FirstWords("\n")
