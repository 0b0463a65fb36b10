"""A pending row in plain words: why it waits, who vouches for it, whether its sender was asked, how long it stays."""

from __future__ import annotations

import math

from gateway.domain.durations import DAY
from gateway.domain.evidence import Method, Proof
from gateway.domain.explain import REASONS, SILENCES
from gateway.domain.lifecycle import ChallengeState, State
from gateway.domain.phrase import phrase, phrases
from gateway.domain.policy import Reason
from gateway.domain.reply import NEXT_HOP_DOWN

SHORT_REASONS: dict[Reason, str] = {
    Reason.ROLE_RECIPIENT: phrase("Role address"),
    Reason.RELEASED_BEFORE: phrase("Let through before"),
    Reason.DENYLIST: phrase("Blocked sender"),
    Reason.ALLOWLIST: phrase("Allowed sender"),
    Reason.CHANGED_PROOF: phrase("Known name, other origin"),
    Reason.UNPROVEN_ALLOWED: phrase("Known name, not proven"),
    Reason.NULL_REVERSE_PATH: phrase("Bounce or report"),
    Reason.AUTOMATIC: phrase("Sent by a machine"),
    Reason.UNPROVEN: phrase("Sender not proven"),
    Reason.UNKNOWN: phrase("First mail from this address"),
    Reason.EXPECTED: phrase("Expected mail"),
    Reason.ANSWERS_US: phrase("Answers your mail"),
    Reason.HOLDING_OFF: phrase("Nothing is held here"),
}
"""For chips and choices; the whole sentence is in `explain.REASONS`."""

STATES: dict[State, str] = {
    State.PENDING: phrase("Waiting"),
    State.RELEASED: phrase("On its way"),
    State.DELIVERED: phrase("Delivered"),
    State.REFUSED: phrase("Refused by the mail server"),
    State.DELETED: phrase("Deleted"),
    State.BLOCKED: phrase("Blocked"),
    State.DISOWNED: phrase("Its sender says: not from me"),
    State.EXPIRED: phrase("Expired"),
}

_CHALLENGES: dict[ChallengeState, str] = {
    ChallengeState.QUEUED: phrase("The sender is being asked."),
    ChallengeState.SENT: phrase("The sender was asked; no answer yet."),
    ChallengeState.FAILED: phrase("The sender could not be asked: the question could not be delivered."),
    ChallengeState.WITHHELD: phrase("The sender was not asked."),
    ChallengeState.ANSWERED: phrase("The sender was asked and has answered."),
    ChallengeState.DISOWNED: phrase("The sender was asked and says: not from me."),
    ChallengeState.WITHDRAWN: phrase("The sender was asked and took the mail back."),
    ChallengeState.EXPIRED: phrase("The sender was asked and did not answer in time."),
}

_SHORT_CHALLENGES: dict[ChallengeState, str] = {
    ChallengeState.QUEUED: phrase("being asked"),
    ChallengeState.SENT: phrase("asked, no answer yet"),
    ChallengeState.FAILED: phrase("could not be asked"),
    ChallengeState.WITHHELD: phrase("not asked"),
    ChallengeState.ANSWERED: phrase("asked and answered"),
    ChallengeState.DISOWNED: phrase("asked, says: not from me"),
    ChallengeState.WITHDRAWN: phrase("asked, took the mail back"),
    ChallengeState.EXPIRED: phrase("asked, did not answer in time"),
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
            return phrase("Signed by {domain}", domain=proof.domain)
    for proof in proofs:
        if proof.method is Method.SPF:
            return phrase("Sent by a server of {domain}", domain=proof.domain)
    return phrase("Nobody vouches for the sender")


def challenge_sentence(challenge: str, silence: str) -> str:
    """Say whether the sender was asked. challenge: its state, "" where there is none. silence: why there is none."""
    try:
        if challenge and not silence:
            return _CHALLENGES[ChallengeState(challenge)]
    except ValueError:
        return challenge
    for known, words in SILENCES.items():
        if known.value == silence:
            return phrase("The sender was not asked: {why}.", why=words)
    return phrase("The sender was not asked: {why}.", why=silence) if silence else phrase("The sender was not asked.")


def short_challenge(challenge: str, silence: str) -> str:
    """The same in a few words, for a row of a list."""
    try:
        if challenge and not silence:
            return _SHORT_CHALLENGES[ChallengeState(challenge)]
    except ValueError:
        return challenge
    for known, words in SILENCES.items():
        if known.value == silence:
            return phrase("not asked: {why}", why=words)
    return phrase("not asked: {why}", why=silence) if silence else _SHORT_CHALLENGES[ChallengeState.WITHHELD]


def days_left(expires_at: float, now: float) -> tuple[str, bool]:
    """Say how long a mail stays, and whether that is to be marked."""
    left = (expires_at - now) / DAY
    if left <= 0:
        return phrase("goes now"), True
    if left < 1:
        hours = max(1, math.floor(left * 24))
        return phrases(hours, "goes in {n} hour", "goes in {n} hours"), True
    days = math.floor(left)
    return phrases(days, "{n} day left", "{n} days left"), left <= LAST_DAYS


def answer_of(last_reply: str) -> str:
    """Return what another server said at the last try; a sentence where it said nothing, for then the reply is our own."""
    if last_reply == str(NEXT_HOP_DOWN):
        return phrase("Nothing: it did not answer, or the connection broke.")
    return last_reply
