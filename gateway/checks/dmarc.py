"""DMARC: is the author's domain vouched for, and by whom (RFC 7489 §6.6)."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum

from gateway.checks.lookups import DnsFailure, Lookups, NotFound
from gateway.checks.names import aligned, is_domain, organisational_domain
from gateway.checks.ttl_cache import TtlCache
from gateway.domain.address import Address
from gateway.domain.evidence import Dkim, Dmarc, Method, Proof, Result, Spf

_REMEMBER_SECONDS = 60.0
_VERSION = re.compile(rb"v[ \t]*=[ \t]*DMARC1[ \t]*(?:;|\Z)")
_POLICIES = frozenset({"none", "quarantine", "reject"})


@dataclass(frozen=True, slots=True)
class Published:
    """A domain's DMARC record (RFC 7489 §6.3), but for pct=: that is for who treats failing mail by the policy."""

    domain: str
    """Where it was found: the author's domain or its organisational domain."""
    policy: str
    """p=."""
    subdomain_policy: str
    """sp=, or p= where it is missing."""
    dkim_strict: bool = False
    """adkim=s."""
    spf_strict: bool = False
    """aspf=s."""

    def policy_for(self, author_domain: str) -> str:
        """Return what the owner asks to do with failing mail of this domain."""
        return self.policy if author_domain == self.domain else self.subdomain_policy


class Unpublished(Enum):
    """Why there is no record to go by."""

    NONE = "no record"
    UNKNOWN = "not found out"  # DNS failed or was too slow.


class DmarcCheck:
    """Finds the record for an author's domain."""

    def __init__(self, lookups: Lookups, *, monotonic: Callable[[], float], cache_entries: int = 10_000) -> None:
        self._lookups = lookups
        self._monotonic = monotonic
        self._cache: TtlCache[str, Published | Unpublished] = TtlCache(cache_entries)

    def known(self, author_domain: str) -> Published | Unpublished | None:
        """Return what was found a moment ago, or None."""
        return self._cache.get(author_domain, self._monotonic())

    async def check(self, author_domain: str, seconds: float) -> Published | Unpublished:
        """Return the record; UNKNOWN when DNS fails or the seconds are over."""
        if not is_domain(author_domain):
            return Unpublished.NONE
        try:
            async with asyncio.timeout(seconds):
                found = await self._discover(author_domain)
        except (TimeoutError, DnsFailure):
            return Unpublished.UNKNOWN
        self._cache.put(author_domain, found, self._monotonic() + _REMEMBER_SECONDS)
        return found

    async def _discover(self, author_domain: str) -> Published | Unpublished:
        found = await self._at(author_domain)
        owner = organisational_domain(author_domain)
        if found is None and owner and owner != author_domain:
            found = await self._at(owner)
        return found or Unpublished.NONE

    async def _at(self, domain: str) -> Published | Unpublished | None:
        """Return the record, NONE where there are several or a useless one, None where there is none at all."""
        texts = await self._lookups.txt(f"_dmarc.{domain}")
        if isinstance(texts, NotFound):
            return None
        records = [text for text in texts if _VERSION.match(text)]
        if not records:
            return None
        return read_record(records[0], domain) if len(records) == 1 else Unpublished.NONE


def read_record(octets: bytes, domain: str) -> Published | Unpublished:
    """Read a record leniently; NONE where it asks for nothing (RFC 7489 §6.6.3)."""
    tags: dict[str, str] = {}
    for piece in octets.decode("ascii", "replace").split(";"):
        name, _, value = piece.partition("=")
        tags.setdefault(name.strip(" \t").lower(), value.strip(" \t"))
    policy = tags.get("p", "").lower()
    subdomains = tags.get("sp", policy).lower()
    if policy not in _POLICIES or subdomains not in _POLICIES:
        if not tags.get("rua"):
            return Unpublished.NONE
        policy = subdomains = "none"
    return Published(
        domain=domain,
        policy=policy,
        subdomain_policy=subdomains,
        dkim_strict=tags.get("adkim", "").lower() == "s",
        spf_strict=tags.get("aspf", "").lower() == "s",
    )


def proofs(
    author_domain: str, published: Published | Unpublished, spf: Spf | None, dkim: tuple[Dkim, ...]
) -> tuple[Proof, ...]:
    """Return the identities that vouched for the author, DKIM first, each once.

    Without a record alignment is relaxed; while the record is not known it is strict, for its owner may
    have asked for that.
    """
    unknown = published is Unpublished.UNKNOWN
    dkim_strict = published.dkim_strict if isinstance(published, Published) else unknown
    spf_strict = published.spf_strict if isinstance(published, Published) else unknown
    found = [
        Proof(Method.DKIM, each.domain)
        for each in dkim
        if each.result is Result.PASS and aligned(author_domain, each.domain, dkim_strict)
    ]
    if spf is not None and spf.result is Result.PASS and aligned(author_domain, spf.domain, spf_strict):
        found.append(Proof(Method.SPF, spf.domain))
    return tuple(dict.fromkeys(found))


def judge(
    author_domain: str,
    published: Published | Unpublished,
    spf: Spf | None,
    dkim: tuple[Dkim, ...],
    vouched: tuple[Proof, ...],
) -> Dmarc:
    """Return the DMARC result, given what `proofs` found."""
    if published is Unpublished.UNKNOWN:
        return Dmarc(Result.TEMPERROR, author_domain)
    if not isinstance(published, Published):
        return Dmarc(Result.NONE, author_domain)
    policy = published.policy_for(author_domain)
    if vouched:
        return Dmarc(Result.PASS, author_domain, policy)
    undecided = [each.domain for each in dkim if each.result is Result.TEMPERROR]
    if spf is not None and spf.result is Result.TEMPERROR:
        undecided.append(spf.domain)
    if any(aligned(author_domain, domain, strict=False) for domain in undecided):
        return Dmarc(Result.TEMPERROR, author_domain, policy)
    return Dmarc(Result.FAIL, author_domain, policy)


def reverse_path_proven(
    reverse_path: Address, author: Address | None, spf: Spf | None, vouched: tuple[Proof, ...]
) -> bool:
    """True when a challenge to the reverse-path reaches who sent the mail.

    SPF passed for its own domain, or a signer that speaks for the author signed this very address in From. A
    signature for another address of the domain is not enough: a signed mail can be sent again by anybody,
    with any envelope.
    """
    if reverse_path.is_null:
        return False
    if spf is not None and spf.result is Result.PASS and not spf.of_helo and spf.domain == reverse_path.domain:
        return True
    signed = any(proof.method is Method.DKIM for proof in vouched)
    return signed and author is not None and author.key == reverse_path.key
