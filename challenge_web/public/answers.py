"""What the pages need of the verb "answer"."""

from __future__ import annotations

from typing import Protocol

from gateway.flow.answer import OpenChallenge
from gateway.flow.rows import Progress


class Answers(Protocol):
    """A sender's side of challenges. All but `look` and `status` change something, once."""

    async def look(self, token: str) -> OpenChallenge | None:
        """Return the open challenge of a token; None for a wrong, expired, used or foreign one alike."""

    async def failed(self, token: str, puzzle_id: bytes) -> float | None:
        """Count a wrong answer and use up its puzzle; return until when answering pauses, if it does now."""

    async def solved(self, token: str, puzzle_id: bytes, how: str) -> str | None:
        """Let the mails go; return the token of the status page. Raises PuzzleSpent, Paused."""

    async def disown(self, token: str) -> bool:
        """The holder did not send the mail. False: the link is not in use."""

    async def withdraw(self, token: str) -> bool:
        """The sender takes the mail back. False: the link is not in use."""

    async def status(self, status_token: str) -> list[Progress] | None:
        """Return how far the mails of an answered challenge have come; None for a token that never was."""
