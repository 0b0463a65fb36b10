"""The log: one line for each event, as JSON for machines or as words for people.

A line never holds content, tokens or secrets: what is passed to `event` is written. What came from outside
(names, addresses, replies of servers) cannot break a line, forge one, or steer a terminal: control characters
and everything that changes the direction of text are escaped.
"""

from __future__ import annotations

import logging
import os
import queue
import re
import select
import stat
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from enum import Enum
from typing import Literal, TextIO

import msgspec

Value = str | int | float | bool | Enum | Sequence[str] | None
"""What a field of an event may hold."""

LONGEST = 1000
"""Characters of one text in a line."""
BACKLOG = 10_000
"""Lines that wait for a slow standard error; more are dropped and counted."""

_FILE_OCTETS = 16_384
"""Written to a file or to the journal in one go."""
_GATHERED = 0.02
"""Seconds for which lines are gathered that follow on each other."""

_LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
_FIELDS = "fields"
# Controls, line and paragraph separators, zero-width and direction marks, lone surrogates, tags, not-characters.
_UNSAFE = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_PLAIN_WORD = re.compile(r"[!#-<>-\[\]-~]+\Z")


def event(logger: logging.Logger, name: str, /, **fields: Value) -> None:
    """Log that something happened; name is one of the words of the glossary, as `held`."""
    _emit(logger, logging.INFO, name, fields)


def warning(logger: logging.Logger, name: str, /, **fields: Value) -> None:
    """Log what an operator should look at when it goes on."""
    _emit(logger, logging.WARNING, name, fields)


def bug(logger: logging.Logger, name: str, /, **fields: Value) -> None:
    """Log a fault of ours inside an `except` block, with its traceback."""
    logger.error(name, exc_info=sys.exc_info(), extra={_FIELDS: fields})


def _emit(logger: logging.Logger, level: int, name: str, fields: dict[str, Value]) -> None:
    if not logger.isEnabledFor(level):
        return
    handlers = logging.root.handlers
    if len(handlers) == 1 and isinstance(only := handlers[0], LineHandler):
        # A record, and its way to the one handler there is, would take twice as long as the line itself.
        only.tell(level, name, fields)
    else:
        # Not logger.info(): it walks the stack for a caller that nobody wants to know.
        logger.handle(logger.makeRecord(logger.name, level, "", 0, name, (), None, extra={_FIELDS: fields}))


def setup(level: str, form: Literal["json", "text"], stream: TextIO | None = None) -> LineHandler:
    """Send everything that is logged to a stream (standard error), and return the handler, to be closed at the end."""
    # Nothing of this is in a line, and it takes as long to find out as the line itself.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    handler = LineHandler(sys.stderr if stream is None else stream, JsonLine() if form == "json" else TextLine())
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    root.addHandler(handler)
    root.setLevel(_LEVELS[level])
    # aiosmtpd tells each command at INFO and each line of a message at DEBUG: that is content.
    for name in ("mail.log", "asyncio", "aiohttp.access"):
        logging.getLogger(name).setLevel(logging.WARNING)
    logging.captureWarnings(True)
    return handler


class Form(logging.Formatter):
    """How a line is written."""

    def __init__(self) -> None:
        super().__init__()
        self._clock = _Clock()

    def format(self, record: logging.LogRecord) -> str:
        """Return the line for a record, without its end."""
        return self.line(record.created, record.levelno, _told(record))

    def line(self, when: float, level: int, told: dict[str, object]) -> str:
        """Return the line, without its end. when: seconds since the epoch. told: the event first, then its fields."""
        raise NotImplementedError


class JsonLine(Form):
    """`{"time":"2030-01-31T12:00:00.123Z","level":"info","event":"held","id":"…"}`."""

    def __init__(self) -> None:
        super().__init__()
        self._encode = msgspec.json.Encoder(enc_hook=str).encode

    def line(self, when: float, level: int, told: dict[str, object]) -> str:
        """Return the line, without its end."""
        line = {"time": self._clock.text(when), "level": _level(level), **told}
        try:
            text = self._encode(line).decode()
            if len(text) > LONGEST:
                text = self._encode(_shortened(line)).decode()
        except UnicodeEncodeError:
            # A lone surrogate, as Python makes of octets that are not UTF-8.
            text = self._encode({key: _encodable(value) for key, value in _shortened(line).items()}).decode()
        return text if text.isascii() and "\x7f" not in text else escape(text)


class TextLine(Form):
    """`2030-01-31T12:00:00.123Z info held id=… reason="two words"`."""

    def line(self, when: float, level: int, told: dict[str, object]) -> str:
        """Return the line, without its end."""
        told = _shortened(told)
        head = f"{self._clock.text(when)} {_level(level)} {told.pop('event')}"
        return escape(" ".join([head, *(f"{key}={_word(value)}" for key, value in told.items())]))


def _level(number: int) -> str:
    return "info" if number == logging.INFO else logging.getLevelName(number).lower()


def escape(text: str) -> str:
    r"""Write every character that could break, forge or steer as \uXXXX."""
    return _UNSAFE.sub(_code, text)


def _code(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    # JSON knows no longer form than the surrogate pair.
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def _told(record: logging.LogRecord) -> dict[str, object]:
    """What a record says: event first, then its fields; the logger's name only for what is not ours."""
    fields: Mapping[str, Value] | None = getattr(record, _FIELDS, None)
    told: dict[str, object] = {"event": record.getMessage() if record.args else str(record.msg)}
    if fields is None:
        told["logger"] = record.name
    else:
        told.update(fields)
    if record.exc_info:
        told["traceback"] = logging.Formatter().formatException(record.exc_info)
    return told


def _shortened(told: Mapping[str, object]) -> dict[str, object]:
    """Return the same with texts of at most LONGEST characters; only a traceback is as long as it is."""
    return {
        key: value[:LONGEST] + "…" if isinstance(value, str) and len(value) > LONGEST and key != "traceback" else value
        for key, value in told.items()
    }


def _encodable(value: object) -> object:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_encodable(item) for item in value]
    return value


def _word(value: object) -> str:
    if isinstance(value, str):
        return value if _PLAIN_WORD.match(value) else '"' + value.replace("\\", "\\\\").replace('"', '\\"') + '"'
    if isinstance(value, Enum):
        return str(value.value)
    if isinstance(value, Sequence):
        return ",".join(_word(item) for item in value)
    return str(value)


class _Clock:
    """Writes a time in UTC; the second is written once and kept."""

    def __init__(self) -> None:
        self._kept = (-1, "")

    def text(self, when: float) -> str:
        second = int(when)
        kept = self._kept
        if kept[0] != second:
            # One assignment: another thread sees the old pair or the new one.
            self._kept = kept = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{kept[1]}.{int((when - second) * 1000):03d}Z"


class LineHandler(logging.Handler):
    """Writes lines to a stream in a thread of its own, so that a slow reader of the log holds up no mail.

    A line that comes alone is written at once. Under load the thread would be woken for each, and each time take the
    interpreter from the mail: one that follows on another waits a moment for more.
    """

    def __init__(self, stream: TextIO, form: Form) -> None:
        super().__init__()
        self.setFormatter(form)
        self._form = form
        self._stream = stream
        self._most = _at_once(stream)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        self._dropped = 0
        self._thread = threading.Thread(target=self._write, name="log", daemon=True)
        self._thread.start()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a record. It is formatted here, where what it names still is as it was, and written by the thread."""
        try:
            self._take(self._form.format(record))
        except Exception:
            self.handleError(record)

    def tell(self, level: int, name: str, fields: dict[str, Value]) -> None:
        """Take an event that is no record."""
        try:
            self._take(self._form.line(time.time(), level, {"event": name, **fields}))
        except Exception:
            # As a record it fails again, and is told of in the way of all such.
            self.emit(logging.makeLogRecord({"msg": name, "levelno": level, _FIELDS: fields}))

    def _take(self, line: str) -> None:
        if self._lines.qsize() >= BACKLOG:
            self._dropped += 1
        else:
            self._lines.put(line)

    def close(self) -> None:
        """Write what waits, for at most five seconds, and end the thread."""
        if self._thread.is_alive():
            self._lines.put(None)
            self._thread.join(5)
        super().close()

    def _write(self) -> None:
        ended = False
        written = 0.0
        while not ended:
            lines = [self._lines.get()]
            if time.monotonic() - written < _GATHERED and lines[0] is not None:
                # Not time.sleep(): it waits for a point in time, for ever where a test shifts the clock.
                select.select((), (), (), _GATHERED)
            while not self._lines.empty() and len(lines) < BACKLOG:
                lines.append(self._lines.get())
            ended = None in lines
            texts = [line for line in lines if line is not None]
            if self._dropped:
                count, self._dropped = self._dropped, 0
                texts.append(
                    self._form.line(time.time(), logging.WARNING, {"event": "log-lines-dropped", "count": count})
                )
            try:
                for text in _whole(texts, self._most):
                    self._stream.write(text)
                    self._stream.flush()
            except (OSError, ValueError):
                # Nobody is left to tell. The service lives on without its log.
                ended = ended or self._stream.closed
            written = time.monotonic()


def _at_once(stream: TextIO) -> int:
    """Return how many octets can be written so that those of another process, as one at the door, stay apart."""
    try:
        return select.PIPE_BUF if stat.S_ISFIFO(os.fstat(stream.fileno()).st_mode) else _FILE_OCTETS
    except (OSError, ValueError):
        return _FILE_OCTETS  # No file at all.


def _whole(lines: Sequence[str], most: int) -> Iterator[str]:
    """Join lines to texts of at most so many octets; only a longer line is longer."""
    gathered: list[str] = []
    size = 0
    for line in lines:
        octets = len(line) + 1 if line.isascii() else len(line.encode("utf-8", "replace")) + 1
        if gathered and size + octets > most:
            yield "".join(gathered)
            gathered, size = [], 0
        gathered.append(f"{line}\n")
        size += octets
    if gathered:
        yield "".join(gathered)
