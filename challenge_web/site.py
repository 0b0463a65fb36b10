"""What the operator has set for the public pages: what they show, and which requests they take."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from challenge_web.client import Network
from challenge_web.limits import Limits

IMAGE, AUDIO, WORK = "image", "audio", "proof-of-work"
"""Kinds of puzzles, as settings and programs name them."""


@dataclass(frozen=True, slots=True)
class Site:
    """What the public pages show and offer."""

    templates: Sequence[Path]
    """Folders as `templates/web`; a file is taken from the first that has it."""
    organisation: str = ""
    """Who asks; "" is the recipient's domain."""
    contact: str = ""
    """Where a sender finds help, as shown: an address, a telephone number, a URL; "" shows none."""
    pending_days: float = 14
    disowned_days: float = 90
    captcha: Collection[str] = (IMAGE, WORK)
    """Kinds of puzzles that the challenge page offers."""

    def words(self) -> dict[str, object]:
        """Return what every template may say of the site."""
        return {
            "organisation": self.organisation,
            "contact": self.contact,
            "pending_days": f"{self.pending_days:g}",
            "disowned_days": f"{self.disowned_days:g}",
            # Which form of the plural; a fraction takes that of many.
            "pending_days_whole": _agreeing(self.pending_days),
            "disowned_days_whole": _agreeing(self.disowned_days),
        }


@dataclass(frozen=True, slots=True)
class Admission:
    """Which requests the public pages take."""

    hosts: Collection[str] = ()
    """Names that we answer to, besides our end of each connection."""
    trusted_proxies: Sequence[Network] = ()
    """Whose word we take for the address of a client behind them."""
    limits: Limits = field(default_factory=Limits)
    """How much one network may ask for."""


def _agreeing(days: float) -> int:
    """Return the whole number whose plural a number of days takes."""
    return int(days) if days == int(days) else max(2, int(days))
