"""The small picture in our mails: an envelope on a coloured ground, drawn here, point by point."""

from __future__ import annotations

import struct
import zlib
from functools import lru_cache

SIDE = 48
"""Points."""
_GROUND, _PAPER = (0x17, 0x6B, 0x63), (0xFF, 0xFF, 0xFF)
_ROUND = 10
_LEFT, _TOP, _RIGHT, _BOTTOM = 10, 14, 38, 34
_STROKE = 2.2


@lru_cache(maxsize=1)
def logo() -> bytes:
    """Return it as PNG, with transparent corners."""
    rows = b"".join(b"\0" + b"".join(_point(x, y) for x in range(SIDE)) for y in range(SIDE))
    head = struct.pack(">IIBBBBB", SIDE, SIDE, 8, 6, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + _chunk(b"IHDR", head) + _chunk(b"IDAT", zlib.compress(rows, 9)) + _chunk(b"IEND", b"")


def _point(x: int, y: int) -> bytes:
    """Return colour and opacity of one point."""
    near_x, near_y = min(x, SIDE - 1 - x), min(y, SIDE - 1 - y)
    corner = near_x < _ROUND and near_y < _ROUND
    if corner and (_ROUND - near_x) ** 2 + (_ROUND - near_y) ** 2 > _ROUND**2:
        return bytes((*_GROUND, 0))
    return bytes((*(_PAPER if _drawn(x, y) else _GROUND), 255))


def _drawn(x: int, y: int) -> bool:
    if not (_LEFT <= x <= _RIGHT and _TOP <= y <= _BOTTOM):
        return False
    edge = min(x - _LEFT, _RIGHT - x, y - _TOP, _BOTTOM - y) < _STROKE
    # The flap: two lines from the upper corners to the middle.
    slope = (y - _TOP) - (min(x - _LEFT, _RIGHT - x)) * 0.8
    return edge or abs(slope) < _STROKE


def _chunk(kind: bytes, octets: bytes) -> bytes:
    return struct.pack(">I", len(octets)) + kind + octets + struct.pack(">I", zlib.crc32(kind + octets))
