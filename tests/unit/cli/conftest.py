"""A shell for each test, with and without a store."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.cli.shell import Shell


@pytest.fixture(autouse=True)
def _someone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let the same person act on every machine, before a terminal of the same size."""
    mask = os.umask(0o022)
    monkeypatch.delenv("SUDO_USER", raising=False)
    monkeypatch.delenv("GATEWAY_CONFIG", raising=False)
    monkeypatch.setenv("USER", "admin")
    monkeypatch.setenv("COLUMNS", "110")
    monkeypatch.setenv("TERM", "xterm")
    yield
    os.umask(mask)


@pytest.fixture
def bare(tmp_path: Path) -> Shell:
    """Nothing but a configuration."""
    return Shell(tmp_path)


@pytest.fixture(scope="session")
def empty_store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An empty store, to be copied: to make one takes longer than most tests."""
    return Shell(tmp_path_factory.mktemp("store")).make().store_file


@pytest.fixture
def shell(bare: Shell, empty_store: Path) -> Shell:
    """A configuration and an empty store."""
    shutil.copy(empty_store, bare.store_file)
    return bare
