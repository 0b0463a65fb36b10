"""Webhook: tell another program what becomes of mail, at least once, as soon as it listens.

The audit trail, which each move writes into its own transaction, is the queue: a mail's path pays nothing. A worker
reads on from where it was, keeps what is to be sent, few at a time, and tries each until it is taken or too old. So a
receiver that is dead fills no disk: what happens meanwhile waits in the trail, which is there anyway.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from prometheus_client import Counter

from gateway.domain import webhook as events
from gateway.domain.challenge import token_text
from gateway.domain.public_url import pages_of
from gateway.domain.retry import next_attempt
from gateway.domain.roles import Right, Viewer
from gateway.domain.webhook import Happened, Kind
from gateway.flow.webhook_ports import (
    Answer,
    Item,
    NewItem,
    Outcome,
    Post,
    Standing,
    WebhookStore,
    WebhookTx,
)
from gateway.log import event, warning

_log = logging.getLogger("gateway.webhook")
_events = Counter("gateway_webhook_total", "Attempts to send an event to the webhook.", ["result"])
for _result in ("sent", "queued", "dropped"):
    _events.labels(_result)  # From 0 on, so that the first is seen.

MOST = 1000
"""Events that are kept to be sent; more wait in the audit trail."""
BATCH = 200
"""Lines of the trail read at a time."""
SIDE_BY_SIDE = 8
"""Requests at a time."""
SHOWN = 50
"""Events that are listed."""
_LONG = 60.0
"""Seconds for which it must have failed, before what waits is hastened when it works again."""
_SLACK = 2.0
"""How many of the longest waits an attempt may lie ahead; one that lies further is of a clock that jumped."""


@dataclass(frozen=True, slots=True)
class WebhookView:
    """All that is shown of the webhook."""

    url: str
    kinds: tuple[Kind, ...]
    standing: Standing
    items: tuple[Item, ...] = ()
    """The eldest that wait, at most SHOWN."""


@dataclass(frozen=True, slots=True)
class WebhookRules:
    """What holds for the webhook."""

    url: str
    """"" where there is none."""
    kinds: tuple[Kind, ...]
    days: float
    """For how long an event is tried."""
    site: str
    """Our name: two gateways may tell the same receiver."""
    public_url: str
    """Of the pages; see `domain.public_url`."""


class Webhook:
    """Sends events; shows and tries out for who has the site."""

    def __init__(
        self,
        rules: WebhookRules,
        store: WebhookStore,
        post: Post,
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        random_octets: Callable[[int], bytes],
        most: int = MOST,
    ) -> None:
        """most: events that are kept to be sent."""
        self._most = most
        self._rules = rules
        self._store = store
        self._post = post
        self._now = now
        self._chance = chance
        self._random_octets = random_octets
        self._backoff = events.backoff(rules.days)

    # --- the worker's work ---

    async def run_once(self) -> int:
        """Read on in the trail, and attempt what is due; return how much was done. Only one runs at a time."""
        now = self._now()
        standing = await self._store.look(lambda tx: tx.webhook.standing(self._latest_due(now), now))
        if standing is None:
            await self._store.transact(lambda tx: tx.webhook.begin())
            return 0
        read = 0
        if standing.newest > standing.cursor and standing.waiting < self._most:
            read = await self._read_on(standing, now)
        if not read and not standing.due:
            return 0
        latest = self._latest_due(now)
        due = await self._store.look(lambda tx: tx.webhook.due(now, latest, SIDE_BY_SIDE))
        if due:
            await self._attempt(due, standing)
        return read + len(due)

    async def _read_on(self, standing: Standing, now: float) -> int:
        """Keep what happened to be sent; return how many lines were read."""
        most = min(BATCH, self._most - standing.waiting)
        too_old = now - self._backoff.give_up_after

        news = await self._store.look(lambda tx: tx.webhook.news(standing.cursor, self._rules.kinds, most))
        fresh = [self._item(row) for row in news.rows if row.at > too_old]
        dropped = len(news.rows) - len(fresh)
        # Read before, so that mail that comes in does not wait while the trail is gone through.
        if not await self._store.transact(lambda tx: tx.webhook.keep(fresh, news, dropped)):
            return 0
        if dropped:
            self._tell_dropped(dropped)
        return len(news.rows)

    def _item(self, row: Happened) -> NewItem:
        domain = row.recipient.rpartition("@")[2]
        url = f"{pages_of(self._rules.public_url, domain)}/console/message/{row.pending}"
        kind = events.KINDS[row.event]
        return NewItem(events.event_id(self._rules.site, row), kind, row.pending, events.body(row, url), row.at)

    async def _attempt(self, due: Sequence[Item], standing: Standing) -> None:
        outcomes = await asyncio.gather(*(self._sent(item) for item in due))
        now = self._now()
        works = any(not outcome.fault for outcome in outcomes)
        back = works and standing.failing_since is not None and now - standing.failing_since > _LONG

        def work(tx: WebhookTx) -> None:
            tx.webhook.settle(outcomes, now)
            if back:
                tx.webhook.hasten(now)

        await self._store.transact(work)
        if works and standing.failing_since is not None:
            event(_log, "webhook-works-again", seconds=round(now - standing.failing_since))
        elif not works and standing.failing_since is None:
            warning(_log, "webhook-failing", problem=str(events.fault_words(outcomes[0].fault)))
        dropped = sum(1 for outcome in outcomes if outcome.fault and outcome.due_at is None)
        if dropped:
            self._tell_dropped(dropped)

    async def _sent(self, item: Item) -> Outcome:
        answer = await self._post(item.event_id, item.body, self._now())
        now, due_at = self._now(), None
        if answer.fault:
            due_at = next_attempt(self._backoff, item.attempts + 1, item.at, now, self._chance())
            if due_at is not None:
                due_at = max(due_at, now + min(answer.retry_after, self._backoff.longest))
        result = "sent" if not answer.fault else "queued" if due_at is not None else "dropped"
        _events.labels(result).inc()
        event(_log, "webhook", id=item.event_id, kind=item.kind.value, pending=item.pending,
              attempts=item.attempts + 1, result=result, fault=answer.fault)  # fmt: skip
        return Outcome(item.id, answer.fault, due_at)

    @staticmethod
    def _tell_dropped(count: int) -> None:
        warning(_log, "webhook-dropped", events=count)

    def _latest_due(self, now: float) -> float:
        return now + _SLACK * self._backoff.longest

    async def failing_since(self) -> float | None:
        """Return since when nothing was taken; None while all is well."""
        now = self._now()
        standing = await self._store.look(lambda tx: tx.webhook.standing(self._latest_due(now), now))
        return None if standing is None else standing.failing_since

    # --- for people ---

    async def show(self, viewer: Viewer) -> WebhookView | None:
        """Return how the webhook stands; None without the right."""
        if not viewer.may(Right.WEBHOOK):
            return None
        now = self._now()

        def work(tx: WebhookTx) -> tuple[Standing | None, Sequence[Item]]:
            return tx.webhook.standing(self._latest_due(now), now), tx.webhook.items(SHOWN)

        standing, items = await self._store.look(work)
        return WebhookView(self._rules.url, self._rules.kinds, standing or Standing(), tuple(items))

    async def test(self, viewer: Viewer) -> Answer | None:
        """Send an event that tells nothing, once; None without the right, or where there is no webhook."""
        if not viewer.may(Right.WEBHOOK) or not self._rules.url:
            return None
        now = self._now()
        number = f"msg_test_{token_text(self._random_octets(10))}"
        return await self._post(number, events.sample_body(self._rules.site, now), now)

    async def retry(self, viewer: Viewer) -> int | None:
        """Let all that waits be tried now; return how much, None without the right, or where there is no webhook."""
        if not viewer.may(Right.WEBHOOK) or not self._rules.url:
            return None
        now = self._now()
        return await self._store.transact(lambda tx: tx.webhook.hasten(now))
