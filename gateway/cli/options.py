"""Options that commands share, and how they reach the settings and the store."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

import click

from gateway.settings import Settings, load
from gateway.store.schema import Age, age
from gateway.store.store import Store

T = TypeVar("T")

INSTALLED = Path("/etc/challenge-gateway/gateway.toml")

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path, dir_okay=False),
    envvar="GATEWAY_CONFIG",
    metavar="FILE",
    help=f"The configuration file. Without it: GATEWAY_CONFIG, or {INSTALLED}.",
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


class CommandError(click.ClickException):
    """What was asked cannot be done; the text says what to do instead."""


def settings_of(config: Path | None, *, serving: bool = False) -> Settings:
    """Return the settings of the file that was named, or of the installed one. Raises SettingsError, CommandError."""
    if config is None:
        if not INSTALLED.exists():
            raise CommandError("name the configuration with --config FILE (or set GATEWAY_CONFIG)")
        config = INSTALLED
    # The variable that names the file is none of its settings.
    environ = {name: value for name, value in os.environ.items() if name != "GATEWAY_CONFIG"}
    return load(config, environ, serving=serving)


def with_store(config: Path | None, work: Callable[[Store], Awaitable[T]]) -> T:
    """Open the store of a configuration, run work on it, close it."""
    url = settings_of(config).store.url
    if age(url) is Age.EMPTY:
        raise CommandError("there is no store yet: start the service once, or run `challenge-gateway db upgrade`")

    async def run() -> T:
        store = Store(url)
        try:
            return await work(store)
        finally:
            await store.close()

    return asyncio.run(run())


def actor() -> str:
    """Who acts, for the audit trail."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"
