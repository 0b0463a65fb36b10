from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.domain.reply import Reply
from gateway.relay.replies import MAX_LINE, MAX_LINES, MalformedReply, ReplyReader, _reply, _split, passed_on

STREAM = (
    b"220 far.example\r\n250-far.example\r\n250-SIZE 10\r\n250 PIPELINING\r\n250 2.1.0 Ok\r\n"
    b"550-5.1.1 No such\r\n550 5.1.1 mailbox\r\n354\r\n250 done\n"
)
REPLIES = [
    Reply(220, "", "far.example"),
    Reply(250, "", "far.example\nSIZE 10\nPIPELINING"),
    Reply(250, "2.1.0", "Ok"),
    Reply(550, "5.1.1", "No such\nmailbox"),
    Reply(354, "", ""),
    Reply(250, "", "done"),
]


def test_reader_stream_in_one_piece_gives_every_reply() -> None:
    assert ReplyReader().feed(STREAM) == REPLIES


@pytest.mark.parametrize("at", range(1, len(STREAM)))
def test_reader_stream_split_at_any_octet_gives_the_same(at: int) -> None:
    reader = ReplyReader()
    assert reader.feed(STREAM[:at]) + reader.feed(STREAM[at:]) == REPLIES


def test_reader_stream_octet_by_octet_gives_the_same() -> None:
    reader = ReplyReader()
    assert [reply for octet in STREAM for reply in reader.feed(bytes([octet]))] == REPLIES


@pytest.mark.parametrize(
    "octets",
    [
        b"hello\r\n", b"\r\n", b"25 short\r\n", b"2500 long\r\n", b"250_x\r\n", b"150 what\r\n", b"650 x\r\n",
        b"250 a\rb\r\n", b" 250 x\r\n", b"-50 x\r\n", b"250-a\r\n251 b\r\n", b"HTTP/1.1 200 OK\r\n",
        "२५० x\r\n".encode(), b"x" * (MAX_LINE + 1), b"250 " + b"x" * MAX_LINE + b"\r\n",
        b"250-x\r\n" * (MAX_LINES + 1),
    ],
)  # fmt: skip
def test_reader_what_is_no_reply_is_a_fault(octets: bytes) -> None:
    reader = ReplyReader()
    assert reader.feed(octets) == []
    assert reader.fault


def test_reader_fault_behind_a_reply_leaves_the_reply() -> None:
    reader = ReplyReader()
    assert reader.feed(b"250 2.0.0 taken\r\nnonsense\r\n") == [Reply(250, "2.0.0", "taken")]
    assert reader.fault


@given(st.binary(max_size=400), st.integers(0, 400))
def test_reader_any_octets_give_clean_replies_or_a_fault(octets: bytes, at: int) -> None:
    reader = ReplyReader()
    replies = reader.feed(octets[:at]) + reader.feed(octets[at:])
    assert all(200 <= reply.code <= 599 for reply in replies)
    assert all(line.isascii() and line.isprintable() for reply in replies for line in reply.text.split("\n"))


def test_reader_first_drops_what_stands_behind_it() -> None:
    assert ReplyReader().first(b"220 go\r\n250-evil\r\nnonsense\x00") == [Reply(220, "", "go")]
    reader = ReplyReader()
    assert reader.first(b"220-g") + reader.first(b"o\r\n22") == []
    assert reader.first(b"0 now\r\n999") == [Reply(220, "", "go\nnow")]


@given(
    st.lists(
        st.sampled_from(
            [b"2", b"5", b"250", b"550", b" ", b"-", b"2.0.0", b"5.1.1", b"2.1.", b"\t", b"\r", b"\x80", b"Ok"]
        ),
        max_size=7,
    )
)
def test_reader_reads_a_plain_reply_as_the_long_way_does(pieces: list[bytes]) -> None:
    def long_way(line: bytes) -> Reply | str:
        try:
            code, more, text = _split(line)
        except MalformedReply as fault:
            return str(fault)
        return "" if more else _reply(code, [text])

    line, reader = b"".join(pieces), ReplyReader()
    replies = reader.feed(line + b"\n")
    assert (replies[0] if replies else reader.fault) == long_way(line)


def test_reader_enhanced_code_of_another_class_is_text() -> None:
    assert ReplyReader().feed(b"450 5.1.1 odd\r\n") == [Reply(450, "", "5.1.1 odd")]


@pytest.mark.parametrize(
    ("code", "enhanced", "text", "heard"),
    [
        (550, "5.1.1", "No such mailbox", Reply(550, "5.1.1", "No such mailbox")),
        (421, "4.3.2", "shutting down", Reply(451, "4.3.2", "shutting down")),
        (421, "", "", Reply(451, "4.0.0", "No reason given")),
        (250, "", "queued", Reply(250, "2.0.0", "queued")),
        (550, "", "a\nb\r\nc\x07", Reply(550, "5.0.0", "a b c?")),
        (550, "4.1.1", "x", Reply(550, "5.0.0", "x")),
        (550, "5.1", "x", Reply(550, "5.0.0", "x")),
        (550, "5.1.1", "two  blanks ", Reply(550, "5.1.1", "two blanks")),
        (451, "4.1.1", "", Reply(451, "4.1.1", "No reason given")),
    ],
)
def test_passed_on_reply_is_fit_for_our_client(code: int, enhanced: str, text: str, heard: Reply) -> None:
    assert passed_on(Reply(code, enhanced, text)) == heard


def test_passed_on_endless_text_is_cut() -> None:
    assert len(passed_on(Reply(550, "", "x" * 100_000)).text) <= 1024
