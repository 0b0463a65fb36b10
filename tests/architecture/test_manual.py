"""The manual: pages that say what the commands and settings say, and that each formatter reads without a warning."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gateway.cli import manual, roff
from gateway.cli.main import COMMANDS, cli
from gateway.settings.reference import entries
from tests.architecture.tree import ROOT

PAGES = {
    ROOT / "share/man/man1/challenge-gateway.1": lambda: manual.commands_page(cli),
    ROOT / "share/man/man5/challenge-gateway.toml.5": manual.settings_page,
}


def shown(*command: str | Path, width: int = 80) -> tuple[str, str]:
    """Run a formatter; return what it shows and what it says besides."""
    environment = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "MANWIDTH": str(width), "MANPAGER": "cat"}
    run = subprocess.run(command, capture_output=True, text=True, check=False, env=environment, timeout=60)
    return run.stdout, run.stderr


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_page_is_the_one_that_is_written_from_the_code(file: Path) -> None:
    assert file.read_text("utf-8") == PAGES[file](), "commands or settings have changed: make reference"


@pytest.mark.parametrize("file", PAGES, ids=lambda file: file.name)
def test_page_is_read_by_each_formatter_without_a_warning(file: Path) -> None:
    assert shown("mandoc", "-Tlint", file) == ("", "")
    assert shown("groff", "-ww", "-man", "-Tutf8", "-z", file) == ("", "")
    text, said = shown("man", "--warnings", "-l", file, width=70)
    assert (said, "SEE ALSO" in text) == ("", True)


def test_page_of_each_command_is_read_without_a_warning(tmp_path: Path) -> None:
    files = []
    for name in COMMANDS:
        files.append(tmp_path / f"challenge-gateway-{name}.1")
        files[-1].write_text(manual.commands_page(cli, name), "utf-8")
    assert shown("mandoc", "-Tlint", "-Wwarning", *files) == ("", "")


def test_every_command_option_and_setting_is_shown() -> None:
    commands, settings = (shown("mandoc", "-Tutf8", "-Owidth=200", file)[0] for file in PAGES)
    bare = _without_strokes(commands)
    for words in (
        "pending ask-again ID",
        "--apply-to-waiting",
        "lists undo REMOVAL",
        "--config FILE",
        "GATEWAY_CONFIG",
    ):
        assert words in bare
    told = _without_strokes(settings)
    for section, _, listed in entries():
        assert f"[{section}]" in told
        assert all(entry.key in told for entry in listed)


def _without_strokes(text: str) -> str:
    """Return text without what a terminal would make bold or underlined of."""
    kept: list[str] = []
    for letter in text:
        if letter == "\b":
            kept.pop()
        else:
            kept.append(letter)
    return "".join(kept)


@pytest.mark.parametrize(
    ("text", "source"),
    [
        (".so /etc/passwd", ["\\&.so /\\:etc/\\:passwd"]),
        ("'tis \\fBbold --all", ["\\(aqtis \\efBbold \\-\\-all"]),
        ("`pending list` of “Anna”", ["\\fBpending list\\fR of \\[u201C]Anna\\[u201D]"]),
        (f"{'a ' * 60}", ["a " * 38 + "a", "a " * 20 + "a"]),
    ],
)
def test_nothing_in_a_text_is_taken_for_roff(text: str, source: list[str]) -> None:
    assert list(roff.lines(text)) == source
