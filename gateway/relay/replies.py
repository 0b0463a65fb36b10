"""Replies of a server further on: from octets to `Reply` values, bounded and cleaned.

No input or output here: feed it octets in any pieces, it gives back whole replies.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.domain.reply import Reply

MAX_LINE = 2048
"""Octets in one reply line; RFC 5321 §4.5.3.1.5 asks for 512, real servers exceed it."""
MAX_LINES = 128
"""Lines in one reply."""
MAX_TEXT = 1024
"""Characters kept of a reply's text for those who are told of it; EHLO keeps all."""

_LINE = re.compile(rb"([2-5][0-9]{2})(?:([ -])([^\r]*))?\r?")
_ENHANCED = re.compile(r"([245])\.(\d{1,3})\.(\d{1,3})(?:[ \t]+|$)")
_UNPRINTABLE = re.compile(r"[^\x20-\x7e]")


class MalformedReply(Exception):
    """What the far end sends is no SMTP."""


class ReplyReader:
    """Cuts a stream of octets into replies (RFC 5321 §4.2)."""

    __slots__ = ("_lines", "_rest", "fault")

    def __init__(self) -> None:
        self._rest = b""
        self._lines: list[tuple[int, str]] = []
        self.fault = ""
        """What is wrong with the stream; once it is not "", nothing more can be read from it."""

    def feed(self, data: bytes) -> list[Reply]:
        """Take the next octets and return the replies that are complete now, up to the first fault."""
        if self._rest:
            data = self._rest + data
        *lines, self._rest = data.split(b"\n")
        replies: list[Reply] = []
        try:
            for line in lines:
                whole = None if self._lines else _one_line(line)
                if whole is not None:
                    replies.append(whole)
                else:
                    self._take(line, replies)
            if len(self._rest) > MAX_LINE:
                raise MalformedReply("reply line too long")
        except MalformedReply as fault:
            self.fault = str(fault)
        return replies

    def first(self, data: bytes) -> list[Reply]:
        """Take octets as `feed` does, but drop what follows the first reply that is complete."""
        while data and not self.fault:
            line, end, data = data.partition(b"\n")
            if replies := self.feed(line + end):
                return replies
        return []

    def _take(self, line: bytes, replies: list[Reply]) -> None:
        code, more, text = _split(line)
        if self._lines and self._lines[0][0] != code:
            raise MalformedReply("code changes within a reply")
        self._lines.append((code, text))
        if len(self._lines) > MAX_LINES:
            raise MalformedReply("reply has too many lines")
        if not more:
            replies.append(_reply(code, [text for _, text in self._lines]))
            self._lines.clear()


def _split(line: bytes) -> tuple[int, bool, str]:
    match = _LINE.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is None:
        raise MalformedReply("not a reply line")
    code, separator, text = match.groups()
    return int(code), separator == b"-", (text or b"").decode("ascii", "replace")


# A reply of one line and nothing strange, as most are. It says the same as the long way, sooner.
_PLAIN = re.compile(
    r"([2-5])([0-9]{2})(?: (?:(\1\.[0-9]{1,3}\.[0-9]{1,3})(?:[ \t]++|(?=\r?\Z)))?([\x20-\x7e]*+))?\r?\Z"
)


@lru_cache(maxsize=512)  # Most replies of a server repeat an earlier one, octet for octet.
def _one_line(line: bytes) -> Reply | None:
    plain = _PLAIN.match(line.decode("latin-1")) if len(line) <= MAX_LINE else None
    if plain is not None:
        kind, rest, enhanced, text = plain.groups("")
        return Reply(int(kind + rest), enhanced, text)
    code, more, text = _split(line)
    return None if more else _reply(code, [text])


def _reply(code: int, texts: list[str]) -> Reply:
    enhanced = ""
    first = _ENHANCED.match(texts[0])
    if first is not None and int(first[1]) == code // 100:
        enhanced = f"{first[1]}.{first[2]}.{first[3]}"
        texts = [text.removeprefix(enhanced).lstrip() for text in texts]
    return Reply(code, enhanced, "\n".join(_UNPRINTABLE.sub("?", text) for text in texts))


_CLEAN = re.compile(r"[\x21-\x7e]++(?: [\x21-\x7e]++)*\Z")


def passed_on(reply: Reply) -> Reply:
    """Return a server's reply in the form in which our own client may hear it.

    421 becomes 451: it speaks of the connection to that server, not of the one to us. One line, bounded,
    and never without an enhanced code, which we promise to give (RFC 2034 §4).
    """
    code, enhanced, text = reply.code, reply.enhanced, reply.text
    if code == 421:
        code = 451
    if _ENHANCED.fullmatch(enhanced) and int(enhanced[0]) == code // 100:
        if code == reply.code and len(text) <= MAX_TEXT and _CLEAN.match(text):
            return reply
    else:
        enhanced = f"{code // 100}.0.0"
    words = _UNPRINTABLE.sub("?", " ".join(text.split()))[:MAX_TEXT]
    return Reply(code, enhanced, words or ("OK" if code < 400 else "No reason given"))
