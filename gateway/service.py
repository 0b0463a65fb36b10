"""The composition root: settings become running parts; start, drain, stop. Only here all adapters are known."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Self

from aiohttp import web

from challenge_web.app import AddPages, make_app, make_monitor_app
from challenge_web.listener import Listener as PageListener
from challenge_web.pages import Pages as WebPages
from challenge_web.puzzle import Puzzles
from gateway import assembly, log, verbs
from gateway.background import challenge_work, describe_work, expiry_work, make_deliverer
from gateway.console import open_api, open_console
from gateway.console_services import Shared, make_parts
from gateway.domain.durations import DAY, MINUTE
from gateway.doors.forked import Forked
from gateway.doors.supervisor import Supervisor, how_many
from gateway.entrance import Entrance, admission, link_url
from gateway.flow.answer import Answers
from gateway.flow.challenge_language import LanguageChoice
from gateway.flow.list_work import Bringer
from gateway.flow.order_work import OrderWorker
from gateway.flow.orders import Orders
from gateway.flow.ports import StoreDown, StoreFull
from gateway.flow.queue import Queue
from gateway.flow.text_ports import TextKind
from gateway.flow.watch import Watch
from gateway.front import Front
from gateway.languages.language import known
from gateway.languages.small_words import small_words
from gateway.letters import LetterWriter
from gateway.mail_texts import texts_in
from gateway.relay.smart_host import SmartHost
from gateway.requests_and_notices import RequestsAndNotices
from gateway.settings import Endpoint, Settings
from gateway.smtp.sockets import DoorSockets
from gateway.store.service_lock import ServiceLock
from gateway.store.store import Store
from gateway.way_out import WayOut
from gateway.webhook import make_sender, make_webhook
from gateway.workers.clock import Clock
from gateway.workers.loop import Loop

_log = logging.getLogger("gateway.service")

POLL = 1.0
"""Seconds between looks for work that another process, as the command line, has left."""
SWEEP = 10.0
"""Seconds between looks for mail whose time is over."""
ORDER_PAUSE = 0.5
"""Seconds between looks for orders whose time has come."""
ORDER_MEMORY = 30 * DAY
"""Seconds for which it can be read what became of an order."""
HOUSEKEEPING = 60.0
"""Seconds between signs of life, and between purges."""
WATCH_PAUSE = 20.0
"""Seconds between two looks for what needs a person."""
DELIVERY_RUNNERS = 3
"""Batches of deliveries at a time."""
WORKER_GRACE = 10.0
"""Seconds a worker's batch may take to end when the service stops; a lease hands over what is cut off."""


class Service:
    """A running gateway: `await Service.start(settings)`, later `await service.stop(seconds)`."""

    def __init__(
        self, settings: Settings, store: Store, clock: Clock, keys: Keys, doors: Sequence[Forked] = ()
    ) -> None:
        """Put the parts together; nothing runs yet. Raises TemplateFault, KeyFault, OSError."""
        self.settings = settings
        self.store = store
        self.clock = clock
        self._processes = how_many(settings)
        self._supervisor = self._make_supervisor(doors) if self._processes > 1 else None
        self.front = Front(
            settings,
            store,
            keys.site,
            now=clock.now,
            wake_challenges=self._wake_challenges,
            wake_deliveries=self.wake_deliveries,
            processes=self._processes,
            share=None if self._supervisor is None else self._supervisor.share,
        )
        self.hops = self.front.hops
        self.way_out = WayOut(
            settings, store, now=clock.now, trusted=clock.trusted, wake_deliveries=self.wake_deliveries
        )
        self.smart_host = SmartHost(assembly.smart_host_settings(settings))
        language_choice = LanguageChoice(self.store, assembly.policy(settings), known(), small_words)
        policy = assembly.policy(settings)
        self.letters = LetterWriter(
            settings,
            texts_in(self.store, policy),
            language_choice.of,
            texts_in(self.store, policy, TextKind.NOTICE),
        )
        self._keys = keys
        self._deliverer = make_deliverer(settings, store, self.hops.of, keys.site, clock.now)
        self._deliveries = [
            Loop(f"deliver-{number}", self._deliverer.run_once, POLL) for number in range(DELIVERY_RUNNERS)
        ]
        self._challenges = Loop(
            "challenge", challenge_work(settings, store, self.letters.challenge, self.smart_host.send, clock), POLL
        )
        undo_seconds = settings.console.undo_seconds
        redate = verbs.make_redater(settings, store, clock.now).step
        self._order_worker = OrderWorker(
            store, undo_seconds, redate, now=clock.now, wake_deliveries=self.wake_deliveries,
            bring=Bringer(store, now=clock.now).step,
        )  # fmt: skip
        self._orders = Loop("orders", self._order_worker.run_once, ORDER_PAUSE)
        self.queue = Queue(store, now=clock.now)
        self.orders = Orders(store, undo_seconds, now=clock.now, wake=self._orders.wake)
        self._webhook_sender = make_sender(settings)
        self.webhook = make_webhook(settings, store, self._webhook_sender, clock.now)
        self._courier = verbs.make_courier(settings, self.hops.of, self.smart_host.send, clock.now, keys.site, store)
        self.requests_and_notices = RequestsAndNotices(
            settings, store, self.letters, self._courier, keys.site, clock, self.wake_deliveries
        )
        failing_since = self.webhook.failing_since if settings.webhook.url else None
        self.watch = Watch(
            store, self.hops, max_per_hour=settings.challenge.max_per_hour,
            webhook_failing_since=failing_since, asked=self.requests_and_notices.releases.open_by_domain,
        )  # fmt: skip
        self.entrance = Entrance(
            settings, store, self.letters.sign_in, self.hops.of, self._courier,
            now=clock.now, wake_mail=self._wake_sign_in_mail,
        )  # fmt: skip
        self.digests = verbs.make_digests(settings, store, self.letters, self._courier, clock.now, clock.trusted)
        self._history = verbs.make_history(settings, store, clock.now)
        self._sign_in_mail = Loop("sign-in mail", self.entrance.mail.run_once, POLL)
        self._loops = self._make_loops()
        self.answers = Answers(
            assembly.answer_rules(settings, keys.site),
            store,
            now=clock.now,
            wake_deliveries=self.wake_deliveries,
        )
        self._closing = AsyncExitStack()

    # --- life ---

    @classmethod
    async def start(cls, settings: Settings, pages: Pages | None = None, doors: Sequence[Forked] = ()) -> Self:
        """Open the store, start every part, and take mail.

        pages: adds pages of its own to the public ones, as the demo does. doors: further processes that were forked
        before the loop began; where they are fewer than wanted, more are started. Raises StoreDown, TemplateFault,
        KeyFault, or OSError where a place to listen at cannot be had; nothing runs then.
        """
        async with AsyncExitStack() as stack:
            lock = ServiceLock(settings.store.url)
            stack.callback(lock.release)
            store = Store(settings.store.url)
            stack.push_async_callback(store.close)
            try:
                await store.forget_leases()
            except StoreFull as full:
                # They end by themselves. Mail that needs no room goes on, and who brings other mail hears 452.
                log.warning(_log, "store-down", worker="start", problem=str(full))
            clock = Clock(settings.pending.settle_minutes * MINUTE, await store.last_seen())
            keys = Keys(site=await store.key("site"), puzzle=await store.key("puzzle"))
            service = cls(settings, store, clock, keys, doors)
            if service._supervisor is not None:
                stack.push_async_callback(service._supervisor.stop, 0.0)
                await service._supervisor.spawn()
            stack.push_async_callback(service.front.close, WORKER_GRACE)
            stack.push_async_callback(service.smart_host.close)
            stack.push_async_callback(service.requests_and_notices.close)
            stack.push_async_callback(service._webhook_sender.close)
            stack.push_async_callback(service.way_out.close, WORKER_GRACE)
            service.front.begin()
            await service._serve_pages(stack, pages)
            stack.push_async_callback(service._deliverer.close, WORKER_GRACE)
            for loop in service._loops:
                loop.start()
                stack.push_async_callback(loop.stop, WORKER_GRACE)
            await service._open_door()
            await service.way_out.open()
            service._closing = stack.pop_all()
        outgoing = [f"{host}:{port}" for host, port in service.way_out.addresses]
        log.event(_log, "started", smtp=[f"{host}:{port}" for host, port in service.addresses], outgoing=outgoing)
        return service

    @property
    def addresses(self) -> list[tuple[str, int]]:
        """Host and port of each place where mail comes in."""
        return self.front.addresses

    async def stop(self, seconds: float) -> None:
        """Take no more mail, let what is in hand end within so many seconds, and close everything."""
        parts = [self.front.stop(seconds), self.way_out.stop(seconds)]
        if self._supervisor is not None:
            parts.append(self._supervisor.stop(seconds))
        cut_off = sum(await asyncio.gather(*parts))
        await self._closing.aclose()
        log.event(_log, "stopped", cut_off=cut_off)

    async def reload(self, settings: Settings) -> None:
        """Take over what can change while mail flows: the certificate, the templates, the log level.

        Raises OSError or TemplateFault, and what was in use stays.
        """
        self.letters.reload()
        self.front.reload()
        self.way_out.reload()
        if self._supervisor is not None:
            await self._supervisor.reload(settings.log.level)
        logging.getLogger().setLevel(settings.log.level.upper())
        log.event(_log, "reloaded")

    @staticmethod
    def check(settings: Settings) -> None:
        """Try what settings name, as `start` will. Raises TemplateFault, KeyFault, OSError."""
        LetterWriter(settings)
        files = assembly.tls_files(settings)
        if files is not None:
            files.context()

    def _wake_sign_in_mail(self) -> None:
        self._sign_in_mail.wake()

    def _wake_challenges(self) -> None:
        self._challenges.wake()

    def wake_deliveries(self) -> None:
        """Say that released mail may wait for its delivery."""
        for loop in self._deliveries:
            loop.wake()

    # --- work ---

    def _make_supervisor(self, doors: Sequence[Forked]) -> Supervisor:
        return Supervisor(
            self.settings,
            self._processes,
            wake_challenges=self._wake_challenges,
            wake_deliveries=self.wake_deliveries,
            forked=doors,
        )

    def _make_loops(self) -> list[Loop]:
        settings, store = self.settings, self.store
        return [
            *self._deliveries,
            self._sign_in_mail,
            *self.requests_and_notices.loops,
            self._challenges,
            Loop("expire", expiry_work(settings, store, self.clock, self.wake_deliveries), SWEEP),
            Loop("housekeeping", self._housekeeping, HOUSEKEEPING),
            Loop("watch", self._look_around, WATCH_PAUSE),
            Loop("describe", describe_work(store, POLL), POLL),
            self._orders,
            Loop("digest", self.digests.run_once, POLL),
            *([Loop("webhook", self.webhook.run_once, POLL)] if settings.webhook.url else []),
        ]

    async def _look_around(self) -> int:
        await self.watch.look(self.clock.now())
        return 0

    async def _housekeeping(self) -> int:
        if self.clock.trusted():
            await self._order_worker.forget(ORDER_MEMORY)
            await self.store.sign_of_life(self.clock.now())
            await self.front.entry_use.forget_removed(self.clock.now())
            await self._history.sweep()
        await self.entrance.sweep()
        return 0

    # --- listeners ---

    async def _open_door(self) -> None:
        sockets = await DoorSockets.open([str(place) for place in self.settings.smtp.listen], self._processes)
        await self.front.open(sockets.own)
        if self._supervisor is not None:
            self._supervisor.begin(sockets.another)

    async def _serve_pages(self, stack: AsyncExitStack, pages: Pages | None) -> None:
        settings = self.settings
        puzzles = Puzzles(self._keys.puzzle, work_bits=settings.challenge.work_bits)
        more: list[AddPages] = [self._open_console]
        if pages is not None:
            more.append(lambda app, _: pages(self, app))
        app = make_app(self.answers, puzzles, assembly.site(settings), admission(settings), more=more)
        await _listen(stack, app, settings.web.listen)
        monitor = make_monitor_app(
            {"store": self._store_ready, "next-hop": self.hops.answer},
            gather=None if self._supervisor is None else self._supervisor.count,
        )
        await _listen(stack, monitor, settings.monitor.listen)

    def _open_console(self, app: web.Application, pages: WebPages) -> None:
        settings = self.settings
        shared = Shared(
            entrance=self.entrance,
            letters=self.letters,
            hops=self.hops,
            courier=self._courier,
            queue=self.queue,
            orders=self.orders,
            releases=self.requests_and_notices.releases,
            webhook=self.webhook,
        )
        parts = make_parts(
            settings,
            self.store,
            shared,
            now=self.clock.now,
            wake_deliveries=self.wake_deliveries,
            wake_challenges=self._wake_challenges,
        )
        open_console(app, pages, parts, self.watch)
        if settings.api.enabled:
            open_api(app, pages, parts)

    async def first_admin_url(self) -> str | None:
        """Return a link for the first site admin, where none has ever signed in."""
        token = await self.entrance.accounts.first_admin_link()
        return None if token is None else link_url(self.settings, token)

    async def _store_ready(self) -> bool:
        try:
            await self.store.probe()
        except StoreDown:
            return False
        return True


@dataclass(frozen=True, slots=True)
class Keys:
    """Secrets of a site, kept in its store."""

    site: bytes
    """Signs what we let on, and status pages."""
    puzzle: bytes


Pages = Callable[[Service, web.Application], None]
"""Adds pages to the public ones."""


async def _listen(stack: AsyncExitStack, app: web.Application, places: Iterable[Endpoint]) -> None:
    listener = PageListener(app)
    stack.push_async_callback(listener.stop)
    await listener.start([(place.host, place.port) for place in places])
