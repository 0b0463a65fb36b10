"""Redate: let mail that waits go after the days that hold now, bit by bit, beside the mail that comes in.

    gathering (counts what waits) → running → done
         └────────────────────────────┴──→ undone (stopped; what was moved stays moved)

A redating is an order for a scope, one at a time for each; given again, it begins anew. It holds no rows: it goes
through them in the order of their ids, and notes in the same transaction how far it is.
"""

from __future__ import annotations

import functools
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.durations import DAY
from gateway.domain.policy import Policy
from gateway.flow.arrangements import PolicyTx
from gateway.flow.order_ports import OrderState
from gateway.flow.policy_effects import NewDate, Waiting, new_date, policies_of
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.policies")

SPAN = 1000
"""Mails that are read at once; other orders take their turn after them."""
BATCH = 100
"""Mails whose day is moved in one transaction: mail that comes in meanwhile waits some 4 ms for it."""


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a redating is."""

    after: int
    """The id of the last mail it has looked at."""
    last: int
    """The id of the last one it looks at: what came later has its day by the new policy."""
    moved: int


@dataclass(frozen=True, slots=True)
class Redating:
    """An order to let what waits in a scope go after the days that hold now."""

    id: int
    scope: str
    actor: str
    state: OrderState
    changed_at: float
    total: int
    """Mails to look at; 0 until they are counted."""
    done: int
    """Mails it has looked at."""
    progress: Progress

    @property
    def open(self) -> bool:
        """True while there is something to do, and it can be stopped."""
        return self.state in (OrderState.GATHERING, OrderState.RUNNING)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Mails that wait in a scope, one after the other."""

    rows: Sequence[Waiting]
    end: int
    """The id up to which there are no others."""


@dataclass(frozen=True, slots=True)
class Piece:
    """What one transaction does."""

    looked_at: int
    """Mails."""
    to: int
    """The id up to which they go."""
    dates: Sequence[NewDate]


class RedatingTable(Protocol):
    """Redatings in the store."""

    def open(self, scope: str, actor: str, now: float) -> int:
        """Keep the order for a scope, or let the one that is there begin anew; return its id."""

    def get(self, order_id: int) -> Redating | None:
        """Return how far the redating of an order is; None where it is none."""

    def of_scope(self, scope: str) -> Redating | None:
        """Return the one of a scope, whether it has ended or not."""

    def count(self, scope: str) -> tuple[int, int]:
        """Return how many mails wait in a scope, and the id of the last one that waits anywhere."""

    def begin(self, order: Redating, total: int, last: int, now: float) -> bool:
        """Note what was counted; False where somebody else was faster."""

    def stretch(self, scope: str, after: int, last: int, most: int) -> Stretch:
        """Return what waits in a scope among the next `most` mails that wait."""

    def go_on(self, order: Redating, piece: Piece, now: float) -> Redating | None:
        """Move the dates of a piece and note how far it is; None, and nothing is done, where somebody else was faster."""

    def stop(self, order_id: int, now: float) -> bool:
        """End it where it is; False where it has ended."""


class RedateTx(Protocol):
    """What redating needs of a transaction."""

    @property
    def redatings(self) -> RedatingTable:
        """Redatings."""

    @property
    def policies(self) -> PolicyTx:
        """Choices of policy."""


RedateStore = StoreOf[RedateTx]


class Redater:
    """Carries out redatings. Several programs may work at the same one: each step counts once."""

    def __init__(self, store: RedateStore, policy: Policy, *, now: Callable[[], float], span: int = SPAN) -> None:
        """policy: the configuration's. span: mails that wait, of whatever scope, that a step goes through."""
        self._store = store
        self._policy = policy
        self._now = now
        self._span = span

    async def step(self, order_id: int) -> None:
        """Do a bit of it. All that takes long is done on a view; the writer only writes."""
        order = await self._store.look(lambda tx: tx.redatings.get(order_id))
        if order is None or not order.open:
            return
        now = self._now()
        if order.state is OrderState.GATHERING:
            total, last = await self._store.look(lambda tx: tx.redatings.count(order.scope))
            await self._store.transact(lambda tx: tx.redatings.begin(order, total, last, now))
            return
        pieces = await self._store.look(lambda tx: self._next(tx, order, now))
        place: Redating | None = order
        for piece in pieces:
            if place is None:
                return  # Somebody else goes on with it, or it was stopped.
            place = await self._store.transact(functools.partial(_go_on, order=place, piece=piece, now=now))
        if place is not None and not place.open:
            event(_log, "policy-applied", scope=place.scope.removeprefix("@") or "site", moved=place.progress.moved,
                  actor=place.actor)  # fmt: skip

    def _next(self, tx: RedateTx, order: Redating, now: float) -> list[Piece]:
        """Return the next stretch in pieces, each for one transaction."""
        found = tx.redatings.stretch(order.scope, order.progress.after, order.progress.last, self._span)
        policies = policies_of(self._policy, tx.policies.choices, {row.recipient for row in found.rows})
        pieces, dates, looked_at = [], [], 0
        for row in found.rows:
            looked_at += 1
            date = new_date(row, policies[row.recipient].days * DAY, now)
            if date is not None:
                dates.append(NewDate(row.id, date, row.challenge_id))
            if len(dates) == BATCH:
                pieces.append(Piece(looked_at, row.id, dates))
                dates, looked_at = [], 0
        return [*pieces, Piece(looked_at, found.end, dates)]


def _go_on(tx: RedateTx, order: Redating, piece: Piece, now: float) -> Redating | None:
    return tx.redatings.go_on(order, piece, now)
