"""Canonical forms of header and body, and their hashes (RFC 6376 §3.4).

Every step is linear in the size of the message and never holds the interpreter for more than a small
piece. (The regular expressions of dkimpy are quadratic in a run of blanks: one megabyte of them would
stop the whole process for a quarter of an hour, in a thread or not.)
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from gateway.domain.header import Field, Header

_PIECE = 65_536
_BLANKS = re.compile(rb"[ \t]+")
_SPACES = re.compile(rb"  +")
_TABS_TO_SPACES = bytes.maketrans(b"\t", b" ")
_CRLF = b"\r\n"
_MANY_CRLF = _CRLF * (_PIECE // 2)


@dataclass(frozen=True, slots=True)
class BodyHash:
    """What l= and bh= are held against."""

    digest: bytes
    """SHA-256."""
    octets: int
    """Length of the canonical body."""


def sha256(octets: bytes) -> bytes:
    """Return the digest of octets in canonical form."""
    return hashlib.sha256(octets).digest()


def body_hash(content: bytes, start: int, relaxed: bool) -> BodyHash:
    """Hash the body that begins at an offset; it has CRLF line ends."""
    digest = hashlib.sha256()
    octets = 0
    for piece in relaxed_body(content, start) if relaxed else simple_body(content, start):
        digest.update(piece)
        octets += len(piece)
    return BodyHash(digest.digest(), octets)


def simple_body(content: bytes, start: int) -> Iterator[bytes | memoryview]:
    """Yield the body, its empty lines at the end made one line end (RFC 6376 §3.4.3)."""
    end = _without_last_lines(content, start)
    view = memoryview(content)
    for at in range(start, end, _PIECE):
        yield view[at : min(at + _PIECE, end)]
    yield _CRLF


def relaxed_body(content: bytes, start: int) -> Iterator[bytes]:
    """Yield the body with blanks made one space, none before line ends, no empty lines at the end (§3.4.4)."""
    blank_lines, space, some = 0, False, False
    at = start
    while at < len(content):
        stop = _piece_end(content, at)
        piece = content[at:stop].translate(_TABS_TO_SPACES)
        at = stop
        if space:
            piece = b" " + piece
        if b"  " in piece:
            piece = _SPACES.sub(b" ", piece)
        piece = piece.replace(b" \r\n", _CRLF)
        # What may yet turn out to be the end of the body is only counted, not yielded.
        space = piece.endswith(b" ")
        if space:
            piece = piece[:-1]
        end = _without_last_lines(piece, 0)
        if end:
            yield from _lines(blank_lines)
            yield piece[:end]
            blank_lines, some = 0, True
        blank_lines += (len(piece) - end) // 2
    if some:
        yield _CRLF


def _piece_end(content: bytes, at: int) -> int:
    """Return where to cut: behind a line end if there is one, never inside one."""
    stop = at + _PIECE
    if stop >= len(content):
        return len(content)
    line_end = content.rfind(_CRLF, at, stop)
    if line_end >= 0:
        return line_end + 2
    return stop - 1 if content[stop - 1] == 13 else stop


def _lines(count: int) -> Iterator[bytes]:
    while count > 0:
        yield _MANY_CRLF[: 2 * min(count, _PIECE // 2)]
        count -= _PIECE // 2


def _without_last_lines(octets: bytes, start: int) -> int:
    """Return the offset behind the last octet that is not part of a trailing run of CRLF."""
    end = len(octets)
    size = len(_MANY_CRLF)
    while size:
        run = _MANY_CRLF[:size]
        while end - size >= start and octets.endswith(run, start, end):
            end -= size
        size = size // 16 if size > 16 else 2 if size > 2 else 0
    return end


def header_octets(
    content: bytes, head: Header, names: Sequence[bytes], relaxed: bool, signature: Field, unsigned_value: bytes
) -> bytes:
    """Return what a header signature is made over (RFC 6376 §3.7, §5.4.2).

    names: h=, in lower case; a name that stands more often than its field adds nothing.
    unsigned_value: the value of the signature field with b= emptied.
    """
    below: dict[bytes, list[Field]] = {}
    wanted = set(names)
    for field in head.fields:
        if field.name in wanted:
            below.setdefault(field.name, []).append(field)
    pieces = []
    for name in names:
        fields = below.get(name)
        if fields:
            pieces.append(_field(content, fields.pop(), relaxed))
    if relaxed:
        pieces.append(_relaxed_field(signature.name, unsigned_value).removesuffix(_CRLF))
    else:
        colon = content.index(b":", signature.start)
        pieces.append(content[signature.start : colon + 1] + unsigned_value)
    return b"".join(pieces)


def _field(content: bytes, field: Field, relaxed: bool) -> bytes:
    if relaxed:
        return _relaxed_field(field.name, field.value)
    return content[field.start : field.end].removesuffix(_CRLF) + _CRLF


def _relaxed_field(name: bytes, value: bytes) -> bytes:
    return name + b":" + _BLANKS.sub(b" ", value.replace(_CRLF, b"")).strip(b" ") + _CRLF
