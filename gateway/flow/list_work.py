"""Save a file of entries piece by piece, beside the mail that comes in.

    gathering (reads the file) → running → done
         └──────────────────────────┴──→ undone (stopped; what was saved stays)

It stands among the orders, one for each file. Each piece is saved in the transaction that notes how far it is, so that
what was cut off goes on where it was.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.roles import Reach, Right, Role, Viewer
from gateway.flow.list_files import Lines
from gateway.flow.list_import import MOST_LINES, PIECE, Saved, gently, plan, save, too_long, within_reach
from gateway.flow.list_ports import Draft, EntryTable
from gateway.flow.order_ports import OrderState
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.lists")
_NOTHING = Saved(0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Bringing:
    """A file that is being saved, or was."""

    id: int
    """Of the order."""
    draft_id: int
    account: int
    actor: str
    role: Role
    reach: Reach
    """Of who gave the order, when he gave it."""
    state: OrderState
    changed_at: float
    total: int
    """Lines; 0 until it is read."""
    done: int
    saved: Saved

    @property
    def open(self) -> bool:
        """True while there is something to do, and it can be stopped."""
        return self.state in (OrderState.GATHERING, OrderState.RUNNING)

    @property
    def viewer(self) -> Viewer:
        """Who gave the order."""
        return Viewer(self.account, self.actor, self.role, self.reach)


class BringingTable(Protocol):
    """Files that are being saved, in the store."""

    def open(self, viewer: Viewer, draft_id: int, now: float) -> int:
        """Keep the order for a file, or let the one that was stopped begin anew; return its id."""

    def get(self, order_id: int) -> Bringing | None:
        """Return how far the file of an order is; None where it brings none."""

    def of_draft(self, account: int, draft_id: int) -> Bringing | None:
        """Return the one of an account's file."""

    def go_on(
        self, order: Bringing, state: OrderState, total: int, done: int, saved: Saved, now: float
    ) -> Bringing | None:
        """Note how far it is; None where somebody else was faster, or it was stopped."""

    def stop(self, order_id: int, now: float) -> bool:
        """End it where it is; False where it has ended."""


class BringTx(Protocol):
    """What saving a file needs of a transaction."""

    @property
    def entries(self) -> EntryTable:
        """Entries, and files."""

    @property
    def bringings(self) -> BringingTable:
        """How far files are."""


BringStore = StoreOf[BringTx]


class Bringer:
    """Saves files. Several programs may work at the same one: each piece counts once."""

    def __init__(self, store: BringStore, *, now: Callable[[], float]) -> None:
        self._store = store
        self._now = now
        self._read: tuple[int, Lines] | None = None
        """The file that it is at: to read it anew for each piece would take longer than to save the piece."""

    async def step(self, order_id: int) -> Bringing | None:
        """Do a bit of it; return how far it is, or None where there is nothing to do."""
        order = await self._store.look(lambda tx: tx.bringings.get(order_id))
        if order is None or not order.open:
            return None
        now = self._now()
        lines = await self._lines(order)
        if order.state is OrderState.GATHERING:
            refused = _NOTHING if lines is None else Saved(0, 0, 0, len(lines.faults))
            total = 0 if lines is None else len(lines.lines)
            return await self._store.transact(
                lambda tx: tx.bringings.go_on(order, OrderState.RUNNING, total, 0, refused, now)
            )
        moved = await self._store.transact(lambda tx: _save_piece(tx, order, lines, now))
        if moved is None or not moved.open:
            self._read = None
        if moved is not None and not moved.open:
            event(_log, "list-imported", actor=moved.actor, new=moved.saved.new, changed=moved.saved.changed,
                  known=moved.saved.known, refused=moved.saved.refused)  # fmt: skip
        return moved

    async def _lines(self, order: Bringing) -> Lines | None:
        """Return the lines of a file that may be saved; None where it is gone."""
        if self._read is None or self._read[0] != order.draft_id:
            draft = await self._store.look(lambda tx: tx.entries.draft(order.draft_id, order.actor))
            if draft is None:
                return None
            self._read = order.draft_id, await lines_of(draft, order.viewer)
        return self._read[1]


async def lines_of(draft: Draft, viewer: Viewer) -> Lines:
    """Read a file, as far as somebody may save it, beside whatever else is going on."""
    found = Lines()
    async for piece in gently(draft.words, draft.form, draft.scope):
        mine = within_reach(viewer, piece)
        found.lines.extend(mine.lines)
        found.faults.extend(mine.faults)
        if len(found.lines) + len(found.faults) > MOST_LINES:
            return too_long()
    return found


def _save_piece(tx: BringTx, order: Bringing, lines: Lines | None, now: float) -> Bringing | None:
    if lines is None:
        return tx.bringings.go_on(order, OrderState.UNDONE, order.total, order.done, order.saved, now)
    piece = Lines(lines.lines[order.done : order.done + PIECE])
    done = order.done + len(piece.lines)
    ended = done >= len(lines.lines)
    # Noted first: who is not the first to note it saves nothing.
    state = OrderState.DONE if ended else OrderState.RUNNING
    there = tx.bringings.go_on(order, state, order.total, done, order.saved, now)
    if there is None:
        return None
    saved = order.saved.and_(save(tx, plan(tx, piece, now), order.actor, now))
    if ended:
        tx.entries.drop_draft(order.draft_id)
    return tx.bringings.go_on(there, state, order.total, done, saved, now)


class FileSaver:
    """Takes orders to save files from people, and lets them see and stop their own."""

    def __init__(self, store: BringStore, *, now: Callable[[], float], wake: Callable[[], None]) -> None:
        """wake: tells the worker that there is an order."""
        self._store = store
        self._now = now
        self._wake = wake
        self._bringer = Bringer(store, now=now)

    async def save(self, viewer: Viewer, draft_id: int) -> Bringing | None:
        """Save the good lines of a file, as the lists stand then; None for a file that is not his.

        A file of one piece is saved when this returns, a longer one by the worker.
        """
        if not viewer.may(Right.EDIT_LISTS):
            return None
        now = self._now()

        def work(tx: BringTx) -> tuple[int, bool] | None:
            draft = tx.entries.draft(draft_id, viewer.name)
            if draft is None:
                return None
            return tx.bringings.open(viewer, draft_id, now), draft.words.count("\n") < PIECE

        opened = await self._store.transact(work)
        if opened is None:
            return None
        order_id, short = opened
        if short:
            while await self._bringer.step(order_id) is not None:
                pass
        else:
            self._wake()
        return await self.at(viewer, draft_id)

    async def at(self, viewer: Viewer, draft_id: int) -> Bringing | None:
        """Return how far a file of the viewer's own is; None for any other, and for one that he has not ordered to save."""
        return await self._store.look(lambda tx: tx.bringings.of_draft(viewer.account, draft_id))

    async def stop(self, viewer: Viewer, draft_id: int) -> bool | None:
        """Let it end where it is; False where it has ended, None where there is none of his."""
        order = await self.at(viewer, draft_id)
        if order is None or not viewer.may(Right.EDIT_LISTS):
            return None
        now = self._now()
        return await self._store.transact(lambda tx: tx.bringings.stop(order.id, now))
