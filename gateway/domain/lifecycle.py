"""The states of a message that waits for one recipient, and of a challenge; every legal move is a line here."""

from __future__ import annotations

from enum import Enum


class State(Enum):
    """Of a pending row. Stored by value: add members, never rename them."""

    PENDING = "pending"  # Waiting for a person or an answer.
    RELEASED = "released"  # To be delivered; the delivery worker owns it.
    DELIVERED = "delivered"  # Final: the next hop replied 2yz.
    REFUSED = "refused"  # The next hop said 5yz, or 4yz for too long. Visible; can be retried by hand.
    DELETED = "deleted"  # Final: a person deleted it, or its sender took it back.
    BLOCKED = "blocked"  # Final: its sender is on the denylist.
    DISOWNED = "disowned"  # Final: the address it came from says that it did not send it.
    EXPIRED = "expired"  # Final: nobody moved it in time.


class Event(Enum):
    """What moves a pending row. Stored in the audit trail by value."""

    HOLD = "hold"
    OWE = "owe"  # Allowed, accepted with 250, still to be handed to the next hop.
    DROP = "drop"  # Denied where no 5yz may be said.
    ANSWER = "answer"  # The sender solved a challenge.
    AUTHORIZE = "authorize"
    DELIVER = "deliver"
    BLACKLIST = "blacklist"
    DELETE = "delete"
    WITHDRAW = "withdraw"  # The sender took the mail back.
    DISOWN = "disown"  # The sender said "I did not send this".
    EXPIRE = "expire"
    EXPIRE_AS_SPAM = "expire-as-spam"
    ACCEPTED = "accepted"  # The next hop replied 2yz.
    REFUSED = "refused-by-next-hop"
    GAVE_UP = "gave-up"  # Temporary failures for the whole retry period.
    FORWARD = "forward"  # A person sent a copy on for inspection; the row stays what it is.
    ASK_AGAIN = "ask-again"  # A person let the sender be asked once more; the row stays what it is.
    ASK_RELEASE = "ask-release"  # Somebody asked the people in charge to let it go; the row stays what it is.
    REFUSE_RELEASE = "refuse-release"  # They said no; the row stays what it is.


class IllegalMove(Exception):
    """The row is not in a state from which this event may move it."""

    def __init__(self, state: State, event: Event) -> None:
        super().__init__(f"{event.value} is not possible: the message is {state.value}")
        self.state = state
        self.event = event


FIRST: dict[Event, State] = {
    Event.HOLD: State.PENDING,
    Event.OWE: State.RELEASED,
    Event.DROP: State.BLOCKED,
}
"""How a row begins."""

# What is not here raises IllegalMove.
MOVES: dict[tuple[State, Event], State] = {
    (State.PENDING, Event.ANSWER): State.RELEASED,
    (State.PENDING, Event.AUTHORIZE): State.RELEASED,
    (State.PENDING, Event.DELIVER): State.RELEASED,
    (State.PENDING, Event.EXPIRE_AS_SPAM): State.RELEASED,
    (State.PENDING, Event.BLACKLIST): State.BLOCKED,
    (State.PENDING, Event.DELETE): State.DELETED,
    (State.PENDING, Event.WITHDRAW): State.DELETED,
    (State.PENDING, Event.DISOWN): State.DISOWNED,
    (State.PENDING, Event.EXPIRE): State.EXPIRED,
    (State.RELEASED, Event.AUTHORIZE): State.RELEASED,  # A second click is no error.
    (State.RELEASED, Event.DELIVER): State.RELEASED,
    (State.RELEASED, Event.ANSWER): State.RELEASED,
    (State.RELEASED, Event.ACCEPTED): State.DELIVERED,
    (State.RELEASED, Event.REFUSED): State.REFUSED,
    (State.RELEASED, Event.GAVE_UP): State.REFUSED,
    (State.DELIVERED, Event.AUTHORIZE): State.DELIVERED,  # Done already: allowing the sender still counts.
    (State.DELIVERED, Event.DELIVER): State.DELIVERED,
    (State.REFUSED, Event.AUTHORIZE): State.RELEASED,  # Retried by hand.
    (State.REFUSED, Event.DELIVER): State.RELEASED,
    (State.REFUSED, Event.DELETE): State.DELETED,
    (State.REFUSED, Event.BLACKLIST): State.BLOCKED,
    **{(state, Event.FORWARD): state for state in State},
    (State.PENDING, Event.ASK_AGAIN): State.PENDING,
    (State.PENDING, Event.ASK_RELEASE): State.PENDING,
    (State.PENDING, Event.REFUSE_RELEASE): State.PENDING,
}

FINAL = frozenset({State.DELIVERED, State.DELETED, State.BLOCKED, State.DISOWNED, State.EXPIRED})
"""No content is needed any more, once retention is over."""


def advance(state: State, event: Event) -> State:
    """Return the state after the event. Raises IllegalMove."""
    try:
        return MOVES[state, event]
    except KeyError:
        raise IllegalMove(state, event) from None


class ChallengeState(Enum):
    """Of a challenge. Stored by value: add members, never rename them."""

    QUEUED = "queued"  # To be sent.
    SENT = "sent"  # The smart host took it; the sender may answer.
    FAILED = "failed"  # Final: it could not be sent within a day (RFC 5321 §4.5.4.1 is for people's mail).
    WITHHELD = "withheld"  # Final: at the moment of sending a rule or cap forbade it.
    ANSWERED = "answered"  # Final: solved.
    DISOWNED = "disowned"  # Final: "I did not send this".
    WITHDRAWN = "withdrawn"  # Final: the sender took the mail back.
    EXPIRED = "expired"  # Final: nobody answered.


OPEN = frozenset({ChallengeState.QUEUED, ChallengeState.SENT})
"""Ends by itself when nobody answers."""
ANSWERABLE = OPEN | {ChallengeState.FAILED}
"""Whose link opens the page. Not only SENT: the smart host may have taken a mail whose reply got lost."""
