"""Installed from its wheel, the command works in any folder, with its templates and sample configuration inside."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest

from gateway import __version__
from tests.architecture.tree import ROOT


def told(*command: str | Path, cwd: Path) -> str:
    """Run a command that must succeed, and return what it printed."""
    run = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel, install it into an environment of its own, and return that one's folder of commands."""
    place = tmp_path_factory.mktemp("wheel")
    told(sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", place / "dist", cwd=ROOT)
    environment = place / "environment"
    venv.create(environment, with_pip=False, symlinks=True)
    wheel = next((place / "dist").glob("*.whl"))
    python = environment / "bin/python"
    told(sys.executable, "-m", "pip", "--python", python, "install", "-q", "--no-deps", "--no-index", wheel, cwd=place)
    # Its dependencies are those of the tests. A folder named in a .pth file has its own .pth files left unread,
    # so the checkout itself is not on the path.
    packages = next(environment.glob("lib/*/site-packages"))
    (packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return environment / "bin"


def test_wheel_installed_tells_its_version(installed: Path, tmp_path: Path) -> None:
    assert __version__ in told(installed / "challenge-gateway", "--version", cwd=tmp_path)


def test_wheel_installed_checks_its_own_sample_configuration(installed: Path, tmp_path: Path) -> None:
    script = "from gateway.resources import folder; print(folder('config')); print(folder('templates'))"
    config, templates = told(installed / "python", "-c", script, cwd=tmp_path).split()
    assert ROOT not in Path(config).parents
    assert any((Path(templates) / "mail").rglob("*.txt"))
    assert any((Path(templates) / "web").rglob("*.html"))
    told(installed / "challenge-gateway", "check-config", "--config", f"{config}/gateway.toml", cwd=tmp_path)


def test_wheel_installed_has_all_modules_of_the_checkout(installed: Path, tmp_path: Path) -> None:
    script = "import gateway, challenge_web; print(gateway.__file__); print(challenge_web.__file__)"
    for name in told(installed / "python", "-c", script, cwd=tmp_path).split():
        package = Path(name).parent
        there = {file.relative_to(package) for file in package.rglob("*.py")}
        here = {file.relative_to(ROOT / package.name) for file in (ROOT / package.name).rglob("*.py")}
        assert there == here


def test_wheel_installed_brings_the_manual(installed: Path) -> None:
    pages = installed.parent / "share/man"
    assert {str(page.relative_to(pages)) for page in pages.rglob("*.*")} == {
        "man1/challenge-gateway.1",
        "man5/challenge-gateway.toml.5",
    }
