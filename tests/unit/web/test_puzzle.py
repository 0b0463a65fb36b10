"""Puzzles prove themselves, and are worth nothing elsewhere."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from challenge_web.puzzle import (
    ALPHABET,
    ITERATIONS,
    LIFETIME_SECONDS,
    Kind,
    Puzzle,
    Puzzles,
    check_picture,
    check_work,
    picture_answer,
    work_digest,
)
from tests.unit.web.fakes import KEY, NOW, OTHER, TOKEN, Chance, counter_for

PUZZLES = Puzzles(KEY, work_bits=4)


def made(kind: Kind = Kind.LETTERS, token: str = TOKEN) -> Puzzle:
    return PUZZLES.make(kind, token, NOW, Chance())


@pytest.mark.parametrize("kind", Kind)
def test_puzzle_read_with_its_token_returns_what_was_made(kind: Kind) -> None:
    puzzle = made(kind)
    assert PUZZLES.read(puzzle.text, TOKEN) == puzzle
    assert puzzle.bits == (4 if kind is Kind.WORK else 0)
    assert len(puzzle.text) == 56


def test_puzzle_of_another_token_is_foreign() -> None:
    assert PUZZLES.read(made().text, OTHER) is None


def test_puzzle_of_another_key_is_foreign() -> None:
    assert Puzzles(b"x" * 32).read(made().text, TOKEN) is None


@pytest.mark.parametrize("at", range(42))
def test_puzzle_with_any_octet_changed_is_foreign(at: int) -> None:
    octets = bytearray(urlsafe_b64decode(made().text))
    octets[at] ^= 1
    assert PUZZLES.read(urlsafe_b64encode(octets).decode(), TOKEN) is None


def test_puzzle_spelt_differently_is_foreign() -> None:
    text = made().text
    for other in (
        text + "=",
        text[:20] + "\n" + text[20:],
        text + "A",
        " " + text,
        text[:-1],
        "",
        "A" * 5000,
        "\ud800",
    ):
        assert PUZZLES.read(other, TOKEN) is None


@given(st.text())
def test_puzzle_of_any_text_never_raises(text: str) -> None:
    assert PUZZLES.read(text, text) is None


def test_puzzle_is_stale_after_its_life_and_when_from_the_future() -> None:
    puzzle = made()
    assert not PUZZLES.is_stale(puzzle, NOW + LIFETIME_SECONDS - 1)
    assert PUZZLES.is_stale(puzzle, NOW + LIFETIME_SECONDS + 1)
    assert PUZZLES.is_stale(puzzle, NOW - LIFETIME_SECONDS - 1)


def test_picture_answer_is_six_letters_of_the_alphabet_and_differs_by_nonce_and_key() -> None:
    answers = {picture_answer(KEY, number.to_bytes(16, "big")) for number in range(500)}
    assert len(answers) == 500
    assert {letter for answer in answers for letter in answer} == set(ALPHABET)
    assert not set(ALPHABET) & set("0O1I")
    assert picture_answer(b"x" * 32, bytes(16)) != picture_answer(KEY, bytes(16))


def test_check_picture_ignores_case_blanks_and_look_alikes() -> None:
    nonce = bytes(16)
    answer = picture_answer(KEY, nonce)
    assert check_picture(KEY, nonce, answer)
    assert check_picture(KEY, nonce, " ".join(answer.lower()) + "\t")
    assert check_picture(KEY, nonce, answer.translate(str.maketrans("258ZSB", "ZSB258")))


@given(st.text())
def test_check_picture_of_any_other_text_is_false(text: str) -> None:
    assert not check_picture(KEY, b"n" * 16, text)


def test_letters_are_no_answer_to_work_and_work_none_to_letters() -> None:
    letters, work = made(Kind.LETTERS), made(Kind.WORK)
    assert not PUZZLES.is_solved(letters, counter_for(letters.text, 4))
    assert not PUZZLES.is_solved(work, picture_answer(PUZZLES.picture_key, work.nonce))


def test_work_is_solved_by_its_counter_and_only_for_its_puzzle() -> None:
    work = made(Kind.WORK)
    counter = counter_for(work.text, 4)
    assert PUZZLES.is_solved(work, counter)
    assert PUZZLES.is_solved(work, f" {counter}\n")
    others = [PUZZLES.make(Kind.WORK, TOKEN, NOW, bytes([number]).__mul__) for number in range(8)]
    assert sum(PUZZLES.is_solved(other, counter) for other in others) < 4


@pytest.mark.parametrize("counter", ["", "-1", "+1", "01", "1.0", "1e3", "٣", "1" * 16, "0x1", "1 2", "1_0"])
def test_work_of_what_is_no_counter_is_false_without_a_digest(counter: str) -> None:
    assert not check_work(made(Kind.WORK).text, 0, counter)


def test_work_digest_is_the_documented_one() -> None:
    # Computed once with another implementation (OpenSSL 3: openssl kdf -keylen 32 -kdfopt digest:SHA256 …
    # -kdfopt pass:42 -kdfopt salt:puzzle -kdfopt iter:2000 PBKDF2).
    assert ITERATIONS == 2000
    assert work_digest("puzzle", "42").hex() == "3ab2d5b1aff961f507953615b0f0396f00eb4a7b55b74b41cf6934ed7064ed81"


def test_puzzles_with_a_short_key_or_senseless_work_are_refused() -> None:
    with pytest.raises(ValueError, match="32 octets"):
        Puzzles(b"short")
    with pytest.raises(ValueError, match="work_bits"):
        Puzzles(KEY, work_bits=0)
