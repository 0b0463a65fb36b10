"""`serve`, `demo` and `check-config`: running the gateway."""

from __future__ import annotations

import asyncio
import logging
import os
import signal
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import click
import msgspec

from gateway import log
from gateway.cli import systemd
from gateway.cli.faults import CommandError, system_words, told
from gateway.cli.options import PRIVATE, config_option, settings_of
from gateway.cli.signals import Signals
from gateway.doors.forked import Forked, fork_processes
from gateway.doors.supervisor import how_many
from gateway.flow.ports import StoreDown
from gateway.processes import collect_seldom, few_heaps, keep_standard_streams, run_loop
from gateway.relay.signer import KeyFault
from gateway.relay.template_parts import TemplateFault
from gateway.service import Service
from gateway.settings import Settings, SettingsError
from gateway.store.engine import sqlite_path

DRAIN_SECONDS = 30.0
"""How long mail in hand may take to end after SIGTERM; below systemd's default of 90."""
RELOADED = frozenset({"log.level"})
"""Settings that SIGHUP takes over. The files that others name are read anew as well."""

_log = logging.getLogger("gateway.cli")


@click.command()
@config_option
def serve(config: Path | None) -> None:
    """Run the gateway.

    SIGTERM ends it when the mail in hand is done, a second one ends it at once. SIGHUP reloads the certificate, the
    templates and the log level.
    """
    keep_standard_streams()
    settings = settings_of(config, serving=True)
    os.umask(PRIVATE)
    few_heaps()
    # Before there is a thread or a loop: the log has the first.
    doors = fork_processes(how_many(settings) - 1)
    handler = log.setup(settings.log.level, settings.log.format)
    # Tells every step of a migration as if it were news.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        with named_faults(settings):
            run_loop(_serve(settings, doors, lambda: settings_of(config, serving=True), handler))
    finally:
        handler.close()


async def _serve(
    settings: Settings, doors: Sequence[Forked], reread: Callable[[], Settings], handler: log.LineHandler
) -> None:
    def last_words(number: int) -> None:
        log.warning(_log, "ended-at-once", signal=signal.Signals(number).name)
        handler.close()

    signals = Signals.caught(last_words)
    service = await Service.start(settings, doors=doors)
    collect_seldom()
    status = "takes mail at " + ", ".join(f"{host}:{port}" for host, port in service.addresses)
    tasks = [asyncio.create_task(systemd.watchdog()), asyncio.create_task(_reloads(signals, service, reread, status))]
    systemd.ready(status)
    await tell_first_admin(service)
    try:
        await signals.ended.wait()
        systemd.stopping()
    finally:
        await service.stop(DRAIN_SECONDS)
        for task in tasks:
            task.cancel()


async def tell_first_admin(service: Service) -> None:
    """Print a link where no site admin has ever signed in. It goes to standard output: a log is read by many."""
    try:
        url = await service.first_admin_url()
    except StoreDown as down:
        # The next start has one; the mail does not wait for it.
        log.warning(_log, "store-down", worker="first admin", problem=str(down))
        return
    if url is not None:
        click.echo(f"No admin has signed in yet. Open this link once, within a day, to be the first: {url}")


async def _reloads(signals: Signals, service: Service, reread: Callable[[], Settings], status: str) -> None:
    while True:
        await signals.reload.wait()
        signals.reload.clear()
        systemd.reloading()
        try:
            await _reload(service, reread)
        except Exception:
            # Our own fault, and none that should stop the mail.
            log.bug(_log, "not-reloaded")
        systemd.ready(status)


async def _reload(service: Service, reread: Callable[[], Settings]) -> None:
    """Take over what can change; with any fault, all that runs stays as it is."""
    try:
        settings = reread()
        with named_faults(service.settings):
            # All files first: not the new templates with the old certificate.
            Service.check(service.settings)
            await service.reload(settings)
    except (CommandError, SettingsError) as fault:
        log.warning(_log, "not-reloaded", problem=str(fault))
        return
    if waiting := sorted(differences(service.settings, settings) - RELOADED):
        log.warning(_log, "restart-needed", settings=waiting)


def differences(old: Settings, new: Settings) -> set[str]:
    """Return the dotted keys whose values differ."""
    return {
        f"{section.name}.{key.name}"
        for section in msgspec.structs.fields(old)
        for key in msgspec.structs.fields(getattr(old, section.name))
        if getattr(getattr(old, section.name), key.name) != getattr(getattr(new, section.name), key.name)
    }


@click.command()
@config_option
@click.option("--state", type=click.Path(path_type=Path, file_okay=False), help="Keep the demo's mail in this folder.")
def demo(config: Path | None, state: Path | None) -> None:
    """Run the gateway with a small world around it, to be looked at in a browser.

    Of a configuration file it takes the sections challenge and pending, to try them; the rest is the demo's own.
    """
    run_loop(_demo(state, None if config is None else settings_of(config)))


async def _demo(state: Path | None, tried: Settings | None) -> None:
    # Imported here: only the demo needs it.
    from gateway.cli.demo import run_demo

    await run_demo(state, Signals.caught().ended.wait, tried)


@click.command("check-config")
@config_option
def check_config(config: Path | None) -> None:
    """Check the configuration and what it names.

    Each fault is a line with file and key.
    """
    settings = settings_of(config, serving=True)
    with named_faults(settings):
        Service.check(settings)
    click.echo("the configuration is good")


@contextmanager
def named_faults(settings: Settings) -> Iterator[None]:
    """Let what hinders the service leave as CommandError, in the words of the settings."""
    try:
        with told(sqlite_path(settings.store.url)):
            yield
    except TemplateFault as fault:
        raise CommandError(f"a mail template: {fault}") from fault
    except KeyFault as fault:
        raise CommandError(f"challenge.dkim_key_file: {fault}") from fault
    except ssl.SSLError as fault:
        smtp = settings.smtp
        raise CommandError(
            f"smtp.tls_certificate, smtp.tls_key: {smtp.tls_certificate} and {smtp.tls_key} are not a certificate "
            f"and its key in PEM ({fault.reason or fault})"
        ) from fault
    except OSError as fault:
        raise CommandError(system_words(fault)) from fault
