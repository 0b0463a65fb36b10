"""Describe: make what has just been kept ready for the list: its words, its sort keys, its files, its lane.

A worker does it, some moments after the mail was taken: who sends it does not wait for that. A mail that cannot be
understood is listed all the same, by what its envelope says.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain import header
from gateway.domain.address import Address, without_tag
from gateway.domain.attachments import attachment_names
from gateway.domain.challenge import is_no_reply
from gateway.domain.lookalike import look_of
from gateway.domain.message import read_message
from gateway.domain.query import search_words
from gateway.flow.queue_ports import MACHINE, PEOPLE
from gateway.flow.transactions import StoreOf
from gateway.log import bug

_log = logging.getLogger("gateway.describe")

MOST_OCTETS = 8_388_608
"""Of a message; what lies behind is not looked at: names of files behind the first large ones may be missing."""
BATCH = 50
LONGEST_SORT_KEY = 32
LONGEST_SOURCE = 200
_PERSONAL = ("", "auto-response-suppress")
"""Values of `Message.automatic` that say nothing of who wrote: offices' servers put the second on their people's mail."""


@dataclass(frozen=True, slots=True)
class Raw:
    """A row that is not in the list yet."""

    id: int
    recipient_key: str
    reverse_path: str
    sender_key: str
    author: str
    author_name: str
    subject: str
    size: int
    reason: str
    held_at: float
    expires_at: float
    source: str
    """As `domain.sources` tells it; "" for what people write, and for machines that nobody vouches for."""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Described:
    """A row as it is listed."""

    raw: Raw
    lane: str
    owner: str
    domain: str
    sender_sort: str
    subject_sort: str
    source: str
    """Of machine mail: `list:ID`, `signed:DOMAIN`, or `from:DOMAIN` where nobody vouches; else ""."""
    files: tuple[str, ...]
    w_from: str
    w_to: str
    w_subject: str
    w_file: str


class DescribeTable(Protocol):
    """The rows in the store."""

    def describe_new(self, most: int, octets: int, describe: Callable[[Raw, bytes], Described]) -> Sequence[Described]:
        """Describe rows that are not in the list yet, in the order they came; one message's octets at a time."""

    def put(self, rows: Sequence[Described]) -> None:
        """Put rows into the list, in the state they are in by now; what is in it already stays as it is."""


class DescribeTx(Protocol):
    """What describing needs of a transaction."""

    @property
    def descriptions(self) -> DescribeTable:
        """The rows."""


DescribeStore = StoreOf[DescribeTx]


class Describer:
    """The work of the describing worker, one batch at a time."""

    def __init__(self, store: DescribeStore) -> None:
        self._store = store

    async def run_once(self, most: int = BATCH) -> int:
        """Describe up to `most` rows; return how many."""
        # Read and taken apart in a reader's thread; the writer gets the finished rows.
        rows = await self._store.look(lambda tx: tx.descriptions.describe_new(most, MOST_OCTETS, _in_any_case))
        if rows:
            await self._store.transact(lambda tx: tx.descriptions.put(rows))
        return len(rows)


def _in_any_case(raw: Raw, content: bytes) -> Described:
    """Describe a row; a fault of ours must not keep it, and all behind it, out of the list."""
    try:
        return describe(raw, content)
    except Exception:
        bug(_log, "not-described", pending=raw.id)
        return describe(raw, b"")


def describe(raw: Raw, content: bytes) -> Described:
    """Return a row as it is listed. content: the message, perhaps cut off, or b"" where it is gone."""
    head = header.split(content)
    automatic = read_message(head).automatic
    people = _by_a_person(raw, automatic)
    files = attachment_names(content)
    return Described(
        raw=raw,
        lane=PEOPLE if people else MACHINE,
        owner=without_tag(raw.recipient_key),
        domain=raw.recipient_key.rpartition("@")[2],
        sender_sort=search_words(f"{raw.author_name} {raw.author or raw.reverse_path}")[:LONGEST_SORT_KEY],
        subject_sort=search_words(_bare_subject(raw.subject))[:LONGEST_SORT_KEY],
        source="" if people else raw.source[:LONGEST_SOURCE] or _unvouched_source(raw),
        files=files,
        w_from=_words(raw.author_name, *_spellings(raw.author), *_spellings(raw.reverse_path)),
        w_to=_words(*_spellings(raw.recipient_key)),
        w_subject=_words(raw.subject),
        w_file=_words(*files),
    )


def _by_a_person(raw: Raw, automatic: str) -> bool:
    if raw.source or automatic not in _PERSONAL or not raw.reverse_path:
        return False
    return not any(is_no_reply(Address.of(address)) for address in (raw.reverse_path, raw.author) if address)


def _unvouched_source(raw: Raw) -> str:
    """Return what is known of a machine that names no list and signs nothing."""
    return f"from:{Address.of(raw.author or raw.reverse_path).domain or 'nobody'}"[:LONGEST_SOURCE]


def _bare_subject(subject: str) -> str:
    """Return a subject without Re: and Fwd:, so that what belongs together stands together."""
    bare = subject.strip()
    for _ in range(5):
        before, colon, rest = bare.partition(":")
        if not colon or before.strip().lower() not in ("re", "fwd", "fw", "aw", "wg", "sv", "vs", "antw", "rif"):
            break
        bare = rest.strip()
    return bare


def _spellings(address: str) -> tuple[str, ...]:
    """Return an address in A-labels and in the letters they stand for."""
    if not address:
        return ()
    look = look_of(address)
    return (look.text, look.ascii_domain) if look.text == address else (address, look.text, look.ascii_domain)


def _words(*texts: str) -> str:
    """Return texts as they are searched: each word once in its place, a blank at each end."""
    joined = "  ".join(dict.fromkeys(search_words(text) for text in texts if text))
    return f" {joined} " if joined.strip() else ""
