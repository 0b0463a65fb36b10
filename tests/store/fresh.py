"""New stores for tests to which it does not matter how one is made: that takes twenty milliseconds and six syncs."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from gateway.store.engine import sqlite_path
from gateway.store.schema import create
from gateway.store.store import Store


def fresh_store(url: str) -> Store:
    """Open a store in which nothing is yet, at a place where none is."""
    lay_store(sqlite_path(url))
    return Store(url)


def lay_store(file: Path) -> None:
    """Put the file of an empty store in place, as `create` makes it. Raises FileExistsError."""
    with file.open("xb") as place:
        place.write(_empty())


@cache
def _empty() -> bytes:
    with TemporaryDirectory() as folder:
        file = Path(folder) / "gateway.db"
        create(f"sqlite:///{file}")
        return file.read_bytes()
