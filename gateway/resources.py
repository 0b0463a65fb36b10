"""Where the shipped folders are: templates and sample configuration."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Literal

Folder = Literal["templates", "config"]

_PACKAGE = Path(str(files("gateway")))


def folder(name: Folder) -> Path:
    """Return a shipped folder. Raises FileNotFoundError when there is none.

    An installed wheel keeps the folders inside the package; a checkout has them beside it.
    """
    for place in (_PACKAGE / "_data" / name, _PACKAGE.parent / name):
        if place.is_dir():
            return place
    raise FileNotFoundError(f"the folder {name}/ is missing from this installation; install the package again")
