"""The composition root: settings become running parts; start, drain, stop. Only here all adapters are known."""

from __future__ import annotations

import asyncio
import functools
import logging
import os
import random
import secrets
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from challenge_web.app import make_app, make_monitor_app
from challenge_web.listener import Listener as PageListener
from challenge_web.puzzle import Puzzles
from gateway import assembly, log
from gateway.checks.authentication_results import forged_fields, results_field
from gateway.domain.address import normal_domain
from gateway.domain.policy import Expiry
from gateway.flow.answer import Answers
from gateway.flow.challenge import Challenger
from gateway.flow.deliver import Deliverer
from gateway.flow.expire import Expirer
from gateway.flow.ports import StoreDown
from gateway.flow.receive import Receiver
from gateway.letters import LetterWriter
from gateway.relay.hop import NextHop
from gateway.relay.smart_host import SmartHost
from gateway.settings import Endpoint, Settings
from gateway.smtp.listener import Listener, bound_socket, inherited_sockets
from gateway.store.store import ServiceLock, Store
from gateway.workers.clock import Clock
from gateway.workers.loop import Loop

_log = logging.getLogger("gateway.service")

MINUTE = 60.0
POLL = 1.0
"""Seconds between looks for work that another process, as the command line, has left."""
SWEEP = 10.0
"""Seconds between looks for mail whose time is over."""
HOUSEKEEPING = 60.0
"""Seconds between signs of life, and between purges."""
DELIVERY_RUNNERS = 3
"""Batches of deliveries at a time, so that one slow next hop does not hold up all others."""
WORKER_GRACE = 10.0
"""Seconds a worker's batch may take to end when the service stops; a lease hands over what is cut off."""


class Hops:
    """The next hop of each recipient domain."""

    def __init__(self, settings: Settings) -> None:
        by_place = {
            place: NextHop(assembly.next_hop_settings(settings, place))
            for place in {settings.relay.next_hop, *settings.relay.domains.values()}
        }
        self._default = by_place[settings.relay.next_hop]
        self._by_domain = {normal_domain(name): by_place[place] for name, place in settings.relay.domains.items()}
        self.all = tuple(by_place.values())

    def of(self, domain: str) -> NextHop:
        """Return the hop for a recipient domain in A-labels."""
        return self._by_domain.get(domain, self._default)


class Service:
    """A running gateway: `await Service.start(settings)`, later `await service.stop(seconds)`."""

    def __init__(self, settings: Settings, store: Store, clock: Clock, keys: Keys) -> None:
        """Put the parts together; nothing runs yet. Raises TemplateFault, KeyFault, OSError."""
        self.settings = settings
        self.store = store
        self.clock = clock
        self.hops = Hops(settings)
        self.smart_host = SmartHost(assembly.smart_host_settings(settings))
        self.checks = assembly.make_checks(settings)
        self.letters = LetterWriter(settings)
        self._keys = keys
        self._deliveries = [
            Loop(f"deliver-{number}", self._deliverer().run_once, POLL) for number in range(DELIVERY_RUNNERS)
        ]
        self._challenges = Loop("challenge", self._challenge_work(), POLL)
        self._loops = [
            *self._deliveries,
            self._challenges,
            Loop("expire", self._expiry_work(), SWEEP),
            Loop("housekeeping", self._housekeeping, HOUSEKEEPING),
        ]
        self.answers = Answers(
            assembly.answer_rules(settings, keys.site),
            store,
            now=clock.now,
            wake_deliveries=self.wake_deliveries,
        )
        self.receiver = Receiver(
            assembly.receive_rules(settings, keys.site),
            store,
            self.checks,
            self.hops.of,
            lambda head: forged_fields(head, settings.smtp.hostname),
            functools.partial(results_field, settings.smtp.hostname),
            now=clock.now,
            wake_challenges=self._challenges.wake,
            wake_deliveries=self.wake_deliveries,
        )
        self.listener = Listener(self.receiver, assembly.door_settings(settings), assembly.tls_files(settings))
        self._closing = AsyncExitStack()

    # --- life ---

    @classmethod
    async def start(cls, settings: Settings, pages: Pages | None = None) -> Self:
        """Open the store, start every part, and take mail.

        pages: adds pages of its own to the public ones, as the demo does. Raises StoreDown, TemplateFault,
        KeyFault, or OSError where a place to listen at cannot be had; nothing runs then.
        """
        async with AsyncExitStack() as stack:
            lock = ServiceLock(settings.store.url)
            stack.callback(lock.release)
            store = Store(settings.store.url)
            stack.push_async_callback(store.close)
            await store.forget_leases()
            clock = Clock(settings.pending.settle_minutes * MINUTE, await store.last_seen())
            service = cls(settings, store, clock, Keys(site=await store.key("site"), puzzle=await store.key("puzzle")))
            stack.callback(service.checks.close)
            stack.push_async_callback(service.smart_host.close)
            for hop in service.hops.all:
                stack.push_async_callback(hop.close)
                hop.start()
            await service._serve_pages(stack, pages)
            for loop in service._loops:
                loop.start()
                stack.push_async_callback(loop.stop, WORKER_GRACE)
            await service._open_door()
            service._closing = stack.pop_all()
        log.event(_log, "started", smtp=[f"{host}:{port}" for host, port in service.listener.addresses])
        return service

    async def stop(self, seconds: float) -> None:
        """Take no more mail, let what is in hand end within so many seconds, and close everything."""
        cut_off = await self.listener.stop(seconds)
        await self._closing.aclose()
        log.event(_log, "stopped", cut_off=cut_off)

    async def reload(self, settings: Settings) -> None:
        """Take over what can change while mail flows: the certificate, the templates, the log level.

        Raises OSError or TemplateFault, and what was in use stays.
        """
        self.letters.reload()
        self.listener.reload()
        logging.getLogger().setLevel(settings.log.level.upper())
        log.event(_log, "reloaded")

    @staticmethod
    def check(settings: Settings) -> None:
        """Try what settings name, as `start` will. Raises TemplateFault, KeyFault, OSError."""
        LetterWriter(settings)
        files = assembly.tls_files(settings)
        if files is not None:
            files.context()

    def wake_deliveries(self) -> None:
        """Say that released mail may wait for its delivery."""
        for loop in self._deliveries:
            loop.wake()

    # --- work ---

    def _deliverer(self) -> Deliverer:
        return Deliverer(
            assembly.deliver_rules(self.settings, self._keys.site),
            self.store,
            self.hops.of,
            now=self.clock.now,
            chance=random.random,
            lease=_fresh_lease,
        )

    def _challenge_work(self) -> Work:
        challenger = Challenger(
            self.store,
            self.settings.web.public_url,
            self.letters.challenge,
            functools.partial(self.smart_host.send, self.settings.challenge.sender),
            now=self.clock.now,
            chance=random.random,
            lease=_fresh_lease,
            random_octets=secrets.token_bytes,
        )

        async def work() -> int:
            # By a clock that jumped, a sender might be asked twice within the days it is to be left alone.
            return await challenger.run_once() if self.clock.trusted() else 0

        return work

    def _expiry_work(self) -> Work:
        expirer = Expirer(
            self.store,
            Expiry(self.settings.pending.on_expiry),
            assembly.retention_seconds(self.settings),
            now=self.clock.now,
            wake_deliveries=self.wake_deliveries,
        )

        async def work() -> int:
            if not self.clock.trusted():
                return 0
            return await expirer.run_once() + await expirer.purge_once()

        return work

    async def _housekeeping(self) -> int:
        if self.clock.trusted():
            await self.store.sign_of_life(self.clock.now())
        return 0

    # --- listeners ---

    async def _open_door(self) -> None:
        sockets = inherited_sockets(os.environ, os.getpid(), "smtp")
        if not sockets:
            sockets = [bound_socket(str(place)) for place in self.settings.smtp.listen]
        await self.listener.start(sockets)

    async def _serve_pages(self, stack: AsyncExitStack, pages: Pages | None) -> None:
        settings = self.settings
        puzzles = Puzzles(self._keys.puzzle, work_bits=settings.challenge.work_bits)
        app = make_app(
            self.answers,
            puzzles,
            assembly.page_templates(settings),
            captcha=settings.challenge.captcha,
            organisation=settings.challenge.organisation,
            contact=settings.challenge.contact,
            pending_days=settings.pending.days,
            disowned_days=settings.challenge.disowned_days,
            trusted_proxies=settings.web.trusted_proxies,
            extra_routes=None if pages is None else functools.partial(pages, self),
        )
        await _listen(stack, app, settings.web.listen)
        await _listen(
            stack, make_monitor_app({"store": self._store_ready, "next-hop": self._hops_ready}), settings.monitor.listen
        )

    async def _store_ready(self) -> bool:
        try:
            await self.store.probe()
        except StoreDown:
            return False
        return True

    async def _hops_ready(self) -> bool:
        return all(await asyncio.gather(*(hop.probe() for hop in self.hops.all)))


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of a site, kept in its store."""

    site: bytes
    """Signs what we let on, and status pages."""
    puzzle: bytes


Pages = Callable[[Service, web.Application], None]
"""Adds pages to the public ones."""
Work = Callable[[], Awaitable[int]]


def _fresh_lease() -> int:
    return secrets.randbits(62)


async def _listen(stack: AsyncExitStack, app: web.Application, places: Iterable[Endpoint]) -> None:
    listener = PageListener(app)
    stack.push_async_callback(listener.stop)
    await listener.start([(place.host, place.port) for place in places])
