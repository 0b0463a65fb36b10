"""Challenge language: in which language a sender is asked."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Protocol

from gateway.domain.address import Address
from gateway.domain.first_words import MOST_OCTETS, first_words
from gateway.domain.language import AUTO, Guess, guess
from gateway.domain.policy import Policy
from gateway.flow.arrangements import Arrangements, policy_for
from gateway.flow.rows import ChallengeRow
from gateway.flow.transactions import Looks
from gateway.log import bug

_log = logging.getLogger("gateway.challenge")
_UNSURE = Guess("en", True)


class HeadTable(Protocol):
    """The beginnings of mails in the store."""

    def head(self, message_id: int, most: int) -> bytes:
        """Return the first octets of a message; b"" where its content is gone."""


class LanguageTx(Protocol):
    """What is needed of a transaction."""

    @property
    def reading(self) -> HeadTable:
        """Contents."""


class LanguageStore(Looks[LanguageTx], Protocol):
    """Where mail and policies are kept."""

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return what people have arranged for recipients."""


class LanguageChoice:
    """Knows the language for each challenge."""

    def __init__(
        self,
        store: LanguageStore,
        policy: Policy,
        known: Collection[str],
        words: Callable[[], Mapping[str, frozenset[str]]],
    ) -> None:
        """policy: the configuration's. known: languages that challenges are written in. words: their small words."""
        self._store = store
        self._policy = policy
        self._known = known
        self._words = words

    async def of(self, row: ChallengeRow) -> Guess:
        """Return what the recipient's policy says; where that leaves it to the mail, the language of the mail."""
        arranged = await self._store.arrangements((), [row.recipient])
        chosen = policy_for(self._policy, arranged, row.recipient).language
        if chosen != AUTO:
            return Guess(chosen, True) if chosen in self._known else _UNSURE
        content = await self._store.look(lambda tx: tx.reading.head(row.message_id, MOST_OCTETS))
        try:
            found = first_words(content)
            return guess(self._words(), self._known, found.text, found.told, found.charset)
        except Exception:
            # A mail that we cannot read must not keep its sender from being asked.
            bug(_log, "language-not-told", challenge=row.id)
            return _UNSURE
