"""The beginning of what a mail says, as far as needed to tell its language. Nothing here raises."""

from __future__ import annotations

import binascii
import codecs
import html
import re
from dataclasses import dataclass

from gateway.domain import header
from gateway.domain.attachments import DEEPEST, LARGEST_PART_HEADER, Part, inner_parts, parameters

MOST_OCTETS = 65_536
"""Of a message that are looked at."""
_MOST_TEXT = 8_192
_MARKUP = re.compile(r"<(script|style|head)\b.*?(?:</\1\s*>|\Z)|<[^>]*(?:>|\Z)", re.IGNORECASE | re.DOTALL)
_QUOTED = re.compile(r"^>.*$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class FirstWords:
    """What a mail begins with, and what it says of its language itself."""

    text: str
    """Subject and body."""
    told: str = ""
    """Content-Language."""
    charset: str = ""
    """Of the body, in lower case."""


def first_words(content: bytes) -> FirstWords:
    """Return the words that a mail begins with. content: with CRLF line ends; may be cut off."""
    content = content[:MOST_OCTETS]
    head = header.split(content)
    subject = header.text(head.first(b"subject") or b"")
    told = header.text(head.first(b"content-language") or b"")
    part = _first_text(content)
    if part is None:
        return FirstWords(subject, told)
    own = header.split(content[part.start : part.end])
    kind = (own.first(b"content-type") or b"text/plain").lower()
    charset = parameters(kind).get(b"charset", b"").decode("ascii", "replace")
    octets = _decoded(content[part.start + own.body : part.end], own.first(b"content-transfer-encoding") or b"")
    body = octets.decode(_known(charset), "replace")[:_MOST_TEXT]
    if kind.startswith(b"text/html"):
        body = html.unescape(_MARKUP.sub(" ", body))
    return FirstWords(f"{subject}\n{_QUOTED.sub('', body)}", told, charset)


def _first_text(content: bytes) -> Part | None:
    """Return the first part that is text, and no file."""
    waiting = [Part(0, len(content), 0)]
    while waiting:
        part = waiting.pop()
        stop = part.end if part.depth == 0 else min(part.end, part.start + LARGEST_PART_HEADER)
        head = header.split(content[part.start : stop])
        kind = head.first(b"content-type") or b"text/plain"
        main = kind.partition(b";")[0].strip().lower()
        if main.startswith(b"multipart/") and part.depth < DEEPEST:
            inner = inner_parts(content, part.start + head.body, part, parameters(kind).get(b"boundary", b""))
            waiting.extend(reversed(inner))
        elif main in (b"text/plain", b"text/html"):
            disposition = (head.first(b"content-disposition") or b"").lower()
            if not disposition.startswith(b"attachment"):
                return part
    return None


def _decoded(octets: bytes, encoding: bytes) -> bytes:
    encoding = encoding.strip().lower()
    try:
        if encoding == b"base64":
            letters = b"".join(octets.split())[: 4 * _MOST_TEXT]
            return binascii.a2b_base64(letters[: len(letters) // 4 * 4])
        if encoding == b"quoted-printable":
            return binascii.a2b_qp(octets[: 4 * _MOST_TEXT])
    except binascii.Error:
        return b""
    return octets[: 4 * _MOST_TEXT]


def _known(charset: str) -> str:
    """Return a charset that octets can be read by: the one told, or UTF-8."""
    try:
        name = codecs.lookup(charset or "utf-8").name
    except (LookupError, ValueError):
        return "utf-8"
    # What Python calls a codec is not always a charset: some of them take octets apart as archives.
    return (
        name if name.startswith(("utf", "iso", "cp", "koi", "gb", "big5", "shift", "euc", "ascii", "mac")) else "utf-8"
    )
