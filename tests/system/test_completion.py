"""Bash, zsh and fish complete commands with the scripts that are printed for them."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from gateway.cli.completion import SCRIPTS

BASH = """
source "$1"
complete -p challenge-gateway
ask() {
    COMP_WORDS=(challenge-gateway "$@")
    COMP_CWORD=$#
    _challenge_gateway challenge-gateway
    echo "${COMPREPLY[*]}"
}
ask out
ask lists add al
ask token make joe x --scope pending : r
"""
# What zsh's own machinery would show is printed instead.
ZSH = """
compdef() { echo "compdef $*" }
_describe() { print -r -- "$found" }
source "$1"
words=(challenge-gateway out); CURRENT=2; _challenge_gateway
words=(challenge-gateway lists add al); CURRENT=4; _challenge_gateway
"""
FISH = """
source $argv[1]
complete --do-complete "challenge-gateway out"
complete --do-complete "challenge-gateway lists add al"
"""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """The command on the path, and nothing of the user's own."""
    command = tmp_path / "bin/challenge-gateway"
    command.parent.mkdir()
    command.write_text(f'#!/bin/sh\nexec {sys.executable} -m gateway "$@"\n')
    command.chmod(0o755)
    return os.environ | {"PATH": f"{command.parent}:{os.environ['PATH']}", "HOME": str(tmp_path)}


@pytest.mark.parametrize(
    ("shell", "script", "told"),
    [
        (["bash", "--norc", "-c"], BASH, ["complete -o nosort -F _challenge_gateway challenge-gateway", "outgoing", "allow", "read"]),
        (["zsh", "-f", "-c"], ZSH, ["compdef _challenge_gateway challenge-gateway", "outgoing:Look at what is stuck", "allow"]),
        (["fish", "--private", "--no-config", "-c"], FISH, ["outgoing\tLook at what is stuck", "allow"]),
    ],
    ids=lambda value: value[0] if isinstance(value, list) and len(value) > 2 else "",
)  # fmt: skip
def test_shell_completes_a_command_and_a_choice(
    tmp_path: Path, environment: dict[str, str], shell: list[str], script: str, told: list[str]
) -> None:
    file = tmp_path / "script"
    file.write_text(SCRIPTS[shell[0]])
    words = [*shell, script, *([] if shell[0] == "fish" else ["-"]), str(file)]
    run = subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=60)
    assert (run.returncode, run.stderr) == (0, "")
    lines = run.stdout.splitlines()
    assert len(lines) == len(told), run.stdout
    assert all(line.startswith(begin) for line, begin in zip(lines, told, strict=True)), lines
