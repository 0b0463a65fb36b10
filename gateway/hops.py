"""The next hop of each recipient domain, as the settings route it."""

from __future__ import annotations

import asyncio

from gateway import assembly
from gateway.domain.address import normal_domain
from gateway.flow.overview_ports import HopState
from gateway.relay.hop import NextHop
from gateway.settings import Endpoint, Settings

PATIENCE = 3.0
"""Seconds a next hop has to answer before the overview calls it unreachable."""


class Hops:
    """Every server behind us; each is connected to once, however many domains it serves."""

    def __init__(self, settings: Settings, processes: int = 1) -> None:
        """processes: among how many the connections that a server is granted are shared out."""
        by_place = {
            place: NextHop(assembly.next_hop_settings(settings, place, processes))
            for place in {settings.relay.next_hop, *settings.relay.domains.values()}
        }
        self._places = by_place
        self._default = by_place[settings.relay.next_hop]
        self._by_domain = {normal_domain(name): by_place[place] for name, place in settings.relay.domains.items()}

    def start(self) -> None:
        """Begin to look for them, so that their features are known before mail comes."""
        for hop in self._places.values():
            hop.start()

    async def close(self) -> None:
        """Take leave of all."""
        await asyncio.gather(*(hop.close() for hop in self._places.values()))

    def of(self, domain: str) -> NextHop:
        """Return the hop for a recipient domain in A-labels."""
        return self._by_domain.get(domain, self._default)

    async def answer(self) -> bool:
        """True where each of them answers now."""
        return all(await asyncio.gather(*(hop.probe() for hop in self._places.values())))

    async def states(self) -> list[HopState]:
        """Try each server, side by side; implements `flow.overview_ports.HopWatch`."""
        return list(await asyncio.gather(*(self._state(place, hop) for place, hop in self._places.items())))

    async def _state(self, place: Endpoint, hop: NextHop) -> HopState:
        domains = tuple(sorted(domain for domain, route in self._by_domain.items() if route is hop))
        try:
            async with asyncio.timeout(PATIENCE):
                reachable = await hop.probe()
        except TimeoutError:
            reachable = False
        return HopState(str(place), () if hop is self._default else domains, reachable)
