from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.phrase import Phrase
from gateway.domain.sign_in import (
    LINKS_OF_ADDRESS,
    LONGEST_PASSWORD,
    Slowdown,
    browser_phrase,
    browser_words,
    next_in,
    password_fault,
    safe_path,
)

SLOW = Slowdown(free=3, first=2, longest=60)


def test_tries_within_the_free_ones_cost_nothing() -> None:
    assert SLOW.wait(2, 100.0, 100.0) == 0.0


@pytest.mark.parametrize(("failures", "wait"), [(3, 2), (4, 4), (5, 8), (8, 60), (5000, 60)])
def test_wait_doubles_with_each_failure_and_never_passes_its_bound(failures: int, wait: float) -> None:
    assert SLOW.wait(failures, 100.0, 100.0) == wait


def test_wait_ends_and_a_clock_set_back_does_not_stretch_it() -> None:
    assert SLOW.wait(3, 100.0, 101.5) == 0.5
    assert SLOW.wait(3, 100.0, 200.0) == 0.0
    assert SLOW.wait(3, 100.0, -10_000.0) == 2.0


def test_link_is_allowed_once_a_minute_and_five_times_an_hour() -> None:
    assert next_in([], LINKS_OF_ADDRESS, 0.0) == 0.0
    assert next_in([0.0], LINKS_OF_ADDRESS, 20.0) == 40.0
    assert next_in([0.0], LINKS_OF_ADDRESS, 60.0) == 0.0
    five = [0.0, 100.0, 200.0, 300.0, 400.0]
    assert next_in(five, LINKS_OF_ADDRESS, 500.0) == 3100.0
    assert next_in(five, LINKS_OF_ADDRESS, 3600.0) == 0.0


def test_link_asked_for_in_the_future_counts_as_asked_for_now() -> None:
    assert next_in([9999.0], LINKS_OF_ADDRESS, 0.0) == 60.0


@pytest.mark.parametrize("path", ["/console", "/console/", "/console/pending?box=joe&q=a%20b", "/console?x"])
def test_path_of_the_console_is_safe(path: str) -> None:
    assert safe_path(path) == path


@pytest.mark.parametrize(
    "path",
    [
        "", "/", "//console/", "/consolex", "https://evil.example/console/", "console/", "/console/\\evil",
        "/console//evil", "/console/../x", "/console/%2e%2E/x", "/console/ x", "/console/\n", "/console/é",
        "/console/" + "x" * 500,
    ],
)  # fmt: skip
def test_any_other_path_is_not(path: str) -> None:
    assert safe_path(path) == ""


@given(st.text())
def test_safe_path_is_one_of_ours_whatever_was_written(text: str) -> None:
    path = safe_path(text)
    assert path == "" or path.startswith("/console")


@pytest.mark.parametrize(
    ("password", "word"),
    [
        ("short", "at least 12"),
        ("x" * (LONGEST_PASSWORD + 1), "at most"),
        ("abababababab", "different"),
        ("Joe@Example.org", "than your name"),
        ("correct horse battery", ""),
    ],
)
def test_password_is_judged_by_its_length_not_by_its_signs(password: str, word: str) -> None:
    fault = password_fault(password, 12, ["joe@example.org"])
    assert word in fault
    assert bool(word) == bool(fault)


@pytest.mark.parametrize(
    ("agent", "words"),
    [
        ("Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox on Linux"),
        ("Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) Version/17.0 Mobile Safari/604.1", "Safari on iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/120.0 Safari/537.36 Edg/120.0", "Edge on Windows"),
        ("curl/8.0", "curl"),
        ("<script>Linux", "a program on Linux"),
        ("<b>", "an unknown program"),
    ],
)
def test_browser_is_told_in_words_of_ours(agent: str, words: str) -> None:
    assert browser_words(agent) == words
    kept = browser_phrase(words)
    assert kept == words
    assert isinstance(kept, Phrase) == (words != "curl")
