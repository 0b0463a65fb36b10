"""Notices: of which mail a person is told at once, and what the entry that names its sender says of it."""

from __future__ import annotations

from gateway.domain.address import Address
from gateway.domain.phrase import phrase
from gateway.domain.policy import Reason

OFF, ON = "off", "on"
REASONS = (
    Reason.UNKNOWN, Reason.UNPROVEN, Reason.CHANGED_PROOF, Reason.UNPROVEN_ALLOWED, Reason.AUTOMATIC,
    Reason.NULL_REVERSE_PATH,
)  # fmt: skip
"""Why mail waits: what a notice can be chosen for."""
_NAMES = tuple(reason.value for reason in REASONS)
_LOOPS = frozenset({"own-challenge", "auto-submitted", "auto-response-suppress", "delivery-report"})
"""What a machine wrote in answer to something: a notice of it could come back, and be told of again."""


def checked_notices(text: str) -> str:
    """Return a choice as it is stored: `off`, `on`, or reasons parted by commas. Raises ValueError with a sentence."""
    names = list(dict.fromkeys(name for name in text.replace(",", " ").split() if name))
    if names in ([OFF], [ON]):
        return names[0]
    if not names or not set(names) <= set(_NAMES):
        raise ValueError(
            phrase("notices is off, on, or some of {known}, parted by commas; not {text}",
                   known=", ".join(_NAMES), text=repr(text))
        )  # fmt: skip
    return ",".join(name for name in _NAMES if name in names)


def told_at_once(choice: str, reason: str) -> bool:
    """True where mail that waits for this reason is told of at once."""
    return choice == ON or (choice != OFF and reason in choice.split(","))


def may_loop(automatic: str) -> bool:
    """True for mail of which no notice goes. automatic: what `message.Message` says a machine's mail is."""
    return automatic in _LOOPS


def matched_parts(pattern: str, sender: Address) -> tuple[str, ...]:
    """Return the parts of a sender that an entry's pattern leaves open, as the groups of a pattern with wildcards.

    `@oak.example` leaves the local part open; `@.oak.example` the local part and the names below the domain.
    """
    local = sender.text.rpartition("@")[0]
    if not pattern.startswith("@"):
        return ()
    if not pattern.startswith("@."):
        return (local,) if sender.domain == pattern[1:] else ()
    below = sender.domain.removesuffix(pattern[1:])
    return (local, below) if below and below != sender.domain else ()
