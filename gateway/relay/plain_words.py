"""Foreign words made fit for a mail of ours: one line, bounded, no controls, no links."""

from __future__ import annotations

import base64
import re
import unicodedata

_DROPPED = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_DOTS = str.maketrans({"。": ".", "．": ".", "｡": ".", "․": "."})
# Whatever a mail program might turn into a link: a scheme, an address, a word with a dot and letters behind it.
_LINK = re.compile(
    r":/|//|@|\bwww\b|\b(?:mailto|tel|https?|javascript|data):|\w\.[^\W\d_]{2,}|\d\.\d+\.\d+\.\d", re.IGNORECASE
)
_BRACKETS = re.compile(r"[<>\[\]{}]+")
_ELLIPSIS = "…"
_PIECE = 60
"""Characters of a subject that we repeat."""
_WIDTH = 66
"""Characters of a line of a header field."""


def one_line(text: str, most: int) -> str:
    """Return the text without controls, direction marks and line ends, blanks collapsed, at most so long."""
    kept = "".join(" " if unicodedata.category(c) in _DROPPED else c for c in text[: 4 * most])
    kept = " ".join(kept.split())
    return kept if len(kept) <= most else kept[: most - 1].rstrip() + _ELLIPSIS


def piece_of_subject(subject: str) -> str:
    """Return the beginning of a subject without addresses, links and mark-up; "" where nothing is left.

    Our mail carries it to an address we were told: it must be of no use to advertise anything with.
    """
    plain = unicodedata.normalize("NFKC", one_line(subject, 500)).translate(_DOTS)
    words = [_ELLIPSIS if _LINK.search(word) else word for word in plain.split(" ")]
    plain = one_line(_BRACKETS.sub(" ", " ".join(words)), _PIECE)
    return plain if any(c.isalnum() for c in plain) else ""


_LIVE = re.compile(r"://|\bwww\d*\.|^mailto:", re.IGNORECASE)


def without_links(text: str) -> str:
    """Return a line without what a mail program would make a link of by itself: next to our links it would look like one."""
    return " ".join(f"[{_ELLIPSIS}]" if _LIVE.search(word) else word for word in text.split(" "))


def header_text(text: str) -> str:
    """Return unstructured text for a header field, folded, in encoded words where it needs them (RFC 2047 §5)."""
    words = text.split(" ")
    foreign = [i for i, word in enumerate(words) if not _is_plain(word)]
    if foreign:
        first, last = foreign[0], foreign[-1] + 1
        words[first:last] = _encoded_words(" ".join(words[first:last]))
    return _folded(words)


def display_name(text: str) -> str:
    """Return a display name for an address field (RFC 5322 §3.4)."""
    if _is_plain(text):
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    return "\r\n ".join(_encoded_words(text))


def _is_plain(text: str) -> bool:
    # What merely looks like an encoded word would be decoded by the reader: it is encoded too.
    return text.isascii() and text.isprintable() and "=?" not in text


def _encoded_words(text: str) -> list[str]:
    words, octets = [], b""
    for char in text:
        encoded = char.encode("utf-8", "replace")
        if len(octets) + len(encoded) > 45:  # RFC 2047 §2: an encoded word has at most 75 characters.
            words.append(octets)
            octets = b""
        octets += encoded
    return [f"=?utf-8?b?{base64.b64encode(word).decode('ascii')}?=" for word in (*words, octets)]


def _folded(words: list[str]) -> str:
    lines = [""]
    for word in words:
        if lines[-1] and len(lines[-1]) + 1 + len(word) > _WIDTH:
            lines.append(word)
        else:
            lines[-1] = f"{lines[-1]} {word}" if lines[-1] else word
    return "\r\n ".join(lines)
