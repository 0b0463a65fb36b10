from __future__ import annotations

import re

import pytest

from gateway.domain import reply
from gateway.domain.reply import Reply

EVERY = {name: value for name, value in vars(reply).items() if isinstance(value, Reply)}


@pytest.mark.parametrize("name", EVERY)
def test_r29_reply_fits_a_line_and_its_codes_agree(name: str) -> None:
    one = EVERY[name]
    for line in one.lines().split("\r\n")[:-1]:
        assert len(line.encode()) + 2 <= 512
    assert one.text.isascii()
    if one.enhanced:
        assert re.fullmatch(r"[245]\.[0-9]{1,3}\.[0-9]{1,3}", one.enhanced)
        assert one.enhanced[0] == str(one.code)[0]
    assert (one.accepted, one.temporary, one.permanent).count(True) == (0 if one.code == 354 else 1)


@pytest.mark.parametrize("name", EVERY)
def test_reply_text_names_no_mechanism_path_or_host(name: str) -> None:
    assert not re.search(r"sqlite|python|/|@|\d+\.\d+\.\d+\.\d+|exception|error:", EVERY[name].text, re.IGNORECASE)


def test_reply_of_several_lines_goes_out_with_hyphens() -> None:
    assert Reply(250, "", "one\ntwo").lines() == "250-one\r\n250 two\r\n"
    assert Reply(550, "5.7.1", "one\ntwo").lines() == "550-5.7.1 one\r\n550 5.7.1 two\r\n"
    assert str(Reply(550, "5.7.1", "one\ntwo")) == "550 5.7.1 one two"
    assert str(Reply(354, "", "")) == "354"


def test_reply_line_too_long_is_cut() -> None:
    assert len(Reply(550, "5.7.1", "x" * 2000).lines()) <= 512
