"""Puzzles a page can hand out and take back without remembering them. Pure: no clock, no chance, no input or output.

A puzzle is a text that carries everything needed to judge its answer: its kind, when it was made, how hard it is and
a nonce, under a MAC that binds it to one challenge's token. So showing a page changes nothing anywhere, and a puzzle
of one challenge, or of one kind, is worth nothing for another. That it is used once only is the store's duty: it
keeps the nonces of puzzles that were answered.
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import re
import struct
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""What pictures show: 32 letters and digits, without 0, O, 1 and I."""
LETTERS = 6
"""How many a picture shows."""
ITERATIONS = 2000
"""PBKDF2 rounds in one try of the proof of work; fixed, so that checking an answer stays under 1 ms."""
DEFAULT_WORK_BITS = 13
"""On average 8192 tries: 1 to 2 s in a desktop browser, 2 to 5 s on a telephone."""
NONCE_OCTETS = 16
LIFETIME_SECONDS = 1800.0
"""How long a puzzle may be answered."""

_HEAD = struct.Struct(">BBQ")  # Kind, bits of work, time of making.
_MAC_OCTETS = 16
_COUNTER = re.compile(r"(?:0|[1-9][0-9]{0,14})", re.ASCII)
# Z for 2 and the like are misread by the kindest reader; a machine gains next to nothing by it.
_LOOK_ALIKE = str.maketrans({"Z": "2", "S": "5", "B": "8"})
_MAX_TYPED = 64


class Kind(Enum):
    """What is asked. Part of the MAC: never renumber."""

    LETTERS = 1  # Type what the picture shows, or the sound says.
    WORK = 2  # Find a counter.


@dataclass(frozen=True, slots=True)
class Puzzle:
    """One puzzle of ours."""

    kind: Kind
    nonce: bytes
    """Names it in the store, and decides what its picture shows."""
    made_at: int
    """Seconds since the epoch."""
    bits: int
    """Zero bits asked for; 0 for letters."""
    text: str
    """As it stands in pages and URLs: 56 letters of the URL-safe base64 alphabet."""


class Puzzles:
    """Makes puzzles and judges answers, with one key for the whole site.

    Every process that shares the store must be given the same key.
    """

    def __init__(self, key: bytes, *, work_bits: int = DEFAULT_WORK_BITS) -> None:
        if len(key) < 32:
            raise ValueError("the key of the puzzles must have at least 32 octets")
        if not 1 <= work_bits <= 32:
            raise ValueError("work_bits must lie between 1 and 32")
        self._mac_key = _subkey(key, b"mac")
        self._picture_key = _subkey(key, b"picture")
        self._work_bits = work_bits

    @property
    def picture_key(self) -> bytes:
        """The key of what pictures show; it goes to those who draw, and nowhere else."""
        return self._picture_key

    def make(self, kind: Kind, token: str, now: float, chance: Callable[[int], bytes]) -> Puzzle:
        """Make a puzzle for the challenge of this token.

        chance: gives as many unforeseeable octets as it is asked for.
        """
        bits = self._work_bits if kind is Kind.WORK else 0
        body = _HEAD.pack(kind.value, bits, int(now)) + chance(NONCE_OCTETS)
        return _unpack(body, urlsafe_b64encode(body + self._mac(body, token)).decode("ascii").rstrip("="))

    def read(self, text: str, token: str) -> Puzzle | None:
        """Return the puzzle, or None when we did not make it for this token."""
        try:
            octets = urlsafe_b64decode(text + "=" * (-len(text) % 4)) if len(text) <= _MAX_TYPED else b""
        except (binascii.Error, ValueError):
            return None
        if len(octets) != _HEAD.size + NONCE_OCTETS + _MAC_OCTETS:
            return None
        body, mac = octets[:-_MAC_OCTETS], octets[-_MAC_OCTETS:]
        if not hmac.compare_digest(mac, self._mac(body, token)):
            return None
        # One spelling only: base64 lets stray letters and spare bits pass.
        if urlsafe_b64encode(octets).decode("ascii").rstrip("=") != text:
            return None
        return _unpack(body, text)

    def is_stale(self, puzzle: Puzzle, now: float) -> bool:
        """True when it was open too long, or seems to come from the future because a clock was set back."""
        return abs(now - puzzle.made_at) > LIFETIME_SECONDS

    def is_solved(self, puzzle: Puzzle, answer: str) -> bool:
        """True when the answer is right; it says nothing about age or earlier use."""
        if puzzle.kind is Kind.WORK:
            return check_work(puzzle.text, puzzle.bits, answer)
        return check_picture(self._picture_key, puzzle.nonce, answer)

    def _mac(self, body: bytes, token: str) -> bytes:
        bound = hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()
        return hmac.digest(self._mac_key, bound + body, "sha256")[:_MAC_OCTETS]


def _subkey(key: bytes, use: bytes) -> bytes:
    return hmac.digest(key, b"challenge_web.puzzle " + use, "sha256")


def _unpack(body: bytes, text: str) -> Puzzle:
    kind, bits, made_at = _HEAD.unpack_from(body)
    return Puzzle(Kind(kind), body[_HEAD.size :], made_at, bits, text)


def picture_answer(key: bytes, nonce: bytes) -> str:
    """Return the letters that the picture of this nonce shows."""
    octets = hmac.digest(key, b"letters " + nonce, "sha256")
    return "".join(ALPHABET[octet & 31] for octet in octets[:LETTERS])


def check_picture(key: bytes, nonce: bytes, typed: str) -> bool:
    """True when these are the letters: blanks and case do not matter. Takes the same time for any wrong answer."""
    return hmac.compare_digest(_plain(picture_answer(key, nonce)), _plain("".join(typed[:_MAX_TYPED].split())))


def _plain(letters: str) -> bytes:
    return letters.upper().translate(_LOOK_ALIKE).encode("utf-8", "surrogatepass")


def work_digest(puzzle_text: str, counter: str) -> bytes:
    """Return the 32 octets that must begin with zero bits (PBKDF2-HMAC-SHA256, RFC 8018 §5.2)."""
    return hashlib.pbkdf2_hmac("sha256", counter.encode("ascii"), puzzle_text.encode("ascii"), ITERATIONS, 32)


def check_work(puzzle_text: str, bits: int, counter: str) -> bool:
    """True when the counter solves the proof of work. Costs one try, under 1 ms; nothing for what is no counter."""
    counter = counter.strip()
    if not _COUNTER.fullmatch(counter):
        return False
    return int.from_bytes(work_digest(puzzle_text, counter), "big") >> (256 - bits) == 0
