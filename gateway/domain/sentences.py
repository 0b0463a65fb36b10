"""A pending row in plain words: why it waits, who vouches for it, whether its sender was asked, how long it stays."""

from __future__ import annotations

import math

from gateway.domain.challenge import DAY
from gateway.domain.evidence import Method, Proof
from gateway.domain.explain import REASONS, SILENCES
from gateway.domain.lifecycle import ChallengeState, State
from gateway.domain.policy import Reason

SHORT_REASONS: dict[Reason, str] = {
    Reason.ROLE_RECIPIENT: "Role address",
    Reason.RELEASED_BEFORE: "Let through before",
    Reason.DENYLIST: "Blocked sender",
    Reason.ALLOWLIST: "Allowed sender",
    Reason.CHANGED_PROOF: "Known name, other origin",
    Reason.UNPROVEN_ALLOWED: "Known name, not proven",
    Reason.NULL_REVERSE_PATH: "Bounce or report",
    Reason.AUTOMATIC: "Sent by a machine",
    Reason.UNPROVEN: "Sender not proven",
    Reason.UNKNOWN: "First mail from this address",
    Reason.EXPECTED: "Expected mail",
    Reason.HOLDING_OFF: "Nothing is held here",
}
"""For chips and choices; the whole sentence is in `explain.REASONS`."""

STATES: dict[State, str] = {
    State.PENDING: "Waiting",
    State.RELEASED: "On its way",
    State.DELIVERED: "Delivered",
    State.REFUSED: "Refused by the mail server",
    State.DELETED: "Deleted",
    State.BLOCKED: "Blocked",
    State.DISOWNED: "Its sender says: not from me",
    State.EXPIRED: "Expired",
}

_CHALLENGES: dict[ChallengeState, str] = {
    ChallengeState.QUEUED: "The sender is being asked.",
    ChallengeState.SENT: "The sender was asked; no answer yet.",
    ChallengeState.FAILED: "The sender could not be asked: the question could not be delivered.",
    ChallengeState.WITHHELD: "The sender was not asked.",
    ChallengeState.ANSWERED: "The sender was asked and has answered.",
    ChallengeState.DISOWNED: "The sender was asked and says: not from me.",
    ChallengeState.WITHDRAWN: "The sender was asked and took the mail back.",
    ChallengeState.EXPIRED: "The sender was asked and did not answer in time.",
}

LAST_DAYS = 2.0
"""From here on the days left are marked."""


def reason_sentence(reason: str) -> str:
    """Say why a mail waits; a word of a newer program is shown as it is."""
    try:
        return REASONS[Reason(reason)]
    except ValueError:
        return reason


def short_reason(reason: str) -> str:
    """The same in a few words."""
    try:
        return SHORT_REASONS[Reason(reason)]
    except ValueError:
        return reason


def proof_sentence(proofs: tuple[Proof, ...]) -> str:
    """Say who vouches for the author: the strongest proof is enough for people."""
    for proof in proofs:
        if proof.method is Method.DKIM:
            return f"Signed by {proof.domain}"
    for proof in proofs:
        if proof.method is Method.SPF:
            return f"Sent by a server of {proof.domain}"
    return "Nobody vouches for the sender"


def challenge_sentence(challenge: str, silence: str) -> str:
    """Say whether the sender was asked. challenge: its state, "" where there is none. silence: why there is none."""
    try:
        if challenge and not silence:
            return _CHALLENGES[ChallengeState(challenge)]
    except ValueError:
        return challenge
    for known, words in SILENCES.items():
        if known.value == silence:
            return f"The sender was not asked: {words}."
    return f"The sender was not asked: {silence}." if silence else "The sender was not asked."


def days_left(expires_at: float, now: float) -> tuple[str, bool]:
    """Say how long a mail stays, and whether that is to be marked."""
    left = (expires_at - now) / DAY
    if left <= 0:
        return "goes now", True
    if left < 1:
        hours = max(1, math.floor(left * 24))
        return f"goes in {hours} hour{'s' if hours > 1 else ''}", True
    days = math.floor(left)
    return f"{days} day{'s' if days > 1 else ''} left", left <= LAST_DAYS
