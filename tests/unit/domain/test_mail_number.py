from __future__ import annotations

import pytest

from gateway.domain.mail_number import mail_number, row_of

KEY = b"k" * 32


def test_number_names_its_row_however_it_is_typed() -> None:
    number = mail_number(KEY, 1234)
    assert number.startswith("1234-")
    assert row_of(KEY, f"  {number.upper()} ") == 1234


@pytest.mark.parametrize(
    "text", ["", "1234", "1234-", "1235-{letters}", "1234-{letters}x", "x-{letters}", "١-{letters}"]
)
def test_what_nobody_was_told_is_no_number(text: str) -> None:
    letters = mail_number(KEY, 1234).partition("-")[2]
    assert row_of(KEY, text.format(letters=letters)) is None
    assert row_of(b"other", mail_number(KEY, 1234)) is None
