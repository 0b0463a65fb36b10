"""List entries in plain words: whom they name, for whom they hold, and what mail must prove."""

from __future__ import annotations

from gateway.domain.evidence import Proof
from gateway.domain.explain import proof_words
from gateway.domain.lists import ALIGNED, LIST, SIGNED, UNPROVEN, Entry, Verdict


def whom(pattern: str) -> str:
    """Say whom a pattern names."""
    if pattern.startswith(LIST):
        return f"the list {pattern.removeprefix(LIST)}"
    if pattern.startswith(SIGNED):
        return f"mail signed by {pattern.removeprefix(SIGNED)}"
    if pattern.startswith("@."):
        return f"everybody at the sub-domains of {pattern[2:]}"
    if pattern.startswith("@"):
        return f"everybody at {pattern[1:]}"
    return pattern


def for_whom(scope: str) -> str:
    """Say whose mail an entry holds for."""
    if not scope:
        return "everybody"
    return f"everybody at {scope[1:]}" if scope.startswith("@") else scope


def demand(entry: Entry) -> str:
    """Say in one sentence what mail must prove for an allow entry to count; a deny entry asks for nothing."""
    if entry.verdict is Verdict.DENY:
        return "Nothing is asked: it is refused however well it is proven."
    if entry.proof == UNPROVEN:
        return "Nothing: whoever forges this sender gets in too."
    if entry.proof != ALIGNED:
        return (
            f"It must be vouched for by {' or '.join(proof_words(Proof.parse(text)) for text in entry.proof.split())}."
        )
    if entry.pattern.startswith(LIST):
        return "The owner of the list's name must sign or send it."
    if entry.pattern.startswith(SIGNED):
        return "The signature must be good, and the author must be of this domain."
    return "SPF or DKIM must vouch for its author."
