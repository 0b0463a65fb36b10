"""How words of a command line could go on."""

from __future__ import annotations

import pytest

from gateway.cli.completion import ASKED
from gateway.cli.main import COMMANDS
from tests.unit.cli.shell import Shell


def asked(shell: Shell, monkeypatch: pytest.MonkeyPatch, *words: str) -> list[list[str]]:
    monkeypatch.setenv(ASKED, "1")
    outcome = shell.line(words)
    assert (outcome.status, outcome.err) == (0, "")
    return [line.split("\t") for line in outcome.out.splitlines()]


def test_first_word_goes_on_as_a_command_and_an_option(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [words[1] for words in asked(bare, monkeypatch, "")] == list(COMMANDS)
    assert asked(bare, monkeypatch, "pe") == [["plain", "pending", COMMANDS["pending"].sentence]]
    assert {words[1] for words in asked(bare, monkeypatch, "--")} == {"--config", "--version", "--help"}
    assert asked(bare, monkeypatch) == asked(bare, monkeypatch, "")


@pytest.mark.parametrize(
    ("words", "found"),
    [
        (("pending", "li"), ["list"]),
        (("pending", "list", "--st"), ["--state"]),
        (("pending", "list", "--state", "de"), ["delivered", "deleted"]),
        (("pending", "list", "--state", "=", "de"), ["delivered", "deleted"]),
        (("pending", "list", "--state", "="), ["all", "pending", "released", "delivered", "refused", "deleted"]),
        (("lists", "add", ""), ["allow", "deny"]),
        (("lists", "add", "allow", "x"), []),
        (("--config", "x.toml", "completion", ""), ["bash", "zsh", "fish"]),
        (("nothing", "x"), []),
    ],
)
def test_word_goes_on_as_what_fits_in_its_place(
    bare: Shell, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...], found: list[str]
) -> None:
    assert [answer[1] for answer in asked(bare, monkeypatch, *words)][: len(found) or None] == found


def test_value_that_is_a_file_is_left_to_the_shell(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    assert asked(bare, monkeypatch, "db", "check", "--config", "ga") == [["file", "ga"]]


def test_nothing_is_run_where_only_a_word_is_asked_for(bare: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(bare, monkeypatch, "db", "upgrade", "--config", str(bare.config), "")
    assert not bare.store_file.exists()
