"""What is printed: for a person, for a pipe, for a program, and whatever stood in a mail."""

from __future__ import annotations

import json
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.cli.output import Column, Listing, moment, note, print_facts, print_json, print_octets, progress
from tests.unit.cli.shell import Shell, streams

HOSTILE = "a\x1b[2J\x1b]0;owned\x07\x9b31m\r\nid\tstate\u202egnp.exe\u2028\x00\x7f\U000e0041\u200b"
STEERING = [chr(n) for n in (*range(32), *range(127, 160), *range(0x202A, 0x202F), *range(0x2066, 0x206A), 0x2028)]
ROWS = [("1", "one"), ("22", "two")]
COLUMNS: tuple[Column[tuple[str, str]], ...] = (
    Column("number", lambda row: row[0]),
    Column("word", lambda row: row[1], elastic=True),
)
WIDE: tuple[Column[tuple[str, str]], ...] = (*COLUMNS, Column("more", lambda row: row[1] * 40, spare=True))


def printed(*pages: list[tuple[str, str]], terminal: bool = False, as_json: bool = False, wide: bool = False) -> str:
    with streams(b"", terminal=terminal) as (out, _):
        listing = Listing(WIDE if wide else COLUMNS, "Nothing.", as_json=as_json)
        for page in pages:
            listing.page(page)
        listing.end()
        return out.text()


def test_listing_in_a_pipe_is_lines_parted_by_tabs_with_one_line_of_titles() -> None:
    assert printed(ROWS, ROWS[:1]) == "number\tword\n1\tone\n22\ttwo\n1\tone\n"


def test_listing_in_a_pipe_without_rows_has_its_titles() -> None:
    assert printed() == "number\tword\n"


def test_listing_as_json_is_a_list_with_a_line_for_each_row() -> None:
    text = printed(ROWS, ROWS[:1], as_json=True)
    assert json.loads(text) == [["1", "one"], ["22", "two"], ["1", "one"]]
    assert len(text.splitlines()) == 5


@pytest.mark.parametrize("terminal", [False, True])
def test_listing_as_json_without_rows_is_an_empty_list(terminal: bool) -> None:
    assert printed(as_json=True, terminal=terminal) == "[]\n"


def test_listing_on_a_terminal_is_a_table() -> None:
    lines = printed(ROWS, terminal=True).splitlines()
    assert [line.split() for line in lines] == [["number", "word"], ["1", "one"], ["22", "two"]]


def test_listing_on_a_terminal_without_rows_is_a_sentence() -> None:
    assert printed(terminal=True) == "Nothing.\n"


def test_listing_on_a_narrow_terminal_cuts_what_is_elastic_and_leaves_out_what_is_spare(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "30")
    lines = printed([("1234567890", "a long subject that has no room")], terminal=True, wide=True).splitlines()
    assert len(lines) == 2
    assert "1234567890" in lines[1]
    assert lines[1].rstrip().endswith("…")
    assert max(map(len, lines)) <= 30
    assert "more" not in lines[0]


@pytest.mark.parametrize(("terminal", "as_json"), [(False, False), (True, False), (False, True), (True, True)])
def test_listing_of_hostile_text_steers_nothing(terminal: bool, as_json: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "400")
    text = printed([("1", HOSTILE), ("2", "fine")], terminal=terminal, as_json=as_json)
    assert not set(text.replace("\n", "").replace("\t", "")) & set(STEERING)
    assert len(text.splitlines()) == (4 if as_json else 3)
    if as_json:
        assert json.loads(text)[0][1] == HOSTILE


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"])))
def test_json_of_any_text_is_that_text_and_steers_nothing(text: str) -> None:
    with streams(b"", terminal=True) as (out, _):
        print_json({"subject": text})
        shown = out.text()
    assert json.loads(shown) == {"subject": text}
    assert not {unicodedata.category(c) for c in shown.replace("\n", "")} & {"Cc", "Cf"} - {"Cf"}
    assert not set(shown.replace("\n", "")) & set(STEERING)


def test_facts_with_hostile_words_stay_in_their_lines() -> None:
    with streams(b"", terminal=True) as (out, _):
        print_facts([("subject", HOSTILE), ("id", "1")])
        lines = out.text().splitlines()
    assert len(lines) == 2
    assert lines[1] == "id       1"


def test_message_to_a_pipe_is_its_octets_and_to_a_terminal_escaped() -> None:
    octets = b"Subject: \x1b[31m\xff\r\n\r\nTab\there\r\n"
    with streams(b"", terminal=False) as (out, _):
        print_octets(octets)
        out.flush()
        assert out.buffer.getvalue() == octets  # type: ignore[attr-defined]  # A BytesIO.
    with streams(b"", terminal=True) as (out, _):
        print_octets(octets)
        assert out.text() == "Subject: \\u001b[31m\\xff\n\nTab    here\n\n"


def test_note_is_told_beside_the_output() -> None:
    with streams(b"", terminal=False) as (out, err):
        note("there is more")
        assert (out.text(), err.text()) == ("", "(there is more)\n")


@pytest.mark.parametrize(
    ("terminal", "patience", "seen"), [(False, 0.0, False), (True, 0.0, True), (True, 60.0, False)]
)
def test_progress_of_long_work_appears_where_a_person_looks(terminal: bool, patience: float, seen: bool) -> None:
    with streams(b"", terminal=terminal) as (out, err):
        with progress("counting", patience) as told:
            for number in range(3):
                told(number, 3)
        assert out.text() == ""
        assert ("counting" in err.text()) is seen


def test_moment_without_an_end_is_never() -> None:
    assert moment(None) == ""
    assert moment(0.0) == "1970-01-01 00:00:00Z"
    assert moment(1e30) == "never"


def test_mail_with_hostile_fields_is_listed_and_shown_without_steering(shell: Shell) -> None:
    shell.hold()
    shell.change(
        lambda tx: tx.connection.exec_driver_sql(
            "UPDATE message SET subject=?, author=?, author_name=?, reverse_path=?, client_name=?, helo=?, message_id=?, "
            "transaction_id=?, queue_id=?",
            (HOSTILE,) * 9,
        )
    )
    shell.change(
        lambda tx: tx.connection.exec_driver_sql("UPDATE pending SET recipient=?, last_reply=?", (HOSTILE,) * 2)
    )
    shell.change(lambda tx: tx.connection.exec_driver_sql("UPDATE event SET actor=?, detail=?", (HOSTILE,) * 2))
    for terminal in (False, True):
        for words in (["list"], ["show", "1"], ["list", "--json"], ["show", "1", "--json"]):
            outcome = shell("pending", *words, terminal=terminal)
            assert outcome.status == 0, outcome.err
            assert not set(outcome.out.replace("\n", "").replace("\t", "")) & set(STEERING)
    assert len(shell("pending", "list").out.splitlines()) == 2
