from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.lifecycle import State
from gateway.domain.query import LONGEST, MOST_TERMS, Query, Score, Term, read_day, read_query, search_words

TODAY = date(2026, 11, 20)


def read(text: str) -> Query:
    return read_query(text, TODAY)


def test_query_of_nothing_is_all_that_waits() -> None:
    assert read("  ") == Query()
    assert Query().states == (State.PENDING,)


def test_query_words_are_prefixes_and_quoted_ones_stand_side_by_side() -> None:
    assert read('Roof "New Offer"').terms == (Term(("roof",)), Term(("new", "offer"), whole=True))


def test_query_word_with_marks_inside_is_one_place_of_several_words() -> None:
    assert read("anna@oak.example").terms == (Term(("anna", "oak", "example")),)


def test_query_single_letter_is_a_whole_word() -> None:
    assert read("x").terms == (Term(("x",), whole=True),)


@pytest.mark.parametrize("field", ["from", "to", "subject", "file"])
def test_query_field_is_looked_for_there_only(field: str) -> None:
    assert read(f"{field.upper()}:roof").terms == (Term(("roof",), field),)
    assert read(f'{field}:"the roof"').terms == (Term(("the", "roof"), field, whole=True),)


def test_query_unknown_prefix_is_a_word() -> None:
    assert read("re:roof").terms == (Term(("re", "roof")),)
    assert read("https://x.example").terms == (Term(("https", "x", "example")),)


def test_query_of_marks_only_looks_for_nothing() -> None:
    assert read('-- "" !?').terms == ()


def test_query_quote_that_is_never_closed_goes_to_the_end() -> None:
    assert read('"the roof').terms == (Term(("the", "roof"), whole=True),)


def test_query_reads_no_more_than_so_many_words_and_characters() -> None:
    query = read(" ".join(f"w{number}" for number in range(MOST_TERMS + 2)))
    assert len(query.terms) == MOST_TERMS
    assert query.faults == (f"Only the first {MOST_TERMS} words are looked for.",)
    assert len(read("x" * 10_000).terms[0].words[0]) == LONGEST


def test_query_reason_takes_all_that_begin_so() -> None:
    assert read("reason:unknown").reasons == ("unknown-sender",)
    assert read("reason:un").reasons == ("unproven-sender", "unknown-sender")
    assert read("reason:nix").faults[0].startswith("There is no reason nix. There are role-recipient,")
    assert read('reason:""').faults


def test_query_states_in_their_own_words_and_those_of_the_page() -> None:
    assert read("state:delivered").states == (State.DELIVERED,)
    assert read("state:waiting").states == (State.PENDING,)
    assert read("state:on-its-way").states == (State.RELEASED,)
    assert read("state:all").states == tuple(State)
    assert read("state:x").states == (State.PENDING,)
    assert read("state:x").faults[0].startswith("There is no state x.")


def test_query_days_bound_the_arrival() -> None:
    assert (read("after:2026-11-01").after, read("before:yesterday").before) == (date(2026, 11, 1), date(2026, 11, 19))
    day = read("day:today")
    assert (day.after, day.before) == (TODAY, date(2026, 11, 21))
    week = read("day:7d")
    assert (week.after, week.before) == (date(2026, 11, 13), None)
    assert read("before:soon").faults == ("before: wants a day, as before:2026-11-20, before:yesterday or before:7d.",)
    assert read("day:9999-12-31").before is None


@pytest.mark.parametrize("text", ["2026-02-30", "1969-12-31", "99999d", "2026", "", "7 d"])
def test_day_that_is_none_is_refused(text: str) -> None:
    assert read_day(text, TODAY) is None


def test_query_names_one_digest_by_its_number() -> None:
    assert read("digest:17 roof").digest == 17
    for text in ("digest:-1", "digest:x", "digest:1111111111111111111", "digest:١"):
        assert read(text).digest is None
        assert read(text).faults == ("digest: wants the number of a digest; the link in each digest has it.",)


def test_query_is_unseen_and_nothing_else() -> None:
    assert read("is:unseen").unseen
    assert read("IS:new roof").unseen
    assert not read("roof").unseen
    assert read("is:seen").faults == ("is: knows only is:unseen.",)


@pytest.mark.parametrize(
    ("text", "sign", "value"),
    [("score:>5", ">", 5.0), ("score:<=2.5", "<=", 2.5), ("score:-1", "=", -1.0), ('score:"< 3"', "", 0.0)],
)
def test_query_score_compares_with_a_number(text: str, sign: str, value: float) -> None:
    found = read(text)
    assert found.score == (Score(sign, value) if sign else None)
    assert found.faults == (() if sign else ("score: wants a number, as score:>5, score:<=2.5 or score:0.",))


@pytest.mark.parametrize("text", ["score:", "score:high", "score:nan", "score:1e9", "score:>", "score:٣", "score:==5"])
def test_query_score_that_is_no_number_is_said(text: str) -> None:
    found = read(text)
    assert found.score is None
    assert found.faults or text == "score:"


def test_query_has_file_and_nothing_else() -> None:
    assert read("has:file").has_file
    assert read("has:wings").faults == ("has: knows only has:file.",)


def test_query_says_each_fault_once() -> None:
    assert len(read("has:a has:b").faults) == 1


def test_query_pieces_can_be_taken_out_and_put_in() -> None:
    query = read('roof reason:unknown "new offer"')
    assert query.filters == ("reason:unknown",)
    assert query.without("reason:unknown") == 'roof "new offer"'
    assert query.adding("reason:null") == 'roof "new offer" reason:null'
    assert query.adding("has:file") == 'roof reason:unknown "new offer" has:file'


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Röth, Ännchen", "roth annchen"),
        ("STRASSE Straße", "strasse strasse"),
        ("ﬁne", "fine"),
        ("屋根の見積", "屋 根 の 見 積"),
        ("café42.pdf", "cafe42 pdf"),
        ("a\u0301\u0302", "a"),
        ("\u200b\n", ""),
        ("𠀀x", "𠀀 x"),
        ("𝔍", "j"),
    ],
)
def test_search_words_are_folded_and_parted(text: str, words: str) -> None:
    assert search_words(text) == words


@given(st.text(max_size=400))
def test_query_of_any_text_is_read_and_its_words_are_plain(text: str) -> None:
    query = read(text)
    for term in query.terms:
        assert term.words
        assert all(word and word == search_words(word).replace(" ", "") for word in term.words)
    assert read(" ".join(query.pieces)).filters == query.filters


def test_after_the_digest_is_no_day_and_before_it_is() -> None:
    query = read("roof after:digest")
    assert query.since_digest
    assert (query.after, query.faults, query.filters) == (None, (), ("after:digest",))
    assert not read("after:today").since_digest
    assert read("before:digest").faults
