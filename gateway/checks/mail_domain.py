"""Does the sender's domain take mail at all? Where it does not, a challenge would go nowhere."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from gateway.checks.lookups import DnsFailure, Lookups, NotFound
from gateway.checks.names import is_domain
from gateway.checks.ttl_cache import TtlCache

_REMEMBER_SECONDS = 60.0


class MailDomainCheck:
    """Looks for MX, then for addresses (RFC 5321 §5.1, RFC 7505 §3).

    Reserved names such as .invalid and .example (RFC 2606 §2, RFC 6761 §6) need no list: the public DNS has
    none of them, so the look-up says no; where a site's own DNS answers for one, its mail works there.
    """

    def __init__(self, lookups: Lookups, *, monotonic: Callable[[], float], cache_entries: int = 10_000) -> None:
        self._lookups = lookups
        self._monotonic = monotonic
        self._cache: TtlCache[str, bool] = TtlCache(cache_entries)

    def known(self, domain: str) -> bool | None:
        """Return what was found a moment ago, or None."""
        return self._cache.get(domain, self._monotonic())

    async def check(self, domain: str, seconds: float) -> bool | None:
        """Return whether mail can be sent there; None when it could not be found out, or is no domain at all."""
        if not is_domain(domain):
            return None
        try:
            async with asyncio.timeout(seconds):
                takes = await self._takes_mail(domain)
        except (TimeoutError, DnsFailure):
            return None
        self._cache.put(domain, takes, self._monotonic() + _REMEMBER_SECONDS)
        return takes

    async def _takes_mail(self, domain: str) -> bool:
        exchangers = await self._lookups.mx(domain)
        if exchangers is NotFound.NAME:
            return False
        if not isinstance(exchangers, NotFound):
            return any(mx.host for mx in exchangers)
        return not (
            isinstance(await self._lookups.a(domain), NotFound)
            and isinstance(await self._lookups.aaaa(domain), NotFound)
        )
