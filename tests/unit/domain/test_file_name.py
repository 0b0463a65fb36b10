"""Names of files that others chose."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.file_name import LONGEST, safe_name, warning_of
from gateway.domain.phrase import Phrase


@pytest.mark.parametrize(
    ("text", "safe"),
    [
        ("roof.pdf", "roof.pdf"),
        ("../../etc/passwd", "passwd"),
        ("..\\..\\x.txt", "x.txt"),
        ("C:\\temp\\x.txt", "x.txt"),
        ("a\r\nSet-Cookie: x.txt", "a Set-Cookie_ x.txt"),
        ("gpj\u202e.exe", "gpj .exe"),
        ("nul\0l.txt", "null.txt"),
        ("CON", "_CON"),
        ("aux.txt", "_aux.txt"),
        (".htaccess", "_.htaccess"),
        ("über größe.pdf", "über größe.pdf"),
        ('a"b<c>.txt', "a_b_c_.txt"),
        ("x.txt . ", "x.txt"),
    ],
)
def test_safe_name_of_a_trap_is_a_plain_name(text: str, safe: str) -> None:
    assert safe_name(text) == safe


@pytest.mark.parametrize("text", ["", "/", "..", "...", "\u202e", " . "])
def test_safe_name_of_nothing_is_the_fallback(text: str) -> None:
    assert safe_name(text, "part-1.bin") == "part-1.bin"


def test_safe_name_of_a_long_name_keeps_its_ending() -> None:
    name = safe_name("x" * 4000 + ".pdf")
    assert len(name) == LONGEST
    assert name.endswith(".pdf")


@given(st.text(alphabet=st.characters(), max_size=300))
def test_safe_name_of_anything_leads_nowhere(text: str) -> None:
    name = safe_name(text, "file")
    assert name
    assert len(name) <= LONGEST + 1
    assert not set(name) & set('/\\:*?"<>|\r\n\0\u202e')
    assert not name.startswith(".")
    name.encode()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("invoice.pdf.exe", "pretends to be a .pdf file"),
        ("invoice.pdf .exe", "pretends to be a .pdf file"),
        ("photo.jpg.html", "pretends to be a .jpg file"),
        ("setup.exe", "can run a program"),
        ("v1.2.exe", "can run a program"),
        ("a.js.exe", "can run a program"),
        ("letter.docm", "can run a program"),
        ("roof.pdf", ""),
        ("archive.tar.gz", ""),
        ("exe", ""),
        ("", ""),
    ],
)
def test_warning_of_a_name_names_double_endings_and_programs(name: str, words: str) -> None:
    warning = warning_of(name)
    assert words in warning
    assert bool(words) == bool(warning)
    assert isinstance(warning, Phrase) == bool(words)
