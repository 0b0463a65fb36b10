"""Read: what a person may see of a mail that waits: why it is here, what happened, its content.

Each question names the row, and is answered only within the viewer's reach; what lies beyond is None, as is what does
not exist. Content is held against the hash that was kept with the row: octets of another mail are never shown.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.evidence import Evidence
from gateway.domain.foreign_text import shown
from gateway.domain.lifecycle import State
from gateway.domain.outline import Document, File, Marks, Outline
from gateway.domain.roles import Right, Role, Viewer
from gateway.domain.timeline import Asked, Happened
from gateway.flow.transactions import Looks
from gateway.log import warning

_log = logging.getLogger("gateway.read")

SOURCE_PAGE = 65_536
SOURCE_PAGES = 4
"""Pages of source that are shown, in octets each; who wants more downloads it."""


@dataclass(frozen=True, slots=True)
class Held:
    """A row, with all that is known of it but its content."""

    id: int
    message_id: int
    state: State
    reason: str
    silence: str
    sender: str
    """The reverse-path; "" is the null one."""
    author: str
    author_name: str
    recipient: str
    recipient_key: str
    subject: str
    size: int
    """Octets."""
    received_at: float
    expires_at: float
    changed_at: float
    attempts: int
    due_at: float | None
    last_reply: str
    client: str
    client_name: str
    helo: str
    protocol: str
    queue_id: str
    transaction_id: str
    mail_id: str
    list_id: str
    source: str
    smtputf8: bool
    sha256: bytes
    content_kept: bool
    evidence: Evidence
    history: tuple[Happened, ...]
    asked: Asked | None
    """The challenge that counts for it."""
    asked_before: tuple[Asked, ...] = ()
    """Others that were made for the same mail."""
    score: float | None = None
    """What a filter in front says of it."""


@dataclass(frozen=True, slots=True)
class Content:
    """The octets of a row's message, and whose they are said to be."""

    row_id: int
    message_id: int
    sha256: bytes
    octets: bytes


@dataclass(frozen=True, slots=True)
class Source:
    """One page of the octets as they came."""

    text: str
    page: int
    """From 1 on."""
    pages: int
    """That are shown."""
    size: int
    """Of the whole, in octets."""


class ContentGone(Exception):
    """The row is there, but its content is not kept any more."""


class WrongContent(Exception):
    """The store has given other octets than the row's own; nothing of them is shown."""


class ReadingTable(Protocol):
    """Rows and contents in the store."""

    def held(self, row_id: int) -> Held | None:
        """Return a row with all that is known of it; None where there is none."""

    def content(self, row_id: int) -> Content | None:
        """Return its content, where that is still kept."""


class ReadingTx(Protocol):
    """What reading needs of a transaction."""

    @property
    def reading(self) -> ReadingTable:
        """Rows and contents."""


ReadingStore = Looks[ReadingTx]


class Worker(Protocol):
    """Takes mails apart, within limits, in another process. Each method raises Unreadable."""

    async def outline(self, content: bytes, marks: Marks) -> Outline:
        """Return a mail at a glance."""

    async def document(self, content: bytes, part: int, images: bool, marks: Marks) -> Document:
        """Return one HTML part, cleaned."""

    async def file(self, content: bytes, part: int) -> File:
        """Return one of a mail's parts, decoded."""


class Reading:
    """Shows each person the mails within reach."""

    def __init__(self, store: ReadingStore, worker: Worker, downloads: Collection[Role]) -> None:
        """downloads: roles that may have files."""
        self._store = store
        self._worker = worker
        self._downloads = frozenset(downloads)

    def may_download(self, viewer: Viewer) -> bool:
        """True where the viewer may have the files of mails he may read."""
        return viewer.may(Right.READ_CONTENT) and viewer.role in self._downloads

    async def held(self, viewer: Viewer, row_id: int) -> Held | None:
        """Return a row within the viewer's reach; None for any other."""
        if not viewer.may(Right.SEE_PENDING):
            return None
        held = await self._store.look(lambda tx: tx.reading.held(row_id))
        return held if held is not None and viewer.reach.covers_recipient(held.recipient_key) else None

    async def outline(self, viewer: Viewer, row_id: int, marks: Marks) -> Outline | None:
        """Return the mail at a glance. Raises Unreadable, ContentGone, WrongContent."""
        content = await self.content(viewer, row_id)
        return None if content is None else await self._worker.outline(content, marks)

    async def document(self, viewer: Viewer, row_id: int, part: int, images: bool, marks: Marks) -> Document | None:
        """Return one HTML part, cleaned. Raises Unreadable, ContentGone, WrongContent."""
        content = await self.content(viewer, row_id)
        return None if content is None else await self._worker.document(content, part, images, marks)

    async def file(self, viewer: Viewer, row_id: int, part: int) -> File | None:
        """Return one part, decoded, where the viewer may have it. Raises Unreadable, ContentGone, WrongContent."""
        if not self.may_download(viewer):
            return None
        content = await self.content(viewer, row_id)
        return None if content is None else await self._worker.file(content, part)

    async def source(self, viewer: Viewer, row_id: int, page: int) -> Source | None:
        """Return one page of the octets. Raises ContentGone, WrongContent."""
        content = await self.content(viewer, row_id)
        if content is None:
            return None
        pages = min(SOURCE_PAGES, max(1, -(-len(content) // SOURCE_PAGE)))
        page = min(max(page, 1), pages)
        octets = content[(page - 1) * SOURCE_PAGE : page * SOURCE_PAGE]
        try:
            text = octets.decode("utf-8")
        except UnicodeDecodeError as fault:
            # A letter cut in two by the page's end is no sign of another charset.
            cut = fault.start >= len(octets) - 3 or page > 1
            text = octets.decode("utf-8" if cut else "latin-1", "replace")
        return Source(shown(text), page, pages, len(content))

    async def content(self, viewer: Viewer, row_id: int) -> bytes | None:
        """Return the octets as they came. Raises ContentGone, WrongContent."""
        if not viewer.may(Right.READ_CONTENT):
            return None
        held = await self.held(viewer, row_id)
        if held is None:
            return None
        if not held.content_kept:
            raise ContentGone
        found = await self._store.look(lambda tx: _checked(tx.reading.content(row_id), held))
        if found is None:
            raise ContentGone  # Purged between the two looks.
        return found


def _checked(content: Content | None, held: Held) -> bytes | None:
    """Return the octets, if they are this row's own."""
    if content is None:
        return None
    right = (
        (content.row_id, content.message_id) == (held.id, held.message_id)
        and content.sha256 == held.sha256
        and hashlib.sha256(content.octets).digest() == held.sha256
    )
    if not right:
        warning(_log, "wrong-content", pending=held.id, message=held.message_id)
        raise WrongContent
    return content.octets
