from __future__ import annotations

import itertools
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.line_ends import PlainOctets
from gateway.relay.stuffing import CHUNK, on_the_wire

LINES = st.lists(st.sampled_from([b"", b".", b"..", b".x", b"x.", b"text", b"\xff\x00"]), max_size=8)


def unstuffed(wire: bytes) -> bytes:
    """What a strict receiver makes of it (RFC 5321 §4.5.2)."""
    assert wire == b".\r\n" or wire.endswith(b"\r\n.\r\n")
    assert wire.find(b"\r\n.\r\n") in (-1, len(wire) - 5)
    return re.sub(rb"(^|\r\n)\.", rb"\1", wire[:-3])


def has_bare_line_end(octets: bytes) -> bool:
    return re.search(rb"\r(?!\n)|(?<!\r)\n", octets) is not None


@given(LINES, st.lists(st.integers(0, 60), max_size=6))
def test_wire_clean_content_in_any_pieces_arrives_unchanged(lines: list[bytes], cuts: list[int]) -> None:
    content = b"".join(line + b"\r\n" for line in lines)
    edges = sorted({0, len(content), *(min(cut, len(content)) for cut in cuts)})
    pieces = [content[a:b] for a, b in itertools.pairwise(edges)]
    assert unstuffed(b"".join(on_the_wire(pieces))) == content


@given(st.lists(st.lists(st.sampled_from([b"\r", b"\n", b".", b"a"]), max_size=6).map(b"".join), max_size=6))
def test_wire_any_line_ends_never_end_the_mail_early(pieces: list[bytes]) -> None:
    wire = b"".join(on_the_wire(pieces))
    assert not has_bare_line_end(wire)
    unstuffed(wire)


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r", b"\r.\r\n", b"\n\r.\r\n"])
def test_wire_smuggled_end_of_data_stays_content(end: bytes) -> None:
    wire = b"".join(on_the_wire([b"a" + end + b"MAIL FROM:<evil@x.example>\r\n"]))
    assert not has_bare_line_end(wire)
    assert wire.count(b"\r\n.\r\n") == 1


@pytest.mark.parametrize("offset", [-2, -1, 0, 1])
def test_wire_line_start_at_the_edge_of_a_chunk_is_stuffed(offset: int) -> None:
    content = b"x" * (CHUNK + offset - 2) + b"\r\n.y\r\n"
    assert unstuffed(b"".join(on_the_wire([content, b".z\r\n"]))) == content + b".z\r\n"


def test_wire_no_content_is_a_lone_dot() -> None:
    assert b"".join(on_the_wire([])) == b".\r\n"


def test_wire_bare_cr_at_the_very_end_becomes_a_line_end() -> None:
    assert b"".join(on_the_wire([b"a\r\n", b"\r"])) == b"a\r\n\r\n.\r\n"
    assert b"".join(on_the_wire([b"a\r"])) == b"a\r\n.\r\n"


@pytest.mark.parametrize("size", [0, 3, CHUNK, 2 * CHUNK + 2])
def test_wire_plain_content_goes_as_it_is(size: int) -> None:
    plain = PlainOctets(b"x" * (size - 2) + b"\r\n" if size else b"")
    assert b"".join(on_the_wire([b"A: b\r\n", plain])) == b"A: b\r\n" + plain + b".\r\n"


def test_wire_plain_content_behind_an_unfinished_line_is_looked_at() -> None:
    assert b"".join(on_the_wire([b"a\r", PlainOctets(b"\nb\r\n")])) == b"a\r\nb\r\n.\r\n"
