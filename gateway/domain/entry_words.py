"""List entries in plain words: whom they name, for whom they hold, and what mail must prove."""

from __future__ import annotations

from gateway.domain.explain import one_of
from gateway.domain.lists import ALIGNED, LIST, SIGNED, UNPROVEN, Entry, Verdict
from gateway.domain.phrase import phrase


def whom(pattern: str) -> str:
    """Say whom a pattern names."""
    if pattern.startswith(LIST):
        return phrase("the list {name}", name=pattern.removeprefix(LIST))
    if pattern.startswith(SIGNED):
        return phrase("mail signed by {domain}", domain=pattern.removeprefix(SIGNED))
    if pattern.startswith("@."):
        return phrase("everybody at the sub-domains of {domain}", domain=pattern[2:])
    if pattern.startswith("@"):
        return phrase("everybody at {domain}", domain=pattern[1:])
    return pattern


def for_whom(scope: str) -> str:
    """Say whose mail an entry holds for."""
    if not scope:
        return phrase("everybody")
    return phrase("everybody at {domain}", domain=scope[1:]) if scope.startswith("@") else scope


def demand(entry: Entry) -> str:
    """Say in one sentence what mail must prove for an allow entry to count; a deny entry asks for nothing."""
    if entry.verdict is Verdict.DENY:
        return phrase("Nothing is asked: it is refused however well it is proven.")
    if entry.proof == UNPROVEN:
        return phrase("Nothing: whoever forges this sender gets in too.")
    if entry.proof != ALIGNED:
        return phrase("It must be vouched for by {proofs}.", proofs=one_of(entry.proof))
    if entry.pattern.startswith(LIST):
        return phrase("The owner of the list's name must sign or send it.")
    if entry.pattern.startswith(SIGNED):
        return phrase("The signature must be good, and the author must be of this domain.")
    return phrase("SPF or DKIM must vouch for its author.")
