"""Line ends of content: CRLF and nothing else, or a CR or an LF that stands alone."""

from __future__ import annotations

_PIECE = 65_536
"""Octets looked at in one go: so many stay near the processor, and a copy of them is none to speak of."""


def has_bare_line_end(octets: bytes) -> bool:
    """True where a CR or an LF stands alone (RFC 5321 §2.3.8).

    A pattern that looks around each line end takes some fifty times as long.
    """
    if len(octets) <= _PIECE:
        return _has_bare_line_end(octets)
    at = 0
    while at < len(octets):
        end = at + _PIECE
        if octets[end - 1 : end] == b"\r":
            end += 1  # With what it may belong to.
        if _has_bare_line_end(octets[at:end]):
            return True
        at = end
    return False


def _has_bare_line_end(octets: bytes) -> bool:
    # What has no other line ends than CRLF is the same again when each CR is taken out and put back before each LF.
    return octets.replace(b"\r", b"").replace(b"\n", b"\r\n") != octets


class PlainOctets(bytes):
    """Content that goes over the wire as it is: every line ends with CRLF, the last one too, and none begins with a dot.

    Whoever makes one has looked. Nothing made of it is one: a slice or a sum is bytes, and is looked at anew.
    """

    __slots__ = ()
