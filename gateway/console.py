"""The rooms of the console and the resources of the API, each with the service behind it."""

from __future__ import annotations

import functools
import time
from collections.abc import Callable

from aiohttp import web

from challenge_web.api.account import JournalResource, OwnResource
from challenge_web.api.accounts import AccountsResource
from challenge_web.api.app import add_api
from challenge_web.api.digests import DigestResource
from challenge_web.api.expecting import ExpectingResource
from challenge_web.api.gate import ApiGate
from challenge_web.api.history import HistoryResource
from challenge_web.api.list_files import ListFileResource
from challenge_web.api.lists import ListResource
from challenge_web.api.machine_mail import MachineMailResource
from challenge_web.api.message_content import MessageContentResource
from challenge_web.api.messages import MessageResource
from challenge_web.api.operations import Operation, Resource
from challenge_web.api.orders import OrderResource
from challenge_web.api.overview import OverviewResource
from challenge_web.api.pending import PendingResource
from challenge_web.api.policies import PolicyResource
from challenge_web.api.releases import ReleaseResource
from challenge_web.api.searches import SavedSearchResource
from challenge_web.api.templates import TemplateResource
from challenge_web.api.webhook import WebhookResource
from challenge_web.client import address_of
from challenge_web.console.account import AccountPages
from challenge_web.console.accounts import AccountsPages
from challenge_web.console.app import add_console
from challenge_web.console.digests import DigestPages
from challenge_web.console.expecting import ExpectingPages
from challenge_web.console.gate import ClientOf, Cookie, Gate
from challenge_web.console.history import HistoryPages
from challenge_web.console.home import HomePages
from challenge_web.console.list_files import ListFilePages
from challenge_web.console.lists import ListPages
from challenge_web.console.log import LogPages
from challenge_web.console.machine_mail import MachineMailPages
from challenge_web.console.mail_view import MailView
from challenge_web.console.message import MessagePages
from challenge_web.console.openid import OpenidPages
from challenge_web.console.orders import OrderPages
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
from challenge_web.pages import Pages
from challenge_web.public.held import HeldPages
from challenge_web.public.mail_number import NumberPages
from challenge_web.public.stop import StopPages
from gateway.console_services import Parts
from gateway.domain.roles import Viewer
from gateway.entrance import link_url, mailbox_names, public_urls
from gateway.flow.list_import import ListFiles
from gateway.flow.list_preview import Previews
from gateway.flow.list_work import FileSaver
from gateway.flow.lists import Lists
from gateway.flow.saved_searches import SavedSearches
from gateway.flow.user_rights import LimitedSessions, LimitedTokens
from gateway.flow.waiting_from import WaitingFrom
from gateway.flow.watch import Watch
from gateway.settings import Settings


def console_rooms(parts: Parts, pages: ConsolePages, cookie: Cookie, client_of: ClientOf) -> list[Room]:
    """Make every room."""
    view = MailView(parts.reading, parts.forwarder, parts.queue, now=parts.now)
    searches, scored = SavedSearches(parts.store, now=parts.now), bool(parts.settings.evidence.score_field)
    files = ListFiles(parts.store, now=parts.now)
    return [
        *_entrance_rooms(parts, pages, cookie, client_of),
        HomePages(),
        PendingPages(parts.queue, parts.orders, view, pages, searches, now=parts.now, scored=scored),
        MachineMailPages(parts.queue, parts.sources, pages),
        OrderPages(parts.orders, pages, now=parts.now),
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
    )
    return [
        sign_in,
        *_other_ways(parts, sign_in, pages, cookie),
        ProofPages(entrance.proof, cookie, client_of, pages),
        AccountPages(
            entrance.own_account,
            entrance.second_factor,
            entrance.sessions,
            cookie,
            client_of,
            pages,
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
        PendingResource(parts.queue),
        MachineMailResource(parts.queue, parts.sources),
        OrderResource(parts.orders, parts.queue),
        SavedSearchResource(SavedSearches(parts.store, now=parts.now)),
        MessageResource(parts.reading, parts.forwarder, parts.queue, parts.asker),
        MessageContentResource(parts.reading),
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

    gate = ApiGate(
        LimitedTokens(parts.entrance.tokens, parts.policies),
        parts.entrance.kept_answers,
        parts.journal,
        _client_of(parts.settings),
        key=site_key,
        per_minute=parts.settings.api.requests_per_minute,
        tick=tick,
    )
    return add_api(app, pages, api_resources(parts), gate)


def _client_of(settings: Settings) -> ClientOf:
    """Return what tells a request's address, behind trusted proxies too."""
    return functools.partial(address_of, trusted=settings.web.trusted_proxies)


def open_console(app: web.Application, pages: Pages, parts: Parts, watch: Watch) -> tuple[Route, ...]:
    """Add the console to the application of the public pages."""

    async def close_reader(app: web.Application) -> None:
        await parts.reader.close()

    app.on_cleanup.append(close_reader)
    HeldPages(parts.links, parts.releases, parts.reading, pages, now=parts.now).add_to(app)
    StopPages(parts.links, pages).add_to(app)
    NumberPages(parts.releases, pages).add_to(app)
    entrance = parts.entrance
    secure = parts.settings.web.public_url.startswith("https://")
    cookie = Cookie(secure, entrance.sessions.lifetimes.longest)
    client_of = _client_of(parts.settings)

    def calls(viewer: Viewer) -> list[Call]:
        return [Call(need.text, f"console/{need.path}", need.grave) for need in watch.needs_of(viewer)]

    rooms = console_rooms(parts, ConsolePages(pages, calls), cookie, client_of)
    sessions = LimitedSessions(entrance.sessions, parts.policies)
    return add_console(app, rooms, Gate(sessions, cookie, client_of, parts.journal, entrance.hosts))
