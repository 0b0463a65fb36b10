"""Cursors: where the next page begins, written so that nobody but us can make one."""

from __future__ import annotations

import base64
import hmac
from collections.abc import Mapping, Sequence
from hashlib import sha256

import msgspec

from challenge_web.api.problems import Problem

_MAC_OCTETS = 16
LONGEST = 2000

Piece = str | int | float
Key = tuple[Piece, ...]


class Cursors:
    """Those of one operation with one set of parameters, for one account."""

    def __init__(self, key: bytes, account: int, operation: str, parameters: Mapping[str, str]) -> None:
        """key: secret, of this site. parameters: besides those that turn the pages."""
        self._key = key
        told = sorted(item for item in parameters.items() if item[0] not in ("cursor", "limit"))
        self._context = msgspec.json.encode((operation, account, told))

    def write(self, key: Sequence[Piece] | None) -> str | None:
        """Return a cursor for the keys of a row; None where no page follows."""
        if key is None:
            return None
        told = msgspec.json.encode(list(key))
        return base64.urlsafe_b64encode(self._mac(told) + told).decode().rstrip("=")

    def read(self, text: str, *shape: type) -> Key | None:
        """Return the keys; None for "". shape: the types of a key of fixed length. Raises Problem."""
        if not text:
            return None
        try:
            octets = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        except ValueError:
            raise Problem("cursor") from None
        told = octets[_MAC_OCTETS:]
        if not hmac.compare_digest(octets[:_MAC_OCTETS], self._mac(told)):
            raise Problem("cursor")
        key = tuple(msgspec.json.decode(told, type=list[str | int | float]))
        if shape and [type(piece) for piece in key] != list(shape):
            raise Problem("cursor")
        return key

    def _mac(self, told: bytes) -> bytes:
        return hmac.digest(self._key, self._context + told, sha256)[:_MAC_OCTETS]
