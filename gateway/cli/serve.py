"""`serve`, `demo` and `check-config`: running the gateway."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys
from collections.abc import Awaitable, Callable, Coroutine
from pathlib import Path
from typing import Any

import click

from gateway import log
from gateway.cli.options import config_option, settings_of
from gateway.service import Service
from gateway.settings import Settings

DRAIN_SECONDS = 30.0
"""How long mail in hand may take to end after SIGTERM; below systemd's default of 90."""


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the gateway until SIGTERM; SIGHUP reloads certificates, templates and the log level."""
    settings = settings_of(config, serving=True)
    handler = log.setup(settings.log.level, settings.log.format)
    try:
        run_loop(_serve(settings, lambda: settings_of(config, serving=True)))
    finally:
        handler.close()


async def _serve(settings: Settings, reread: Callable[[], Settings]) -> None:
    service = await Service.start(settings)
    try:
        watchdog = asyncio.create_task(_watchdog())
        notify("READY=1")
        await until_signal(lambda: service.reload(reread()))
        notify("STOPPING=1")
        watchdog.cancel()
    finally:
        await service.stop(DRAIN_SECONDS)


@click.command()
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Keep the demo's mail in this folder.")
def demo(state: Path | None) -> None:
    """Run the gateway with a small world around it, to be looked at in a browser."""
    # Imported here: only the demo needs it.
    from gateway.cli.demo import run_demo

    run_loop(run_demo(state, until_signal))


@click.command("check-config")
@config_option
def check_config(config: Path | None) -> None:
    """Check the configuration and the templates it names; each fault is named with file and key."""
    settings = settings_of(config, serving=True)
    Service.check(settings)
    click.echo("the configuration is good")


def run_loop(main: Coroutine[Any, Any, None]) -> None:
    """Run until done, on uvloop where it is installed."""
    try:
        import uvloop

        factory: Callable[[], asyncio.AbstractEventLoop] | None = uvloop.new_event_loop
    except ImportError:
        factory = None
    with asyncio.Runner(loop_factory=factory) as runner:
        runner.run(main)


async def until_signal(reload: Callable[[], Awaitable[None]] | None = None) -> None:
    """Wait for SIGTERM or SIGINT; run `reload` at each SIGHUP."""
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()
    reloads: set[asyncio.Task[None]] = set()

    def reread() -> None:
        if reload is not None:
            task = loop.create_task(_guarded(reload))
            reloads.add(task)
            task.add_done_callback(reloads.discard)

    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    loop.add_signal_handler(signal.SIGHUP, reread)
    await ended.wait()


async def _guarded(reload: Callable[[], Awaitable[None]]) -> None:
    try:
        notify("RELOADING=1")
        await reload()
    except Exception as fault:
        # The running settings stay: a slip in the file must not stop the mail.
        click.echo(f"challenge-gateway: not reloaded: {fault}", err=True)
    finally:
        notify("READY=1")


async def _watchdog() -> None:
    """Tell systemd that the loop turns, twice in each period it asks for (sd_watchdog_enabled(3))."""
    period = int(os.environ.get("WATCHDOG_USEC", "0")) / 2_000_000
    while period:
        notify("WATCHDOG=1")
        await asyncio.sleep(period)


def notify(state: str) -> None:
    """Tell systemd (sd_notify(3)), where it listens."""
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address or sys.platform != "linux":
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as sender:
        try:
            sender.sendto(state.encode(), address)
        except OSError as fault:
            click.echo(f"challenge-gateway: systemd does not listen: {fault}", err=True)
