"""What happened to a mail that waits, step by step, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.lifecycle import Event


@dataclass(frozen=True, slots=True)
class Happened:
    """One line of a row's history, as it is stored."""

    at: float
    event: str
    actor: str
    detail: str


@dataclass(frozen=True, slots=True)
class Asked:
    """The challenge that was made for a mail, as far as it has come."""

    state: str
    created_at: float
    sent_at: float | None
    changed_at: float
    expires_at: float
    attempts: int
    wrong_answers: int
    how: str
    """Kind of puzzle that was solved; "" where none was."""
    last_reply: str
    """What the smart host said last."""
    used_at: float | None = None
    """When the first answer came from its page; None: none yet. Looking at the page leaves no trace."""
    used_times: int = 0
    """Answers that came, wrong ones too."""


@dataclass(frozen=True, slots=True)
class Step:
    """One line of the timeline."""

    at: float
    words: str
    who: str = ""
    """Who did it; "" where the words say so."""
    detail: str = ""
    """Others' own words: never to be shown without care."""


_EVENTS: dict[Event, str] = {
    Event.HOLD: "The mail came and was held.",
    Event.OWE: "The mail came and was let through.",
    Event.DROP: "The mail came from a blocked sender and was dropped.",
    Event.ANSWER: "The sender answered; the mail was let go.",
    Event.AUTHORIZE: "The sender was allowed, and the mail let go.",
    Event.DELIVER: "The mail was let go, this one only.",
    Event.BLACKLIST: "The sender was blocked, and the mail dropped.",
    Event.DELETE: "The mail was deleted.",
    Event.WITHDRAW: "The sender took the mail back.",
    Event.DISOWN: "The address it came from says: I did not send this.",
    Event.EXPIRE: "Nobody moved the mail in time; it expired.",
    Event.EXPIRE_AS_SPAM: "Nobody moved the mail in time; it was let go, marked as spam.",
    Event.ACCEPTED: "The mail server took the mail.",
    Event.REFUSED: "The mail server refused the mail.",
    Event.GAVE_UP: "The mail server could not take the mail for too long; no further attempt is made.",
    Event.FORWARD: "The mail was sent on for inspection.",
    Event.ASK_AGAIN: "The sender is to be asked once more.",
}
_ENDS = {
    "answered": "The sender answered.",
    "failed": "The question could not be delivered.",
    "withheld": "The question was not sent after all.",
    "disowned": "The address we asked says: I did not send this.",
    "withdrawn": "The sender took the mail back.",
    "expired": "The sender did not answer in time.",
}
_BY_ITSELF = frozenset({"service", "sender", ""})


def timeline(history: Iterable[Happened], asked: Iterable[Asked]) -> tuple[Step, ...]:
    """Return all steps, the first one first. asked: each challenge that was made for the mail."""
    steps = [_step(one) for one in history]
    for one in asked:
        steps += _asking(one)
    return tuple(sorted(steps, key=lambda step: step.at))


def _step(one: Happened) -> Step:
    try:
        event = Event(one.event)
    except ValueError:
        return Step(one.at, f"{one.event}.", one.actor, one.detail)
    who = "" if one.actor in _BY_ITSELF else one.actor
    first = event in (Event.HOLD, Event.OWE, Event.DROP)  # Its detail is the reason, told above in words.
    return Step(one.at, _EVENTS[event], who, "" if first else one.detail)


def _asking(asked: Asked) -> list[Step]:
    steps = []
    if asked.sent_at is None and asked.state == "queued":
        tried = f" {asked.attempts} attempts so far." if asked.attempts else ""
        steps.append(Step(asked.created_at, f"The sender is to be asked.{tried}", detail=asked.last_reply))
    if asked.sent_at is not None:
        steps.append(Step(asked.sent_at, "The sender was asked."))
    if asked.used_at is not None:
        count = f" {asked.used_times} answers have come from there." if asked.used_times > 1 else ""
        wrong = f" Wrong ones: {asked.wrong_answers}." if asked.wrong_answers and asked.state not in _ENDS else ""
        steps.append(Step(asked.used_at, f"Somebody opened the challenge's page and sent an answer.{count}{wrong}"))
    if asked.state in _ENDS:
        wrong = f" Wrong answers before: {asked.wrong_answers}." if asked.wrong_answers else ""
        detail = asked.last_reply if asked.state == "failed" else asked.how
        steps.append(Step(asked.changed_at, _ENDS[asked.state] + wrong, detail=detail))
    return steps
