"""The content of one message, out of the octets that follow 354.

Only CRLF.CRLF ends it (RFC 5321 §4.1.1.4). Whatever else looks like an end is part of the message, and
whether the message is taken is decided only after its true end was found: so both sides always agree on where
it stops, and nothing inside it can be mistaken for a command.
"""

from __future__ import annotations

import re
from typing import Literal

from gateway.domain import reply
from gateway.domain.line_ends import PlainOctets, has_bare_line_end
from gateway.domain.reply import Reply
from gateway.smtp.limits import Memory

BareLineEnds = Literal["refuse", "normalise"]

_DOT = re.compile(rb"\r\n\.")
"""A line that begins with a dot. The pattern jumps from line end to line end; find() would look at each octet."""
_END = b"\r\n.\r\n"


class Content:
    """Takes octets in pieces of any size until the end is found.

    Beyond its limit, or when memory has run out, it keeps no more than what is needed to find the end.
    """

    __slots__ = ("_buffer", "_dotted", "_held", "_limit", "_memory", "_refusal", "complete", "octets")

    def __init__(self, limit: int, memory: Memory) -> None:
        # The dot may open the very first line: the CRLF it needs before it is the one that ended DATA.
        self._buffer = bytearray(b"\r\n")
        # Each line may have grown by one dot on its way; the shortest that can has three octets.
        self._limit = limit + limit // 3
        self._dotted = False
        self._memory = memory
        self._held = 0
        self._refusal: Reply | None = None
        self.octets = 0
        """How many arrived so far."""
        self.complete = False
        """The end was found."""

    def feed(self, chunk: bytes | bytearray) -> bytes | None:
        """Take the next octets. Return None while the end is missing, then what came behind it."""
        buffer = self._buffer
        start = max(len(buffer) - 4, 0)
        buffer += chunk
        self.octets += len(chunk)
        dot = _DOT.search(buffer, start)
        end = -1 if dot is None else dot.start()
        if end >= 0 and not buffer.startswith(_END, end):
            # A line with a dot of its own, or the end in the making: both are seldom, so that one search does.
            self._dotted = True
            end = buffer.find(_END, end)
        rest: bytes | None = None
        if end >= 0:
            self.complete = True
            rest = bytes(buffer[end + 5 :])
            del buffer[end + 2 :]
        if self._refusal is None:
            if len(buffer) - 2 > self._limit:
                self._refuse(reply.TOO_BIG)
            elif not self._memory.take(len(buffer) - self._held):
                self._refuse(reply.NO_STORAGE)
            else:
                self._held = len(buffer)
        if self._refusal is not None:
            del buffer[:-4]
        return rest

    def _refuse(self, refusal: Reply) -> None:
        self._refusal = refusal
        self.release()

    def finish(self, limit: int, bare_line_ends: BareLineEnds) -> bytes | Reply:
        """After the end: return the octets without dot-stuffing, or why the message is not taken.

        What is returned is empty or ends with CRLF. Its memory stays accounted for until `release`.
        """
        if self._refusal is not None:
            return self._refusal
        buffer, self._buffer = self._buffer, bytearray()
        if self._dotted:
            raw = bytes(memoryview(buffer)[2:])
            # RFC 5321 §4.5.2. The first line has no CRLF before it.
            content = (raw[1:] if raw.startswith(b".") else raw).replace(b"\r\n.", b"\r\n")
        else:
            content = PlainOctets(memoryview(buffer)[2:])
        if len(content) > limit:
            return reply.TOO_BIG
        if has_bare_line_end(content):
            if bare_line_ends == "refuse":
                return reply.BARE_LINE_END
            content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        return content

    def release(self) -> None:
        """Give the memory back; once is enough, twice does no harm."""
        self._memory.give(self._held)
        self._held = 0
