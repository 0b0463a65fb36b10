"""`demo`: a gateway between a stranger and a mailbox, to be looked at in a browser."""

from __future__ import annotations

import errno
import functools
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path

import click
import msgspec
from aiohttp import web

from challenge_web.demo.routes import add_demo_routes
from challenge_web.demo.view import Held
from gateway import log
from gateway.cli.demo_accounts import DemoAccounts
from gateway.cli.demo_samples import put_samples
from gateway.demo.world import LOG_FORMAT, LOG_LEVEL, Places, World, banner, settings_for
from gateway.domain.lifecycle import ChallengeState, State
from gateway.service import Service
from gateway.settings import Endpoint, Settings
from gateway.store import views
from gateway.store.transaction import Transaction

_DRAIN_SECONDS = 2.0
_PLACE_TRIES = 10
_ROWS = 100


class RunningGateway:
    """Implements `challenge_web.demo.view.DemoView`."""

    def __init__(self, service: Service, places: Places) -> None:
        self._service = service
        self._places = places
        self._accounts = DemoAccounts(service)

    @property
    def smtp(self) -> Endpoint:
        """Where it takes mail."""
        return self._places.smtp

    @property
    def public_url(self) -> str:
        """Address of its pages."""
        return self._service.settings.web.public_url

    async def enter(self, who: str, client: str, agent: str) -> str:
        """Sign somebody in, without a question, and return the session's secret."""
        return await self._accounts.enter(who, client, agent)

    async def pending_for(self, sender: str) -> Sequence[Held]:
        """Return what was held from this reverse-path, the newest first."""
        return await self._service.store.look(lambda tx: _pending_for(tx, sender))


def _pending_for(tx: Transaction, sender: str) -> list[Held]:
    rows = views.list_pending(tx.connection, views.Filter(sender=sender, most=_ROWS))
    details = (views.show_pending(tx.connection, row.id) for row in rows)
    return [
        Held(
            id=detail.row.id,
            recipient=detail.row.recipient,
            message_id=detail.mail_id,
            state=State(detail.row.state),
            reason=detail.row.reason,
            silence=detail.row.silence,
            challenge=ChallengeState(detail.row.challenge) if detail.row.challenge else None,
            evidence=detail.evidence,
            expires_at=detail.row.expires_at,
        )
        for detail in details
        if detail is not None
    ]


async def start_gateway(
    world: World, tried: Settings | None = None, choose: Callable[[], Places] = Places.choose
) -> tuple[Service, Places]:
    """Start the demo's gateway where nobody else is, and return it with its places. tried: see `run_demo`.

    Between the look and the start another program may take a place, as a second demo that starts at the same time: then
    it looks again. Raises what `Service.start` raises.
    """
    for left in reversed(range(_PLACE_TRIES)):
        places = choose()
        settings = settings_for(world, places)
        if tried is not None:
            settings = msgspec.structs.replace(settings, challenge=tried.challenge, pending=tried.pending)
        try:
            return await Service.start(settings, functools.partial(_add_pages, world, places)), places
        except OSError as fault:
            if fault.errno != errno.EADDRINUSE or not left:
                raise
    raise AssertionError("unreachable")


def _add_pages(world: World, places: Places, service: Service, app: web.Application) -> None:
    add_demo_routes(app, world, RunningGateway(service, places))


async def run_demo(
    state: Path | None, until_ended: Callable[[], Awaitable[object]], tried: Settings | None = None
) -> None:
    """Run the demo until the user ends it.

    state: a folder that is kept; None for one that goes with the demo. tried: settings whose challenges and waiting
    are to be tried; None for the demo's own.
    """
    async with World(state) as world:
        handler = log.setup(LOG_LEVEL, LOG_FORMAT)
        service, places = await start_gateway(world, tried)
        try:
            await put_samples(service, time.time)
            click.echo(banner(places.web, places.smtp))
            await until_ended()
        finally:
            await service.stop(_DRAIN_SECONDS)
            handler.close()
