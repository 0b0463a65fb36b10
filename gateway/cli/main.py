"""`challenge-gateway`: all its commands, and how their errors look."""

from __future__ import annotations

import gc
import importlib
import io
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path

import click
from click.shell_completion import CompletionItem

from gateway import __version__
from gateway.cli.completion import ASKED, NAME, answers
from gateway.cli.faults import store_words, system_words
from gateway.cli.options import early_config_option
from gateway.flow.ports import StoreDown
from gateway.log import escape
from gateway.settings import SettingsError


@dataclass(frozen=True, slots=True)
class Place:
    """Where a command is, and what it is for."""

    module: str
    attribute: str
    sentence: str
    """As its own help begins."""


COMMANDS = {
    "serve": Place("serve", "serve", "Run the gateway."),
    "demo": Place("serve", "demo", "Run the gateway with a small world around it, to be looked at in a browser."),
    "check-config": Place("serve", "check_config", "Check the configuration and what it names."),
    "overview": Place(
        "overview", "overview", "See how things stand: what came, what became of it, and what needs a person."
    ),
    "domains": Place("overview", "domains", "List our domains: the server behind each, and what came in the last day."),
    "pending": Place("pending", "pending", "Look at mail that waits, and settle it."),
    "orders": Place("orders", "orders", "Settle many mails at once, and undo that for some seconds."),
    "sources": Place("sources", "sources", "Let in, or keep out, newsletters and machines whose mail waits."),
    "searches": Place("searches", "searches", "See to the searches that an account keeps above its list."),
    "requests": Place("requests", "requests", "See who asks for the release of a mail, and decide."),
    "lists": Place("lists", "lists", "Manage allow and deny entries."),
    "policy": Place("policy", "policy", "See and choose what holds for the site, a domain or a recipient."),
    "templates": Place("templates", "templates", "See and change the words of challenges, and of notices."),
    "expect": Place("expect", "expect", "Let mail of proven strangers pass for a while."),
    "digest": Place("digest", "digest", "Tell people by mail what waits for them."),
    "account": Place("account", "account", "Manage who may sign in to the console."),
    "challenges": Place("challenges", "challenges", "Look at challenges, and send one again."),
    "outgoing": Place("outgoing", "outgoing", "Look at what is stuck on its way out, try it again or drop it."),
    "history": Place("history", "history", "See what became of each mail; export and erase an address."),
    "log": Place("journal", "log", "See who did what, in the console, by the API and at the command line."),
    "token": Place("token", "token", "Manage with what programs come in through the API."),
    "webhook": Place("webhook", "webhook", "See how the webhook stands, and try it out."),
    "db": Place("upkeep", "db", "Look after the store's schema."),
    "audit": Place("upkeep", "audit", "Check that nothing was lost and nothing was changed."),
    "explain": Place("explain", "explain", "Say what would be decided about a message, and why."),
    "manual": Place("manual", "manual", "Show the manual on a terminal; elsewhere print it as roff."),
    "completion": Place("completion", "completion", "Print the script that lets a shell complete commands."),
}
"""Each is imported when it is used: the whole gateway takes a second, a list entry or a page of help should not."""


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
        # Nothing of what an import makes is garbage: to look for it takes a tenth of the start.
        gc.disable()
        module = importlib.import_module(f"gateway.cli.{place.module}")
        gc.enable()
        command: click.Command = getattr(module, place.attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command that is meant, and name the nearest where there is none."""
        unknown = args[0] not in COMMANDS and not ctx.resilient_parsing
        if unknown and (near := get_close_matches(args[0], COMMANDS, 1)):
            ctx.fail(f"there is no command {args[0]!r}; the nearest is {near[0]}")
        return super().resolve_command(ctx, args)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem[str]]:
        """Return how a word in the place of a command could go on, without importing any."""
        begun = [(name, place.sentence) for name, place in COMMANDS.items() if name.startswith(incomplete)]
        found = [CompletionItem(name, help=sentence) for name, sentence in begun]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, place.sentence) for name, place in COMMANDS.items()])


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"]},
    epilog="Each takes --config FILE, in front of its name or behind, and works beside the running service. "
    "It ends with 0, with 1 where something could not be done, with 2 where it was called wrongly.",
)
@click.version_option(__version__, prog_name=NAME)
@early_config_option
def cli() -> None:
    """A challenge-response mail gateway: hold what is unknown, ask its sender, deliver what is answered."""


def main() -> None:
    """Run the command line; an error is one line that says what to do, and a status other than 0."""
    for stream in (sys.stdout, sys.stderr):
        # A terminal that cannot show a letter of a subject shows its number.
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    sys.exit(guarded(lambda: run(sys.argv[1:])))


def run(words: list[str]) -> object:
    """Run one command line, and return what its command returns."""
    if ASKED in os.environ:
        # Nothing is run: the shell asks how the last word could go on.
        click.echo("".join(f"{line}\n" for line in answers(cli, words)), nl=False)
        return 0
    # Not cli.main(): it would end with 1 where the reader of the output has gone.
    try:
        with cli.make_context(NAME, words) as context:
            return cli.invoke(context)
    except click.exceptions.Exit as end:
        return end.exit_code


def guarded(command: Callable[[], object]) -> int:
    """Run a command; print its errors as people read them; return the exit status."""
    status = _status(command)
    try:
        if sys.stdout is not None:
            sys.stdout.flush()
    except OSError as fault:
        if not isinstance(fault, BrokenPipeError) and not status:
            _say(system_words(fault))
            status = 1
        # What is left over must not be tried again when Python ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return status


def _status(command: Callable[[], object]) -> int:
    try:
        status = command()
        return status if isinstance(status, int) else 0
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else 1
    except SettingsError as fault:
        _say(str(fault))
        return 2
    except click.exceptions.NoArgsIsHelpError as asked:
        click.echo(asked.format_message(), err=True)
        return 2
    except click.ClickException as fault:
        context = fault.ctx if isinstance(fault, click.UsageError) else None
        _say(fault.format_message() + (f" ({context.command_path} --help says more)" if context else ""))
        return fault.exit_code
    except StoreDown as fault:
        _say(store_words(None, fault))
        return 1
    except (click.Abort, KeyboardInterrupt):
        return 130
    except BrokenPipeError:
        # The reader of our output has gone, as `head` does.
        return 0
    except OSError as fault:
        _say(system_words(fault))
        return 1
    except Exception as fault:
        place = traceback.extract_tb(fault.__traceback__)[-1]
        where = f"{Path(place.filename).name} line {place.lineno}"
        _say(f"this is a fault of the program, please report it: {type(fault).__name__} in {where}: {fault}")
        return 70


def _say(text: str) -> None:
    for line in text.splitlines():
        click.echo(f"{NAME}: {escape(line)}", err=True)
