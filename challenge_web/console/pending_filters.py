"""Filters of the pending list, each as a link that adds or lifts it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from challenge_web.console.pending_address import address
from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.policy import Reason
from gateway.domain.query import FILTERS, Query
from gateway.domain.sentences import STATES, short_reason


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as a link."""

    text: str
    url: str
    on: bool = False


def chips_on(query: Query, here: Mapping[str, str]) -> list[Chip]:
    """Return the filters that hold, each as the link that lifts it."""
    return [
        Chip(chip_text(piece), address(here, q=query.without(piece), after="", before=""), on=True)
        for piece in query.filters
    ]


_USUAL_REASONS = (
    Reason.UNKNOWN,
    Reason.UNPROVEN,
    Reason.AUTOMATIC,
    Reason.NULL_REVERSE_PATH,
    Reason.CHANGED_PROOF,
    Reason.UNPROVEN_ALLOWED,
)


def chips_off(
    query: Query, here: Mapping[str, str], *, content: bool, scored: bool, told: bool
) -> list[tuple[str, list[Chip]]]:
    """Return filters to choose, by kind. scored: a filter in front says how spam-like a mail is. told: a digest has come to the reader."""
    days_ = ("day:today", "day:yesterday", "day:7d", *(("after:digest",) if told else ()))
    reasons = tuple(f"reason:{reason.value}" for reason in _USUAL_REASONS)
    states = [f"state:{state.value}" for state in State if state is not State.PENDING]
    kinds: list[tuple[str, tuple[str, ...]]] = [
        (phrase("Day"), days_),
        (phrase("Reason"), reasons),
        (phrase("What became of it"), (*states, "state:all")),
    ]
    if content:
        kinds.append((phrase("Files"), ("has:file",)))
    kinds.append((phrase("Read"), ("is:unseen",)))
    if scored:
        kinds.append((phrase("Score"), ("score:<2", "score:>=5", "score:>=10")))
    return [
        (title, [Chip(chip_text(piece), address(here, q=query.adding(piece), after="", before="")) for piece in pieces])
        for title, pieces in kinds
    ]


_CHIPS = {
    "day:today": phrase("Today"),
    "day:yesterday": phrase("Yesterday"),
    "day:7d": phrase("Last 7 days"),
    "after:digest": phrase("New since your last digest"),
    "has:file": phrase("With files"),
    "is:unseen": phrase("Not opened yet"),
    "state:all": phrase("All, ended too"),
}


_SIGNS: dict[str, Callable[[str], str]] = {
    "<=": lambda value: phrase("Score at most {value}", value=value),
    ">=": lambda value: phrase("Score at least {value}", value=value),
    "<": lambda value: phrase("Score below {value}", value=value),
    ">": lambda value: phrase("Score above {value}", value=value),
    "": lambda value: phrase("Score {value}", value=value),
}


def chip_text(piece: str) -> str:
    """Say what a filter does."""
    known = _CHIPS.get(piece.lower())
    if known:
        return known
    prefix, _, value = piece.partition(":")
    if prefix.lower() == "reason":
        begins = (reason.value for reason in Reason if reason.value.startswith(value.lower()))
        return short_reason(next(begins, value))
    if prefix.lower() == "state" and value.lower() in {state.value for state in State}:
        return STATES[State(value.lower())]
    if prefix.lower() == "digest":
        return phrase("In one digest")
    if prefix.lower() == "score":
        words = next(words for sign, words in _SIGNS.items() if value.startswith(sign))
        return words(value.lstrip("<>="))
    assert prefix.lower() in FILTERS
    return f"{prefix.lower()} {value}"
