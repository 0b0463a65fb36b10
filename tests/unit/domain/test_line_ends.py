from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.line_ends import _PIECE, has_bare_line_end


@pytest.mark.parametrize("filler", [0, 100_000], ids=["small", "large"])
@pytest.mark.parametrize(
    ("octets", "bare"),
    [
        (b"a\r\nb\r\n", False),
        (b"a\nb\r\n", True),
        (b"a\rb\r\n", True),
        (b"a\n\rb\r\n", True),
        (b"a\r\r\nb\r\n", True),
        (b"a\r\nb\r", True),
        (b"\n", True),
        (b"", False),
    ],
)
def test_bare_line_end_is_found_in_content_of_any_size(octets: bytes, bare: bool, filler: int) -> None:
    assert has_bare_line_end(b"twelve octets\r\n" * filler + octets) is bare


@pytest.mark.parametrize("before", range(-4, 3))
@pytest.mark.parametrize("ends", [b"\r\n", b"\r", b"\n", b"\r\r\n", b"\r\n\r\n", b"\n\r", b"\r\n\n"])
def test_bare_line_end_is_found_where_content_is_looked_at_in_pieces(ends: bytes, before: int) -> None:
    octets = b"x" * (_PIECE + before) + ends + b"x" * (_PIECE + 9)
    without_pairs = octets.replace(b"\r\n", b"")
    assert has_bare_line_end(octets) is (b"\r" in without_pairs or b"\n" in without_pairs)


@given(st.lists(st.sampled_from([b"\r\n", b"\r", b"\n", b"\r\r\n", b"a", b"."]), max_size=10).map(b"".join))
def test_bare_line_end_is_found_in_any_mixture(octets: bytes) -> None:
    without_pairs = octets.replace(b"\r\n", b"")
    assert has_bare_line_end(octets) is (b"\r" in without_pairs or b"\n" in without_pairs)
