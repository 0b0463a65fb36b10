"""Expire: end what nobody moved in time, and forget what is over."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from prometheus_client import Counter

from gateway.domain.address import without_tag
from gateway.domain.durations import DAY
from gateway.domain.lifecycle import Event
from gateway.domain.policy import Expiry, Policy
from gateway.flow.digest_people import Unseen, must_stay
from gateway.flow.digest_ports import AccountLook, DigestRules, DigestTable, RowLook
from gateway.flow.expecting import MEMORY
from gateway.flow.moves import move
from gateway.flow.policy_effects import policies_of
from gateway.flow.ports import Tx
from gateway.flow.rows import PendingRow
from gateway.flow.tally import TALLY, Happening
from gateway.flow.transactions import StoreOf
from gateway.log import event

_log = logging.getLogger("gateway.expire")
_expired = Counter("gateway_expired_total", "Messages that nobody moved in time.", ["fate"])
for _fate in Expiry:
    _expired.labels(_fate.value)  # From 0 on, so that the first is seen.

ACTOR = "service"
PUZZLE_MEMORY = DAY
"""Seconds for which a used puzzle is remembered; longer than any puzzle is good for."""
PURGED_AT_ONCE = 200
"""Messages whose content is forgotten in one transaction: mail that comes in meanwhile does not wait for long."""


class ExpireTx(Tx, Protocol):
    """What expiry needs of a transaction."""

    @property
    def digests(self) -> DigestTable:
        """What people were told of."""

    @property
    def accounts(self) -> AccountLook:
        """Whose addresses are whose."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""


ExpireStore = StoreOf[ExpireTx]


class Expirer:
    """The expiry worker's work, one batch at a time, so that no transaction holds others up for long."""

    def __init__(
        self,
        store: ExpireStore,
        policy: Policy,
        retention: float,
        digests: DigestRules,
        *,
        now: Callable[[], float],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """policy: the configuration's. retention: seconds for which content of ended mail is kept.

        digests: where they are on, nothing goes before its recipient was told of it.
        """
        self._store = store
        self._policy = policy
        self._retention = retention
        self._digests = digests
        self._now = now
        self._wake_deliveries = wake_deliveries

    async def run_once(self, most: int = 500) -> int:
        """End up to `most` messages whose time is over; return how many were looked at.

        The caller has made sure of the clock.
        """
        now = self._now()

        def work(tx: ExpireTx) -> tuple[list[tuple[PendingRow, Expiry]], int]:
            found = tx.pending.expired(now, most)
            stay = self._untold(tx, found)
            # A day more each time, so that others have their turn. The question to the sender stays open as long.
            tx.digests.delay(stay, now + DAY)
            rows = [row for row in found if row.id not in stay]
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
            return ended, len(stay)

        ended, stayed = await self._store.transact(work)
        for row, fate in ended:
            _expired.labels(fate.value).inc()
            TALLY.note(Happening.EXPIRED, row.recipient.domain, now)
            event(_log, "expired", pending=row.id, fate=fate.value)
        if any(fate is Expiry.DELIVER_AS_SPAM for _, fate in ended):
            self._wake_deliveries()
        if stayed:
            event(_log, "not-told-yet", messages=stayed)
        return len(ended) + stayed

    def _untold(self, tx: ExpireTx, rows: Sequence[PendingRow]) -> frozenset[int]:
        unseen = [Unseen(row.id, without_tag(row.recipient.key)) for row in rows]
        return must_stay(tx, self._digests.base, self._digests.domains, unseen)

    async def purge_once(self) -> int:
        """Forget the content of some messages that ended longer ago than the retention; return how many."""
        now = self._now()
        before = now - self._retention
        # Looked for on a view: in years of ended mail that takes longer than the writer should keep mail waiting.
        ids = await self._store.look(lambda tx: tx.pending.purgeable(before, PURGED_AT_ONCE))

        def work(tx: ExpireTx) -> int:
            tx.challenges.forget_puzzles(now - PUZZLE_MEMORY)
            tx.expecting.forget(now - MEMORY)
            return tx.pending.purge(before, ids) if ids else 0

        count = await self._store.transact(work)
        if count:
            event(_log, "purged", messages=count)
        return count
