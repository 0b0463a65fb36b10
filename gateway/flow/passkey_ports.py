"""Passkeys as the services use them, and the question that a session's key was asked."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from gateway.flow.account_ports import AccountsTx, Passkey
from gateway.flow.session_ports import Session

QUESTION_OCTETS = 32
_ASKED = "passkey"
"""Begins what a session keeps of its question."""


class Made(Protocol):
    """A passkey that was just made."""

    @property
    def credential(self) -> bytes:
        """The key's id."""

    @property
    def public_key(self) -> bytes:
        """What judges its answers."""

    @property
    def counter(self) -> int:
        """How often it was used, where it counts."""


class Keys(Protocol):
    """Passkeys. host: as the browser named us; question: unforeseeable octets, the same in asking and judging."""

    async def ask_to_make(self, host: str, account: int, name: str, question: bytes, known: Sequence[Passkey]) -> str:
        """Return what the browser is told to make a key, as JSON."""

    async def made(self, host: str, question: bytes, answer: str) -> Made | None:
        """Return the key that was made, or None."""

    async def ask(self, host: str, question: bytes, known: Sequence[Passkey]) -> str:
        """Return what the browser is told to let a key answer, as JSON."""

    async def answered(
        self, host: str, question: bytes, answer: str, known: Sequence[Passkey]
    ) -> tuple[Passkey, int] | None:
        """Return which key answered, and its counter, or None."""


def put_question(tx: AccountsTx, account: int, session: int, question: bytes) -> Sequence[Passkey]:
    """Keep with a session what its account's passkeys are asked; return them."""
    tx.sessions.remember(session, f"{_ASKED}:{question.hex()}")
    return tx.accounts.passkeys(account)


def question_in(session: Session) -> bytes:
    """Return what a session's passkey was asked; b"" where none was."""
    head, _, text = session.scratch.partition(":")
    return bytes.fromhex(text) if head == _ASKED else b""
