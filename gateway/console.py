"""The console put together: each room of pages with the service behind it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from challenge_web.api.account import JournalResource, OwnResource
from challenge_web.api.accounts import AccountsResource
from challenge_web.api.app import add_api
from challenge_web.api.digests import DigestResource
from challenge_web.api.door import Door
from challenge_web.api.expecting import ExpectingResource
from challenge_web.api.history import HistoryResource
from challenge_web.api.list_files import ListFileResource
from challenge_web.api.lists import ListResource
from challenge_web.api.messages import MessageResource
from challenge_web.api.operations import Operation, Resource
from challenge_web.api.overview import OverviewResource
from challenge_web.api.pending import PendingResource
from challenge_web.api.policies import PolicyResource
from challenge_web.api.releases import ReleaseResource
from challenge_web.api.searches import SavedSearchResource
from challenge_web.api.templates import TemplateResource
from challenge_web.api.webhook import WebhookResource
from challenge_web.console.account import AccountPages
from challenge_web.console.accounts import AccountsPages
from challenge_web.console.app import add_console
from challenge_web.console.digests import DigestPages
from challenge_web.console.expecting import ExpectingPages
from challenge_web.console.gate import ClientOf, Cookie
from challenge_web.console.history import HistoryPages
from challenge_web.console.home import HomePages
from challenge_web.console.list_files import ListFilePages
from challenge_web.console.lists import ListPages
from challenge_web.console.log import LogPages
from challenge_web.console.mail_view import MailView
from challenge_web.console.message import MessagePages
from challenge_web.console.openid import OpenidPages
from challenge_web.console.overview import OverviewPages
from challenge_web.console.pages import Call, ConsolePages
from challenge_web.console.pending import PendingPages
from challenge_web.console.policies import PolicyPages
from challenge_web.console.proof import ProofPages
from challenge_web.console.proxy_sign_in import ProxySignIn
from challenge_web.console.releases import ReleasePages
from challenge_web.console.routes import Room, Route
from challenge_web.console.saved_searches import SavedSearchPages
from challenge_web.console.sign_in import SignInPages
from challenge_web.console.texts import TextPages
from challenge_web.console.tokens import TokenPages
from challenge_web.console.webhook import WebhookPages
from challenge_web.limits import client_address
from challenge_web.pages import Pages
from challenge_web.public.held import HeldPages
from challenge_web.public.mail_number import NumberPages
from challenge_web.public.stop import StopPages
from gateway import assembly, verbs
from gateway.domain.address import normal_domain
from gateway.domain.roles import Role, Viewer
from gateway.entrance import Entrance, link_url, mailbox_names, public_urls
from gateway.flow.ask_again import AskAgain
from gateway.flow.courier import Courier
from gateway.flow.digest_choices import DigestChoices
from gateway.flow.expecting import Expecting
from gateway.flow.forward import Forwarder
from gateway.flow.held_links import HeldLinks
from gateway.flow.history import History
from gateway.flow.journal import Journal
from gateway.flow.list_import import ListFiles
from gateway.flow.list_preview import Previews
from gateway.flow.list_work import FileSaver
from gateway.flow.lists import Lists
from gateway.flow.moderate import Moderator
from gateway.flow.orders import Orders
from gateway.flow.overview import HopWatch, Overview
from gateway.flow.policies import Policies
from gateway.flow.queue import Queue
from gateway.flow.read import Reading
from gateway.flow.receive_rules import own_domains
from gateway.flow.releases import Releases
from gateway.flow.sample_mail import SampleMail
from gateway.flow.saved_searches import SavedSearches
from gateway.flow.sources import Sources
from gateway.flow.texts import TextDesk, TextEditor, TextKind
from gateway.flow.user_rights import LimitedSessions, LimitedTokens
from gateway.flow.waiting_from import WaitingFrom
from gateway.flow.watch import Watch
from gateway.flow.webhook import Webhook
from gateway.letters import LetterWriter
from gateway.reading.reader import Reader
from gateway.relay.notice_letter import NOTICE_VARIABLES
from gateway.relay.templates import VARIABLES
from gateway.requests_and_notices import make_forwarder
from gateway.settings import Settings
from gateway.store.store import Store


@dataclass(frozen=True, slots=True)
class Parts:
    """What the rooms are made of."""

    settings: Settings
    store: Store
    entrance: Entrance
    moderator: Moderator
    asker: AskAgain
    overview: Overview
    texts: Mapping[TextKind, TextDesk]
    journal: Journal
    history: History
    policies: Policies
    expecting: Expecting
    queue: Queue
    orders: Orders
    sources: Sources
    reader: Reader
    reading: Reading
    forwarder: Forwarder
    releases: Releases
    digest_choices: DigestChoices
    links: HeldLinks
    webhook: Webhook
    now: Callable[[], float]


def make_parts(
    settings: Settings,
    store: Store,
    entrance: Entrance,
    letters: LetterWriter,
    hops: HopWatch,
    queue: Queue,
    orders: Orders,
    webhook: Webhook,
    releases: Releases,
    *,
    courier: Courier,
    now: Callable[[], float],
    wake_deliveries: Callable[[], None],
    wake_challenges: Callable[[], None],
) -> Parts:
    """Make the services that only the console has."""
    reader = Reader()
    reading = Reading(store, reader, [Role(name) for name in settings.console.attachments])
    policies = verbs.make_policies(settings, store, letters.languages(), now, orders.wake)
    return Parts(
        settings=settings,
        store=store,
        entrance=entrance,
        moderator=Moderator(store, now=now, wake_deliveries=wake_deliveries),
        asker=verbs.make_ask_again(settings, store, now, wake_challenges),
        overview=Overview(
            store,
            hops,
            domains=own_domains(settings.domains.names),
            max_per_hour=settings.challenge.max_per_hour,
            now=now,
            wake_challenges=wake_challenges,
        ),
        texts=_text_desks(settings, store, letters, courier, now),
        journal=Journal(store, now=now),
        history=verbs.make_history(settings, store, now),
        policies=policies,
        expecting=verbs.make_expecting(settings, store, now),
        queue=queue,
        orders=orders,
        sources=Sources(store, now=now, wake_deliveries=wake_deliveries),
        reader=reader,
        reading=reading,
        forwarder=make_forwarder(settings, store, reading, courier, now),
        releases=releases,
        digest_choices=verbs.make_digest_choices(settings, store, letters.languages(), now),
        links=HeldLinks(assembly.digest_rules(settings), store, policies, now=now, wake_deliveries=wake_deliveries),
        webhook=webhook,
        now=now,
    )


def console_rooms(parts: Parts, pages: ConsolePages, cookie: Cookie, client_of: ClientOf) -> list[Room]:
    """Make every room."""
    view = MailView(parts.reading, parts.forwarder, parts.queue, now=parts.now)
    searches, scored = SavedSearches(parts.store, now=parts.now), bool(parts.settings.evidence.score_field)
    files = ListFiles(parts.store, now=parts.now)
    return [
        *_entrance_rooms(parts, pages, cookie, client_of),
        HomePages(),
        PendingPages(parts.queue, parts.orders, parts.sources, view, pages, searches, now=parts.now, scored=scored),
        SavedSearchPages(searches, pages),
        MessagePages(view, parts.asker, parts.releases, pages),
        ReleasePages(parts.releases, parts.forwarder, pages),
        ListPages(
            Lists(parts.store, parts.settings.console.undo_seconds, now=parts.now),
            WaitingFrom(parts.store, parts.orders),
            pages,
        ),
        ListFilePages(files, Previews(files), _saver(parts), pages),
        AccountsPages(
            parts.entrance.accounts, parts.entrance.sessions, functools.partial(link_url, parts.settings), pages
        ),
        OverviewPages(parts.overview, parts.moderator, pages),
        WebhookPages(parts.webhook, pages),
        TextPages(parts.texts, pages),
        LogPages(parts.journal, pages),
        HistoryPages(parts.history, pages),
        PolicyPages(parts.policies, pages),
        ExpectingPages(parts.expecting, pages, now=parts.now),
        DigestPages(parts.digest_choices, pages),
    ]


def _entrance_rooms(parts: Parts, pages: ConsolePages, cookie: Cookie, client_of: ClientOf) -> list[Room]:
    entrance, settings = parts.entrance, parts.settings
    sign_in = SignInPages(
        entrance.sign_in,
        entrance.second_factor,
        entrance.sessions,
        cookie,
        client_of,
        pages,
        links=settings.sign_in.links,
        cookie_seconds=entrance.sessions.lifetimes.longest,
    )
    return [
        sign_in,
        *_other_ways(parts, sign_in, pages, cookie),
        ProofPages(entrance.proof, cookie, client_of, pages, entrance.sessions.lifetimes.longest),
        AccountPages(
            entrance.own_account,
            entrance.second_factor,
            entrance.sessions,
            cookie,
            client_of,
            pages,
            entrance.sessions.lifetimes.longest,
        ),
        TokenPages(entrance.tokens, pages),
    ]


def _other_ways(parts: Parts, sign_in: SignInPages, pages: ConsolePages, cookie: Cookie) -> list[Room]:
    """Make the pages of the ways to sign in that ask nothing on ours."""
    entrance, settings = parts.entrance, parts.settings
    ways: list[OpenidPages | ProxySignIn] = []
    if entrance.openid is not None:
        label = settings.sign_in_openid.label
        urls = public_urls(settings)
        ways.append(
            OpenidPages(entrance.openid, entrance.sign_in, sign_in, pages, urls, secure=cookie.secure, label=label)
        )
    proxy = settings.sign_in_proxy
    if proxy.header:
        names = mailbox_names(settings, proxy.domain)
        ways.append(ProxySignIn(entrance.sign_in, sign_in, proxy.header, proxy.proxies, names))
    for way in ways:
        sign_in.also(way.offer)
    return [*ways]


def _saver(parts: Parts) -> FileSaver:
    return FileSaver(parts.store, now=parts.now, wake=parts.orders.wake)


def api_resources(parts: Parts) -> list[Resource]:
    """Make every resource of the API, each on the service of its room."""
    entrance = parts.entrance
    return [
        PendingResource(parts.queue, parts.orders, parts.sources),
        SavedSearchResource(SavedSearches(parts.store, now=parts.now)),
        MessageResource(parts.reading, parts.forwarder, parts.queue, parts.asker),
        ReleaseResource(parts.releases, parts.forwarder),
        ListResource(Lists(parts.store, parts.settings.console.undo_seconds, now=parts.now)),
        ListFileResource(ListFiles(parts.store, now=parts.now), _saver(parts)),
        PolicyResource(parts.policies),
        ExpectingResource(parts.expecting),
        DigestResource(parts.digest_choices),
        TemplateResource(parts.texts),
        OverviewResource(parts.overview, parts.moderator),
        WebhookResource(parts.webhook),
        AccountsResource(entrance.accounts, functools.partial(link_url, parts.settings)),
        OwnResource(entrance.own_account, entrance.sessions, entrance.tokens),
        JournalResource(parts.journal),
        HistoryResource(parts.history),
    ]


def open_api(
    app: web.Application, pages: Pages, parts: Parts, *, tick: Callable[[], float] = time.monotonic
) -> tuple[Operation, ...]:
    """Add the API to the application of the public pages."""
    key: list[bytes] = []

    async def site_key() -> bytes:
        if not key:
            key.append(await parts.store.key("api"))
        return key[0]

    door = Door(
        LimitedTokens(parts.entrance.tokens, parts.policies),
        parts.entrance.kept_answers,
        parts.journal,
        _client_of(parts.settings),
        key=site_key,
        per_minute=parts.settings.api.requests_per_minute,
        tick=tick,
    )
    return add_api(app, pages, api_resources(parts), door)


def _client_of(settings: Settings) -> ClientOf:
    """Return what tells a request's address, behind trusted proxies too."""

    def client_of(request: web.Request) -> str:
        peer = request.transport.get_extra_info("peername") if request.transport is not None else None
        forwarded = request.headers.getall("X-Forwarded-For", ())
        return client_address(peer[0] if isinstance(peer, tuple) else "", forwarded, settings.web.trusted_proxies)

    return client_of


def open_console(app: web.Application, pages: Pages, parts: Parts, watch: Watch) -> tuple[Route, ...]:
    """Add the console to the application of the public pages."""

    async def close_reader(app: web.Application) -> None:
        await parts.reader.close()

    app.on_cleanup.append(close_reader)
    HeldPages(parts.links, parts.releases, parts.reading, pages, now=parts.now).add_to(app)
    StopPages(parts.links, pages).add_to(app)
    NumberPages(parts.releases, pages).add_to(app)
    web_settings, entrance = parts.settings.web, parts.entrance
    cookie = Cookie(secure=web_settings.public_url.startswith("https://"))

    client_of = _client_of(parts.settings)

    def calls(viewer: Viewer) -> list[Call]:
        return [Call(need.text, f"console/{need.path}", need.grave) for need in watch.needs_of(viewer)]

    rooms = console_rooms(parts, ConsolePages(pages, calls), cookie, client_of)
    sessions = LimitedSessions(entrance.sessions, parts.policies)
    return add_console(app, rooms, sessions, cookie, client_of, parts.journal, entrance.hosts)


def _text_desks(
    settings: Settings, store: Store, letters: LetterWriter, courier: Courier, now: Callable[[], float]
) -> Mapping[TextKind, TextDesk]:
    domains = [normal_domain(name) for name in settings.domains.names]

    def desk(kind: TextKind, variables: Mapping[str, str]) -> TextDesk:
        workshop = letters.workshop(kind)
        editor = TextEditor(store, workshop, assembly.policy(settings), domains=domains, now=now, kind=kind)
        return TextDesk(editor, SampleMail(workshop.sample_mail, courier).send, tuple(variables.items()))

    return {kind: desk(kind, words) for kind, words in zip(TextKind, (VARIABLES, NOTICE_VARIABLES), strict=True)}
