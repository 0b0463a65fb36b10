"""Challenge: send the mails that ask senders to prove to be human."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable

from prometheus_client import Counter

from gateway.domain.challenge import TOKEN_OCTETS, Silence, token_hash, token_text
from gateway.domain.lifecycle import ChallengeState, State
from gateway.domain.public_url import pages_of
from gateway.domain.reply import Reply
from gateway.domain.retry import CHALLENGE, next_attempt
from gateway.flow.attempts import all_of
from gateway.flow.own_mail import OwnMail
from gateway.flow.ports import Store, Tx
from gateway.flow.rows import ChallengeRow
from gateway.flow.tally import TALLY, Happening
from gateway.log import event

_log = logging.getLogger("gateway.challenge")
_challenges = Counter("gateway_challenges_total", "Attempts to send a challenge.", ["result"])
for _result in ("sent", "queued", "failed"):
    _challenges.labels(_result)  # From 0 on, so that the first is seen.

LEASE = 900.0
"""Seconds a worker may take for a batch."""


Compose = Callable[[ChallengeRow, str, float], Awaitable[OwnMail]]
"""Challenge, URL and time → mail."""
Send = Callable[[str, bytes, bool], Awaitable[Reply]]
"""Recipient, content and whether it needs SMTPUTF8 → the smart host's word."""


class Challenger:
    """The challenge worker's work, one batch at a time."""

    def __init__(
        self,
        store: Store,
        public_url: str,
        compose: Compose,
        send: Send,
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        lease: Callable[[], int],
        random_octets: Callable[[int], bytes],
    ) -> None:
        """public_url: see `pages_of`."""
        self._store = store
        self._public_url = public_url
        self._compose = compose
        self._send = send
        self._now = now
        self._chance = chance
        self._lease = lease
        self._random_octets = random_octets

    async def run_once(self, most: int = 20) -> int:
        """Attempt up to `most` challenges that are due, side by side; return how many were claimed."""
        now, lease = self._now(), self._lease()
        latest = now + 2 * CHALLENGE.longest

        def work(tx: Tx) -> list[ChallengeRow]:
            due = []
            for row in tx.challenges.claim(now, most, lease, now + LEASE, latest):
                forbidden = _forbidden_meanwhile(tx, row, now)
                if forbidden is None:
                    due.append(row)
                else:
                    tx.challenges.move(row.id, ChallengeState.WITHHELD, now, forbidden.value)
                    tx.pending.silence(row.id, forbidden.value)
            return due

        due = await self._store.transact(work)
        await all_of(self._attempt(row, lease) for row in due)
        return len(due)

    async def _attempt(self, row: ChallengeRow, lease: int) -> None:
        token = token_text(self._random_octets(TOKEN_OCTETS))
        hashed = token_hash(token)
        # Before it is sent: from then on it may be answered, whatever happens to us.
        if not await self._store.transact(lambda tx: tx.challenges.mint(row.id, lease, hashed)):
            return
        url = f"{pages_of(self._public_url, row.recipient.domain)}/challenge/{token}"
        mail = await self._compose(row, url, self._now())
        answer = await self._send(row.sender.text, mail.content, mail.smtputf8)
        await self._save(row, lease, mail, answer)

    async def _save(self, row: ChallengeRow, lease: int, mail: OwnMail, answer: Reply) -> None:
        now = self._now()
        due_at: float | None = None
        if answer.accepted:
            state = ChallengeState.SENT
        else:
            if answer.temporary:
                due_at = next_attempt(CHALLENGE, row.attempts + 1, row.created_at, now, self._chance())
            state = ChallengeState.QUEUED if due_at is not None else ChallengeState.FAILED

        def work(tx: Tx) -> bool:
            mine = tx.challenges.finish(row.id, lease, state, str(answer), due_at, mail.mail_id, now)
            if mine and state is ChallengeState.FAILED:
                tx.pending.silence(row.id, Silence.UNDELIVERABLE.value)
            return mine

        saved = await self._store.transact(work)
        _challenges.labels(state.value).inc()
        if state is ChallengeState.SENT:
            TALLY.note(Happening.ASKED, row.recipient.domain, now)
        elif state is ChallengeState.FAILED and saved:
            TALLY.note(Happening.UNDELIVERABLE, row.recipient.domain, now)
        event(_log, "challenge", challenge=row.id, sender=row.sender.text, state=state.value,
              attempts=row.attempts + 1, reply=str(answer), saved=saved)  # fmt: skip


def _forbidden_meanwhile(tx: Tx, row: ChallengeRow, now: float) -> Silence | None:
    """Return why a challenge that was in order when it was queued must not go out any more."""
    until = tx.challenges.history(row.sender, row.recipient, now).disowned_until
    if until is not None and now < until:
        return Silence.DISOWNED
    waiting = any(other.state is State.PENDING for other in tx.pending.of_message(row.message_id))
    # Asking for mail that a person has moved would only puzzle its sender.
    return None if waiting and now < row.expires_at else Silence.CLOSED
