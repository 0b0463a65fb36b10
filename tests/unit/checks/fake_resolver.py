"""A DNS made of a dict, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from enum import Enum

from gateway.checks.lookups import DnsFailure, Mx, NotFound


class Fault(Enum):
    """What stands in a zone instead of records."""

    FAILS = "SERVFAIL"
    HANGS = "never answers"


Records = Mapping[str, list[str] | Fault] | Fault
Zone = Mapping[str, Records]
"""Name → type (A, AAAA, MX, TXT, PTR) → records as text; MX as "10 mx.oak.example", the null MX as "0 ."."""


class FakeResolver:
    """Answers from a zone; a name without an entry does not exist. `asked` keeps the questions in order."""

    def __init__(self, zone: Zone) -> None:
        self.zone = {name.lower(): records for name, records in zone.items()}
        self.asked: list[tuple[str, str]] = []

    async def txt(self, name: str) -> tuple[bytes, ...] | NotFound:
        found = await self._find(name, "TXT")
        return found if isinstance(found, NotFound) else tuple(text.encode("latin-1") for text in found)

    async def mx(self, name: str) -> tuple[Mx, ...] | NotFound:
        found = await self._find(name, "MX")
        if isinstance(found, NotFound):
            return found
        pairs = [text.split() for text in found]
        return tuple(sorted(Mx(int(preference), host.rstrip(".")) for preference, host in pairs))

    async def a(self, name: str) -> tuple[str, ...] | NotFound:
        return await self._find(name, "A")

    async def aaaa(self, name: str) -> tuple[str, ...] | NotFound:
        return await self._find(name, "AAAA")

    async def ptr(self, name: str) -> tuple[str, ...] | NotFound:
        return await self._find(name, "PTR")

    async def _find(self, name: str, kind: str) -> tuple[str, ...] | NotFound:
        self.asked.append((name, kind))
        records = self.zone.get(name.lower().removesuffix("."))
        if records is None:
            return NotFound.NAME
        found = records if isinstance(records, Fault) else records.get(kind, [])
        if found is Fault.FAILS:
            raise DnsFailure("SERVFAIL")
        if found is Fault.HANGS:
            await asyncio.get_running_loop().create_future()
        assert isinstance(found, list)
        return tuple(found) or NotFound.RECORD
