"""Command lines out of octets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.smtp.inbox import MAX_LINE, MAX_SKIPPED, TOO_LONG, Inbox


def lines(*chunks: bytes) -> list[bytes]:
    inbox = Inbox()
    found = []
    for chunk in chunks:
        inbox.add(chunk)
        while (line := inbox.line()) is not None:
            found.append(line)
    return found


def test_line_is_given_once_it_is_whole() -> None:
    assert lines(b"NO", b"OP\r", b"\nQUIT\r\nRS") == [b"NOOP\r\n", b"QUIT\r\n"]


def test_line_ended_by_lf_alone_is_given_as_it_is() -> None:
    assert lines(b"NOOP\nQUIT\r\n") == [b"NOOP\n", b"QUIT\r\n"]


def test_line_too_long_is_skipped_to_its_end() -> None:
    assert lines(b"x" * 20_000 + b"\r\nQUIT\r\n") == [TOO_LONG, b"QUIT\r\n"]
    assert lines(*[b"x"] * 20_000, b"\r\n", b"QUIT\r\n") == [TOO_LONG, b"QUIT\r\n"]


def test_line_without_end_is_not_kept() -> None:
    inbox = Inbox()
    for _ in range(300):
        inbox.add(b"x" * 4000)
        inbox.line()
        assert len(inbox) <= MAX_LINE + 4000
    assert inbox.flooded
    assert MAX_SKIPPED < 300 * 4000


def test_inbox_taken_is_empty() -> None:
    inbox = Inbox()
    inbox.add(b"abc")
    assert inbox.line() is None
    assert inbox.take() == b"abc"
    inbox.add(b"\n")
    assert inbox.line() == b"\n"


@given(st.lists(st.sampled_from([b"a", b"\r", b"\n", b"\r\n", b"x" * 3000]), max_size=12), st.integers(1, 4000))
def test_lines_whole_and_split_are_the_same(pieces: list[bytes], size: int) -> None:
    octets = b"".join(pieces)
    assert lines(octets) == lines(*(octets[i : i + size] for i in range(0, len(octets), size)))
