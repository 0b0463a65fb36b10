"""Expected mail: for a while, or at an address made for it, proven senders pass whom nobody knows yet.

The point is mail of machines, as the code of a sign-up, which can never answer a challenge. What vouches for its
author lets it in; a claim does not, and neither does a window that has ended.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from gateway.domain.address import Address, normal_domain
from gateway.domain.durations import DAY, MINUTE
from gateway.domain.evidence import Evidence
from gateway.domain.message import Message
from gateway.domain.phrase import phrase

SHORTEST, LONGEST = 15 * MINUTE, 120 * MINUTE
"""Seconds for which the address itself may be open."""
LONGEST_TAG = 365 * DAY
"""Seconds for which a tagged address may be open."""
MOST_WINDOWS, MOST_TAGS = 3, 20
"""Open at one time for one address."""
TAG_OCTETS = 5
"""Random ones: 40 bits, so that nobody guesses an address that is open."""
_LONGEST_LOCAL = 64  # RFC 5321 §4.5.3.1.1


@dataclass(frozen=True, slots=True)
class Window:
    """One time in which mail is expected."""

    id: int
    address: str
    """Whose it is: a recipient in normal form, without sub-address."""
    opens: str
    """Where mail is expected: `address` itself, or the tagged address in normal form."""
    starts_at: float
    ends_at: float
    once: bool = False
    """For one mail only."""
    uses: int = 0
    domain: str = ""
    """Only authors of this domain and its sub-domains; "" is any."""

    @property
    def tagged(self) -> bool:
        """True where it has an address of its own."""
        return self.opens != self.address

    def open_at(self, now: float, *, used_by_it: bool = False) -> bool:
        """True while mail may come in. Before its start it is shut too: a clock that went back opens nothing twice.

        used_by_it: the one mail it was for is this very mail, whose client tries again.
        """
        return self.starts_at <= now < self.ends_at and (used_by_it or not (self.once and self.uses))

    def lets_in(self, author: Address) -> bool:
        """True for authors it is meant for."""
        return not self.domain or author.domain == self.domain or author.domain.endswith("." + self.domain)


def opening(
    windows: Iterable[Window],
    recipient: Address,
    reverse_path: Address,
    message: Message,
    evidence: Evidence,
    now: float,
    again: frozenset[int] = frozenset(),
) -> Window | None:
    """Return the window that lets this mail in: the recipient's own before his address's, else the one that ends first.

    windows: those that the store has for this recipient. again: ids of windows for one mail that this very mail has
    used before, when its client could not finish.
    """
    author = message.author
    # Nobody can be held to a bounce; and without a proof the author is only a name on the mail.
    if reverse_path.is_null or author is None or not evidence.proofs:
        return None
    fitting = [
        window for window in windows if window.lets_in(author) and window.open_at(now, used_by_it=window.id in again)
    ]
    return min(fitting, key=lambda window: (window.opens != recipient.key, window.ends_at), default=None)


def tagged_address(address: str, delimiter: str, tag: str) -> str:
    """Return the address with a tag. Raises ValueError with one sentence where there can be none."""
    local, _, domain = address.rpartition("@")
    if not delimiter:
        raise ValueError(phrase("this site's mail server takes no tagged addresses ([domains] recipient_delimiter)"))
    tagged = f"{local}{delimiter}{tag}"
    if len(tagged.encode()) > _LONGEST_LOCAL or local.endswith('"'):
        raise ValueError(phrase("no tag fits behind this address"))
    return f"{tagged}@{domain}"


def parse_minutes(text: str) -> float:
    """Read for how many minutes an address shall be open; return seconds. Raises ValueError with one sentence."""
    return _parse_length(
        text, MINUTE, SHORTEST, LONGEST, phrase("the window lasts from 15 to 120 minutes; write a whole number")
    )


def parse_days(text: str) -> float:
    """Read for how many days a tagged address shall be open; return seconds. Raises ValueError with one sentence."""
    return _parse_length(
        text, DAY, DAY, LONGEST_TAG, phrase("a tagged address lasts from 1 to 365 days; write a whole number")
    )


def parse_sender_domain(text: str) -> str:
    """Read the domain that a window is for; "" is any. Raises ValueError with one sentence."""
    typed = text.strip().rpartition("@")[2]
    name = normal_domain(typed)
    if typed and ("." not in name.strip(".") or any(c.isspace() or ord(c) < 33 or c in "*/" for c in name)):
        raise ValueError(
            phrase("{text} is not a domain; use example.org, or leave it empty for any", text=repr(text.strip()))
        )
    return name


def _parse_length(text: str, unit: float, least: float, most: float, rule: str) -> float:
    # Digits of ASCII only: "1e9", "nan" and "١" are numbers too.
    seconds = float(text) * unit if text.isascii() and text.isdigit() and len(text) < 6 else 0.0
    if not least <= seconds <= most:
        raise ValueError(rule)
    return seconds
