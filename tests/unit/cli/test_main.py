"""The command line as a whole: where --config may stand, how errors look, what the exit status says."""

from __future__ import annotations

import os
import sqlite3
import sys
from pathlib import Path

import click
import pytest

from gateway.cli.main import COMMANDS, cli, guarded
from gateway.flow.ports import StoreDown
from tests.unit.cli.shell import Outcome, Shell, streams


def told_in_one_line(outcome: Outcome) -> str:
    """Return the one line of an error."""
    assert outcome.out == ""
    assert outcome.err.count("\n") == 1, outcome.err
    assert outcome.err.startswith("challenge-gateway: ")
    assert "Traceback" not in outcome.err
    return outcome.err


def every_command(group: click.Group = cli) -> list[list[str]]:
    """Return the words of each command."""
    found = []
    for name in group.list_commands(click.Context(group)):
        command = group.get_command(click.Context(group), name)
        if isinstance(command, click.Group):
            found += [[name, *rest] for rest in every_command(command)]
        else:
            found.append([name])
    return found


# --- where the configuration may be named ---


@pytest.mark.parametrize("place", range(3))
def test_configuration_named_before_between_or_behind_the_words_is_used(shell: Shell, place: int) -> None:
    shell.hold()
    words = ["pending", "list", "--json"]
    words[place:place] = ["--config", str(shell.config)]
    assert [found["id"] for found in shell.line(words).data] == [1]


def test_configuration_named_twice_is_the_last(shell: Shell) -> None:
    assert shell.line(["--config", "none.toml", "pending", "list", "--config", str(shell.config)]).status == 0


def test_configuration_named_by_the_environment_gives_way_to_words(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GATEWAY_CONFIG", str(shell.config))
    assert shell.line(["lists", "show"]).status == 0
    assert "none.toml" in told_in_one_line(shell.line(["--config", "none.toml", "lists", "show"]))
    assert "none.toml" in told_in_one_line(shell.line(["lists", "show", "--config", "none.toml"]))


def test_configuration_of_one_line_is_forgotten_with_it(shell: Shell) -> None:
    assert shell.line(["--config", str(shell.config), "lists", "show"]).status == 0
    assert shell.line(["lists", "show"]).status == 2


def test_configuration_not_named_is_asked_for(bare: Shell) -> None:
    outcome = bare.line(["pending", "list"])
    assert "--config FILE" in told_in_one_line(outcome)
    assert outcome.status == 2


@pytest.mark.parametrize("words", every_command(), ids=" ".join)
def test_command_takes_config_and_explains_itself(bare: Shell, words: list[str]) -> None:
    outcome = bare.line([*words, "-h"])
    assert outcome.status == 0
    assert "--config FILE" in outcome.out


def test_command_list_of_the_help_is_what_the_commands_say_of_themselves(bare: Shell) -> None:
    shown = bare.line(["--help"]).out
    for name, place in COMMANDS.items():
        command = cli.get_command(click.Context(cli), name)
        assert command is not None
        assert (command.help or "").split("\n")[0] == place.sentence
        assert name in shown


# --- wrong configurations ---


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"[smtp\n", "is not TOML"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b'[smtp]\nlisten = "127.0.0.1:1"\n', "smtp.listen"),
        (b"[smtp]\nlissten = []\n", "the nearest is smtp.listen"),
        (b"[smpt]\n", "the nearest is smtp"),
    ],
)
def test_configuration_that_is_wrong_is_told_with_its_file(bare: Shell, content: bytes, words: str) -> None:
    bare.config.write_bytes(content)
    outcome = bare("pending", "list")
    assert (outcome.status, words in told_in_one_line(outcome)) == (2, True)
    assert str(bare.config) in outcome.err


def test_configuration_that_is_a_folder_or_is_not_there_is_told(bare: Shell) -> None:
    for place in (bare.folder, bare.folder / "none.toml"):
        outcome = bare.line(["audit", "--config", str(place)])
        assert outcome.status == 2
        assert str(place) in told_in_one_line(outcome)


def test_faults_of_a_configuration_are_a_line_each(bare: Shell) -> None:
    bare.config.write_text("[smtp]\na = 1\nb = 2\n")
    outcome = bare("check-config")
    assert outcome.status == 2
    assert [line.split(": ")[0] for line in outcome.err.splitlines()] == ["challenge-gateway"] * 2


# --- stores that cannot be used ---


def test_store_that_is_not_there_is_told_and_not_made(bare: Shell) -> None:
    outcome = bare("pending", "list")
    assert "db upgrade" in told_in_one_line(outcome)
    assert outcome.status == 1
    assert not bare.store_file.exists()


@pytest.mark.parametrize(
    "words", [["pending", "list"], ["db", "check"], ["db", "upgrade"], ["audit"], ["lists", "show"]]
)
def test_store_that_is_no_database_is_told_and_left_alone(bare: Shell, words: list[str]) -> None:
    bare.store_file.write_bytes(b"This is no database. " * 100)
    outcome = bare(*words)
    assert "[store] url" in told_in_one_line(outcome)
    assert outcome.status == 1
    assert bare.store_file.read_bytes() == b"This is no database. " * 100


def test_store_in_a_folder_that_is_a_file_is_told(bare: Shell) -> None:
    (bare.folder / "file").touch()
    bare.settings({"store": {"url": "sqlite:///file/gateway.db"}})
    for words in (["pending", "list"], ["db", "upgrade"]):
        assert str(bare.folder) in told_in_one_line(bare(*words))


@pytest.mark.parametrize(("version", "words"), [("0000", "db upgrade"), ("9999", "upgrade the program")])
def test_store_of_another_age_is_told(shell: Shell, version: str, words: str) -> None:
    with sqlite3.connect(shell.store_file) as connection:
        connection.execute("UPDATE alembic_version SET version_num = ?", (version,))
    connection.close()
    for command in (["pending", "list"], ["lists", "add", "allow", "a@b.example"], ["db", "check"], ["audit"]):
        outcome = shell(*command)
        assert words in told_in_one_line(outcome)
        assert outcome.status == 1


def test_store_that_is_damaged_is_told(shell: Shell) -> None:
    shell.hold()
    octets = shell.store_file.read_bytes()
    shell.store_file.write_bytes(octets[:4096] + bytes(len(octets) - 4096))
    outcome = shell("pending", "list")
    assert outcome.status == 1
    assert "restore a backup" in told_in_one_line(outcome)


def test_store_that_was_cut_off_is_told(shell: Shell) -> None:
    shell.store_file.write_bytes(shell.store_file.read_bytes()[:5000])
    outcome = shell("pending", "list")
    assert outcome.status == 1
    assert str(shell.store_file) in told_in_one_line(outcome)


# --- words ---


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["pendin", "list"], "the nearest is pending"),
        (["--verbose"], "--verbose"),
        (["lists", "add", "maybe", "a@b.example"], "maybe"),
        (["lists", "add", "allow"], "PATTERN"),
        (["pending", "show", "one"], "'one' is not a valid id"),
        (["pending", "show", "0"], "0"),
        (["pending", "delete", "9" * 40], "9999"),
        (["pending", "delete"], "ID"),
        (["pending", "list", "--state", "gone"], "gone"),
        (["pending", "list", "--for", "a b"], "--for"),
        (["pending", "list", "--from", "<>"], "null reverse-path"),
        (["lists", "add", "allow", "*"], "too wide"),
        (["lists", "add", "allow", "a@b.example", "--for", "x"], "neither a recipient nor a domain"),
        (["lists", "add", "allow", "a@b.example", "--note", "a\nb"], "one line"),
        (["lists", "import", "none.csv"], "none.csv"),
    ],
)
def test_words_that_are_wrong_are_told_in_one_line(shell: Shell, words: list[str], told: str) -> None:
    outcome = shell(*words) if words[0] != "--verbose" else shell.line(words)
    assert told in told_in_one_line(outcome)
    assert outcome.status == 2


def test_words_that_steer_a_terminal_are_told_escaped(shell: Shell) -> None:
    outcome = shell("lists", "add", "allow", "a\x1b[31m\u202eb\udcffc@b.example\n")
    assert outcome.status == 2
    assert not {"\x1b", "\u202e"} & set(outcome.err)


@pytest.mark.parametrize("words", [[], ["pending"], ["lists"], ["db"], ["challenges"]])
def test_words_that_end_too_early_get_help_and_status_2(bare: Shell, words: list[str]) -> None:
    outcome = bare.line(words)
    assert (outcome.status, outcome.out) == (2, "")
    assert outcome.err.startswith("Usage: challenge-gateway")


def test_version_is_told(bare: Shell) -> None:
    assert bare.line(["--version"]).status == 0


# --- the exit status ---


def test_output_that_nobody_takes_any_more_is_quiet() -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with streams(b"", terminal=False) as (_, err), os.fdopen(writer, "w") as sys.stdout:
        assert guarded(lambda: click.echo("a line\n" * 10_000)) == 0
        assert err.text() == ""


def test_output_that_finds_no_room_is_told() -> None:
    with streams(b"", terminal=False) as (_, err), Path("/dev/full").open("w") as sys.stdout:
        assert guarded(lambda: sys.stdout.write("a line\n") and None) == 1
        assert err.text() == "challenge-gateway: No space left on device; make room on the disk\n"


@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        (StoreDown("database is locked"), 1, "another program keeps it locked"),
        (PermissionError(13, "Permission denied", "/x"), 1, "/x: Permission denied; run it as the user"),
        (KeyboardInterrupt(), 130, ""),
        (ZeroDivisionError("oops"), 70, "a fault of the program"),
        (SystemExit(1), 1, ""),
    ],
)
def test_fault_of_any_kind_has_its_status_and_its_line(fault: BaseException, status: int, words: str) -> None:
    def failing() -> None:
        raise fault

    with streams(b"", terminal=False) as (_, err):
        assert guarded(failing) == status
        assert words in err.text()
        assert err.text().count("\n") == (1 if words else 0)
