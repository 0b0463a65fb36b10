"""From the octets of a part to what they mean: transfer encodings, charsets, parameters. Nothing here raises."""

from __future__ import annotations

import binascii
import codecs
import re
from urllib.parse import unquote_to_bytes

from gateway.domain import header
from gateway.domain.foreign_text import shown

_NOT_BASE64 = bytes(octet for octet in range(256) if chr(octet) not in
                    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")  # fmt: skip
_NOT_CHARSETS = frozenset({"utf-7", "unicode-escape", "raw-unicode-escape", "punycode", "idna", "undefined"})
"""What Python decodes, but no mail is written in."""
# RFC 2045 §5.1. A quote that is never closed takes all the rest, so that no octet is looked at twice.
_PARAMETER = re.compile(
    rb';[ \t]*([A-Za-z0-9!#$&+.^_`|~*-]{1,40})[ \t]*=[ \t]*(?:"((?:[^"\\]|\\.)*)(?:"|\Z)|([^;" \t]*))'
)
_ESCAPED = re.compile(rb"\\(.)")
_LONGEST_FIELD = 8192
_MOST_PIECES = 100
_SHORT = 8
"""Octets so few that nothing was cut off them."""


def undone(octets: bytes, encoding: str) -> bytes:
    """Undo a transfer encoding (RFC 2045 §6) as far as that can be done."""
    if encoding == "base64":
        # What is no base64 is passed over (RFC 2045 §6.8); what stands behind the padding is no content.
        end = octets.find(b"=")
        plain = octets[: end if end != -1 else len(octets)].translate(None, _NOT_BASE64)
        plain = plain[: len(plain) - 1] if len(plain) % 4 == 1 else plain
        return binascii.a2b_base64(plain + b"=" * (-len(plain) % 4))
    if encoding == "quoted-printable":
        return binascii.a2b_qp(octets)
    return octets


def length_undone(octets: int, encoding: str) -> int:
    """Guess how many octets there will be, without undoing anything."""
    # Lines of base64 have 76 characters and two for their end, and make 57 octets.
    return octets * 57 // 78 if encoding == "base64" else octets


def text_of(octets: bytes, charset: str) -> str:
    """Decode text; by UTF-8 or Latin-1 where the charset is unknown, wrong or missing."""
    name = charset.strip().lower()
    try:
        known = codecs.lookup(name).name.replace("_", "-") if name else "us-ascii"
        if known not in _NOT_CHARSETS and known not in ("ascii", "us-ascii"):
            return octets.decode(name, "replace")
    except (LookupError, ValueError, TypeError):
        pass
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as fault:
        # A letter that was cut in two at the very end is no sign of another charset.
        cut = fault.reason == "unexpected end of data" and len(octets) > _SHORT
        return octets.decode("utf-8", "replace") if cut else octets.decode("latin-1")


def parameters(value: bytes) -> dict[str, str]:
    """Read the parameters of a field, pieces put together and charsets undone (RFC 2231 §3, §4)."""
    plain: dict[str, str] = {}
    pieces: dict[str, dict[int, tuple[bytes, bool]]] = {}
    for raw_name, quoted, bare in _PARAMETER.findall(value[:_LONGEST_FIELD]):
        name, octets = raw_name.decode("ascii").lower(), _ESCAPED.sub(rb"\1", quoted) if quoted else bare
        base, star, rest = name.partition("*")
        if not star:
            plain.setdefault(base, header.text(octets))
        elif rest.rstrip("*").isdigit() or not rest:
            number = int(rest.rstrip("*")[:4] or 0)
            encoded = not rest or rest.endswith("*")
            if number < _MOST_PIECES:
                pieces.setdefault(base, {}).setdefault(number, (octets, encoded))
    return plain | {name: _joined(found) for name, found in pieces.items() if 0 in found}


def _joined(pieces: dict[int, tuple[bytes, bool]]) -> str:
    charset, whole = "utf-8", []
    for number in sorted(pieces):
        octets, encoded = pieces[number]
        if encoded and number == 0 and octets.count(b"'") >= 2:
            named, _, octets = octets.split(b"'", 2)
            charset = named.decode("ascii", "replace")
        whole.append(unquote_to_bytes(octets) if encoded else octets)
    return " ".join(shown(text_of(b"".join(whole), charset)).split())
