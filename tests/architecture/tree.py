"""The files of the project, as a clone has them."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("gateway", "challenge_web")


# What git ignores, for a copy without git.
LEFT_OUT = {".git", ".venv", ".cache", ".mypy_cache", ".ruff_cache", ".pytest_cache", ".hypothesis", "__pycache__"}
LEFT_OUT |= {"build", "dist", "var"}


def files() -> list[Path]:
    """Return every file that is tracked or would be: all that git does not ignore."""
    command = ["git", "-c", f"safe.directory={ROOT}", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    if (ROOT / ".git").exists() and shutil.which("git"):
        listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True)
        found = [ROOT / name for name in listed.stdout.split("\0") if name]
    else:
        found = [file for file in ROOT.rglob("*") if not LEFT_OUT.intersection(file.relative_to(ROOT).parts)]
    return sorted(file for file in found if file.is_file())


def python_files(*folders: str) -> list[Path]:
    """Return the Python files below some folders."""
    return [file for file in files() if file.suffix == ".py" and name_of(file).split("/")[0] in folders]


def texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of each file that is text."""
    for file in files():
        octets = file.read_bytes()
        if b"\0" not in octets:
            yield name_of(file), octets.decode("utf-8", "replace")


def name_of(file: Path) -> str:
    """Return a file's path inside the project."""
    return file.relative_to(ROOT).as_posix()
