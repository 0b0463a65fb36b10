"""What happened to a mail that waits, step by step, in words for people."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.lifecycle import Event
from gateway.domain.phrase import Phrase, chain, phrase, phrases


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


_EVENTS: dict[Event, Phrase] = {
    Event.HOLD: phrase("The mail came and was held."),
    Event.OWE: phrase("The mail came and was let through."),
    Event.DROP: phrase("The mail came from a blocked sender and was dropped."),
    Event.ANSWER: phrase("The sender answered; the mail was let go."),
    Event.AUTHORIZE: phrase("The sender was allowed, and the mail let go."),
    Event.DELIVER: phrase("The mail was let go, this one only."),
    Event.BLACKLIST: phrase("The sender was blocked, and the mail dropped."),
    Event.DELETE: phrase("The mail was deleted."),
    Event.WITHDRAW: phrase("The sender took the mail back."),
    Event.DISOWN: phrase("The address it came from says: I did not send this."),
    Event.EXPIRE: phrase("Nobody moved the mail in time; it expired."),
    Event.EXPIRE_AS_SPAM: phrase("Nobody moved the mail in time; it was let go, marked as spam."),
    Event.ACCEPTED: phrase("The mail server took the mail."),
    Event.REFUSED: phrase("The mail server refused the mail."),
    Event.GAVE_UP: phrase("The mail server could not take the mail for too long; no further attempt is made."),
    Event.FORWARD: phrase("The mail was sent on for inspection."),
    Event.ASK_AGAIN: phrase("The sender is to be asked once more."),
    Event.ASK_RELEASE: phrase("Somebody asked the people in charge to let it go."),
    Event.REFUSE_RELEASE: phrase("The people in charge did not let it go."),
}
_ENDS = {
    "answered": phrase("The sender answered."),
    "failed": phrase("The question could not be delivered."),
    "withheld": phrase("The question was not sent after all."),
    "disowned": phrase("The address we asked says: I did not send this."),
    "withdrawn": phrase("The sender took the mail back."),
    "expired": phrase("The sender did not answer in time."),
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
        words = phrase("The sender is to be asked.")
        if asked.attempts:
            tried = phrases(asked.attempts, "{n} attempt so far.", "{n} attempts so far.")
            words = chain(" ", [words, tried])
        steps.append(Step(asked.created_at, words, detail=asked.last_reply))
    if asked.sent_at is not None:
        steps.append(Step(asked.sent_at, phrase("The sender was asked.")))
    if asked.used_at is not None:
        words = phrase("Somebody opened the challenge's page and sent an answer.")
        if asked.used_times > 1:
            count = phrases(asked.used_times, "{n} answer has come from there.", "{n} answers have come from there.")
            words = chain(" ", [words, count])
        if asked.wrong_answers and asked.state not in _ENDS:
            words = chain(" ", [words, phrase("Wrong ones: {count}.", count=asked.wrong_answers)])
        steps.append(Step(asked.used_at, words))
    if asked.state in _ENDS:
        words = _ENDS[asked.state]
        if asked.wrong_answers:
            words = chain(" ", [words, phrase("Wrong answers before: {count}.", count=asked.wrong_answers)])
        detail = asked.last_reply if asked.state == "failed" else asked.how
        steps.append(Step(asked.changed_at, words, detail=detail))
    return steps
