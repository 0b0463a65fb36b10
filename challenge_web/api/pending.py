"""Mail that waits: the list."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import (
    Call,
    CursorText,
    Nothing,
    Operation,
    PageSize,
    when,
)
from gateway.domain.roles import Right
from gateway.flow.queue import MOST_COUNTED, SIZES, Ask, Queue
from gateway.flow.queue_ports import LANES, Row

Search = Annotated[
    str,
    Meta(max_length=300, description="As in the console: roof from:anna reason:unknown state:delivered has:file after:2026-11-01 after:digest digest:17"),
]  # fmt: skip
Lane = Annotated[Literal["", "people", "machine"], Meta(description='"" is both.')]
Sort = Literal["arrival", "sender", "subject", "recipient", "size", "reason", "expiry", "score"]
SourceKey = Annotated[str, Meta(max_length=200, description="Of machine mail, as listPendingSources tells it.")]


class PendingQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which mail."""

    q: Search = ""
    lane: Lane = ""
    source: SourceKey = ""
    sort: Sort = "arrival"
    reverse: Annotated[bool, Meta(description="Against the sort's own direction.")] = False
    limit: PageSize = 50
    cursor: CursorText = ""


class Mail(Struct, frozen=True):
    """One mail for one recipient."""

    id: int
    state: str
    author: str
    author_name: str
    sender: Annotated[str, Meta(description='The reverse-path; "" is the null one.')]
    recipient: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    size: Annotated[int, Meta(description="Octets.")]
    held_at: datetime
    expires_at: datetime
    changed_at: datetime
    reason: Annotated[str, Meta(description="Why it waits.")]
    silence: Annotated[str, Meta(description='Why its sender was not asked; "" where he was.')]
    challenge: Annotated[str, Meta(description='State of its challenge; "" where there is none.')]
    proofs: Annotated[tuple[str, ...], Meta(description="Identities that vouch for its sender.")]
    files: tuple[str, ...]
    lane: str
    source: str
    seen: Annotated[bool, Meta(description="By the account.")]
    last_reply: Annotated[str, Meta(description="What the next hop said.")]
    score: Annotated[float | None, Meta(description="How spam-like, says the filter in front; null: it says nothing.")]


class MailPage(Struct, frozen=True):
    """Some mail."""

    items: tuple[Mail, ...]
    total: Annotated[int, Meta(description=f"{MOST_COUNTED + 1} stands for more than {MOST_COUNTED}.")]
    next: Annotated[str | None, Meta(description="Cursor of the next page; null where none follows.")]
    faults: Annotated[tuple[str, ...], Meta(description="What of the search was not understood.")]


class Counts(Struct, frozen=True):
    """How much waits."""

    people: int
    machine: int


class PendingResource:
    """The operations on the list."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see = Right.SEE_PENDING
        return (
            Operation("listPending", "GET", "/pending", see, self.page, "List mail.", MailPage, PendingQuery),
            Operation("countPending", "GET", "/pending/counts", see, self.counts, "Count what waits.", Counts),
        )

    async def page(self, call: Call[PendingQuery, None]) -> MailPage:
        """Return a page of mail that waits."""
        wanted = call.query
        size = next((size for size in SIZES if size >= wanted.limit), SIZES[-1])
        after = call.cursors.read(wanted.cursor)
        ask = Ask(wanted.q, wanted.lane, wanted.source, wanted.sort, wanted.reverse, after, size=size)
        page = await self._queue.page(call.viewer, ask)
        rows = page.rows[: wanted.limit]
        follows = rows[-1].key if rows and (page.next is not None or len(page.rows) > len(rows)) else None
        return MailPage(tuple(map(mail, rows)), page.total, call.cursors.write(follows), page.query.faults)

    async def counts(self, call: Call[Nothing, None]) -> Counts:
        """Return how much waits."""
        counts = await self._queue.counts(call.viewer)
        return Counts(*(counts[lane] for lane in LANES))


def mail(row: Row) -> Mail:
    """Write one mail."""
    return Mail(
        id=row.id,
        state=row.state.value,
        author=row.author,
        author_name=row.author_name,
        sender=row.sender,
        recipient=row.recipient,
        subject=row.subject,
        size=row.size,
        held_at=when(row.held_at),
        expires_at=when(row.expires_at),
        changed_at=when(row.changed_at),
        reason=row.reason,
        silence=row.silence,
        challenge=row.challenge,
        proofs=tuple(str(proof) for proof in row.proofs),
        files=row.files,
        lane=row.lane,
        source=row.source,
        seen=row.seen,
        last_reply=row.last_reply,
        score=row.score,
    )
