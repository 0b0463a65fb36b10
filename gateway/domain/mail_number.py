"""The number of a mail as people pass it on: it names the mail, opens nothing, and cannot be counted up.

A row's number alone would let anybody ask for the release of every mail there is, one after the other. The letters
behind it are made with a key of the site, so that only who was told a number knows one.
"""

from __future__ import annotations

import hmac
import re
from hashlib import sha256

from gateway.domain.challenge import token_text

_OCTETS = 5
_NUMBER = re.compile(r"([0-9]{1,18})-([a-z0-9]{8})", re.ASCII)
LONGEST = 40
"""Characters that somebody may type."""


def mail_number(key: bytes, row_id: int) -> str:
    """Write a row's number, as `1234-k7mp3xq9`."""
    return f"{row_id}-{_letters(key, row_id)}"


def row_of(key: bytes, text: str) -> int | None:
    """Return the row a number names; None for what is no number of ours."""
    match = _NUMBER.fullmatch(text.strip().lower())
    row_id = int(match[1]) if match else 0
    # Compared whatever was typed: how long it takes tells nothing.
    right = hmac.compare_digest(_letters(key, row_id).encode(), (match[2] if match else "").encode())
    return row_id if right else None


def _letters(key: bytes, row_id: int) -> str:
    return token_text(hmac.new(key, b"mail number %d" % row_id, sha256).digest()[:_OCTETS])
