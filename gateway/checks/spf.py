"""SPF: may this client send for this domain? RFC 7208, evaluated on the event loop.

An evaluator of our own rather than pyspf (which the tests hold it against): no threads, one deadline that
truly ends it, the limits exactly as written, and no look-up for explanations nobody reads.
"""

from __future__ import annotations

import asyncio
import ipaddress
import re
import urllib.parse
from collections.abc import Callable
from typing import TypeVar

from gateway.checks.lookups import DnsFailure, Lookups, NotFound
from gateway.checks.names import is_domain
from gateway.checks.spf_record import DomainSpec, Literal, Macro, Mechanism, Record, RecordError, is_spf, parse
from gateway.checks.ttl_cache import TtlCache
from gateway.domain.address import Address, normal_domain
from gateway.domain.evidence import Result, Spf

_MAX_TERMS = 10
"""Terms that cause look-ups (RFC 7208 §4.6.4)."""
_MAX_VOIDS = 2
"""Look-ups that find nothing."""
_MAX_HOSTS = 10
"""Hosts of one mx or ptr whose addresses are looked up."""
_REMEMBER_SECONDS = 60.0

T = TypeVar("T")
_Ip = ipaddress.IPv4Address | ipaddress.IPv6Address


class SpfCheck:
    """Checks MAIL FROM, or HELO where the reverse-path is null (RFC 7208 §2.3, §2.4)."""

    def __init__(self, lookups: Lookups, *, monotonic: Callable[[], float], cache_entries: int = 10_000) -> None:
        self._lookups = lookups
        self._monotonic = monotonic
        self._cache: TtlCache[tuple[str, str, str], Spf] = TtlCache(cache_entries)

    def known(self, client: str, helo: str, reverse_path: Address) -> Spf | None:
        """Return what was found for the same three a moment ago, or None."""
        return self._cache.get((client, helo, reverse_path.key), self._monotonic())

    async def check(self, client: str, helo: str, reverse_path: Address, seconds: float) -> Spf:
        """Return the result; temperror when DNS fails or the seconds are over.

        client: IPv4 or IPv6 address. helo: as given by the client.
        """
        of_helo = reverse_path.is_null
        domain = normal_domain(helo) if of_helo else reverse_path.domain
        try:
            async with asyncio.timeout(seconds):
                result = await self._result(client, helo, reverse_path, domain)
        except TimeoutError:
            result = Result.TEMPERROR
        spf = Spf(result, domain, of_helo)
        if result is not Result.TEMPERROR:
            self._cache.put((client, helo, reverse_path.key), spf, self._monotonic() + _REMEMBER_SECONDS)
        return spf

    async def _result(self, client: str, helo: str, reverse_path: Address, domain: str) -> Result:
        try:
            ip: _Ip = ipaddress.ip_address(client)
        except ValueError:
            return Result.NONE
        if isinstance(ip, ipaddress.IPv6Address) and ip.ipv4_mapped is not None:
            ip = ip.ipv4_mapped  # RFC 7208 §5
        if not is_domain(domain):
            return Result.NONE
        local = reverse_path.text.rpartition("@")[0] or "postmaster"
        try:
            return await _Evaluation(self._lookups, ip, helo, local, domain).of(domain)
        except _Permanent:
            return Result.PERMERROR
        except DnsFailure:
            return Result.TEMPERROR


class _Permanent(Exception):
    """Ends the evaluation, at whatever depth, with permerror."""


class _NoMatch(Exception):
    """Ends one mechanism: its domain cannot be made (RFC 8616 §4)."""


class _Evaluation:
    """One check_host() with the counters that span all its records (RFC 7208 §4)."""

    def __init__(self, lookups: Lookups, ip: _Ip, helo: str, local: str, sender_domain: str) -> None:
        self._lookups = lookups
        self._ip = ip
        self._helo = helo
        self._local = local
        self._sender_domain = sender_domain
        self._terms = 0
        self._voids = 0
        self._validated: tuple[str, ...] | None = None

    async def of(self, domain: str) -> Result:
        """Return the result of a domain's record. Raises DnsFailure and _Permanent."""
        record = await self._record(domain)
        if record is None:
            return Result.NONE
        for mechanism in record.mechanisms:
            if await self._matches(mechanism, domain):
                return mechanism.result
        if not record.redirect:
            return Result.NEUTRAL
        self._count_term()
        try:
            result = await self.of(await self._target(record.redirect, domain))
        except _NoMatch:
            raise _Permanent from None
        if result is Result.NONE:
            raise _Permanent  # RFC 7208 §6.1
        return result

    async def _record(self, domain: str) -> Record | None:
        if not _fits_dns(domain):
            return None
        found = await self._lookups.txt(domain)
        if isinstance(found, NotFound):
            return None
        records = [text for text in found if is_spf(text)]
        if not records:
            return None
        if len(records) > 1:
            raise _Permanent
        try:
            return parse(records[0])
        except RecordError:
            raise _Permanent from None

    async def _matches(self, mechanism: Mechanism, domain: str) -> bool:
        name = mechanism.name
        if name == "all":
            return True
        if mechanism.network is not None:
            return self._ip.version == mechanism.network.version and self._ip in mechanism.network
        self._count_term()
        try:
            target = await self._target(mechanism.spec, domain)
        except _NoMatch:
            return False
        if name == "include":
            result = await self.of(target)
            if result is Result.NONE:
                raise _Permanent  # RFC 7208 §5.2
            return result is Result.PASS
        if name == "ptr":
            return any(host == target or host.endswith("." + target) for host in await self._validated_hosts())
        if not _fits_dns(target):
            return False
        if name == "exists":
            return bool(self._something(await self._lookups.a(target)))
        if name == "a":
            return self._near(await self._addresses(target), mechanism)
        hosts = self._something(await self._lookups.mx(target))
        if len(hosts) > _MAX_HOSTS:
            raise _Permanent
        for mx in hosts:
            if mx.host and self._near(await self._addresses(mx.host), mechanism):
                return True
        return False

    def _count_term(self) -> None:
        self._terms += 1
        if self._terms > _MAX_TERMS:
            raise _Permanent

    def _something(self, found: tuple[T, ...] | NotFound) -> tuple[T, ...]:
        if not isinstance(found, NotFound):
            return found
        self._voids += 1
        if self._voids > _MAX_VOIDS:
            raise _Permanent
        return ()

    async def _addresses(self, host: str) -> tuple[str, ...]:
        ask = self._lookups.a if self._ip.version == 4 else self._lookups.aaaa
        return self._something(await ask(host))

    def _near(self, addresses: tuple[str, ...], mechanism: Mechanism) -> bool:
        prefix = mechanism.prefix4 if self._ip.version == 4 else mechanism.prefix6
        network = ipaddress.ip_network((self._ip, prefix), strict=False)
        return any(ipaddress.ip_address(address) in network for address in addresses)

    async def _validated_hosts(self) -> tuple[str, ...]:
        """Return the names of the client whose addresses lead back to it (RFC 7208 §5.5); no failure counts."""
        if self._validated is None:
            self._validated = ()
            try:
                names = self._something(await self._lookups.ptr(self._ip.reverse_pointer))
            except DnsFailure:
                return ()
            proven = []
            for host in names[:_MAX_HOSTS]:
                try:
                    addresses = await self._addresses(host)
                except DnsFailure:
                    continue
                if any(ipaddress.ip_address(address) == self._ip for address in addresses):
                    proven.append(host)
            self._validated = tuple(proven)
        return self._validated

    async def _target(self, spec: DomainSpec, domain: str) -> str:
        """Return the name a domain-spec means (RFC 7208 §7.3). Raises _NoMatch."""
        if not spec:
            return domain
        parts = [
            piece.text if isinstance(piece, Literal) else _expand(piece, await self._value(piece, domain))
            for piece in spec
        ]
        name = "".join(parts).removesuffix(".").lower()
        while len(name) > 253 and "." in name:
            name = name.partition(".")[2]
        return name

    async def _value(self, macro: Macro, domain: str) -> str:
        match macro.letter:
            case "s" | "l":
                if not self._local.isascii():
                    raise _NoMatch  # RFC 8616 §4
                return self._local if macro.letter == "l" else f"{self._local}@{self._sender_domain}"
            case "o":
                return self._sender_domain
            case "d":
                return domain
            case "i":
                return str(self._ip) if self._ip.version == 4 else ".".join(self._ip.exploded.replace(":", ""))
            case "v":
                return "in-addr" if self._ip.version == 4 else "ip6"
            case "h":
                return self._helo
            case _:
                return await self._client_name(domain)

    async def _client_name(self, domain: str) -> str:
        hosts = await self._validated_hosts()
        for host in hosts:
            if host == domain:
                return host
        for host in hosts:
            if host.endswith("." + domain):
                return host
        return hosts[0] if hosts else "unknown"


def _expand(macro: Macro, value: str) -> str:
    parts = re.split(f"[{re.escape(macro.delimiters)}]", value)
    if macro.reverse:
        parts.reverse()
    text = ".".join(parts[-macro.rightmost :] if macro.rightmost else parts)
    return urllib.parse.quote(text, safe="") if macro.escape else text


def _fits_dns(name: str) -> bool:
    """True for a name that can be asked for: several labels, each of 1 to 63 octets (RFC 7208 §4.3)."""
    labels = name.split(".")
    return len(labels) > 1 and len(name) <= 253 and all(0 < len(label) < 64 for label in labels)
