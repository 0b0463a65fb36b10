"""Answer: what the holder of a challenge's link may see and do. Looking never changes anything."""

from __future__ import annotations

import hmac
import logging
from collections.abc import Callable
from dataclasses import dataclass

from prometheus_client import Counter

from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.durations import DAY, MINUTE
from gateway.domain.evidence import proof_to_require
from gateway.domain.lifecycle import ANSWERABLE, ChallengeState, Event, State
from gateway.domain.lists import Entry, Verdict, scope_keys
from gateway.domain.policy import Scope
from gateway.flow.moves import move
from gateway.flow.ports import Store, Tx
from gateway.flow.rows import ChallengeRow, PendingRow, Progress
from gateway.flow.tally import TALLY, Happening
from gateway.log import event

_log = logging.getLogger("gateway.challenge")
_answers = Counter("gateway_answers_total", "Answers to challenges.", ["result"])
for _result in ("right", "wrong", "disowned", "withdrawn"):
    _answers.labels(_result)  # From 0 on, so that the first is seen.

ACTOR = "sender"


class PuzzleSpent(Exception):
    """This picture or work was used before; a fresh one is needed. Nothing else changed."""


class Paused(Exception):
    """Too many wrong answers."""

    def __init__(self, until: float) -> None:
        super().__init__(f"paused until {until:.0f}")
        self.until = until
        """Seconds since the epoch."""


@dataclass(frozen=True, slots=True)
class OpenChallenge:
    """What the challenge page tells the sender about his own mail."""

    sender: str
    recipient: str
    recipient_domain: str
    subject: str
    received_at: float
    expires_at: float
    waiting: int
    """How many mails an answer lets go."""
    paused_until: float | None
    """Seconds since the epoch while too many answers were wrong, else None."""


@dataclass(frozen=True, slots=True)
class AnswerRules:
    """What the configuration says about answering."""

    attempts: int
    pause_minutes: float
    disowned_days: float
    key: bytes
    """Secret of this site; status tokens are derived with it."""


class Answers:
    """Everything the challenge page can ask for."""

    def __init__(
        self, rules: AnswerRules, store: Store, *, now: Callable[[], float], wake_deliveries: Callable[[], None]
    ) -> None:
        self._rules = rules
        self._store = store
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def look(self, token: str) -> OpenChallenge | None:
        """Return the challenge behind a token, or None for a wrong, expired, used or foreign one alike."""
        now, hashed = self._now(), token_hash(token)

        def work(tx: Tx) -> OpenChallenge | None:
            challenge = _open(tx, hashed, now)
            if challenge is None:
                return None
            entries = _entries(tx, challenge)
            return OpenChallenge(
                sender=challenge.sender.text,
                recipient=challenge.recipient.text,
                recipient_domain=challenge.recipient.domain,
                subject=challenge.subject,
                received_at=challenge.received_at,
                expires_at=challenge.expires_at,
                waiting=len(_opened_by(tx, challenge, entries)),
                paused_until=_pause(challenge, now),
            )

        return await self._store.look(work)

    async def failed(self, token: str, puzzle_id: bytes) -> float | None:
        """Count a wrong answer and use up its puzzle; return until when answering pauses, if it does now."""
        now, hashed = self._now(), token_hash(token)

        def work(tx: Tx) -> float | None:
            challenge = _open(tx, hashed, now)
            if challenge is None:
                return None
            pause = _pause(challenge, now)
            if pause is not None or not tx.challenges.spend(puzzle_id, now):
                return pause
            tx.challenges.used(challenge.id, now)
            before = 0 if challenge.paused_until is not None else challenge.wrong_answers
            count = before + 1
            until = now + self._rules.pause_minutes * MINUTE if count >= self._rules.attempts else None
            tx.challenges.wrong(challenge.id, count, until)
            return until

        until = await self._store.transact(work)
        _answers.labels("wrong").inc()
        return until

    async def solved(self, token: str, puzzle_id: bytes, how: str) -> str | None:
        """Open the door: allow the sender, release what waits from it, in one transaction.

        The caller has checked that the puzzle, which is bound to this token, is solved. Returns the token of
        the status page, or None where the link is not in use. The same answer sent again (a double click, a
        lost reply) gets the same token and changes nothing. Raises PuzzleSpent, Paused.
        """
        now, hashed = self._now(), token_hash(token)
        status = self._status_token(token)

        def work(tx: Tx) -> tuple[ChallengeRow | None, list[int]]:
            challenge = tx.challenges.by_token(hashed)
            if challenge is None:
                return None, []
            if challenge.state is ChallengeState.ANSWERED and challenge.solved_puzzle == puzzle_id:
                return challenge, []
            challenge = _open(tx, hashed, now)
            if challenge is None:
                return None, []
            pause = _pause(challenge, now)
            if pause is not None:
                raise Paused(pause)
            if not tx.challenges.spend(puzzle_id, now):
                raise PuzzleSpent
            tx.challenges.used(challenge.id, now)
            entries = _entries(tx, challenge)
            rows = _opened_by(tx, challenge, entries)
            for entry in entries:
                tx.lists.add(entry, "answered a challenge", ACTOR, rows[0].id if rows else None, now)
            for row in rows:
                move(tx, row, Event.ANSWER, ACTOR, now, f"challenge {challenge.id}, {how}")
                tx.pending.tie(row.id, challenge.id)
            tx.challenges.answered(challenge.id, puzzle_id, token_hash(status), how, now)
            return challenge, [row.id for row in rows]

        challenge, released = await self._store.transact(work)
        if challenge is None:
            return None
        if released:
            self._wake_deliveries()
            _answers.labels("right").inc()
            TALLY.note(Happening.SOLVED, challenge.recipient.domain, now)
            event(_log, "answered", challenge=challenge.id, sender=challenge.sender.text, how=how,
                  pending=_ids(released))  # fmt: skip
        return status

    async def disown(self, token: str) -> bool:
        """The holder did not send the mail: drop it, and ask this address no more. False: the link is not in use."""
        until = self._now() + self._rules.disowned_days * DAY
        return await self._end(
            token,
            Event.DISOWN,
            ChallengeState.DISOWNED,
            lambda tx, challenge: tx.challenges.disown(challenge.sender.key, until),
        )

    async def withdraw(self, token: str) -> bool:
        """The sender takes the mail back. False: the link is not in use."""
        return await self._end(token, Event.WITHDRAW, ChallengeState.WITHDRAWN, lambda tx, challenge: None)

    async def _end(self, token: str, how: Event, to: ChallengeState, also: Callable[[Tx, ChallengeRow], None]) -> bool:
        now, hashed = self._now(), token_hash(token)

        def work(tx: Tx) -> tuple[ChallengeRow | None, list[int]]:
            challenge = _open(tx, hashed, now)
            if challenge is None:
                return None, []
            rows = [row for row in tx.pending.of_message(challenge.message_id) if row.state is State.PENDING]
            for row in rows:
                move(tx, row, how, ACTOR, now, f"challenge {challenge.id}")
            tx.challenges.move(challenge.id, to, now, "")
            also(tx, challenge)
            return challenge, [row.id for row in rows]

        challenge, dropped = await self._store.transact(work)
        if challenge is None:
            return False
        _answers.labels(to.value).inc()
        if to is ChallengeState.DISOWNED:
            TALLY.note(Happening.DISOWNED, challenge.recipient.domain, now)
        event(_log, to.value, challenge=challenge.id, sender=challenge.sender.text, pending=_ids(dropped))
        return True

    async def status(self, status_token: str) -> list[Progress] | None:
        """Return how far the mails of an answered challenge have come; None for a token that never was."""
        hashed = token_hash(status_token)

        def work(tx: Tx) -> list[Progress] | None:
            challenge = tx.challenges.by_status(hashed)
            return None if challenge is None else tx.pending.of_challenge(challenge.id)

        return await self._store.look(work)

    def _status_token(self, token: str) -> str:
        # Derived, so that the same answer sent twice leads to the same page.
        return token_text(hmac.digest(self._rules.key, b"status\0" + token_hash(token), "sha256")[:TOKEN_OCTETS])


def _ids(rows: list[int]) -> list[str]:
    return [str(row_id) for row_id in rows]


def _open(tx: Tx, hashed: bytes, now: float) -> ChallengeRow | None:
    challenge = tx.challenges.by_token(hashed)
    if challenge is None or challenge.state not in ANSWERABLE or now >= challenge.expires_at:
        return None
    waiting = (row.state is State.PENDING for row in tx.pending.of_message(challenge.message_id))
    return challenge if any(waiting) else None


def _pause(challenge: ChallengeRow, now: float) -> float | None:
    until = challenge.paused_until
    return until if until is not None and now < until else None


def _entries(tx: Tx, challenge: ChallengeRow) -> list[Entry]:
    """The allow entries an answer makes: for each recipient, domain, or the site, bound to who vouched."""
    recipients = [row.recipient for row in tx.pending.of_message(challenge.message_id) if row.state is State.PENDING]
    scopes = {
        Scope.RECIPIENT: [recipient.key for recipient in recipients],
        Scope.DOMAIN: ["@" + recipient.domain for recipient in recipients],
        Scope.SITE: [""],
    }[challenge.scope]
    proof = proof_to_require(challenge.proofs, challenge.network)
    return [Entry(Verdict.ALLOW, challenge.sender.key, scope, proof) for scope in dict.fromkeys(scopes)]


def _opened_by(tx: Tx, challenge: ChallengeRow, entries: list[Entry]) -> list[PendingRow]:
    """The rows an answer lets go: those of the mail it was asked for, and of this sender's others those that are
    in scope and as well proven.
    """
    scopes = {entry.scope for entry in entries}
    return [
        row
        for row in tx.pending.waiting_from(challenge.sender.key)
        if row.message_id == challenge.message_id
        or (scopes.intersection(scope_keys(row.recipient)) and entries[0].satisfied_by(row.proofs, row.network))
    ]
