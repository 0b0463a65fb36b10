"""Allow and deny entries: what they name, where they hold, and which of several wins."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import Enum
from functools import lru_cache

from gateway.domain.address import Address, normal_domain, normal_form, without_tag
from gateway.domain.evidence import Method, Proof, vouched_as_well
from gateway.domain.phrase import phrase

ALIGNED = "aligned"
"""Required proof: any identity aligned with the author's domain."""
UNPROVEN = "none"
"""Required proof: none; who forges this sender gets in. Only a person can choose it, by hand."""
LIST = "list:"
"""Begins a pattern that names a mailing list or newsletter by its List-Id (RFC 2919 §3)."""
SIGNED = "signed:"
"""Begins a pattern that names the domain that signs a mail (RFC 6376 §3.5)."""
SOURCE_KINDS = (LIST, SIGNED)


class Verdict(Enum):
    """Stored by value: add members, never rename them."""

    ALLOW = "allow"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of an allowlist or a denylist."""

    verdict: Verdict
    pattern: str
    """`anna@oak.example`, `@oak.example` (the domain), `@.oak.example` (its sub-domains), `list:news.oak.example` or
    `signed:oak.example`, in normal form."""
    scope: str
    """Whose mail it holds for: a recipient `joe@example.org`, a domain `@example.org`, or "" for the site."""
    proof: str = ALIGNED
    """ALIGNED, UNPROVEN, or the identities that vouched when it was made: `dkim:oak.example spf:oak.example`."""
    id: int = 0
    expires_at: float | None = None
    """From then on it decides nothing; seconds since the epoch. None: never."""
    learned: bool = False
    """Nobody made it: somebody of ours wrote to this sender. Any entry that a person made goes first."""

    def holds(self, now: float) -> bool:
        """True while it has not expired."""
        return self.expires_at is None or now < self.expires_at

    @property
    def key(self) -> tuple[str, str, str]:
        """What no second entry has: pattern, scope and verdict."""
        return self.pattern, self.scope, self.verdict.value

    @property
    def names_source(self) -> bool:
        """True where it names what a mail comes by, a list or a signer, and not a sender."""
        return self.pattern.startswith(SOURCE_KINDS)

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


def merge_proofs(old: str, new: str) -> str:
    """Return what an entry demands after it was made a second time: either of both, or the wider of the two words."""
    for word in (UNPROVEN, ALIGNED):
        if word in (old, new):
            return word
    return " ".join(dict.fromkeys((*old.split(), *new.split())))


def merge_entries(old: Entry, new: Entry, now: float) -> Entry:
    """Return what becomes of an entry that is made a second time: it lets in more or as much, and holds as long.

    One that has expired is as new: what it once asked for does not count. One that was learned becomes that of who
    makes it now.
    """
    if not old.holds(now):
        return replace(old, proof=new.proof, expires_at=new.expires_at, learned=new.learned)
    ends = (old.expires_at, new.expires_at)
    latest = None if None in ends else max(end for end in ends if end is not None)
    if old.learned and not new.learned:
        latest = new.expires_at  # What it ended by was nobody's choice.
    learned = old.learned and new.learned
    return replace(old, proof=merge_proofs(old.proof, new.proof), expires_at=latest, learned=learned)


def parse_pattern(text: str) -> str:
    """Bring what a person typed into the stored form.

    Takes `anna@oak.example`, `oak.example`, `@oak.example`, `*@oak.example`, `*.oak.example` or `@.oak.example` for
    the sub-domains, `list:news.oak.example` for a List-Id, and `signed:oak.example` for a signing domain. Raises
    ValueError with one sentence that says what is wrong.
    """
    text = text.strip()
    if not text or any(c.isspace() or ord(c) < 32 or ord(c) == 127 for c in text):
        raise ValueError(phrase("a pattern is an address or a domain, without blanks"))
    kind, colon, name = text.partition(":")
    if colon and kind.lower() + ":" in SOURCE_KINDS and "@" not in name:
        return _source_pattern(kind.lower() + ":", name)
    local, at, domain = text.rpartition("@")
    if at and local not in ("", "*"):
        if "*" in text or not _is_domain(normal_domain(domain)):
            raise ValueError(
                phrase("{text} is not an address; use user@example.org, example.org or *.example.org", text=repr(text))
            )
        return normal_form(text)
    sub = domain.startswith(("*.", "."))
    name = normal_domain(domain.removeprefix("*").removeprefix("."))
    if not _is_domain(name):
        # A bare * or a top-level domain would open (or shut) the door for the world.
        raise ValueError(
            phrase(
                "{text} is too wide or not a domain; use user@example.org, example.org or *.example.org",
                text=repr(text),
            )
        )
    return f"@.{name}" if sub else f"@{name}"


def _source_pattern(kind: str, name: str) -> str:
    if kind == LIST:
        list_id = normal_list_id(name.removeprefix("<").removesuffix(">"))
        if not list_id:
            raise ValueError(
                phrase(
                    "{text} is not the name of a list; use what stands in List-Id, as list:news.example.org",
                    text=repr(name),
                )
            )
        return LIST + list_id
    domain = normal_domain(name)
    if not _is_domain(domain):
        raise ValueError(
            phrase("{text} is not a domain; use who signs the mail, as signed:example.org", text=repr(name))
        )
    return SIGNED + domain


_LIST_ID = re.compile(r"[a-z0-9!#$%&'*+/=?^_`{|}~-]+(?:\.[a-z0-9!#$%&'*+/=?^_`{|}~-]+)+\Z")


def normal_list_id(text: str) -> str:
    """Return the name of a list as it is compared (RFC 2919 §6); "" for what is none.

    It has a dot at least, and 255 octets at most (RFC 2919 §3).
    """
    name = text.strip().lower() if text.isascii() else ""
    return name if len(name) <= 255 and _LIST_ID.match(name) else ""


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
        raise ValueError(
            phrase("{text} is neither a recipient nor a domain; use joe@example.org or example.org", text=repr(text))
        )
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


@lru_cache(maxsize=4096)
def patterns_of(senders: tuple[Address, ...], sources: tuple[str, ...] = ()) -> tuple[str, ...]:
    """Return every pattern by which an entry may name this mail, each once: what the store is asked for.

    sources: as `sources.source_keys` tells them.
    """
    return tuple(dict.fromkeys((*(key for sender in senders for key in sender_keys(sender)), *sources)))


def winner(
    entries: Iterable[Entry],
    senders: tuple[Address, ...],
    recipient: Address,
    sources: tuple[str, ...] = (),
    now: float = 0.0,
) -> Entry | None:
    """Return the entry that decides, or None.

    The nearest scope wins (recipient, domain, site), then the most exact pattern: the address, the list, the domain,
    the signer, the domains above. Where an allow and a deny entry are equally near and exact, deny wins. What has
    expired does not count. What was learned counts where nothing else does: a mail to somebody overrules nobody.

    sources: as `sources.source_keys` tells them. now: seconds since the epoch.
    """
    scopes, patterns = _ranked_scopes(recipient), _ranked_patterns(senders)
    best: Entry | None = None
    best_place = (False, 0, 0, 0)
    for entry in entries:
        if entry.scope not in scopes or not entry.holds(now):
            continue
        rank = patterns.get(entry.pattern)
        if rank is None:
            if entry.pattern not in sources:
                continue
            rank = _RANK_OF_LIST if entry.pattern.startswith(LIST) else _RANK_OF_SIGNER
        place = (entry.learned, scopes[entry.scope], rank, int(entry.verdict is Verdict.ALLOW))
        if best is None or place < best_place:
            best, best_place = entry, place
    return best


@lru_cache(maxsize=4096)
def _ranked_scopes(recipient: Address) -> dict[str, int]:
    return {key: rank for rank, key in enumerate(scope_keys(recipient))}


# The list stands between the address and its domain, the signer between the domain and those above it.
_RANKS = (0, 2)
_RANK_OF_LIST, _RANK_OF_SIGNER, _RANK_OF_PARENT = 1, 3, 4


@lru_cache(maxsize=4096)
def _ranked_patterns(senders: tuple[Address, ...]) -> dict[str, int]:
    patterns: dict[str, int] = {}
    for sender in senders:
        for place, key in enumerate(sender_keys(sender)):
            rank = _RANKS[place] if place < 2 else _RANK_OF_PARENT + place
            patterns[key] = min(rank, patterns.get(key, rank))
    return patterns
