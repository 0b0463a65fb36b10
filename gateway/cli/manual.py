"""`manual`: the pages for man(1), written from the commands and the settings themselves."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import click

from gateway.cli import roff
from gateway.cli.faults import WrongUse
from gateway.cli.options import INSTALLED, VARIABLE, config_option
from gateway.cli.output import on_terminal

NAME = "challenge-gateway"
SETTINGS = "challenge-gateway.toml"
_SENTENCE = "a challenge-response mail gateway"
_STATUS = (
    ("0", "It is done; also where a list is empty."),
    (
        "1",
        "Something could not be done, or `audit` and `db check` found something to do. What else was asked for was done.",
    ),
    ("2", "It was called wrongly, or the configuration has a fault."),
    ("70", "A fault of the program: please report it."),
    ("130", "It was ended by Ctrl-C."),
)
_OUTPUT = (
    "On a terminal, tables that fit its width; in a pipe, one line for each row, cells parted by one tab, with a first line of "
    "titles; with `--json`, one JSON document. Times are UTC; in JSON, seconds since the epoch. Whatever comes from mail is "
    "escaped on every way. Notes and progress go to standard error. An error is one line there that says what to do."
)
_BESIDE = (
    "Every command works beside the running service, on the same store: a new entry counts for the next message, and released "
    "mail leaves within a second. Run commands as the user of the service. What they change stands in the log."
)


@click.command()
@config_option
@click.option("--configuration", is_flag=True, help="The page about the configuration file, of section 5.")
@click.argument("name", metavar="[COMMAND]", default="")
@click.pass_context
def manual(ctx: click.Context, config: Path | None, configuration: bool, name: str) -> None:
    """Show the manual on a terminal; elsewhere print it as roff.

    COMMAND is one command; without it the page tells of all.
    """
    commands = ctx.find_root().command
    assert isinstance(commands, click.Group)
    if configuration and name:
        raise WrongUse("--configuration is a page of its own")
    if name and commands.get_command(ctx, name) is None:
        raise WrongUse(f"there is no command {name}; `challenge-gateway --help` lists them")
    text = settings_page() if configuration else commands_page(commands, name)
    reader = shutil.which("man")
    if reader is None or not on_terminal(sys.stdout):
        click.echo(text, nl=False)
        return
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "page.1"
        file.write_text(text, "utf-8")
        raise SystemExit(subprocess.run([reader, "-l", str(file)], check=False).returncode)  # noqa: S603 man, on our page


def commands_page(commands: click.Group, name: str = "") -> str:
    """Return the page of section 1. name: of one command; "" is all."""
    title = f"{NAME}-{name}" if name else NAME
    sentence = _SENTENCE
    if name:
        command = commands.get_command(click.Context(commands), name)
        assert command is not None
        sentence = (command.help or "").split("\n")[0].rstrip(".")
        sentence = sentence[:1].lower() + sentence[1:]
    return roff.page(title, 1, sentence, _body(commands, name))


def _body(commands: click.Group, name: str) -> Iterator[str]:
    # A command keeps the names of the help option that it is first read with.
    context = click.Context(commands, info_name=NAME, help_option_names=["-h", "--help"])
    yield ".SH SYNOPSIS"
    yield f"{roff.bold(NAME)} [{roff.bold('--config')} {roff.italic('FILE')}] {roff.italic(name or 'COMMAND')} ..."
    yield ".SH DESCRIPTION"
    if not name:
        yield from roff.paragraphs(commands.help or "")
        yield ".PP"
    yield from roff.lines(_BESIDE)
    yield ".SH COMMANDS"
    yield from roff.lines("Each takes `--config FILE`, in front of its name or behind, and `-h`, which explains it.")
    for one in [name] if name else commands.list_commands(context):
        command = commands.get_command(context, one)
        assert command is not None
        yield from _command(command, click.Context(command, info_name=one, parent=context), (one,))
    yield ".SH OUTPUT"
    yield from roff.lines(_OUTPUT)
    yield ".SH EXIT STATUS"
    for status, words in _STATUS:
        yield from roff.item(roff.bold(status), words)
    yield ".SH ENVIRONMENT"
    yield from roff.item(roff.bold(VARIABLE), "The configuration file, where no `--config` names one.")
    yield from roff.item(roff.bold("GATEWAY_SECTION_KEY"), "Any setting, in place of what the file says.")
    yield ".SH FILES"
    yield from roff.item(roff.italic(str(INSTALLED)), "The configuration file, where nothing names one.")
    yield ".SH SEE ALSO"
    also = [f"{roff.bold(SETTINGS)}(5)", *([f"{roff.bold(NAME)}(1)"] if name else [])]
    yield ",\n".join(also)


def _command(command: click.Command, context: click.Context, words: tuple[str, ...]) -> Iterator[str]:
    """Yield a command: a group as a heading with its commands below, another as one item."""
    if len(words) == 1:
        yield f".SS {roff.plain(words[0])}"
    if isinstance(command, click.Group):
        yield from roff.paragraphs(command.help or "")
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from _command(below, click.Context(below, info_name=name, parent=context), (*words, name))
        return
    usage = " ".join(_argument(piece) for piece in command.collect_usage_pieces(context) if piece != "[OPTIONS]")
    yield from roff.item(f"{roff.bold(' '.join(words))} {usage}".rstrip(), command.help or "")
    told = [
        record
        for parameter in command.params
        if isinstance(parameter, click.Option) and parameter.name != "config"
        and (record := parameter.get_help_record(context)) is not None
    ]  # fmt: skip
    if told:
        yield ".RS"
        for option, sentence in told:
            yield from roff.item(_option(option), sentence.replace("  [", " ["))
        yield ".RE"


def _argument(piece: str) -> str:
    """Return an argument as it is written: a word to be typed as it stands in bold, a name for one in italics."""
    return roff.bold(piece) if piece.islower() else roff.italic(piece)


def _option(words: str) -> str:
    return " ".join(roff.bold(word) if word.startswith("-") else roff.italic(word) for word in words.split())


def settings_page() -> str:
    """Return the page of section 5, from the settings' own words."""
    return roff.page(SETTINGS, 5, f"configuration of {NAME}", _settings())


def _settings() -> Iterator[str]:
    # Imported here: no other command needs to read the source of the settings.
    from gateway.settings.kinds import describe, toml
    from gateway.settings.reference import entries

    yield ".SH DESCRIPTION"
    yield from roff.paragraphs(
        f"All settings stand in one TOML file, named with `--config FILE` or by `{VARIABLE}`, else `{INSTALLED}`. Leave out what "
        "you do not change.\n\n"
        "Paths are relative to the folder of the file. Each key can be set as `GATEWAY_SECTION_KEY` in the environment, which "
        "wins over the file. Secrets are kept in files of their own; a setting names the file. `challenge-gateway check-config` "
        "names every fault with its file, its key and what to write instead; a key that does not exist is a fault."
    )
    yield ".SH SETTINGS"
    for name, sentence, listed in entries():
        yield f".SS [{roff.plain(name)}]"
        yield from roff.lines(sentence)
        for entry in listed:
            text = f"{entry.sentence}\n\nTo write: {describe(entry.kind)}. Default: `{toml(entry.default)}`"
            yield from roff.item(roff.bold(entry.key), text)
    yield ".SH FILES"
    yield from roff.item(roff.italic(str(INSTALLED)), "The file, where nothing names one.")
    yield ".SH SEE ALSO"
    yield f"{roff.bold(NAME)}(1)"
