"""What the list shows of a message's inside: the names of its files. A bounded walk over the MIME structure.

Nothing is decoded but headers of parts; what lies beyond the bounds is left out. Each step looks forward only, so the
time grows with the octets, whatever they are. Nothing here raises.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise
from urllib.parse import unquote_to_bytes

from gateway.domain import header

MOST_PARTS = 200
MOST_FILES = 20
DEEPEST = 6
LARGEST_PART_HEADER = 16_384
LONGEST_NAME = 120

# RFC 2045 §5.1. A quote that is never closed takes all the rest, so that no octet is looked at twice.
_PARAMETER = re.compile(
    rb';[ \t]*([A-Za-z0-9!#$&+.^_`|~*-]{1,40})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)(?:"|\Z)|([^;" \t]*))'
)
_PIECE = re.compile(rb"\A(file)?name(?:\*(\d{1,2}))?(\*)?\Z")
_ESCAPED = re.compile(rb"\\(.)")


@dataclass(frozen=True, slots=True)
class Part:
    """A stretch of the content with a header of its own."""

    start: int
    end: int
    depth: int


def attachment_names(content: bytes) -> tuple[str, ...]:
    """Return the names of the files in a message, in their order; a mail within the mail counts as one file.

    content: with CRLF line ends; may be cut off.
    """
    names: list[str] = []
    waiting = [Part(0, len(content), 0)]
    looked_at = 0
    while waiting and looked_at < MOST_PARTS and len(names) < MOST_FILES:
        part = waiting.pop()
        looked_at += 1
        stop = part.end if part.depth == 0 else min(part.end, part.start + LARGEST_PART_HEADER)
        head = header.split(content[part.start : min(stop, part.start + header.MAX_HEADER_OCTETS)])
        kind = head.first(b"content-type") or b"text/plain"
        disposition = head.first(b"content-disposition") or b""
        main = kind.partition(b";")[0].strip().lower()
        if main.startswith(b"multipart/"):
            if part.depth < DEEPEST:
                inner = inner_parts(content, part.start + head.body, part, parameters(kind).get(b"boundary", b""))
                waiting.extend(reversed(inner))
            continue
        name = _name(disposition) or _name(kind)
        if not name and part.depth and main == b"message/rfc822":
            name = "mail.eml"
        elif not name and disposition.lower().startswith(b"attachment"):
            name = "file"
        if name:
            names.append(name)
    return tuple(names)


def inner_parts(content: bytes, start: int, outer: Part, boundary: bytes) -> list[Part]:
    """Return the parts between the lines of a boundary (RFC 2046 §5.1.1)."""
    if not boundary or len(boundary) > 200:
        return []
    mark = b"--" + boundary
    # The first line of a body may be the boundary: the CRLF before it is the header's end.
    at = max(start - 2, 0)
    edges: list[tuple[int, int]] = []
    while len(edges) <= MOST_PARTS:
        found = content.find(b"\r\n" + mark, at, outer.end)
        if found == -1:
            break
        line_end = content.find(b"\r\n", found + 2, outer.end)
        behind = content[found + 2 + len(mark) : line_end if line_end != -1 else outer.end]
        at = found + 2 + len(mark)
        if behind.startswith(b"--"):
            edges.append((found, found))
            return [Part(after, before, outer.depth + 1) for (_, after), (before, _) in pairwise(edges)]
        if not behind.strip(b" \t") and line_end != -1:
            edges.append((found, line_end + 2))
    edges.append((outer.end, outer.end))
    return [Part(after, before, outer.depth + 1) for (_, after), (before, _) in pairwise(edges)]


def parameters(value: bytes) -> dict[bytes, bytes]:
    """Return the parameters of a field, as boundary and charset; of one that comes twice, the first."""
    found: dict[bytes, bytes] = {}
    for name, quoted, bare in _PARAMETER.findall(value[:4096]):
        found.setdefault(name.lower(), _ESCAPED.sub(rb"\1", quoted) if quoted else bare)
    return found


def _name(value: bytes) -> str:
    """Return a file's name from a field's parameters, in pieces and with a charset where it has them (RFC 2231 §3)."""
    pieces: dict[int, tuple[bytes, bool]] = {}
    plain = b""
    for name, text in parameters(value).items():
        match = _PIECE.match(name)
        if match is None:
            continue
        _, number, encoded = match.groups()
        if number is None and encoded is None:
            plain = plain or text
        else:
            pieces.setdefault(int(number or 0), (text, encoded is not None))
    if 0 not in pieces:
        return _shown(header.text(plain))
    charset = "utf-8"
    octets = b""
    for number in sorted(pieces):
        text, encoded = pieces[number]
        if encoded and number == 0 and text.count(b"'") >= 2:
            named, _, text = text.split(b"'", 2)
            charset = named.decode("ascii", "replace") or charset
        octets += unquote_to_bytes(text) if encoded else text
    return _shown(octets.decode(charset if charset.lower() in _CHARSETS else "utf-8", "replace"))


_CHARSETS = frozenset(
    {
        "utf-8",
        "us-ascii",
        "iso-8859-1",
        "iso-8859-2",
        "iso-8859-15",
        "windows-1251",
        "windows-1252",
        "koi8-r",
        "gb18030",
        "gbk",
        "big5",
        "shift_jis",
        "euc-jp",
        "euc-kr",
        "iso-2022-jp",
    }
)
"""What file names are written in; another one is read as UTF-8."""


def _shown(name: str) -> str:
    """Return a name on one line, without folders, at most LONGEST_NAME characters, its ending kept."""
    clean = " ".join("".join(letter if letter.isprintable() else " " for letter in name).split())
    last = re.split(r"[/\\]", clean)[-1]
    return last if len(last) <= LONGEST_NAME else f"{last[: LONGEST_NAME - 13]}…{last[-12:]}"
