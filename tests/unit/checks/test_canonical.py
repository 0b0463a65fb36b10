from __future__ import annotations

import hashlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.checks import canonical
from gateway.checks.canonical import BodyHash, body_hash

OCTETS = st.lists(
    st.sampled_from([b"a", b"bc", b" ", b"\t", b"\r\n", b"\r", b"\n", b" \r\n", b"\r\n\r\n", b"x" * 50]), max_size=60
).map(b"".join)


def plain_relaxed(body: bytes) -> bytes:
    """RFC 6376 §3.4.4, word for word and slow."""
    lines = [re.sub(rb"[ \t]+", b" ", line).rstrip(b" ") for line in body.split(b"\r\n")]
    while lines and not lines[-1]:
        lines.pop()
    return b"".join(line + b"\r\n" for line in lines)


def plain_simple(body: bytes) -> bytes:
    """RFC 6376 §3.4.3."""
    while body.endswith(b"\r\n"):
        body = body[:-2]
    return body + b"\r\n"


@given(OCTETS)
def test_body_in_both_forms_is_what_the_rfc_says(body: bytes) -> None:
    assert b"".join(canonical.relaxed_body(b"head" + body, 4)) == plain_relaxed(body)
    assert b"".join(canonical.simple_body(b"head" + body, 4)) == plain_simple(body)


@pytest.mark.parametrize("unit", [b"x" * 65_535, b"x" * 65_534, b" " * 65_535, b"x" * 65_533 + b" ", b"\r\n" * 32_767])
@pytest.mark.parametrize(
    "then", [b"", b"\r\n", b" \r\n", b"\t\t y\r\n \r\n", b"\r\n\r\n\r\n", b"z\r\n" * 40_000, b"\r\r\n"]
)
def test_body_longer_than_a_piece_is_cut_nowhere_that_shows(unit: bytes, then: bytes) -> None:
    for body in (unit + then, unit + then + unit + then, b"a" + unit + then):
        assert b"".join(canonical.relaxed_body(body, 0)) == plain_relaxed(body)
        assert b"".join(canonical.simple_body(body, 0)) == plain_simple(body)


def test_empty_body_is_empty_when_relaxed_and_a_line_end_when_simple() -> None:
    assert body_hash(b"", 0, relaxed=True) == BodyHash(hashlib.sha256(b"").digest(), 0)
    assert body_hash(b"", 0, relaxed=False) == BodyHash(hashlib.sha256(b"\r\n").digest(), 2)
