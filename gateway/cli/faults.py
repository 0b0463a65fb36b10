"""What cannot be done, in one line that says what to do instead."""

from __future__ import annotations

import errno
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import click

from gateway.flow.ports import StoreDown

T = TypeVar("T")
NO_RIGHTS = "run it as the user of the service: `runuser -u challenge-gateway -- challenge-gateway …`"


class CommandError(click.ClickException):
    """What was asked cannot be done; the text says what to do instead. Ends with status 1."""


class WrongUse(CommandError):
    """What was asked makes no sense in these words. Ends with status 2."""

    exit_code = 2


def parsed(parse: Callable[[str], T], text: str) -> T:
    """Return what a text means. Raises WrongUse with the sentence of the ValueError where it means nothing."""
    try:
        return parse(text)
    except ValueError as fault:
        raise WrongUse(str(fault)) from fault


# Part of what the database says → what to do. The first that fits is told.
_STORE = (
    ("readonly", NO_RIGHTS),
    ("unable to open", f"see that its folder exists and can be written, and {NO_RIGHTS}"),
    ("not a database", "[store] url names another program's file, or one that is damaged: restore a backup then"),
    ("malformed", "the file is damaged: stop the service and restore a backup"),
    ("no such table", "the file is not whole: stop the service and restore a backup"),
    ("locked", "another program keeps it locked; `fuser -v` on the file says which"),
    ("full", "make room on its disk"),
    ("No space left", "make room on its disk"),
    ("I/O error", "see whether its disk is full, and what the kernel's log says of it"),
)
_SYSTEM = {
    errno.EADDRINUSE: "another program listens there: stop it (`ss -ltnp` names it), or choose another port",
    errno.EADDRNOTAVAIL: "this machine has no such address; `ip address` lists what it has",
    errno.EACCES: NO_RIGHTS,
    errno.EPERM: NO_RIGHTS,
    errno.ENOSPC: "make room on the disk",
    errno.EMFILE: "raise the limit of open files (LimitNOFILE=, `ulimit -n`)",
}


def store_words(path: Path | None, down: StoreDown) -> str:
    """Say why the store at this path cannot be used, and what to do."""
    text = str(down)
    # Texts of our own say it themselves.
    advice = next((f"; {advice}" for part, advice in _STORE if part in text), "")
    return f"the store{f' {path}' if path else ''} cannot be used: {text}{advice}"


def system_words(fault: OSError) -> str:
    """Say what the system refused, and what to do."""
    words = fault.strerror or str(fault)
    advice = _SYSTEM.get(fault.errno or 0, "")
    if fault.errno in (errno.EACCES, errno.EPERM) and "bind" in words:
        advice = "ports below 1024 are for root, and for a service with CAP_NET_BIND_SERVICE"
    name = f"{fault.filename}: " if fault.filename else ""
    return f"{name}{words}{advice and '; ' + advice}"


@contextmanager
def told(path: Path) -> Iterator[None]:
    """Let what goes wrong with the store at this path leave as CommandError."""
    try:
        yield
    except StoreDown as down:
        raise CommandError(store_words(path, down)) from down
