"""A console with all its rooms, a store with everything in it twice, and a session for each role."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientResponse, web

from challenge_web.api.operations import Operation
from challenge_web.console.gate import CSRF_FIELD, csrf_token
from challenge_web.console.routes import Names, Route
from challenge_web.pages import Pages
from gateway.console import open_api, open_console
from gateway.console_services import Shared, make_parts
from gateway.domain.address import Address
from gateway.domain.challenge import token_hash
from gateway.domain.lifecycle import Event, State
from gateway.domain.lists import Entry, Verdict
from gateway.domain.reply import Reply
from gateway.domain.roles import Role
from gateway.entrance import Entrance
from gateway.flow.account_ports import Account
from gateway.flow.accounts import operator
from gateway.flow.courier import Courier
from gateway.flow.describe import Describer
from gateway.flow.moderate import Action
from gateway.flow.order_ports import Wish
from gateway.flow.orders import Orders
from gateway.flow.overview_ports import HopState
from gateway.flow.ports import Hop
from gateway.flow.queue import Queue
from gateway.flow.releases import Asked
from gateway.flow.sessions import Arrival
from gateway.flow.watch import Watch
from gateway.flow.webhook_ports import Answer
from gateway.letters import LetterWriter
from gateway.requests_and_notices import make_releases
from gateway.settings import load
from gateway.store.store import Store
from gateway.store.transaction import Transaction as Tx
from gateway.webhook import make_webhook
from tests.store.fresh import fresh_store
from tests.store.letters import keep, message, row
from tests.unit.web.conftest import Client, MakeClient

NOW = 1_700_000_000.0
JOE, KIM = "joe@example.org", "kim@other.example"
ADMIN = operator("tests")


@dataclass
class House:
    """A console with everything in it twice: once for example.org and Joe, once for other.example and Kim."""

    client: Client
    routes: tuple[Route, ...]
    operations: tuple[Operation, ...]
    entrance: Entrance
    secrets: dict[Role, str]
    own: dict[Names, str]
    foreign: dict[Names, str]

    store: Store

    async def forget_proofs(self) -> None:
        """Let an hour pass since everybody showed who he is."""
        for secret in self.secrets.values():
            hashed = token_hash(secret)

            def age(tx: Tx, hashed: bytes = hashed) -> None:
                session = tx.sessions.find(hashed)
                assert session is not None
                tx.sessions.proven(session.id, hashed, NOW - 3600)

            await self.store.transact(age)

    async def ask(self, method: str, route: Route, role: Role | None, named: str) -> int:
        return (await self.answer(method, route, role, named)).status

    async def answer(self, method: str, route: Route, role: Role | None, named: str) -> ClientResponse:
        secret = self.secrets[role] if role is not None else ""
        path = re.sub(r"\{(?:id|scope|token)(?::[^{}]*(?:\{[^}]*\})?)?\}", named, route.path)
        path = re.sub(r"\{\w+(?::[^{}]*(?:\{[^}]*\})?)?\}", "1", path)
        assert "{" not in path, path
        answer = await self.client.request(
            method,
            path,
            data={CSRF_FIELD: csrf_token(secret)} if method == "POST" else None,
            headers={"Cookie": f"session={secret}"},
            allow_redirects=False,
        )
        await answer.read()
        return answer

    async def describe(self) -> None:
        """Put what was kept into the list, as the running service does."""
        describer = Describer(self.store)
        while await describer.run_once():
            pass

    def named(self, route: Route, role: Role, *, own: bool) -> str:
        if route.names is Names.SESSION and own:
            return "999999"  # One's own is the very session that asks.
        things = self.own if own else self.foreign
        if route.names is Names.SCOPE and role is Role.USER:
            return JOE if own else KIM  # A user has no domain, but the settings of his address.
        return things.get(route.names, "999999")


class Hops:
    async def states(self) -> list[HopState]:
        return [HopState("192.0.2.9:25", ("example.org",), True), HopState("192.0.2.9:26", (), False)]

    def of(self, domain: str) -> Hop:
        raise AssertionError("nothing is sent here")


async def _nothing_is_told(event_id: str, body: bytes, now: float) -> Answer:
    raise AssertionError("nothing is sent here")


async def _nothing_goes_out(*mail: object) -> Reply:
    raise AssertionError("nothing is sent here")


@pytest.fixture
async def house(tmp_path: Path, make_client: MakeClient) -> AsyncIterator[House]:
    async for opened in open_house(tmp_path, make_client):
        yield opened


async def open_house(tmp_path: Path, make_client: MakeClient, **more: object) -> AsyncIterator[House]:
    """Open the console, as an application that is made with more."""
    file = tmp_path / "gateway.toml"
    file.write_text(
        f"[domains]\nnames = ['example.org', 'other.example']\n[store]\nurl = 'sqlite:///{tmp_path}/g.db'\n"
        "[console]\nforward_to = ['abuse@example.org']\n[api]\nrequests_per_minute = 100000\n"
    )
    settings = load(file, {})
    store = fresh_store(settings.store.url)
    letters = LetterWriter(settings)
    orders = Orders(store, 10.0, now=lambda: NOW, wake=lambda: None)
    courier = Courier((), Hops().of, _nothing_goes_out, now=lambda: NOW, mark_key=b"")
    entrance = Entrance(
        settings, store, letters.sign_in, Hops().of, courier, now=lambda: NOW, wake_mail=lambda: None
    )  # fmt: skip
    shared = Shared(
        entrance, letters, Hops(), courier, Queue(store, now=lambda: NOW), orders,
        make_releases(store, b"k" * 32, lambda: NOW),
        make_webhook(settings, store, _nothing_is_told, lambda: NOW),
    )  # fmt: skip
    parts = make_parts(
        settings, store, shared, now=lambda: NOW, wake_deliveries=lambda: None, wake_challenges=lambda: None
    )
    routes: list[Route] = []
    operations: list[Operation] = []

    def add(app: web.Application, pages: Pages) -> None:
        routes.extend(open_console(app, pages, parts, Watch(store, Hops(), max_per_hour=100)))
        operations.extend(open_api(app, pages, parts))

    client = await make_client(add, **more)
    own, foreign, secrets = await _furnish(store, entrance, orders)
    yield House(client, tuple(routes), tuple(operations), entrance, secrets, own, foreign, store)
    await client.close()
    await store.close()


async def _furnish(
    store: Store, entrance: Entrance, orders: Orders
) -> tuple[dict[Names, str], dict[Names, str], dict[Role, str]]:
    """Put everything there twice; return what is Joe's, what is Kim's, and a session for each role."""
    found: list[dict[Names, str]] = []
    accounts, secrets = entrance.accounts, dict[Role, str]()
    for address in (JOE, KIM):
        more = await keep(store, message(f"More for {address}"), row(Address.of(address)))
        entry = Entry(Verdict.ALLOW, "ann@oak.example", address)
        account = await accounts.add(ADMIN, address, Role.USER)
        secret, session = await _begin(store, entrance, account)
        order = await orders.give(ADMIN, Wish(Action.DELETE, address), more.rows)
        assert order is not None
        found.append(
            {
                Names.ROW: str(await _stuck(store, address)),
                Names.ENTRY: str(await store.transact(_adding(entry))),
                Names.ORDER: str(order.id),
                Names.SCOPE: address.rpartition("@")[2],
                Names.ACCOUNT: str(account.id),
                Names.SESSION: str(session),
                Names.REQUEST: str(await _asked(store, address)),
            }
        )
        secrets.setdefault(Role.USER, secret)
    for role in (Role.DOMAIN_ADMIN, Role.AUDITOR, Role.SITE_ADMIN):
        domains = [] if role is Role.SITE_ADMIN else ["example.org"]
        account = await accounts.add(ADMIN, f"a-{role.value}", role, domains=domains)
        secrets[role] = (await _begin(store, entrance, account))[0]
    return found[0], found[1], secrets


def _adding(entry: Entry) -> Callable[[Tx], int]:
    return lambda tx: tx.lists.add(entry, "", "tests", None, NOW)


async def _stuck(store: Store, address: str) -> int:
    """Keep a mail that the next server has refused: it is on every page on which a mail can be."""
    kept = await keep(store, message(f"For {address}"), row(Address.of(address)))

    def refuse(tx: Tx) -> None:
        waiting = tx.pending.get(kept.rows[0])
        assert waiting is not None
        tx.pending.move(waiting, State.RELEASED, Event.DELIVER, "tests", NOW, "")
        tx.pending.claim(NOW, 5, 7, NOW + 60, NOW + 60)
        tx.pending.finish(waiting.id, 7, State.REFUSED, Event.REFUSED, "550 5.1.1 no", None, NOW)

    await store.transact(refuse)
    return kept.rows[0]


async def _asked(store: Store, address: str) -> int:
    """Keep a mail that somebody asks for."""
    kept = await keep(store, message(f"Asked for by {address}"), row(Address.of(address)))
    releases = make_releases(store, b"k" * 32, lambda: NOW)
    assert await releases.ask_for(ADMIN, kept.rows[0], "please") is Asked.SENT
    request = await releases.of_mail(ADMIN, kept.rows[0])
    assert request is not None
    return request.id


async def _begin(store: Store, entrance: Entrance, account: Account) -> tuple[str, int]:
    """Sign somebody in; return the session's secret and number."""
    secret = entrance.sessions.secret()
    arrival = Arrival("127.0.0.1", "tests")
    await store.transact(lambda tx: entrance.sessions.begin(tx, account, secret, "tests", "", arrival, proven=True))
    viewer = await entrance.sessions.viewer(secret, "127.0.0.1")
    assert viewer is not None
    return secret, viewer.session
