"""Redate: let mail that waits go after the days that hold now, bit by bit, beside the mail that comes in.

    gathering (counts what waits) → running → done
         └────────────────────────────┴──→ undone (stopped; what was moved stays moved)

A redating is an order for a scope, one at a time for each; given again, it begins anew. It holds no rows: it goes
through them in the order of their ids, and notes in the same transaction how far it is.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from gateway.domain.challenge import DAY
from gateway.domain.levels import Choice
from gateway.domain.policy import Policy
from gateway.flow.orders import OrderState
from gateway.flow.policy_effects import NewDate, Waiting, new_date, policies_of
from gateway.log import event

T = TypeVar("T")
_log = logging.getLogger("gateway.policies")

SPAN = 2000
"""Mails that wait, of whatever scope, that one step goes through at most."""
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


class RedatingTable(Protocol):
    """Redatings in the store."""

    def open(self, scope: str, actor: str, now: float) -> int:
        """Keep the order for a scope, or let the one that is there begin anew; return its id."""

    def get(self, order_id: int) -> Redating | None:
        """Return one."""

    def of_scope(self, scope: str) -> Redating | None:
        """Return the one of a scope, whether it has ended or not."""

    def count(self, scope: str) -> tuple[int, int]:
        """Return how many mails wait in a scope, and the id of the last one that waits anywhere."""

    def begin(self, order: Redating, total: int, last: int, now: float) -> bool:
        """Note what was counted; False where somebody else was faster."""

    def stretch(self, scope: str, after: int, last: int, most: int) -> Stretch:
        """Return what waits in a scope among the next `most` mails that wait."""

    def go_on(self, order: Redating, looked_at: int, to: int, dates: Sequence[NewDate], now: float) -> Redating | None:
        """Move these dates and note how far it is; None, and nothing is done, where somebody else was faster."""

    def stop(self, order_id: int, now: float) -> bool:
        """End it where it is; False where it has ended."""


class ChoicesTable(Protocol):
    """Choices of policy."""

    def choices(self, scopes: Sequence[str]) -> tuple[Choice, ...]:
        """Return the choices of these scopes."""


class RedateTx(Protocol):
    """What redating needs of a transaction."""

    @property
    def redatings(self) -> RedatingTable:
        """Redatings."""

    @property
    def policies(self) -> ChoicesTable:
        """Choices of policy."""


class RedateStore(Protocol):
    """Where they are kept."""

    async def transact(self, work: Callable[[RedateTx], T]) -> T:
        """Run work in one writing transaction."""

    async def look(self, work: Callable[[RedateTx], T]) -> T:
        """Run work on a consistent view."""


class Redater:
    """Carries out redatings. Several programs may work at the same one: each step counts once."""

    def __init__(self, store: RedateStore, policy: Policy, *, now: Callable[[], float]) -> None:
        """policy: the configuration's."""
        self._store = store
        self._policy = policy
        self._now = now

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
        looked_at, to, dates = await self._store.look(lambda tx: self._next(tx, order, now))
        moved = await self._store.transact(lambda tx: tx.redatings.go_on(order, looked_at, to, dates, now))
        if moved is not None and not moved.open:
            event(_log, "policy-applied", scope=moved.scope.removeprefix("@") or "site", moved=moved.progress.moved,
                  actor=moved.actor)  # fmt: skip

    def _next(self, tx: RedateTx, order: Redating, now: float) -> tuple[int, int, list[NewDate]]:
        """Return how many mails were looked at, up to which id, and the dates that one transaction moves."""
        found = tx.redatings.stretch(order.scope, order.progress.after, order.progress.last, SPAN)
        policies = policies_of(self._policy, tx.policies.choices, {row.recipient for row in found.rows})
        dates: list[NewDate] = []
        for place, row in enumerate(found.rows, 1):
            date = new_date(row, policies[row.recipient].days * DAY, now)
            if date is not None:
                dates.append(NewDate(row.id, date, row.challenge_id))
            if len(dates) == BATCH:
                return place, row.id, dates
        return len(found.rows), found.end, dates
