"""Letter book: a line in history for each letter that the gateway writes and sends itself; challenges have their own."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain.address import Address
from gateway.domain.reply import Reply
from gateway.flow.ports import StoreDown
from gateway.flow.transactions import Transacts
from gateway.log import warning

_log = logging.getLogger("gateway.history")


class LetterKind(Enum):
    """What a letter is for. Stored by value: add members, never rename them."""

    DIGEST = "digest"
    SIGN_IN = "sign-in"
    NOTICE = "notice"  # Of one mail.
    REQUEST = "request"  # Of release, to who decides.
    ANSWER = "answer"  # To who asked for the release.
    COPY = "copy"  # Of a held mail, sent on by a person.
    SAMPLE = "sample"  # Of the words of challenges.


@dataclass(frozen=True, slots=True)
class Letter:
    """One letter, each time it was sent."""

    at: float
    kind: LetterKind
    sender: str
    """The reverse-path; "" is the null one."""
    recipient: Address
    size: int
    state: str
    """`sent`, `deferred` or `refused`."""
    reply: str
    """The far end's own words, with its queue id."""


class LetterTable(Protocol):
    """Letters in the store."""

    def add(self, letter: Letter) -> None:
        """Keep that a letter was sent."""


class LettersTx(Protocol):
    """What the book needs of a transaction."""

    @property
    def letters(self) -> LetterTable:
        """Letters."""


LettersStore = Transacts[LettersTx]


class LetterBook:
    """Writes a line for each letter that went out."""

    def __init__(self, store: LettersStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def note(self, kind: LetterKind, recipient: Address, size: int, reply: Reply, sender: str = "") -> None:
        """Write down that a letter was given to another server, and what that said."""
        state = "sent" if reply.accepted else "refused" if reply.permanent else "deferred"
        line = Letter(self._now(), kind, sender, recipient, size, state, str(reply))
        try:
            await self._store.transact(lambda tx: tx.letters.add(line))
        except StoreDown:
            # It has gone out: for a missing line nobody shall get it twice.
            warning(_log, "history-lost", mails=1)
