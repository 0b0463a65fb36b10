"""What became of each mail, in and out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, CursorText, Operation, PageSize, when
from challenge_web.api.problems import Problem
from gateway.domain.address import normal_form
from gateway.domain.roles import Right
from gateway.flow.history import Asked, History


class HistoryQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which mail."""

    address: Annotated[str, Meta(max_length=320, description="Sender or recipient, or `@domain` of either.")] = ""
    state: Annotated[str, Meta(max_length=20, description="As relayed, refused, pending, delivered.")] = ""
    after: Annotated[datetime | None, Meta(description="At this time or later.")] = None
    before: datetime | None = None
    limit: PageSize = 50
    cursor: CursorText = ""


class HistoryLine(Struct, frozen=True):
    """One mail for one recipient."""

    kind: Annotated[
        str,
        Meta(
            description="`passage`, `held`, `challenge`; `sent` for mail of our users to the outside, `letter` for ours."
        ),
    ]
    id: Annotated[int, Meta(description="Of a held mail, of a challenge, or of the line itself.")]
    at: datetime
    direction: str
    sender: str
    recipient: str
    size: int
    decision: str
    reason: Annotated[str, Meta(description="Of mail to the outside: `taught`, or why it let nobody in.")]
    state: str
    queue_id: Annotated[str, Meta(description="Of the mail server in front.")]
    reply: Annotated[str, Meta(description="Of the server behind; its queue id is in it.")]
    client: str
    transaction_id: str


class HistoryPage(Struct, frozen=True):
    """Some lines, the newest first."""

    items: tuple[HistoryLine, ...]
    next: str | None


class HistoryResource:
    """The operation on history."""

    def __init__(self, history: History) -> None:
        self._history = history

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        return (
            Operation("listHistory", "GET", "/history", Right.SEE_HISTORY, self.page, "See what became of each mail.",
                      HistoryPage, HistoryQuery),
        )  # fmt: skip

    async def page(self, call: Call[HistoryQuery, None]) -> HistoryPage:
        """Return a page of history."""
        told = call.query
        start = call.cursors.read(told.cursor, float, int, int)
        asked = Asked(normal_form(told.address.strip()), told.state, _seconds(told.after), _seconds(told.before))
        behind = None if start is None else (float(start[0]), int(start[1]), int(start[2]))
        lines = await self._history.page(call.viewer, asked, behind, told.limit)
        items = tuple(
            HistoryLine(
                one.kind, one.id, when(one.at), one.direction, one.sender, one.recipient, one.size, one.decision,
                one.reason, one.state, one.queue_id, one.reply, one.client, one.transaction_id,
            )
            for one in lines.rows
        )  # fmt: skip
        return HistoryPage(items, call.cursors.write(lines.next))


def _seconds(at: datetime | None) -> float | None:
    if at is not None and at.tzinfo is None:
        raise Problem("malformed", "A time needs a zone, as in 2026-12-31T00:00:00Z.")
    return None if at is None else at.timestamp()
