"""Keep: a message that is not relayed inside its session becomes rows, and a challenge, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from gateway.domain.challenge import Caps, within_caps
from gateway.domain.durations import DAY
from gateway.domain.envelope import Recipient
from gateway.domain.lifecycle import Event, State
from gateway.domain.policy import Decision, Disposition, Policy, narrowest
from gateway.flow.ports import Tx
from gateway.flow.rows import NewChallenge, NewMessage, NewPending

RETRY_WINDOW = DAY
"""Seconds in which the same content from the same reverse-path is a client's retry, not another mail."""
_FIRST_EVENT = {
    Disposition.DELIVER: Event.OWE,
    Disposition.HOLD: Event.HOLD,
    Disposition.REJECT: Event.DROP,
}

Case = tuple[Recipient, Policy, Decision]
"""What was decided for one recipient, by which policy."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What was written."""

    rows: tuple[tuple[int, Recipient, Decision], ...] = ()
    """Each with its id; none where all was kept before."""
    challenge: int = 0
    """0: nobody is asked."""
    silence: str = ""
    """Why a cap forbids to ask; "" where none does."""

    @property
    def owed(self) -> bool:
        """True where some of it is to be delivered now."""
        return any(decision.disposition is Disposition.DELIVER for _, _, decision in self.rows)


def keep(tx: Tx, caps: Caps, message: NewMessage, cases: Iterable[Case], now: float) -> Kept:
    """Write a message down for all whose it is and who do not have it already: a client may try again."""
    fresh = _fresh(tx, message, cases, now)
    if not fresh:
        return Kept()
    message_id = tx.pending.insert_message(message)
    challenge, silence = _asked(tx, caps, message, message_id, fresh, now)
    rows = [
        NewPending(
            recipient=recipient,
            event=_FIRST_EVENT[decision.disposition],
            reason=decision.reason.value,
            silence=silence if decision.ask else decision.silence,
            expires_at=now + policy.days * DAY,
        )
        for recipient, policy, decision in fresh
    ]
    ids = tx.pending.insert_rows(message_id, message, rows, challenge or None)
    written = tuple((row_id, recipient, decision) for row_id, (recipient, _, decision) in zip(ids, fresh, strict=True))
    return Kept(written, challenge, silence)


def _fresh(tx: Tx, message: NewMessage, cases: Iterable[Case], now: float) -> list[Case]:
    """Return those for whom it was not kept before."""
    known = tx.pending.find_retry(message.key, now - RETRY_WINDOW)
    fresh = []
    for case in cases:
        recipient, _, decision = case
        state = known.get(recipient.address.key)
        dropped_before = state is State.BLOCKED and decision.disposition is Disposition.REJECT
        if state not in (State.PENDING, State.RELEASED, State.DELIVERED) and not dropped_before:
            fresh.append(case)
            known[recipient.address.key] = State.PENDING  # The same recipient named twice is one.
    return fresh


def _asked(
    tx: Tx, caps: Caps, message: NewMessage, message_id: int, fresh: Sequence[Case], now: float
) -> tuple[int, str]:
    """Let the sender be asked where a decision says so; return the challenge, 0 for none, and why a cap forbids it."""
    asked = next((recipient for recipient, _, decision in fresh if decision.ask), None)
    if asked is None:
        return 0, ""
    reverse_path = message.transaction.reverse_path
    forbidden = within_caps(caps, tx.challenges.history(reverse_path, asked.address, now), now)
    if forbidden is not None:
        return 0, forbidden.value
    # One challenge speaks for all who hold the mail: open as long as it waits, and no wider than each allows.
    held = [policy for _, policy, decision in fresh if decision.disposition is Disposition.HOLD]
    scope = narrowest(policy.scope for policy in held)
    until = now + max(policy.days for policy in held) * DAY
    return tx.challenges.insert(NewChallenge(message_id, reverse_path, asked.address, scope, now, until)), ""
