from __future__ import annotations

from dataclasses import replace

import pytest

from gateway.flow.describe import LONGEST_SORT_KEY, Raw, describe
from gateway.flow.queue_ports import MACHINE, PEOPLE

RAW = Raw(
    id=7, recipient_key="joe+shop@example.org", reverse_path="Anna@Oak.example", sender_key="anna@oak.example",
    author="anna@oak.example", author_name="Anna Röth", subject="Re: AW: Offer for the roof", size=100,
    reason="unknown-sender", held_at=1.0, expires_at=2.0, source="",
)  # fmt: skip
PLAIN = b"From: Anna <anna@oak.example>\r\nSubject: x\r\n\r\nHello\r\n"


def test_mail_of_a_person_is_listed_with_its_words_and_keys() -> None:
    row = describe(RAW, PLAIN)
    assert (row.lane, row.source, row.owner, row.domain) == (PEOPLE, "", "joe@example.org", "example.org")
    assert row.sender_sort == "anna roth anna oak example"
    assert row.subject_sort == "offer for the roof"
    assert row.w_from == " anna roth  anna oak example "
    assert row.w_to == " joe shop example org "
    assert row.w_subject == " re aw offer for the roof "
    assert row.w_file == ""


@pytest.mark.parametrize(
    ("field", "lane"),
    [
        (b"Auto-Submitted: auto-generated", MACHINE),
        (b"Precedence: bulk", MACHINE),
        (b"List-Unsubscribe: <https://x.example>", MACHINE),
        (b"X-Auto-Response-Suppress: All", PEOPLE),
        (b"X-Other: y", PEOPLE),
    ],
)
def test_lane_is_told_by_what_the_mail_says_of_itself(field: bytes, lane: str) -> None:
    assert describe(RAW, field + b"\r\n" + PLAIN).lane == lane


@pytest.mark.parametrize(
    ("raw", "source"),
    [
        (replace(RAW, reverse_path="", author=""), "from:nobody"),
        (replace(RAW, reverse_path="", author="x@shop.example"), "from:shop.example"),
        (replace(RAW, reverse_path="no-reply@shop.example"), "from:oak.example"),
        (replace(RAW, author="noreply@shop.example"), "from:shop.example"),
        (replace(RAW, source="list:news.shop.example"), "list:news.shop.example"),
    ],
)
def test_mail_of_a_machine_has_a_source(raw: Raw, source: str) -> None:
    row = describe(raw, PLAIN)
    assert (row.lane, row.source) == (MACHINE, source)


def test_domain_in_foreign_letters_is_found_in_both_spellings() -> None:
    row = describe(replace(RAW, author="x@xn--bcher-kva.example"), PLAIN)
    assert " bucher " in row.w_from
    assert " xn bcher kva " in row.w_from


def test_mail_whose_content_is_gone_is_listed_all_the_same() -> None:
    row = describe(RAW, b"")
    assert (row.lane, row.files) == (PEOPLE, ())


def test_keys_to_sort_by_are_short() -> None:
    row = describe(replace(RAW, subject="x" * 500, author_name="y" * 500), PLAIN)
    assert len(row.subject_sort) == len(row.sender_sort) == LONGEST_SORT_KEY


@pytest.mark.parametrize(
    "content", [b"\xff\x00" * 50, b":" * 100, b"Content-Type: multipart/mixed\r\n\r\n", b"\r\n\r\n"]
)
def test_mail_that_cannot_be_understood_is_listed_all_the_same(content: bytes) -> None:
    assert describe(replace(RAW, subject="\udcff\x00", author_name="\u202e"), content).raw.id == 7
