"""Allow and deny entries: looked at, added, changed, removed and put back."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import (
    LARGEST_ID,
    Call,
    Created,
    CursorText,
    Nothing,
    Operation,
    PageSize,
    when,
    when_or_none,
)
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.roles import Right
from gateway.flow.list_files import typed
from gateway.flow.list_ports import EntryView
from gateway.flow.lists import MOST_REMOVED, Lists, Shown, TooLate, Wanted
from gateway.flow.typed_entries import NewEntry, Refused

Verdict = Literal["allow", "deny"]
Whose = Annotated[str, Meta(max_length=320, description='A recipient, a domain, or "" for everybody.')]
Pattern = Annotated[str, Meta(max_length=400, description="As anna@oak.example, oak.example or *.oak.example.")]
Note = Annotated[str, Meta(max_length=1000)]
_CSV = "text/csv"


class EntriesQuery(Struct, frozen=True, forbid_unknown_fields=True, rename={"whose": "for"}):
    """Which entries."""

    verdict: Literal["", "allow", "deny"] = ""
    words: Annotated[str, Meta(max_length=200, description="Part of the pattern or the note.")] = ""
    whose: Annotated[str, Meta(max_length=320, description="A recipient, a domain, or `site`.")] = ""
    origin: Annotated[
        Literal["", "written-to"], Meta(description="`written-to`: only those of senders that one of us wrote to.")
    ] = ""
    limit: PageSize = 50
    cursor: CursorText = ""


class EntryItem(Struct, frozen=True, rename={"whose": "for"}):
    """One entry."""

    id: int
    verdict: str
    pattern: str
    whose: Annotated[str, Meta(description='For whom it holds; "" is everybody.')]
    proof: Annotated[str, Meta(description="What mail must prove.")]
    note: str
    added_by: str
    added_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    pending_id: Annotated[int | None, Meta(description="The mail that gave rise to it.")]
    origin: Annotated[str, Meta(description='`written-to`: added_by wrote to this sender; "": a person made it.')]
    origin_mail: Annotated[str, Meta(description="The transaction of that mail, as in history.")]
    mine: Annotated[bool, Meta(description="It may be changed.")]
    holds: Annotated[bool, Meta(description="It has not expired.")]
    rival: Annotated[int | None, Meta(description="An entry of the same pattern that goes first.")]


class EntryPage(Struct, frozen=True):
    """Some entries, the newest first."""

    items: tuple[EntryItem, ...]
    next: str | None


class EntryWish(Struct, frozen=True, forbid_unknown_fields=True, rename={"whose": "for"}):
    """An entry to be made."""

    verdict: Verdict
    pattern: Pattern
    whose: Whose
    proof: Annotated[str, Meta(max_length=20, description="`aligned`, or for admins `none`.")] = "aligned"
    note: Note = ""
    expires_at: datetime | None = None


class EntryAdded(Struct, frozen=True):
    """What became of it."""

    entry: EntryItem
    new: Annotated[bool, Meta(description="false: it was there, and has what is new of this one.")]


class EntryChange(Struct, frozen=True, forbid_unknown_fields=True):
    """What can change of an entry."""

    note: Note
    expires_at: datetime | None


class RemovalWish(Struct, frozen=True, forbid_unknown_fields=True):
    """Entries to be removed together."""

    ids: Annotated[tuple[Annotated[int, Meta(ge=1, le=LARGEST_ID)], ...], Meta(min_length=1, max_length=MOST_REMOVED)]


class RemovalDone(Struct, frozen=True):
    """Entries that were removed together; it can be undone for some seconds."""

    id: int
    removed: int


class Restored(Struct, frozen=True):
    """What an undo gave back."""

    restored: int
    in_the_way: Annotated[int, Meta(description="Others of the same name were made meanwhile.")]


class JudgeQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Who writes to whom."""

    sender: Annotated[str, Meta(min_length=3, max_length=320, pattern=".@.")]
    recipient: Annotated[str, Meta(min_length=3, max_length=320, pattern=".@.")]


class Judgement(Struct, frozen=True):
    """Which entries name a sender, the one that wins first."""

    items: tuple[EntryItem, ...]


class ListResource:
    """The operations on entries."""

    def __init__(self, lists: Lists) -> None:
        self._lists = lists

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, edit, one = Right.SEE_LISTS, Right.EDIT_LISTS, Names.ENTRY
        return (
            Operation("listEntries", "GET", "/lists", see, self.page, "List entries.", EntryPage, EntriesQuery),
            Operation(
                "addEntry", "POST", "/lists", edit, self.add, "Add an entry.", EntryAdded, body=EntryWish, status=201
            ),
            Operation(
                "judgeSender", "GET", "/lists/judgement", see, self.judge,
                "See which entries name a sender, and which one wins.", Judgement, JudgeQuery, problems=(404,),
            ),
            Operation(
                "removeEntries", "POST", "/lists/removals", edit, self.remove_some, "Remove entries together.",
                RemovalDone, body=RemovalWish, status=201, problems=(404,),
            ),
            Operation(
                "undoRemoval", "POST", "/lists/removals/{id}/undo", edit, self.undo, "Put back what was just removed.",
                Restored, names=Names.OTHER,
            ),
            Operation("getEntry", "GET", "/lists/{id}", see, self.entry, "See one entry.", EntryItem, names=one),
            Operation("changeEntry", "PUT", "/lists/{id}", edit, self.change, "Change the note and the end of an entry.",
                      EntryItem, body=EntryChange, names=one),
            Operation("removeEntry", "DELETE", "/lists/{id}", edit, self.remove, "Remove an entry.", RemovalDone,
                      names=one),
        )  # fmt: skip

    async def page(self, call: Call[EntriesQuery, None]) -> EntryPage:
        """Return a page of entries."""
        asked, after = call.query, call.cursors.read(call.query.cursor, int)
        before = int(after[0]) if after else None
        wanted = Wanted(
            asked.verdict,
            asked.words.strip(),
            asked.whose.strip(),
            before=before,
            most=asked.limit,
            origin=asked.origin,
        )
        page = await self._lists.page(call.viewer, wanted)
        older = None if page.older is None else (page.older,)
        return EntryPage(tuple(map(entry_item, page.rows)), call.cursors.write(older))

    async def add(self, call: Call[Nothing, EntryWish]) -> Created:
        """Add an entry."""
        told = call.body
        try:
            added = await self._lists.add(
                call.viewer,
                NewEntry(
                    told.verdict,
                    told.pattern,
                    told.whose,
                    told.proof,
                    told.note,
                    _end(told.expires_at),
                ),
            )
        except Refused as refused:
            raise invalid(refused.field, sentence(refused.sentence)) from None
        shown = await self._lists.get(call.viewer, added.view.id)
        if shown is None:
            raise Problem("conflict", "It is gone again.")
        return Created(EntryAdded(entry_item(shown), added.new), f"/lists/{added.view.id}")

    async def judge(self, call: Call[JudgeQuery, None]) -> Judgement:
        """Say which entries name a sender."""
        judged = await self._lists.judge(call.viewer, call.query.sender, call.query.recipient)
        if judged is None:
            raise not_found()
        return Judgement(tuple(map(entry_item, judged.rows)))

    async def entry(self, call: Call[Nothing, None]) -> EntryItem:
        """Return an entry within reach."""
        return entry_item(await self._shown(call))

    async def change(self, call: Call[Nothing, EntryChange]) -> EntryItem:
        """Save a note and an end."""
        try:
            changed = await self._lists.change(call.viewer, call.id, call.body.note, _end(call.body.expires_at))
        except Refused as refused:
            raise invalid(_FIELDS.get(refused.field, refused.field), sentence(refused.sentence)) from None
        if changed is None:
            raise not_found()
        return entry_item(await self._shown(call))

    async def remove(self, call: Call[Nothing, None]) -> RemovalDone:
        """Take an entry out; it can be put back for a while."""
        return await self._removed(call, [call.id])

    async def remove_some(self, call: Call[Nothing, RemovalWish]) -> Created:
        """Take some out."""
        done = await self._removed(call, call.body.ids)
        return Created(done, f"/lists/removals/{done.id}")

    async def undo(self, call: Call[Nothing, None]) -> Restored:
        """Put back what was just removed."""
        try:
            done = await self._lists.undo(call.viewer, call.id)
        except TooLate:
            raise Problem("conflict", "That can no longer be undone.") from None
        if done is None:
            raise not_found()
        return Restored(*done)

    async def _shown(self, call: Call[Nothing, object]) -> Shown:
        shown = await self._lists.get(call.viewer, call.id)
        if shown is None:
            raise not_found()
        return shown

    async def _removed(self, call: Call[Nothing, object], ids: Sequence[int]) -> RemovalDone:
        done = await self._lists.remove(call.viewer, ids)
        if done is None:
            raise not_found()
        return RemovalDone(done.id, done.count)


_FIELDS = {"expires": "expires_at"}


def _end(at: datetime | None) -> float | None:
    """Return when an entry ends. Raises Problem."""
    if at is None:
        return None
    if at.tzinfo is None:
        raise invalid("expires_at", "It needs a zone, as in 2026-12-31T00:00:00Z.")
    return at.timestamp()


def entry_item(shown: Shown) -> EntryItem:
    """Return an entry as programs are told it."""
    view: EntryView = shown.view
    return EntryItem(
        id=view.id,
        verdict=view.verdict,
        pattern=typed(view.pattern),
        whose=typed(view.scope),
        proof=view.proof,
        note=view.note,
        added_by=view.added_by,
        added_at=when(view.added_at),
        expires_at=when_or_none(view.expires_at),
        last_used_at=when_or_none(view.last_used_at),
        pending_id=view.pending_id,
        origin=view.origin,
        origin_mail=view.origin_mail,
        mine=shown.mine,
        holds=shown.holds,
        rival=None if shown.rival is None else shown.rival.id,
    )
