"""Kept answers: a request that a program sends again, for it did not hear the answer, is answered and not done again.

The idea and the field are those of draft-ietf-httpapi-idempotency-key-header. What is kept is a hash of the request and
the answer, for a day.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain.durations import DAY
from gateway.flow.transactions import Transacts

LONGEST_KEY = 255
PATIENCE = 60.0
"""Seconds after which a request that has no answer yet is taken to be cut off, and may be done anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered."""

    status: int
    media_type: str
    location: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Kept:
    """A request that was seen, and its answer."""

    request: bytes
    """Its hash."""
    at: float
    answer: Answer | None
    """None: it is being answered."""


class Course(Enum):
    """What is to be done with a request."""

    FRESH = "fresh"  # Do it.
    IN_PROGRESS = "in-progress"  # The first one is being answered.
    OTHER = "other"  # The key was used for another request.


class KeptTable(Protocol):
    """Requests and answers in the store."""

    def get(self, account: int, key: bytes) -> Kept | None:
        """Return what is kept under a key's hash."""

    def put(self, account: int, key: bytes, kept: Kept) -> None:
        """Keep, in place of what was there."""

    def drop(self, account: int, key: bytes) -> None:
        """Forget the answer to one of an account's requests."""

    def sweep(self, before: float) -> int:
        """Forget those from before then; return how many."""


class KeptTx(Protocol):
    """What kept answers need of a transaction."""

    @property
    def kept_answers(self) -> KeptTable:
        """Requests and answers."""


KeptStore = Transacts[KeptTx]


class KeptAnswers:
    """Knows requests again."""

    def __init__(self, store: KeptStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now

    async def begin(self, account: int, key: str, request: bytes) -> Course | Answer:
        """Say whether a request is to be done; one that was answered is answered again.

        key: as the program chose it. request: all that makes it this request.
        """
        now, hashed, wanted = self._now(), _hash(key.encode()), _hash(request)

        def work(tx: KeptTx) -> Course | Answer:
            kept = tx.kept_answers.get(account, hashed)
            if kept is not None and kept.at > now - DAY:
                if kept.request != wanted:
                    return Course.OTHER
                if kept.answer is not None:
                    return kept.answer
                if kept.at > now - PATIENCE:
                    return Course.IN_PROGRESS
            tx.kept_answers.put(account, hashed, Kept(wanted, now, None))
            return Course.FRESH

        return await self._store.transact(work)

    async def keep(self, account: int, key: str, request: bytes, answer: Answer) -> None:
        """Keep the answer of a request that was begun."""
        kept = Kept(_hash(request), self._now(), answer)
        await self._store.transact(lambda tx: tx.kept_answers.put(account, _hash(key.encode()), kept))

    async def forget(self, account: int, key: str) -> None:
        """Let a request that could not be answered be done anew."""
        await self._store.transact(lambda tx: tx.kept_answers.drop(account, _hash(key.encode())))

    async def sweep(self) -> int:
        """Forget what is older than a day. Returns how many."""
        before = self._now() - DAY
        return await self._store.transact(lambda tx: tx.kept_answers.sweep(before))


def _hash(octets: bytes) -> bytes:
    return hashlib.sha256(octets).digest()
