"""Orders: what people do with mail that waits, kept for the seconds in which it can be undone, then carried out.

    gathering → waiting → running → done
         └──────────┴──→ undoing → undone        running → (stop) → undoing what is left → done

An order has its rows in hand from the moment it is given: they leave the list, and a second order does not get them.
Until its time comes nothing leaves and no entry is made. Order and rows are in the store, and each batch of rows is
moved in the transaction that notes it: whatever is cut off is taken up again where it was.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain.roles import Viewer
from gateway.flow.moderate import Action, Breadth
from gateway.flow.ports import Tx
from gateway.flow.queue_ports import Place, Selection
from gateway.flow.transactions import StoreOf


class OrderState(Enum):
    """Stored by value: add members, never rename them."""

    GATHERING = "gathering"  # Takes the rows of a search in hand, batch by batch.
    WAITING = "waiting"  # Can be undone until its time comes.
    RUNNING = "running"
    UNDOING = "undoing"  # Gives rows back.
    DONE = "done"  # Final.
    UNDONE = "undone"  # Final.


OPEN = (OrderState.GATHERING, OrderState.WAITING, OrderState.RUNNING, OrderState.UNDOING)


@dataclass(frozen=True, slots=True)
class Wish:
    """What a form asks for."""

    action: Action
    nonce: str
    """Of the form: one that is sent twice makes one order."""
    breadth: Breadth = Breadth.ADDRESS


@dataclass(frozen=True, slots=True)
class Order:
    """One order."""

    id: int
    account: int
    actor: str
    action: Action
    breadth: Breadth
    state: OrderState
    created_at: float
    due_at: float
    """When it is carried out, once all its rows are gathered."""
    total: int
    done: int
    """Rows carried out; of one that was undone, rows given back."""
    failed: int
    missed: int
    """Rows that were named, but not to be had: not there, moved meanwhile, or in another's hand."""
    selection: Selection | None = None
    """What is still to be gathered."""

    @property
    def can_be_undone(self) -> bool:
        """True while nothing has left."""
        return self.state in (OrderState.GATHERING, OrderState.WAITING)

    @property
    def can_be_stopped(self) -> bool:
        """True while it is carried out, and for the rows that are left."""
        return self.state is OrderState.RUNNING


@dataclass(frozen=True, slots=True)
class Problem:
    """A row that an order could not move."""

    row_id: int
    words: str


@dataclass(frozen=True, slots=True)
class Due:
    """An order that asks for work."""

    id: int
    redates: bool
    """It is one of `flow.redate`, that has no rows in hand."""
    brings: bool = False
    """It is one of `flow.list_work`, which has none either."""


class OrderTable(Protocol):
    """Orders and their rows in the store."""

    def open(
        self, viewer: Viewer, wish: Wish, selection: Selection | None, now: float, due_at: float
    ) -> tuple[int, bool]:
        """Keep a new order; return its id, and False where the same form has made it before."""

    def take(self, order_id: int, ids: Sequence[int], place: Place) -> int:
        """Take in hand those rows that lie in the place, can be moved, and are nobody's; return how many."""

    def find(self, selection: Selection, most: int) -> Sequence[int]:
        """Return rows of a selection that are nobody's yet, the newest first; fewer than `most` are all there are."""

    def gathered(self, order_id: int, due_at: float) -> None:
        """Note that it has all its rows, and when its time comes."""

    def missed(self, order_id: int, count: int) -> None:
        """Note how many rows were not to be had."""

    def get(self, order_id: int) -> Order | None:
        """Return an order by its id; None where there is none."""

    def latest(self, account: int, since: float, most: int) -> Sequence[Order]:
        """Return the orders of an account that are open, or changed since then, the newest first."""

    def problems(self, order_id: int, most: int) -> Sequence[Problem]:
        """Return rows that it could not move."""

    def due(self, now: float, latest_due: float) -> Due | None:
        """Return an order that asks for work: one that gathers, undoes or runs, or whose time has come."""

    def turn(self, order_id: int, states: Collection[OrderState], to: OrderState, now: float) -> bool:
        """Change its state, if it is in one of these."""

    def left(self, order_id: int, most: int) -> Sequence[int]:
        """Return rows it still has in hand."""

    def settled(self, order_id: int, outcomes: Mapping[int, str], now: float) -> None:
        """Give rows out of hand, and note what became of each: "" is well, else why it could not be moved."""

    def give_back(self, order_id: int, ids: Sequence[int], now: float) -> None:
        """Put rows back into the list."""

    def forget(self, before: float) -> None:
        """Drop orders that ended before then."""


class OrdersTx(Tx, Protocol):
    """What orders need of a transaction."""

    @property
    def orders(self) -> OrderTable:
        """Orders."""


OrdersStore = StoreOf[OrdersTx]
