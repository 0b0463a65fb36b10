"""The header block, from octets: split once, find, unfold. The body is never looked at.

Nothing here raises on hostile input, and every step is linear in the size of the block; the standard
library's header parser is neither (deep comments, quotes and encoded words).
"""

from __future__ import annotations

import binascii
import codecs
import re
from collections.abc import Callable
from dataclasses import field
from functools import lru_cache, partial
from typing import NamedTuple

from gateway.domain.value import value_class

MAX_HEADER_OCTETS = 262_144
"""Larger blocks are refused at the door."""
_LAST_LOOKED_AT = MAX_HEADER_OCTETS + 65_536
"""Where splitting stops: behind what is taken at the door, with room for what we put on top ourselves."""
_MAX_VALUE = 65_536
_MAX_DECODED = 16_384

_ENCODED_WORD = re.compile(r"=\?([A-Za-z0-9_.:+-]{1,40})(?:\*[A-Za-z0-9-]{1,20})?\?([bBqQ])\?([^? \t]{0,4000})\?=")
_BETWEEN_WORDS = re.compile(r"(\?=)[ \t]+(=\?)")
_NOT_CHARSETS = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna"})
"""What Python decodes, but no mail is written in."""
CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u061c\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]+")
"""Controls, line ends and direction marks: what no line for people has."""


class Field(NamedTuple):
    """One header field as it stands in the message."""

    name: bytes
    """Lower case."""
    start: int
    """Offset of its first octet in the content."""
    end: int
    """Offset behind its last CRLF."""
    value: bytes
    """Behind the colon, folded as received, without the last CRLF."""


@value_class(frozen=True, slots=True)
class Header:
    """A header block, split."""

    fields: tuple[Field, ...]
    body: int
    """Offset of the first octet of the body in the content."""
    malformed: bool = False
    """Lines that are no fields stand among the fields: readers differ on where this header ends."""
    by_name: dict[bytes, list[Field]] = field(init=False, repr=False, compare=False)
    """The same fields by their lower-case name, each list top first."""

    def __post_init__(self) -> None:
        by_name: dict[bytes, list[Field]] = {}
        for one in self.fields:
            if one.name in by_name:
                by_name[one.name].append(one)
            else:
                by_name[one.name] = [one]
        object.__setattr__(self, "by_name", by_name)

    def all(self, name: bytes) -> list[bytes]:
        """Return the values of every field of this lower-case name, top first, unfolded."""
        found = self.by_name.get(name)
        return [unfold(one.value) for one in found] if found else []

    def first(self, name: bytes) -> bytes | None:
        """Return the topmost value of this lower-case name, unfolded, or None."""
        found = self.by_name.get(name)
        return unfold(found[0].value) if found else None

    def has_prefix(self, prefix: bytes) -> bool:
        """True where any field's name begins so."""
        for name in self.by_name:  # noqa: SIM110 any() makes a generator, which costs each mail twice as much.
            if name.startswith(prefix):
                return True
        return False


_MOST_STRANGE_LINES = 10


def split(content: bytes) -> Header:
    """Split the header block of a message with CRLF line ends (RFC 5322 §2.2).

    A few lines that are no fields are passed over, for a later field may say that a machine sent the mail;
    `malformed` then warns that no field is to be trusted with more. Postmarks of a mailbox file are passed
    over without a warning, as MTAs do.

    It never looks far beyond MAX_HEADER_OCTETS: of a block that does not end there, `body` tells only that it is
    too large, and it counts as malformed. A message that is all header would else cost a second for each megabyte,
    and forty times its size.
    """
    plain = _split_plain(content)
    return _split_strange(content) if plain is None else plain


_LINE_END = re.compile(rb"\r\n(?![ \t])")
_FIELD_NAME = re.compile(rb"[\x21-\x39\x3b-\x7e]+\Z")  # RFC 5322 §2.2
_MAX_NAME = 70
"""Octets of a name that is worth being remembered."""
_field: Callable[[tuple[bytes, int, int, bytes]], Field] = partial(tuple.__new__, Field)
"""What the constructor does, in a third of the time: a mail has some thirty fields."""


def _split_plain(content: bytes) -> Header | None:
    """Split a block of nothing but fields, as most are; None where it is another. It says the same as the long way."""
    end = content.find(b"\r\n\r\n", 0, _LAST_LOOKED_AT)
    if end < 1:
        return None
    fields: list[Field] = []
    at = 0
    for line in _LINE_END.split(content[:end]):
        name, colon, value = line.partition(b":")
        if not colon or len(name) > _MAX_NAME or not (known := _name(name)):
            return None
        fields.append(_field((known, at, at := at + len(line) + 2, value)))
    return Header(tuple(fields), end + 4)


@lru_cache(maxsize=2048)  # There are not many.
def _name(octets: bytes) -> bytes:
    """Return what stands before a colon as the name of a field, in small letters; b"" where it cannot be one."""
    octets = octets.rstrip(b" \t")
    return octets.lower() if _FIELD_NAME.match(octets) else b""


def _split_strange(content: bytes) -> Header:
    """Split any block."""
    fields: list[Field] = []
    strange = 0
    first_strange = at = 0
    size = len(content)
    find, begins = content.find, content.startswith
    while at < size and at <= _LAST_LOOKED_AT:
        if begins(b"\r\n", at):
            return Header(tuple(fields), at + 2, strange > 0)
        end = find(b"\r\n", at)
        while -1 < end <= _LAST_LOOKED_AT and begins((b" ", b"\t"), end + 2):
            end = find(b"\r\n", end + 2)
        stop = size if end == -1 else end
        following = size if end == -1 else end + 2
        colon = find(b":", at, stop)
        name = content[at:colon].rstrip(b" \t") if colon > at else b""
        if name and _FIELD_NAME.match(name):
            fields.append(Field(name.lower(), at, following, content[colon + 1 : stop]))
        elif not begins((b"From ", b">From "), at):
            strange += 1
            if strange == 1:
                first_strange = at
            if strange > _MOST_STRANGE_LINES:
                return Header(tuple(one for one in fields if one.end <= first_strange), first_strange, True)
        at = following
    return Header(tuple(fields), at, strange > 0 or at < size)


def unfold(value: bytes) -> bytes:
    """Return a value on one line, without blanks around it (RFC 5322 §2.2.3)."""
    if b"\r\n" in value:
        value = value.replace(b"\r\n", b"")
    return value[:_MAX_VALUE].strip(b" \t")


def text(value: bytes) -> str:
    """Decode a value for people: encoded words resolved, controls and direction marks gone, one line.

    Safe to copy into a header or a page once escaped there: no CR, LF or other control comes out,
    whatever an encoded word hides.
    """
    raw = value[:_MAX_DECODED]
    try:
        plain = raw.decode("utf-8")
    except UnicodeDecodeError:
        plain = raw.decode("latin-1")
    if "=?" in plain:
        plain = _ENCODED_WORD.sub(_decode_word, _BETWEEN_WORDS.sub(r"\1\2", plain))
    return CONTROLS.sub(" ", plain).strip()


def _decode_word(match: re.Match[str]) -> str:
    charset, how, payload = match.groups()
    try:
        if how in "bB":
            octets = binascii.a2b_base64(payload + "=" * (-len(payload) % 4))
        else:
            octets = binascii.a2b_qp(payload.encode("ascii", "replace"), header=True)
        if codecs.lookup(charset).name.replace("_", "-") in _NOT_CHARSETS:
            return match.group()
        return octets.decode(charset, "replace")
    except (ValueError, LookupError, binascii.Error):
        return match.group()
