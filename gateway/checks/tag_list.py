"""Lists of `tag=value`, as DKIM and its keys are written (RFC 6376 §3.2)."""

from __future__ import annotations

import base64
import binascii
import re

_NAME = re.compile(rb"[A-Za-z][A-Za-z0-9_]*\Z")
_BLANKS = b" \t\r\n"
_NO_BLANKS = str.maketrans("", "", " \t\r\n")


class TagError(ValueError):
    """The list does not follow the grammar."""


def read_tags(octets: bytes) -> dict[str, bytes]:
    """Return tags in order with their values, blanks around them gone. Raises TagError."""
    tags: dict[str, bytes] = {}
    pieces = octets.split(b";")
    if not pieces[-1].strip(_BLANKS):
        pieces.pop()
    for piece in pieces:
        name, equals, value = piece.partition(b"=")
        name = name.strip(_BLANKS)
        if not equals or _NAME.match(name) is None:
            raise TagError("malformed tag list")
        key = name.decode("ascii")
        if key in tags:
            raise TagError("a tag stands twice")
        tags[key] = value.strip(_BLANKS)
    return tags


def without_value(octets: bytes, tag: bytes) -> bytes:
    """Return a list as it stands, the value of one tag taken out (RFC 6376 §3.7)."""
    pieces = octets.split(b";")
    for index, piece in enumerate(pieces):
        name, equals, _ = piece.partition(b"=")
        if equals and name.strip(_BLANKS) == tag:
            pieces[index] = name + b"="
    return b";".join(pieces)


def read_base64(value: bytes) -> bytes:
    """Decode a base64string, in which blanks may stand (RFC 6376 §2.10). Raises TagError."""
    try:
        return base64.b64decode(value.translate(None, _BLANKS), validate=True)
    except binascii.Error:
        raise TagError("malformed base64") from None


def read_words(value: bytes) -> tuple[str, ...]:
    """Read a colon-separated list, in lower case. Raises TagError."""
    try:
        return tuple(value.decode("ascii").translate(_NO_BLANKS).lower().split(":"))
    except UnicodeDecodeError:
        raise TagError("not ASCII") from None
