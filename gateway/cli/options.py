"""Options that commands share, and how they reach the settings."""

from __future__ import annotations

import os
from pathlib import Path

import click

from gateway.cli.faults import WrongUse
from gateway.settings import Settings, load

INSTALLED = Path("/etc/challenge-gateway/gateway.toml")
VARIABLE = "GATEWAY_CONFIG"
LARGEST_ID = 2**63 - 1
"""SQLite has no larger numbers."""


class RowId(click.IntRange):
    """The number of a row, as the lists show it."""

    name = "id"

    def __init__(self) -> None:
        super().__init__(1, LARGEST_ID)


PRIVATE = 0o077
"""Mask for new files: a store holds other people's mail."""

_NAMED = "gateway.config"
"""Where the words of one command line keep the file, for those that come later."""


def _remembered(ctx: click.Context, _param: click.Parameter, named: Path | None) -> None:
    if named is not None:
        ctx.meta[_NAMED] = named


def _found(ctx: click.Context, _param: click.Parameter, named: Path | None) -> Path | None:
    """Return the file named last: behind the command, before it, or by the environment."""
    if named is not None:
        return named
    earlier: Path | None = ctx.meta.get(_NAMED)
    if earlier is None and (text := os.environ.get(VARIABLE)):
        return Path(text)
    return earlier


_FILE = click.Path(path_type=Path, dir_okay=False)
_HELP = f"The configuration file. Without it: {VARIABLE}, or {INSTALLED}."

config_option = click.option("--config", "config", type=_FILE, metavar="FILE", callback=_found, help=_HELP)
"""For a command, which gets it as `config`."""
early_config_option = click.option(
    "--config", "config", type=_FILE, metavar="FILE", callback=_remembered, expose_value=False, help=_HELP
)
"""For a word in front of a command, which then knows the file as if it stood behind it."""
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON.")


def settings_of(config: Path | None, *, serving: bool = False) -> Settings:
    """Return the settings of the file that was named, or of the installed one. Raises SettingsError, WrongUse."""
    if config is None:
        if not INSTALLED.exists():
            raise WrongUse(f"name the configuration with --config FILE (or set {VARIABLE})")
        config = INSTALLED
    # The variable that names the file is none of its settings.
    environ = {name: value for name, value in os.environ.items() if name != VARIABLE}
    return load(config, environ, serving=serving)


CLIENT = "command line"
"""From where the journal says that something was done, where the console writes an address."""


def actor() -> str:
    """Who acts, for the audit trail."""
    return f"cli:{os.environ.get('SUDO_USER') or os.environ.get('USER') or os.getuid()}"
