"""What all processes at the door count together, in memory they share.

Each process writes its own column and reads them all, so no number is ever written by two and nothing is locked. Two
that look in the same moment may each admit one client where there was room for one: the limits hold but for that.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections.abc import Callable
from functools import lru_cache
from typing import IO

BUCKETS = 16_384
"""Clients are counted by a keyed hash of their network. Where two networks share a bucket, either may be turned away
while the other keeps it full in another process; nobody can aim at that without the key."""

_KEY_OCTETS = 16
_NUMBER = 8
_CONNECTIONS, _OCTETS, _HEAD = 0, 1, 2
"""The first numbers of a column; the buckets follow."""
_COLUMN = _HEAD * _NUMBER + BUCKETS * 4


class Share:
    """One process's view of the numbers of all."""

    def __init__(self, descriptor: int, processes: int, own: int) -> None:
        """descriptor: of what `new_memory` returned for so many processes. own: the number of this one, from 0."""
        self._memory = mmap.mmap(descriptor, _size(processes))
        self._key = self._memory[:_KEY_OCTETS]
        whole = memoryview(self._memory)[_KEY_OCTETS:]
        columns = [whole[number * _COLUMN : (number + 1) * _COLUMN] for number in range(processes)]
        # Of the other processes, once our own are taken out.
        self._numbers = [column[: _HEAD * _NUMBER].cast("q") for column in columns]
        self._buckets = [column[_HEAD * _NUMBER :].cast("I") for column in columns]
        self._own_numbers, self._own_buckets = self._numbers.pop(own), self._buckets.pop(own)

    def connections_elsewhere(self) -> int:
        """Return how many connections the other processes have."""
        return sum([numbers[_CONNECTIONS] for numbers in self._numbers])

    def octets_elsewhere(self) -> int:
        """Return how many octets of content they hold."""
        return sum([numbers[_OCTETS] for numbers in self._numbers])

    def client_elsewhere(self, client: str | bytes) -> int:
        """Return how many connections of one client network they have, at least."""
        bucket = _bucket(self._key, client)
        return sum([buckets[bucket] for buckets in self._buckets])

    def note_connection(self, change: int, client: str | bytes | None) -> None:
        """Tell the others of a connection more or less; client: None where it is not counted by its network."""
        self._own_numbers[_CONNECTIONS] += change
        if client is not None:
            self._own_buckets[_bucket(self._key, client)] += change

    def note_octets(self, octets: int) -> None:
        """Tell the others how many octets of content this process holds."""
        self._own_numbers[_OCTETS] = octets

    def forget(self, process: int) -> None:
        """Take out what a process that is gone had counted."""
        self._memory[_KEY_OCTETS + process * _COLUMN : _KEY_OCTETS + (process + 1) * _COLUMN] = bytes(_COLUMN)


@lru_cache(maxsize=4096)  # Whoever comes once comes three times: to be counted, to be looked for and to go.
def _bucket(key: bytes, client: str | bytes) -> int:
    octets = client.encode() if isinstance(client, str) else client
    digest = hashlib.blake2s(octets, digest_size=4, key=key).digest()
    return int.from_bytes(digest, "big") % BUCKETS


def new_memory(processes: int, random_octets: Callable[[int], bytes] = os.urandom) -> IO[bytes]:
    """Return fresh memory, as a file that is on no disk; it lives as long as somebody has it open. Raises OSError."""
    file = os.fdopen(os.memfd_create("door processes"), "w+b", buffering=0)
    file.write(random_octets(_KEY_OCTETS))
    file.truncate(_size(processes))
    return file


def _size(processes: int) -> int:
    return _KEY_OCTETS + processes * _COLUMN
