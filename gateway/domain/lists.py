"""Allow and deny entries: what they name, where they hold, and which of several wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from functools import lru_cache

from gateway.domain.address import Address, normal_domain, normal_form, without_tag
from gateway.domain.evidence import Method, Proof, vouched_as_well

ALIGNED = "aligned"
"""Required proof: any identity aligned with the author's domain."""
UNPROVEN = "none"
"""Required proof: none; who forges this sender gets in. Only a person can choose it, by hand."""


class Verdict(Enum):
    """Stored by value: add members, never rename them."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an allowlist or a denylist."""

    verdict: Verdict
    pattern: str
    """`anna@oak.example`, `@oak.example` (the domain) or `@.oak.example` (its sub-domains), in normal form."""
    scope: str
    """Whose mail it holds for: a recipient `joe@example.org`, a domain `@example.org`, or "" for the site."""
    proof: str = ALIGNED
    """ALIGNED, UNPROVEN, or the identities that vouched when it was made: `dkim:oak.example spf:oak.example`."""
    id: int = 0

    def satisfied_by(self, proofs: tuple[Proof, ...], network: str) -> bool:
        """True when the mail is proven as well as this entry asks; a deny entry asks for nothing.

        network: of the client, as `evidence.network_of` tells it.
        """
        if self.verdict is Verdict.DENY or self.proof == UNPROVEN:
            return True
        if self.proof == ALIGNED:
            return bool(proofs)
        required = tuple(Proof.parse(text) for text in self.proof.split())
        return vouched_as_well(required, (*proofs, Proof(Method.NETWORK, network)))


def parse_pattern(text: str) -> str:
    """Bring what a person typed into the stored form.

    Takes `anna@oak.example`, `oak.example`, `@oak.example`, `*@oak.example`, and `*.oak.example` or
    `@.oak.example` for the sub-domains. Raises ValueError with one sentence that says what is wrong.
    """
    text = text.strip()
    if not text or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError("a pattern is an address or a domain, without blanks")
    local, at, domain = text.rpartition("@")
    if at and local not in ("", "*"):
        if "*" in text or not _is_domain(normal_domain(domain)):
            raise ValueError(f"{text!r} is not an address; use user@example.org, example.org or *.example.org")
        return normal_form(text)
    sub = domain.startswith(("*.", "."))
    name = normal_domain(domain.removeprefix("*").removeprefix("."))
    if not _is_domain(name):
        # A bare * or a top-level domain would open (or shut) the door for the world.
        raise ValueError(f"{text!r} is too wide or not a domain; use user@example.org, example.org or *.example.org")
    return f"@.{name}" if sub else f"@{name}"


_DOMAIN = re.compile(r"(?:[a-z0-9_-]{1,63}\.)+[a-z0-9_-]{1,63}\Z")


def _is_domain(name: str) -> bool:
    """True for a name of at least two labels, in normal form."""
    return _DOMAIN.match(name) is not None and len(name) <= 253


def parse_scope(text: str) -> str:
    """Read `--for`: "" for the site, `joe@example.org` for a recipient, `example.org` for a domain. Raises ValueError."""
    text = text.strip()
    if not text:
        return ""
    local, at, domain = text.rpartition("@")
    name = normal_domain(domain)
    if any(c.isspace() or ord(c) < 32 or c == "*" for c in text) or not _is_domain(name):
        raise ValueError(f"{text!r} is neither a recipient nor a domain; use joe@example.org or example.org")
    return normal_form(text) if at and local else "@" + name


@lru_cache(maxsize=4096)
def sender_keys(address: Address) -> tuple[str, ...]:
    """Every pattern that names this sender, the most exact first: address, domain, then parents of the domain."""
    if address.is_null:
        return ()
    keys = [address.key, "@" + address.domain]
    parent = address.domain
    while "." in parent:
        keys.append("@." + parent.partition(".")[2])
        parent = parent.partition(".")[2]
    # Of a very deep name the outermost parents count: those are what people write down.
    return (*keys[:2], *keys[2:][-10:])


@lru_cache(maxsize=4096)
def scope_keys(recipient: Address) -> tuple[str, ...]:
    """Every scope that covers this recipient, the nearest first; a sub-address is covered by its base address."""
    base = without_tag(recipient.key)
    near = (recipient.key,) if base == recipient.key else (recipient.key, base)
    return (*near, "@" + recipient.domain, "")


def winner(entries: Iterable[Entry], senders: tuple[Address, ...], recipient: Address) -> Entry | None:
    """Return the entry that decides, or None.

    The nearest scope wins (recipient, domain, site), then the most exact pattern; where an allow and a deny
    entry are equally near and exact, deny wins.
    """
    scopes, patterns = _ranked_scopes(recipient), _ranked_patterns(senders)
    best: Entry | None = None
    best_place = (0, 0, 0)
    for entry in entries:
        if entry.scope in scopes and entry.pattern in patterns:
            place = (scopes[entry.scope], patterns[entry.pattern], int(entry.verdict is Verdict.ALLOW))
            if best is None or place < best_place:
                best, best_place = entry, place
    return best


@lru_cache(maxsize=4096)
def _ranked_scopes(recipient: Address) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scope_keys(recipient))}


@lru_cache(maxsize=4096)
def _ranked_patterns(senders: tuple[Address, ...]) -> dict[str, int]:
    patterns: dict[str, int] = {}
    for sender in senders:
        for rank, key in enumerate(sender_keys(sender)):
            patterns[key] = min(rank, patterns.get(key, rank))
    return patterns
