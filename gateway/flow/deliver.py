"""Deliver: hand released mail to the next hop, again and again until it takes it or time is over."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from prometheus_client import Counter

from gateway.domain import header, trace
from gateway.domain.address import Address
from gateway.domain.envelope import Envelope
from gateway.domain.lifecycle import Event, State
from gateway.domain.reply import Reply
from gateway.domain.retry import DELIVERY, next_attempt
from gateway.flow.late_attempts import LateAttempts
from gateway.flow.ports import Hop, Store
from gateway.flow.rows import Owed
from gateway.flow.tally import TALLY, Happening
from gateway.log import event

_log = logging.getLogger("gateway.deliver")
_deliveries = Counter("gateway_deliveries_total", "Attempts to hand released mail on.", ["result"])
# From 0 on: whoever watches a counter does not see the first step of one that was not there.
for _result in ("accepted", "deferred", "refused-by-next-hop", "gave-up"):
    _deliveries.labels(_result)

LEASE = 1800.0
"""Seconds an attempt may take; longer than the slowest answer to DATA it waits for."""
PATIENCE = 5.0
"""Seconds that a batch waits for its slowest attempts."""
PUT_OFF = 10.0
"""Seconds for which mail is left alone whose next hop lets many attempts wait."""
ACTOR = "service"


@dataclass(frozen=True, slots=True)
class DeliverRules:
    """What the configuration says about mail that is let go."""

    mark_key: bytes
    spam_subject_tag: str = ""
    spam_plus_address: str = ""
    delimiter: str = "+"


class Deliverer:
    """The delivery workers' work: batches of attempts, of which slow ones hold up no others."""

    def __init__(
        self,
        rules: DeliverRules,
        store: Store,
        hop_for: Callable[[str], Hop],
        *,
        now: Callable[[], float],
        chance: Callable[[], float],
        lease: Callable[[], int],
    ) -> None:
        """chance: 0 ≤ x < 1, for jitter. lease: a fresh fencing token."""
        self._rules = rules
        self._store = store
        self._hop_for = hop_for
        self._now = now
        self._chance = chance
        self._lease = lease
        self._patience = PATIENCE
        self._late = LateAttempts()

    async def run_once(self, most: int = 20) -> int:
        """Attempt up to `most` rows that are due, side by side; return how many were taken up.

        It can be run several times side by side. Rows whose next hop lets many attempts wait are put off a little, so
        that those of others are not behind them.
        """
        now, lease = self._now(), self._lease()
        # A clock set back would leave rows due in a far future: no wait is ever longer than this.
        latest = now + 2 * DELIVERY.longest
        claimed = await self._store.transact(lambda tx: tx.pending.claim(now, most, lease, now + LEASE, latest))
        hops = {row_id: self._hop_for(domain) for row_id, domain in claimed.items()}
        stuck = [row_id for row_id, hop in hops.items() if self._late.many(id(hop))]
        if stuck:
            await self._store.transact(lambda tx: tx.pending.put_off(stuck, lease, now + PUT_OFF))
        attempts = [(id(hops[row_id]), self._attempt(row_id, lease)) for row_id in claimed if row_id not in stuck]
        await self._late.run(attempts, self._patience)
        return len(claimed)

    async def close(self, grace: float) -> None:
        """Let slow attempts end within so many seconds; what is cut off is taken up again when its lease ends."""
        await self._late.close(grace)

    async def _attempt(self, row_id: int, lease: int) -> None:
        owed = await self._store.look(lambda tx: tx.pending.owed(row_id, lease))
        if owed is None:
            return
        envelope = self._envelope(owed)
        delivery = await self._hop_for(envelope.recipients[0].address.domain).deliver(
            envelope, self._pieces(owed), all_or_nothing=True
        )
        await self._save(owed, delivery.replies[0])

    async def _save(self, owed: Owed, answer: Reply) -> None:
        now = self._now()
        due_at: float | None = None
        moved: Event | None
        if answer.accepted:
            state, moved = State.DELIVERED, Event.ACCEPTED
        elif answer.permanent:
            state, moved = State.REFUSED, Event.REFUSED
        else:
            due_at = next_attempt(DELIVERY, owed.attempts + 1, owed.due_since, now, self._chance())
            state, moved = (State.RELEASED, None) if due_at is not None else (State.REFUSED, Event.GAVE_UP)
        saved = await self._store.transact(
            lambda tx: tx.pending.finish(owed.id, owed.lease, state, moved, str(answer), due_at, now)
        )
        _deliveries.labels(moved.value if moved else "deferred").inc()
        if state is State.DELIVERED and saved:
            TALLY.note(Happening.DELIVERED, owed.envelope.recipients[0].address.domain, now)
        event(_log, "delivery", pending=owed.id, recipient=owed.envelope.recipients[0].address.text,
              state=state.value, attempts=owed.attempts + 1, reply=str(answer), saved=saved)  # fmt: skip

    def _envelope(self, owed: Owed) -> Envelope:
        if not (owed.as_spam and self._rules.spam_plus_address):
            return owed.envelope
        (recipient,) = owed.envelope.recipients
        local, _, domain = recipient.address.text.rpartition("@")
        tagged = f"{local}{self._rules.delimiter}{self._rules.spam_plus_address}@{domain}"
        return replace(owed.envelope, recipients=(replace(recipient, address=Address.of(tagged)),))

    def _pieces(self, owed: Owed) -> list[bytes]:
        head = header.split(owed.content)
        if owed.as_spam and self._rules.spam_subject_tag:
            span, field = trace.with_subject_tag(owed.content, head, self._rules.spam_subject_tag)
            pieces = trace.replaced(owed.content, owed.cuts, span, field)
            # The mark vouches for the mail as it goes on: with the tagged Subject.
            tagged = b"".join(pieces)
            mark = trace.release_mark(self._rules.mark_key, tagged, header.split(tagged), self._now())
        else:
            pieces = trace.without(owed.content, owed.cuts)
            mark = trace.release_mark(self._rules.mark_key, owed.content, head, self._now())
        spam = trace.spam_fields(owed.days) if owed.as_spam else b""
        return [mark + spam + owed.trace, *pieces]
