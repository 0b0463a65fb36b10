"""Rules of signing in: how often one may try, how long one has to wait, and what a password must be like."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain.durations import DAY
from gateway.domain.phrase import phrase

_PATH = re.compile(r"/console(?:[/?][!-~]*)?\Z")
_LONGEST_PATH = 500
LONGEST_PASSWORD = 200
"""Characters; what is longer costs time and protects nobody better."""


@dataclass(frozen=True, slots=True)
class Window:
    """At most so many in so much time."""

    seconds: float
    most: int


@dataclass(frozen=True, slots=True)
class Slowdown:
    """A wait that grows with each failed try, and never grows beyond a bound: nobody is locked out for good."""

    free: int
    """Tries that cost nothing."""
    first: float
    """Seconds after the next one; each further one doubles it."""
    longest: float
    """Seconds."""

    def wait(self, failures: int, last_at: float, now: float) -> float:
        """Return the seconds until the next try is looked at; 0.0 when it may be made now."""
        over = failures - self.free
        if over < 0:
            return 0.0
        pause = min(self.longest, self.first * 2.0 ** min(over, 40))
        # A clock that was set back must not stretch the pause.
        return min(pause, max(0.0, last_at + pause - now))


LINKS_OF_ADDRESS = (Window(60, 1), Window(3600, 5))
"""Links sent to one address."""
LINKS_OF_NETWORK = (Window(60, 10), Window(3600, 60))
"""Links asked for from one network: an office, or one person with many addresses to try."""
LINKS_OF_SITE = (Window(60, 200), Window(3600, 3000))
"""Links asked for by the whole world; it bounds what waits, and what the next hop has to take."""

TRIES_NEAR = Slowdown(5, 2, 900)
"""Wrong passwords for one name from one network."""
TRIES_OF_NAME = Slowdown(50, 1, 30)
"""Wrong passwords for one name from anywhere. Short: who guesses from a thousand places must not keep the owner out."""
TRIES_OF_NETWORK = Slowdown(30, 2, 300)
"""Wrong passwords from one network, whatever the names."""
TRIES_OF_CODE = Slowdown(5, 2, 300)
"""Wrong codes for one account."""
REMEMBERED = DAY
"""Seconds for which a failed try counts."""


def next_in(times: Sequence[float], windows: Sequence[Window], now: float) -> float:
    """Return the seconds until one more is allowed; 0.0 for now.

    times: when the earlier ones were, in any order. A time in the future, as after a clock was set back, counts as now.
    """
    past = sorted((min(at, now) for at in times), reverse=True)
    wait = 0.0
    for window in windows:
        if len(past) >= window.most:
            wait = max(wait, past[window.most - 1] + window.seconds - now)
    return wait


def safe_path(path: str) -> str:
    """Return where to go after signing in: a path of our console, or "" for anything else.

    Only /console and what is below it, in visible ASCII, without what a browser could take for another host.
    """
    if len(path) > _LONGEST_PATH or not _PATH.match(path):
        return ""
    return "" if "//" in path or "\\" in path or ".." in path or "%2e" in path.lower() else path


def password_fault(password: str, least: int, names: Sequence[str]) -> str:
    """Say what is wrong with a new password; "" where nothing is. Length counts, composition does not.

    names: what it must not be, as the account's own names.
    """
    if len(password) < least:
        return phrase(
            "Choose at least {least} characters. A few words that come to your mind are better than one with signs.",
            least=least,
        )
    if len(password) > LONGEST_PASSWORD:
        return phrase("Choose at most {most} characters.", most=LONGEST_PASSWORD)
    if len(set(password)) < 4:
        return phrase("Choose something with more different characters.")
    if password.casefold() in {name.casefold() for name in names}:
        return phrase("Choose something else than your name.")
    return ""


# The first that fits is told: a program names those it stems from as well.
_BROWSERS = (
    ("Edg", "Edge"), ("OPR/", "Opera"), ("SamsungBrowser", "Samsung Internet"), ("Firefox", "Firefox"),
    ("FxiOS", "Firefox"), ("CriOS", "Chrome"), ("Chrome", "Chrome"), ("Safari", "Safari"), ("curl", "curl"),
)  # fmt: skip
_SYSTEMS = (
    ("iPhone", "iPhone"), ("iPad", "iPad"), ("Android", "Android"), ("Windows", "Windows"), ("Mac OS X", "Mac"),
    ("CrOS", "ChromeOS"), ("Linux", "Linux"),
)  # fmt: skip


def browser_words(agent: str) -> str:
    """Return a browser in words, as "Firefox on Linux". Of what it says itself, only words of ours get in."""
    browser = next((words for sign, words in _BROWSERS if sign in agent), "")
    system = next((words for sign, words in _SYSTEMS if sign in agent), "")
    if not browser:
        return phrase("a program on {system}", system=system) if system else phrase("an unknown program")
    return phrase("{browser} on {system}", browser=browser, system=system) if system else browser


def browser_phrase(words: str) -> str:
    """Return the same words as a phrase, where they were kept as text."""
    browser, on, system = words.rpartition(" on ")
    if browser == "a program":
        return phrase("a program on {system}", system=system)
    if on:
        return phrase("{browser} on {system}", browser=browser, system=system)
    return phrase("an unknown program") if words == "an unknown program" else words
