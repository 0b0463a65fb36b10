"""Expire: end what nobody moved in time, and forget what is over."""

from __future__ import annotations

import logging
from collections.abc import Callable

from prometheus_client import Counter

from gateway.domain.lifecycle import Event
from gateway.domain.policy import Expiry, Policy
from gateway.flow.expecting import MEMORY
from gateway.flow.moves import move
from gateway.flow.policy_effects import policies_of
from gateway.flow.ports import PendingRow, Store, Tx
from gateway.flow.tally import TALLY, Happening
from gateway.log import event

_log = logging.getLogger("gateway.expire")
_expired = Counter("gateway_expired_total", "Messages that nobody moved in time.", ["fate"])

ACTOR = "service"
PUZZLE_MEMORY = 86_400.0
"""Seconds for which a used puzzle is remembered; longer than any puzzle is good for."""


class Expirer:
    """The expiry worker's work, one batch at a time, so that no transaction holds others up for long."""

    def __init__(
        self,
        store: Store,
        policy: Policy,
        retention: float,
        *,
        now: Callable[[], float],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """policy: the configuration's. retention: seconds for which content of ended mail is kept."""
        self._store = store
        self._policy = policy
        self._retention = retention
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def run_once(self, most: int = 500) -> int:
        """End up to `most` messages whose time is over; return how many. The caller has made sure of the clock."""
        now = self._now()

        def work(tx: Tx) -> list[tuple[PendingRow, Expiry]]:
            rows = tx.pending.expired(now, most)
            # As of now, not of when it came: a change counts for what waits, too.
            policies = policies_of(self._policy, tx.policies.choices, {row.recipient.key for row in rows})
            ended = [(row, policies[row.recipient.key].on_expiry) for row in rows]
            for row, fate in ended:
                if fate is Expiry.DELIVER_AS_SPAM:
                    tx.pending.mark_as_spam(row.id)
                    move(tx, row, Event.EXPIRE_AS_SPAM, ACTOR, now)
                else:
                    move(tx, row, Event.EXPIRE, ACTOR, now, "nobody moved it in time")
            tx.challenges.expire(now, most)
            return ended

        ended = await self._store.transact(work)
        for row, fate in ended:
            _expired.labels(fate.value).inc()
            TALLY.note(Happening.EXPIRED, row.recipient.domain, now)
            event(_log, "expired", pending=row.id, fate=fate.value)
        if any(fate is Expiry.DELIVER_AS_SPAM for _, fate in ended):
            self._wake_deliveries()
        return len(ended)

    async def purge_once(self, most: int = 200) -> int:
        """Forget the content of up to `most` messages that ended longer ago than the retention; return how many."""
        now = self._now()

        def work(tx: Tx) -> int:
            tx.challenges.forget_puzzles(now - PUZZLE_MEMORY)
            tx.expecting.forget(now - MEMORY)
            return tx.pending.purge(now - self._retention, most)

        count = await self._store.transact(work)
        if count:
            event(_log, "purged", messages=count)
        return count
