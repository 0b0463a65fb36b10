"""A sender's side of challenges, kept in a dictionary; and the words for talking to the pages."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace
from pathlib import Path

from challenge_web.puzzle import Kind, Puzzles, picture_answer, work_digest
from challenge_web.site import Site
from gateway.domain.lifecycle import State
from gateway.flow.answer import OpenChallenge, Paused, PuzzleSpent
from gateway.flow.rows import Progress

TEMPLATES = Path(__file__).parents[3] / "templates" / "web"
SITE = Site([TEMPLATES])
KEY = b"k" * 32
NOW = 1_795_183_500.0  # 20 November 2026, 14:05 UTC
TOKEN = "abcdefghijkmnpqrstuvwxyz23456789"
OTHER = "zyxwvutsrqpnmkjihgfedcba98765432"
STATUS = "status23status23status23status23"

OPEN = OpenChallenge(
    sender="anna@oak.example",
    recipient="joe@example.org",
    recipient_domain="example.org",
    subject="Offer for the roof",
    received_at=NOW,
    expires_at=NOW + 14 * 86_400,
    waiting=1,
    paused_until=None,
)
PROGRESS = Progress(
    recipient="joe@example.org",
    recipient_domain="example.org",
    received_at=NOW,
    state=State.RELEASED,
    changed_at=NOW + 60,
    expires_at=NOW + 14 * 86_400,
)


@dataclass
class Clock:
    """Both clocks; time passes when a test says so."""

    wall: float = NOW
    steady: float = 1000.0

    def now(self) -> float:
        return self.wall

    def tick(self) -> float:
        return self.steady

    def pass_(self, seconds: float) -> None:
        self.wall += seconds
        self.steady += seconds


class Chance:
    """Octets that never repeat."""

    def __init__(self) -> None:
        self._count = 0

    def __call__(self, octets: int) -> bytes:
        self._count += 1
        return self._count.to_bytes(octets, "big")


@dataclass
class FakeAnswers:
    """Keeps challenges as the store does: by token, each with its puzzles and tries."""

    clock: Clock
    open: dict[str, OpenChallenge] = field(default_factory=lambda: {TOKEN: OPEN})
    statuses: dict[str, list[Progress]] = field(default_factory=dict)
    attempts: int = 5
    wrong: int = 0
    spent: set[bytes] = field(default_factory=set)
    won: dict[str, bytes] = field(default_factory=dict)
    released: int = 0
    changes: list[str] = field(default_factory=list)
    """Each call that may change something."""

    async def look(self, token: str) -> OpenChallenge | None:
        return self.open.get(token)

    async def failed(self, token: str, puzzle_id: bytes) -> float | None:
        self.changes.append("failed")
        if token not in self.open or puzzle_id in self.spent:
            return None
        self.spent.add(puzzle_id)
        self.wrong += 1
        if self.wrong < self.attempts:
            return None
        until = self.clock.now() + 900
        self.open[token] = replace(self.open[token], paused_until=until)
        return until

    async def solved(self, token: str, puzzle_id: bytes, how: str) -> str | None:
        self.changes.append(f"solved by {how}")
        if self.won.get(token) == puzzle_id:
            return STATUS
        challenge = self.open.get(token)
        if challenge is None:
            return None
        if challenge.paused_until is not None and challenge.paused_until > self.clock.now():
            raise Paused(challenge.paused_until)
        if puzzle_id in self.spent:
            raise PuzzleSpent
        self.spent.add(puzzle_id)
        del self.open[token]
        self.won[token] = puzzle_id
        self.statuses[STATUS] = [PROGRESS]
        self.released += challenge.waiting
        return STATUS

    async def disown(self, token: str) -> bool:
        self.changes.append("disown")
        return self.open.pop(token, None) is not None

    async def withdraw(self, token: str) -> bool:
        self.changes.append("withdraw")
        return self.open.pop(token, None) is not None

    async def status(self, status_token: str) -> list[Progress] | None:
        return self.statuses.get(status_token)


def puzzle_in(page: str, form: str = "letters") -> str:
    """Return the puzzle that a form of the page sends along."""
    found = re.search(rf'<form id="{form}".*?name="puzzle" value="([^"]+)"', page, re.DOTALL)
    assert found is not None, f"no form {form} in the page"
    return found[1]


def letters_of(puzzles: Puzzles, text: str, token: str = TOKEN) -> str:
    """Return what the picture of a puzzle shows: what eyes are for."""
    puzzle = puzzles.read(text, token)
    assert puzzle is not None
    assert puzzle.kind is Kind.LETTERS
    return picture_answer(puzzles.picture_key, puzzle.nonce)


def counter_for(text: str, bits: int) -> str:
    """Do the proof of work."""
    counter = 0
    while int.from_bytes(work_digest(text, str(counter)), "big") >> (256 - bits):
        counter += 1
    return str(counter)
