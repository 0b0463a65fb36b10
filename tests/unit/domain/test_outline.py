"""What a mail is made of, and text that hides nothing."""

from __future__ import annotations

from gateway.domain.foreign_text import shown
from gateway.domain.outline import Outline, Part, Piece

MULTI = Part(0, 0, "multipart/mixed", 100)
TEXT = Part(1, 1, "text/plain", 5)
FILE = Part(2, 1, "application/pdf", 50, "roof.pdf", is_file=True)


def test_files_of_an_outline_are_the_parts_offered_as_files() -> None:
    assert Outline(parts=(MULTI, TEXT, FILE)).files == (FILE,)


def test_part_of_an_outline_is_one_that_holds_no_others() -> None:
    outline = Outline(parts=(MULTI, TEXT, FILE))
    assert [outline.part(number) for number in (0, 1, 2, 3)] == [None, TEXT, FILE, None]


def test_beginning_of_an_outline_is_its_text_and_is_cut_where_there_is_more() -> None:
    outline = Outline(pieces=(Piece(1, "Dear Joe,\n"), Piece(2, "the roof ")))
    assert outline.beginning(100) == "Dear Joe,\n\n\nthe roof"
    assert outline.beginning(10) == "Dear Joe,…"


def test_shown_text_hides_nothing_and_keeps_its_lines() -> None:
    assert shown("a\r\nb\rc\td") == "a\nb\nc\td"
    assert shown("x\0\u202ey\ud800\U000e0041") == "x\ufffd\ufffdy\ufffd\ufffd"
    assert shown("שלום 你好 é 👍") == "שלום 你好 é 👍"
