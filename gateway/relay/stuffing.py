"""Content as it goes over the wire: dot-stuffed, CRLF only, the lone dot at its end."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from gateway.domain.line_ends import PlainOctets, has_bare_line_end

CHUNK = 131_072
"""Octets handed to the transport at once."""

_LINE_END = re.compile(rb"\r\n|\r|\n")


def on_the_wire(content: Sequence[bytes]) -> Iterator[bytes]:
    """Yield the content dot-stuffed (RFC 5321 §4.5.2), in chunks, the last of which ends it.

    The content comes clean, or is made so: should a bare CR or LF be in it all the same, it becomes CRLF. Mail
    of ours must never end early in the eyes of a server that takes another line end for the right one
    (RFC 5321 §2.3.8).
    """
    line_start, held_back = True, b""
    for piece in content:
        if isinstance(piece, PlainOctets) and line_start and not held_back:
            # The door has looked at each octet of it, and it stands at the start of a line.
            for offset in range(0, len(piece), CHUNK):
                yield piece[offset : offset + CHUNK]
            continue
        for offset in range(0, len(piece), CHUNK):
            chunk = held_back + piece[offset : offset + CHUNK] if held_back or len(piece) > CHUNK else piece
            held_back = b""
            if chunk.endswith(b"\r"):  # Its LF may be the first octet of what follows.
                chunk, held_back = chunk[:-1], b"\r"
                if not chunk:
                    continue
            if has_bare_line_end(chunk):
                chunk = _LINE_END.sub(b"\r\n", chunk)
            stuffed = chunk.replace(b"\r\n.", b"\r\n..")
            yield b"." + stuffed if line_start and stuffed.startswith(b".") else stuffed
            line_start = chunk.endswith(b"\r\n")
    yield b".\r\n" if line_start and not held_back else b"\r\n.\r\n"
