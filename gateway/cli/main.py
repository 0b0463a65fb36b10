"""`challenge-gateway`: all its commands, and how their errors look."""

from __future__ import annotations

import importlib
import logging
import os
import sys
from collections.abc import Callable

import click

from gateway import __version__
from gateway.flow.ports import StoreDown
from gateway.settings import SettingsError

NAME = "challenge-gateway"

COMMANDS = {
    "serve": "gateway.cli.serve:serve",
    "demo": "gateway.cli.serve:demo",
    "check-config": "gateway.cli.serve:check_config",
    "pending": "gateway.cli.pending:pending",
    "lists": "gateway.cli.lists:lists",
    "challenges": "gateway.cli.upkeep:challenges",
    "db": "gateway.cli.upkeep:db",
    "audit": "gateway.cli.upkeep:audit",
    "explain": "gateway.cli.explain:explain",
}
"""Command → where it is. Imported when it is used: the whole gateway takes a second, a list entry should not."""


class Commands(click.Group):
    """The commands, each imported when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return their names in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return one, or None."""
        place = COMMANDS.get(cmd_name)
        if place is None:
            return None
        module, _, attribute = place.partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name=NAME)
def cli() -> None:
    """A challenge-response mail gateway: hold what is unknown, ask its sender, deliver what is answered."""


def main() -> None:
    """Run the command line; an error is one line that says what to do, and a status other than 0."""
    sys.exit(guarded(lambda: cli.main(prog_name=NAME, standalone_mode=False)))


def guarded(command: Callable[[], object]) -> int:
    """Run a command; print its errors as people read them; return the exit status."""
    try:
        status = command()
        return status if isinstance(status, int) else 0
    except SettingsError as fault:
        _say(str(fault))
        return 2
    except click.UsageError as fault:
        usage = f" ({fault.ctx.command_path} --help says more)" if fault.ctx else ""
        _say(fault.format_message() + usage)
        return 2
    except click.ClickException as fault:
        _say(fault.format_message())
        return 1
    except StoreDown as fault:
        _say(f"the store cannot be used: {fault}")
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does. Nothing more can be said there.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    except OSError as fault:
        _say(f"{fault.filename}: {fault.strerror}" if fault.filename else str(fault))
        return 1
    except Exception as fault:
        logging.getLogger("gateway.cli").debug("a command failed", exc_info=True)
        _say(f"this is a fault of the program, please report it: {type(fault).__name__}: {fault}")
        return 70


def _say(text: str) -> None:
    for line in text.splitlines():
        click.echo(f"{NAME}: {line}", err=True)
