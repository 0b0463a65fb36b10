"""Our look-ups: answers are remembered for as long as they say, and the same question is asked only once at a time."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar, cast

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdata
import dns.rdatatype

from gateway.checks.exchange import Exchange, SystemServers, parse_server
from gateway.checks.lookups import DnsFailure, Mx, NotFound
from gateway.checks.ttl_cache import TtlCache

T = TypeVar("T")
Ask = Callable[[dns.name.Name, dns.rdatatype.RdataType], Awaitable[dns.message.QueryMessage]]
"""Asks one question; raises DnsFailure."""

_LONGEST = 3600.0
"""Seconds; a record that was changed counts after an hour at the latest."""
_LONGEST_NEGATIVE = 300.0
_SHORTEST = 1.0
"""Seconds even for a TTL of 0: a message asks the same question several times."""
_WITHOUT_SOA = 5.0
"""Seconds for a negative answer that does not say how long it holds (RFC 2308 §5)."""


@dataclass(frozen=True, slots=True)
class _Kind(Generic[T]):
    """A record type and how one record becomes our value."""

    rdtype: dns.rdatatype.RdataType
    read: Callable[[Any], T]


def _host(name: dns.name.Name) -> str:
    return name.to_text(omit_final_dot=True).lower() if name != dns.name.root else ""


_TXT: _Kind[bytes] = _Kind(dns.rdatatype.TXT, lambda rdata: b"".join(rdata.strings))
_MX: _Kind[Mx] = _Kind(dns.rdatatype.MX, lambda rdata: Mx(rdata.preference, _host(rdata.exchange)))
_A: _Kind[str] = _Kind(dns.rdatatype.A, lambda rdata: str(rdata.address))
_AAAA: _Kind[str] = _Kind(dns.rdatatype.AAAA, lambda rdata: str(rdata.address))
_PTR: _Kind[str] = _Kind(dns.rdatatype.PTR, lambda rdata: _host(rdata.target))


class Resolver:
    """Looks names up; see `lookups.Lookups` for what comes back.

    One for a process, used from one event loop. A look-up whose caller goes away is finished all the same
    and remembered for the next.
    """

    def __init__(self, ask: Ask, *, cache_entries: int = 10_000, monotonic: Callable[[], float]) -> None:
        """ask: how a question is put to a server. monotonic: seconds."""
        self._ask = ask
        self._monotonic = monotonic
        self._cache: TtlCache[tuple[str, int], tuple[Any, ...] | NotFound] = TtlCache(cache_entries)
        self._running: dict[tuple[str, int], asyncio.Task[tuple[Any, ...] | NotFound]] = {}

    @classmethod
    def over_network(
        cls,
        servers: Sequence[str],
        *,
        timeout_seconds: float = 5.0,
        cache_entries: int = 10_000,
        monotonic: Callable[[], float],
    ) -> Resolver:
        """Return one that asks real servers: those named, or the system's where none is. Raises ValueError."""
        named = tuple(parse_server(server) for server in servers)
        source = (lambda: named) if named else SystemServers(monotonic)
        return cls(Exchange(source, timeout_seconds), cache_entries=cache_entries, monotonic=monotonic)

    async def txt(self, name: str) -> tuple[bytes, ...] | NotFound:
        """Return the TXT records, the strings of each joined. Raises DnsFailure."""
        return await self._find(name, _TXT)

    async def mx(self, name: str) -> tuple[Mx, ...] | NotFound:
        """Return the mail exchangers, the most preferred first. Raises DnsFailure."""
        found = await self._find(name, _MX)
        return found if isinstance(found, NotFound) else tuple(sorted(found))

    async def a(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the IPv4 addresses. Raises DnsFailure."""
        return await self._find(name, _A)

    async def aaaa(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the IPv6 addresses. Raises DnsFailure."""
        return await self._find(name, _AAAA)

    async def ptr(self, name: str) -> tuple[str, ...] | NotFound:
        """Return the host names behind a reverse name. Raises DnsFailure."""
        return await self._find(name, _PTR)

    async def close(self) -> None:
        """End the questions still under way."""
        running = list(self._running.values())
        for task in running:
            task.cancel()
        await asyncio.gather(*running, return_exceptions=True)

    async def _find(self, name: str, kind: _Kind[T]) -> tuple[T, ...] | NotFound:
        key = (name.lower().removesuffix("."), int(kind.rdtype))
        known = self._cache.get(key, self._monotonic())
        if known is None:
            task = self._running.get(key)
            if task is None:
                try:
                    # Label by label: a backslash in a name from a message is a letter, not an escape.
                    wanted = dns.name.Name((*key[0].encode("ascii").split(b"."), b""))
                except (UnicodeEncodeError, dns.exception.DNSException):
                    return NotFound.NAME
                task = asyncio.get_running_loop().create_task(self._fetch(key, wanted, kind))
                self._running[key] = task
                task.add_done_callback(functools.partial(self._ended, key))
            try:
                known = await asyncio.shield(task)
            except asyncio.CancelledError:
                if task.cancelled():
                    raise DnsFailure("the resolver was closed") from None
                raise
        return cast("tuple[T, ...] | NotFound", known)

    async def _fetch(self, key: tuple[str, int], name: dns.name.Name, kind: _Kind[T]) -> tuple[T, ...] | NotFound:
        message = await self._ask(name, kind.rdtype)
        try:
            found, seconds = _read(message, kind)
        except dns.exception.DNSException as error:
            raise DnsFailure(f"unusable answer: {type(error).__name__}") from error
        self._cache.put(key, found, self._monotonic() + seconds)
        return found

    def _ended(self, key: tuple[str, int], task: asyncio.Task[Any]) -> None:
        del self._running[key]
        # The callers may all have run into their deadline; then nobody else takes the exception.
        if not task.cancelled():
            task.exception()


def _read(message: dns.message.QueryMessage, kind: _Kind[T]) -> tuple[tuple[T, ...] | NotFound, float]:
    """Return the records at the end of the CNAME chain, and for how many seconds to remember them."""
    chain = message.resolve_chaining()
    if chain.answer is not None:
        return tuple(kind.read(rdata) for rdata in chain.answer), min(max(chain.minimum_ttl, _SHORTEST), _LONGEST)
    missing = NotFound.NAME if message.rcode() == dns.rcode.NXDOMAIN else NotFound.RECORD
    if not any(rrset.rdtype == dns.rdatatype.SOA for rrset in message.authority):
        return missing, _WITHOUT_SOA
    return missing, min(max(chain.minimum_ttl, _SHORTEST), _LONGEST_NEGATIVE)
