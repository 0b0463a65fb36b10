"""The log: one event is one line, whatever a field holds."""

from __future__ import annotations

import io
import json
import logging
import os
import select
from collections.abc import Iterator
from enum import Enum
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.log import LONGEST, JsonLine, LineHandler, TextLine, Value, bug, escape, event, setup, warning


class Colour(Enum):
    """A value as the domain has them."""

    RED = "red"


def record(name: str, /, **fields: Value) -> logging.LogRecord:
    """Return the record of an event at a known time."""
    made = logging.LogRecord("gateway.test", logging.INFO, "", 0, name, (), None)
    made.created = 1_893_456_000.25
    made.fields = fields
    return made


@pytest.fixture
def lines() -> Iterator[io.StringIO]:
    """Log to memory, and leave the logging of the process as it was."""
    root = logging.getLogger()
    kept, level = root.handlers[:], root.level
    root.handlers.clear()
    yield io.StringIO()
    for handler in root.handlers:
        handler.close()
    root.handlers[:] = kept
    root.setLevel(level)
    logging.captureWarnings(False)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = True


def test_json_line_of_an_event_has_its_fields_in_order() -> None:
    line = JsonLine().format(record("held", id="a1", size=5, ok=True, colour=Colour.RED, to=["x", "y"], why=None))
    assert line == (
        '{"time":"2030-01-01T00:00:00.250Z","level":"info","event":"held",'
        '"id":"a1","size":5,"ok":true,"colour":"red","to":["x","y"],"why":null}'
    )


def test_text_line_of_an_event_quotes_what_is_no_plain_word() -> None:
    line = TextLine().format(record("held", id="a1", why='two "words"', to=["x", "y z"], colour=Colour.RED, key="a=b"))
    assert line == ('2030-01-01T00:00:00.250Z info held id=a1 why="two \\"words\\"" to=x,"y z" colour=red key="a=b"')


@pytest.mark.parametrize("form", [JsonLine(), TextLine()])
@pytest.mark.parametrize(
    "hostile",
    ["a\r\nfake line", "\x1b[2J", "\x9b2J", "\u202eright to left", "\u2066", "\u200b", "\u2028", "\x7f", "\udcff",
     "\ufeff", "\x00", "\U000e0041"],
)  # fmt: skip
def test_line_with_hostile_text_is_one_printable_line(form: logging.Formatter, hostile: str) -> None:
    line = form.format(record("connect", helo=f"x{hostile}y"))
    assert line.isprintable()
    assert hostile not in line
    line.encode()


@given(st.dictionaries(st.sampled_from(["a", "b"]), st.text(st.characters(codec=None)) | st.integers()))
def test_json_line_of_any_text_is_one_line_of_json(fields: dict[str, str | int]) -> None:
    line = JsonLine().format(record("x", **fields))
    assert "\n" not in line
    assert "\x1b" not in line
    assert json.loads(line)["event"] == "x"


def test_json_line_of_text_beyond_ascii_is_still_that_text() -> None:
    told = json.loads(JsonLine().format(record("x", a="bücher\u202e\U000e0041 例")))
    assert told["a"] == "bücher\u202e\U000e0041 例"


def test_line_with_a_long_text_is_cut() -> None:
    told = json.loads(JsonLine().format(record("x", a="a" * 5000)))
    assert told["a"] == "a" * LONGEST + "…"


def test_escape_of_plain_text_leaves_it() -> None:
    assert escape("Grüße, 例") == "Grüße, 例"


def test_log_set_up_writes_events_and_closes(lines: io.StringIO) -> None:
    handler = setup("info", "json", lines)
    log = logging.getLogger("gateway.test")
    event(log, "held", id="a1")
    warning(log, "slow", seconds=3)
    log.debug("not told")
    log.info("told by %s", "another")
    handler.close()
    told = [json.loads(line) for line in lines.getvalue().splitlines()]
    assert [(line["level"], line["event"]) for line in told] == [
        ("info", "held"),
        ("warning", "slow"),
        ("info", "told by another"),
    ]
    assert told[2]["logger"] == "gateway.test"
    assert "logger" not in told[0]


def test_event_that_cannot_be_written_is_told_of_and_stops_nothing(
    lines: io.StringIO, capsys: pytest.CaptureFixture[str]
) -> None:
    class Broken:
        def __str__(self) -> str:
            raise ZeroDivisionError

    handler = setup("info", "json", lines)
    event(logging.getLogger("gateway.test"), "held", id=cast("str", Broken()))
    event(logging.getLogger("gateway.test"), "held", id=1)
    handler.close()
    assert [json.loads(line)["id"] for line in lines.getvalue().splitlines()] == [1]
    assert "--- Logging error ---" in capsys.readouterr().err


def test_event_beside_another_handler_reaches_both(lines: io.StringIO, caplog: pytest.LogCaptureFixture) -> None:
    handler = setup("info", "json", lines)
    logging.getLogger().addHandler(caplog.handler)
    event(logging.getLogger("gateway.test"), "held", id="a1")
    handler.close()
    assert json.loads(lines.getvalue())["id"] == "a1"
    assert caplog.messages == ["held"]


def test_log_of_a_bug_has_its_traceback_in_the_line(lines: io.StringIO) -> None:
    handler = setup("error", "json", lines)
    try:
        raise ValueError("odd")
    except ValueError:
        bug(logging.getLogger("gateway.test"), "bug", id="a1")
    handler.close()
    (line,) = lines.getvalue().splitlines()
    assert "ValueError: odd" in json.loads(line)["traceback"]


def test_log_of_aiosmtpd_at_info_is_not_written(lines: io.StringIO) -> None:
    handler = setup("debug", "json", lines)
    logging.getLogger("mail.log").info("'MAIL FROM:<a@b.example>'")
    handler.close()
    assert lines.getvalue() == ""


def test_log_to_a_stream_that_is_gone_stops_nothing() -> None:
    stream = io.StringIO()
    stream.close()
    handler = LineHandler(stream, JsonLine())
    handler.emit(record("held"))
    handler.close()
    handler.emit(record("held"))


def test_log_under_load_loses_no_line_and_keeps_their_order() -> None:
    stream = io.StringIO()
    written = CountingWrites(stream)
    handler = LineHandler(written, JsonLine())
    for number in range(5000):
        handler.emit(record("held", number=number))
    handler.close()
    assert [json.loads(line)["number"] for line in stream.getvalue().splitlines()] == list(range(5000))
    assert written.count < 500


class CountingWrites(io.StringIO):
    """Hands on what is written, and counts how often."""

    def __init__(self, stream: io.StringIO) -> None:
        super().__init__()
        self.count = 0
        self._stream = stream

    def write(self, text: str) -> int:
        """Count and hand on."""
        self.count += 1
        return self._stream.write(text)


class Pipe(io.StringIO):
    """Stands for a pipe: it has the descriptor of one, and keeps what is written in one go."""

    def __init__(self, descriptor: int) -> None:
        super().__init__()
        self._descriptor = descriptor
        self.writes: list[str] = []

    def fileno(self) -> int:
        return self._descriptor

    def write(self, text: str) -> int:
        self.writes.append(text)
        return len(text)


def test_log_to_a_pipe_writes_whole_lines_that_no_other_process_can_break() -> None:
    reading, writing = os.pipe()
    stream = Pipe(writing)
    handler = LineHandler(stream, JsonLine())
    for number in range(200):
        handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "é" * 400 + str(number), (), None))
    handler.emit(logging.LogRecord("x", logging.INFO, "", 0, "é" * LONGEST * 3, (), None))
    handler.close()
    os.close(reading)
    os.close(writing)
    assert "".join(stream.writes).count("\n") == 201
    assert all(text.endswith("\n") for text in stream.writes)
    assert all(len(text.encode()) <= select.PIPE_BUF for text in stream.writes)
    assert max(text.count("\n") for text in stream.writes) > 1
