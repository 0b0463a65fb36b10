"""Events for the webhook as its service hands them about, and what it needs of the store and of what sends them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Protocol

from gateway.domain.webhook import Happened, Kind
from gateway.flow.transactions import StoreOf


@dataclass(frozen=True, slots=True)
class NewItem:
    """An event about to be kept until it is sent."""

    event_id: str
    kind: Kind
    pending: int
    body: bytes
    at: float


@dataclass(frozen=True, slots=True)
class Item:
    """An event that waits to be sent."""

    id: int
    event_id: str
    kind: Kind
    pending: int
    body: bytes
    at: float
    attempts: int
    due_at: float
    fault: str
    """Of the last attempt; "" before the first."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How the webhook stands, as the store tells it."""

    cursor: int = 0
    """The last line of the trail that was read."""
    newest: int = 0
    """The last line there is."""
    waiting: int = 0
    due: bool = False
    oldest: float | None = None
    """When the eldest event that waits happened."""
    sent_at: float | None = None
    failing_since: float | None = None
    fault: str = ""
    """Of the last attempt that failed."""
    dropped: int = 0
    """Events that were never taken."""


@dataclass(frozen=True, slots=True)
class News:
    """What stands in the trail behind the cursor."""

    rows: tuple[Happened, ...]
    cursor: int
    """Up to where it was read."""
    end: tuple[float, int] = (0.0, 0)
    """When the line there was written, and of which row: where lines were dropped, another may get its number."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one attempt."""

    id: int
    fault: str = ""
    due_at: float | None = None
    """The next attempt; None: it is done with, taken or dropped."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of one request."""

    fault: str = ""
    """"" where it was taken; else a status, or a key of `domain.webhook.FAULTS`."""
    retry_after: float = 0.0
    """Seconds that the receiver asks for."""


class WebhookTable(Protocol):
    """Events in the store."""

    def standing(self, latest_due: float, now: float) -> Standing | None:
        """Return how it stands; None where nothing was ever sent."""

    def begin(self) -> None:
        """Begin behind what is in the trail."""

    def news(self, cursor: int, kinds: Collection[Kind], most: int) -> News:
        """Return moves of these kinds behind a line."""

    def keep(self, items: Sequence[NewItem], news: News, dropped: int) -> bool:
        """Keep events to be sent, and note up to where the trail was read; False where it was cut since then."""

    def due(self, now: float, latest_due: float, most: int) -> Sequence[Item]:
        """Return events whose time has come, the eldest first."""

    def settle(self, outcomes: Sequence[Outcome], now: float) -> None:
        """Save what became of attempts."""

    def hasten(self, now: float) -> int:
        """Let all that wait be due; return how many."""

    def items(self, most: int) -> Sequence[Item]:
        """Return events that wait, the eldest first."""


class WebhookTx(Protocol):
    """What the webhook needs of a transaction."""

    @property
    def webhook(self) -> WebhookTable:
        """Its events."""


WebhookStore = StoreOf[WebhookTx]


Post = Callable[[str, bytes, float], Awaitable[Answer]]
"""Id, body and the time → what came of it. Never raises for what the receiver does."""
