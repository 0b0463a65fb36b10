"""The lock that keeps a second service off the same store."""

from __future__ import annotations

import fcntl
import os

from gateway.flow.ports import StoreDown
from gateway.store.engine import sqlite_path


class ServiceLock:
    """Keeps a second service off the same file; the command line needs no lock."""

    def __init__(self, url: str) -> None:
        """Take the lock. Raises StoreDown where another service has it."""
        path = sqlite_path(url)
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(f"{path}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(self._file)
            raise StoreDown(f"another service uses {path}; stop it first") from error

    def release(self) -> None:
        """Let others have it."""
        os.close(self._file)
