"""Where content ends, and what is taken of it."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain import reply
from gateway.domain.line_ends import PlainOctets
from gateway.domain.reply import Reply
from gateway.smtp.data import Content
from gateway.smtp.limits import Memory

LIMIT = 1000


def read(*chunks: bytes, limit: int = LIMIT) -> tuple[bytes | Reply | None, bytes | None]:
    """Feed the chunks; return what was taken, and what came behind the end."""
    content = Content(limit, Memory(10 * LIMIT))
    rest: bytes | None = None
    for chunk in chunks:
        rest = content.feed(chunk) if rest is None else rest + chunk
    return (content.finish(limit, "refuse") if content.complete else None), rest


@pytest.mark.parametrize(
    ("octets", "content"),
    [
        (b".\r\n", b""),
        (b"a\r\n.\r\n", b"a\r\n"),
        (b"a\r\n\r\nb\r\n.\r\n", b"a\r\n\r\nb\r\n"),
        (b"..\r\n.\r\n", b".\r\n"),
        (b"...\r\n.\r\n", b"..\r\n"),
        (b".a\r\n.b\r\n.\r\n", b"a\r\nb\r\n"),
        (b"a.\r\n..b.\r\n.\r\n", b"a.\r\n.b.\r\n"),
        (b"\r\n.\r\n", b"\r\n"),
        (b"a\x00\xff\r\n.\r\n", b"a\x00\xff\r\n"),
        (b"x" * 900 + b"\r\n.\r\n", b"x" * 900 + b"\r\n"),
    ],
)
def test_content_well_formed_is_taken_without_stuffing(octets: bytes, content: bytes) -> None:
    assert read(octets) == (content, b"")


LOOK_ALIKES = [
    b"\n.\n",
    b"\n.\r\n",
    b"\r\n.\n",
    b"\r.\r",
    b"\r.\r\n",
    b"\r\n.\r",
    b"\r\n.\r\r\n",
    b"\n\n.\r\n",
    b"\r\n\x00.\r\n",
    b"\r\n.\x00\r\n",
    b"\r\x00\n.\r\n",
    b"\n.\r",
    b"\r\r\n.\n",
    b"\r\n .\r\n",
    b"\r\n. \r\n",
    b"\r\n..\r\n",
    b"\x00\n.\n",
    b"\n\r.\r\n",
    b"\r\n.\n\r\n",
    b"\x85.\x85",
]


@pytest.mark.parametrize("look_alike", LOOK_ALIKES)
def test_content_look_alike_of_the_end_does_not_end_it(look_alike: bytes) -> None:
    octets = b"Subject: x\r\n\r\nbody" + look_alike + b"MAIL FROM:<evil@example.net>\r\n"
    assert read(octets) == (None, None)
    taken, rest = read(octets + b".\r\nQUIT\r\n")
    assert taken is not None
    assert rest == b"QUIT\r\n"


@pytest.mark.parametrize("bare", [b"a\nb", b"a\rb", b"\n", b"\r", b"a\r\r\n", b"a\n\r", b"\n.", b"\r\n.\n"])
def test_content_with_bare_line_end_is_refused(bare: bytes) -> None:
    assert read(b"x\r\n" + bare + b"\r\n.\r\n") == (reply.BARE_LINE_END, b"")


@pytest.mark.parametrize(
    ("octets", "content"),
    [
        (b"a\nb\rc", b"a\r\nb\r\nc\r\n"),
        (b"a\r\r\nb", b"a\r\n\r\nb\r\n"),
        (b"a\n\rb", b"a\r\n\r\nb\r\n"),
        (b"a\n.\nb", b"a\r\n.\r\nb\r\n"),
        (b"a\r\n..\nb", b"a\r\n.\r\nb\r\n"),
    ],
)
def test_content_with_bare_line_end_is_normalised_where_set(octets: bytes, content: bytes) -> None:
    reader = Content(LIMIT, Memory(LIMIT))
    assert reader.feed(octets + b"\r\n.\r\n") == b""
    assert reader.finish(LIMIT, "normalise") == content


def test_content_of_just_the_limit_is_taken() -> None:
    assert read(b"x" * (LIMIT - 2) + b"\r\n.\r\n")[0] == b"x" * (LIMIT - 2) + b"\r\n"
    assert read(b"x" * (LIMIT - 1) + b"\r\n.\r\n")[0] == reply.TOO_BIG


def test_content_of_just_the_limit_may_be_stuffed_beyond_it() -> None:
    lines = b"..\r\n" * 300
    assert read(lines + b".\r\n", limit=900)[0] == b".\r\n" * 300


def test_content_over_the_limit_is_followed_to_its_end() -> None:
    chunks = [b"x" * 700] * 10 + [b"\r\n", b".", b"\r", b"\nNOOP\r\n"]
    assert read(*chunks) == (reply.TOO_BIG, b"NOOP\r\n")


def test_content_without_end_keeps_nothing_beyond_the_limit() -> None:
    memory = Memory(10 * LIMIT)
    content = Content(LIMIT, memory)
    for _ in range(1000):
        content.feed(b"x" * 700)
        assert memory.taken <= 2 * LIMIT
        assert len(content._buffer) <= 2 * LIMIT
    assert memory.taken == 0
    assert content.octets == 700_000


def test_content_without_memory_is_refused_for_now_and_followed_to_its_end() -> None:
    memory = Memory(100)
    first, second = Content(LIMIT, memory), Content(LIMIT, memory)
    first.feed(b"x" * 90)
    second.feed(b"y" * 90)
    assert second.feed(b"\r\n.\r\nQUIT\r\n") == b"QUIT\r\n"
    assert second.finish(LIMIT, "refuse") == reply.NO_STORAGE
    assert memory.taken == 92
    first.release()
    first.release()
    second.release()
    assert memory.taken == 0


@given(
    st.lists(st.sampled_from([b"\r", b"\n", b".", b"\r\n", b"\r\n.", b"\r\n.\r\n", b"a", b"\x00", b"bc"]), max_size=12),
    st.lists(st.integers(0, 60), max_size=8),
)
def test_content_whole_and_split_anywhere_is_the_same(pieces: list[bytes], cuts: list[int]) -> None:
    octets = b"".join(pieces) + b"\r\n.\r\nNOOP\r\n"
    places = sorted({min(cut, len(octets)) for cut in cuts} | {0, len(octets)})
    parts = [octets[a:b] for a, b in itertools.pairwise(places)]
    whole = read(octets)
    assert read(*parts) == whole
    assert read(*(octets[i : i + 1] for i in range(len(octets)))) == whole


@given(st.lists(st.binary(max_size=30).map(lambda b: b.replace(b"\r", b"").replace(b"\n", b"")), max_size=20))
def test_content_stuffed_by_a_client_comes_out_as_it_was(lines: list[bytes]) -> None:
    stuffed = b"".join((b"." if line.startswith(b".") else b"") + line + b"\r\n" for line in lines)
    assert read(stuffed + b".\r\n") == (b"".join(line + b"\r\n" for line in lines), b"")


@given(
    st.lists(st.sampled_from([b"\r\n", b".", b"a", b"\r", b"\n"]), max_size=12).map(b"".join),
    st.lists(st.integers(0, 16), max_size=4),
)
def test_content_in_any_pieces_is_called_plain_only_where_it_goes_out_as_it_is(octets: bytes, cuts: list[int]) -> None:
    sent = octets + b"\r\n.\r\n"
    edges = sorted({0, len(sent), *(min(cut, len(sent)) for cut in cuts)})
    content, _ = read(*(sent[a:b] for a, b in itertools.pairwise(edges)))
    if isinstance(content, PlainOctets):
        assert sent.startswith(content + b".\r\n")
        assert b"\r\n." not in b"\r\n" + content
        assert content.count(b"\r") == content.count(b"\n") == content.count(b"\r\n")


def test_content_without_dots_is_called_plain() -> None:
    assert isinstance(read(b"a\r\nb.\r\n.\r\n")[0], PlainOctets)
