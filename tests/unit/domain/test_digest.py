from __future__ import annotations

from dataclasses import dataclass

import pytest

from gateway.domain.digest import (
    Group,
    Kind,
    Line,
    arrange,
    checked_subject,
    filled_subject,
    kind_of,
    kinds_text,
    parse_kinds,
)


@dataclass(frozen=True)
class Mail:
    number: int
    kind: Kind = Kind.PEOPLE
    source: str = ""
    goes_at: float = 0.0


def arranged(*mails: Mail, most: int = 100) -> tuple[Group[Mail], ...]:
    return arrange(mails, lambda m: m.kind, lambda m: m.source, lambda m: m.goes_at, most)


@pytest.mark.parametrize(
    ("machine", "proven", "score", "kind"),
    [
        (False, True, None, Kind.PEOPLE),
        (False, True, 4.9, Kind.PEOPLE),
        (True, True, 0.0, Kind.NEWSLETTERS),
        (False, False, None, Kind.SPAM),
        (True, False, 0.0, Kind.SPAM),
        (True, True, 5.0, Kind.SPAM),
    ],
)
def test_kind_is_told_by_who_wrote_and_who_vouches(
    machine: bool, proven: bool, score: float | None, kind: Kind
) -> None:
    assert kind_of(machine=machine, proven=proven, score=score) is kind


def test_kinds_have_one_spelling() -> None:
    assert kinds_text(parse_kinds(" spam ,People,")) == "people,spam"


@pytest.mark.parametrize("typed", ["", ",", "people,friends"])
def test_kinds_that_are_none_are_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="people, newsletters, spam"):
        parse_kinds(typed)


def test_few_mails_are_all_shown_under_their_kinds() -> None:
    anna, ben, junk = Mail(3), Mail(2), Mail(1, Kind.SPAM)
    assert arranged(anna, ben, junk) == (
        Group(Kind.PEOPLE, 2, (Line(anna), Line(ben))),
        Group(Kind.SPAM, 1, (Line(junk),)),
    )


def test_mails_of_one_source_share_a_line_and_those_of_none_do_not() -> None:
    news = [Mail(number, Kind.NEWSLETTERS, "list:a" if number % 2 else "") for number in range(6)]
    (group,) = arranged(*news)
    assert group.total == group.shown == 6
    assert [(line.first.number, len(line.others)) for line in group.lines] == [(0, 0), (1, 2), (2, 0), (4, 0)]


def test_many_mails_leave_room_for_each_kind() -> None:
    mails = [Mail(number, kind, f"s{number}") for kind in Kind for number in range(500)]
    groups = arranged(*mails)
    assert [(group.kind, len(group.lines), group.total) for group in groups] == [
        (Kind.PEOPLE, 60, 500),
        (Kind.NEWSLETTERS, 20, 500),
        (Kind.SPAM, 20, 500),
    ]


def test_room_that_one_kind_does_not_need_goes_to_the_others() -> None:
    mails = [Mail(number, Kind.SPAM) for number in range(500)] + [Mail(number) for number in range(7)]
    assert [len(group.lines) for group in arranged(*mails)] == [7, 93]


def test_where_not_all_fit_the_newest_are_shown_and_those_that_go_first() -> None:
    mails = [Mail(number, goes_at=-number) for number in range(10)]
    (group,) = arranged(*mails, most=5)
    assert [line.first.number for line in group.lines] == [0, 1, 2, 8, 9]


def test_subject_has_its_placeholders_filled_once() -> None:
    values = dict.fromkeys(("total", "new", "people", "newsletters", "spam", "mailbox", "date", "organisation"), "7")
    assert filled_subject("{total} for {mailbox}: {total}", values | {"mailbox": "{date}", "total": "3"}) == (
        "3 for {date}: 3"
    )
    assert filled_subject("Nothing", values) == "Nothing"


def test_subject_is_one_line() -> None:
    assert checked_subject(" {total}\n mails ") == "{total} mails"
    assert checked_subject("") == ""


@pytest.mark.parametrize("typed", ["{nothing}", "{total", "a } b", "{{total}}", "x" * 151])
def test_subject_that_cannot_be_filled_is_refused(typed: str) -> None:
    with pytest.raises(ValueError, match="a subject"):
        checked_subject(typed)
