"""Machine mail that waits: its sources, to be accepted or refused as a whole."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, CursorText, Nothing, Operation
from challenge_web.api.pending import Mail, mail
from challenge_web.api.problems import Problem, not_found, sentence
from gateway.domain.roles import Right
from gateway.flow.moderate import NO_SOURCE, UNVOUCHED
from gateway.flow.queue import Queue
from gateway.flow.queue_ports import Group
from gateway.flow.sources import NoSource, Sources, Unvouched


class SourcesQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which sources."""

    cursor: CursorText = ""


class Source(Struct, frozen=True):
    """The machine mail of one source."""

    source: str
    count: int
    newest: Mail


class SourcePage(Struct, frozen=True):
    """Some sources."""

    items: tuple[Source, ...]
    next: str | None


class Settlement(Struct, frozen=True, forbid_unknown_fields=True):
    """What becomes of a source."""

    source: Annotated[str, Meta(min_length=1, max_length=200)]
    do: Literal["accept", "refuse"]


class Settled(Struct, frozen=True):
    """What became of it."""

    entries: int
    mails: tuple[int, ...]


class MachineMailResource:
    """The operations on sources."""

    def __init__(self, queue: Queue, sources: Sources) -> None:
        self._queue = queue
        self._sources = sources

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, act = Right.SEE_PENDING, Right.MODERATE
        return (
            Operation(
                "listPendingSources", "GET", "/pending/sources", see, self.sources,
                "List newsletters and machines whose mail waits.", SourcePage, SourcesQuery,
            ),
            Operation(
                "settlePendingSource", "POST", "/pending/sources/settle", act, self.settle,
                "Let in, or keep out, all mail of a source.", Settled, body=Settlement, also=(Right.EDIT_LISTS,), problems=(404,),
            ),
        )  # fmt: skip

    async def sources(self, call: Call[SourcesQuery, None]) -> SourcePage:
        """Return a page of sources of machine mail."""
        behind = call.cursors.read(call.query.cursor, str)
        page = await self._queue.groups(call.viewer, str(behind[0]) if behind else "")
        items = tuple(map(source_item, page.groups))
        return SourcePage(items, call.cursors.write((page.more_groups,) if page.more_groups else None))

    async def settle(self, call: Call[Nothing, Settlement]) -> Settled:
        """Accept a source, or refuse it."""
        settle = self._sources.accept if call.body.do == "accept" else self._sources.refuse
        try:
            done = await settle(call.viewer, call.body.source)
        except NoSource:
            raise Problem("conflict", sentence(NO_SOURCE)) from None
        except Unvouched:
            raise Problem("conflict", sentence(UNVOUCHED)) from None
        if done is None:
            raise not_found()
        call.deeds.append(f"{call.body.do}: {call.body.source}, {len(done.rows)}")
        return Settled(len(done.entries), done.rows)


def source_item(group: Group) -> Source:
    """Return a source as programs are told it."""
    return Source(group.source, group.count, mail(group.newest))
