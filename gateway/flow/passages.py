"""Passages: the facts of mail that went through or was refused in the session, which leaves no other row.

They are gathered in memory and written down together every second: the path of a relayed mail pays for one entry
in a list. What a crash loses is facts of the last seconds, never mail.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import NamedTuple, Protocol

from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.policy import Decision, Disposition
from gateway.domain.reply import Reply
from gateway.flow.transactions import Transacts
from gateway.log import warning

_log = logging.getLogger("gateway.history")

MOST = 50_000
"""Mails remembered between two times of writing; of more the facts are lost, for they are a help and no record."""
BATCH = 500
"""Mails written in one transaction: mail that comes in meanwhile does not wait for long."""
_RELAYED, _DEFERRED, _REFUSED = "relayed", "deferred", "refused"


class Passage(NamedTuple):
    """One mail for one recipient, as it is kept."""

    at: float
    transaction_id: str
    sender: str
    sender_key: str
    recipient: str
    recipient_key: str
    recipient_domain: str
    size: int
    decision: str
    """`deliver`, `hold` or `reject`; "" where none was made."""
    reason: str
    state: str
    """`relayed`, `deferred` (the next hop could not take it now), `refused`."""
    queue_id: str
    """Of the mail server in front."""
    reply: str
    """What the client was told: of relayed mail the next hop's own words, with its queue id."""
    client: str


_Seen = tuple[float, str, Client, str, str, list[Recipient], int, tuple[Decision, ...], Reply]


class PassageTable(Protocol):
    """Passages in the store."""

    def add(self, passages: Sequence[Passage]) -> None:
        """Keep some more."""


class PassagesTx(Protocol):
    """What writing down needs of a transaction."""

    @property
    def passages(self) -> PassageTable:
        """Passages."""


PassagesStore = Transacts[PassagesTx]


class Passages:
    """Remembers what passed, and writes it down."""

    def __init__(self, store: PassagesStore, most: int = MOST) -> None:
        self._store = store
        self._most = most
        self._seen: list[_Seen] = []
        self._lost = 0

    def note(
        self, transaction: Transaction, size: int, decisions: tuple[Decision, ...], answer: Reply, now: float
    ) -> None:
        """Remember a mail that was not kept."""
        if len(self._seen) >= self._most:
            self._lost += 1
            return
        path = transaction.reverse_path
        self._seen.append(
            (now, transaction.id, transaction.client, path.text, path.key, transaction.recipients, size, decisions, answer)
        )  # fmt: skip

    async def write_down(self) -> int:
        """Write down what was remembered; return how many mails. Raises StoreDown, and then nothing is forgotten."""
        if self._lost:
            warning(_log, "history-lost", mails=self._lost)
            self._lost = 0
        written, waiting = 0, len(self._seen)
        # No further than what was there at first: else, under load, each commit would wait for the few mails of the last.
        while written < waiting:
            batch, self._seen = self._seen[:BATCH], self._seen[BATCH:]
            rows = [row for seen in batch for row in _rows(seen)]
            try:
                await self._store.transact(lambda tx: tx.passages.add(rows))  # noqa: B023 awaited here
            except BaseException:
                self._seen = batch + self._seen
                raise
            written += len(batch)
        return written


def _rows(seen: _Seen) -> list[Passage]:
    now, transaction_id, client, sender, sender_key, recipients, size, decisions, answer = seen
    rows, said = [], str(answer)
    for number, recipient in enumerate(recipients):
        decision = decisions[number] if number < len(decisions) else None
        refused = decision is None or decision.disposition is Disposition.REJECT or answer.permanent
        state = _RELAYED if answer.accepted else _REFUSED if refused else _DEFERRED
        address = recipient.address
        # By place, not by name: that takes half of the time, and there is one for each relayed mail.
        rows.append(
            Passage(
                now,
                transaction_id,
                sender,
                sender_key,
                address.text,
                address.key,
                address.domain,
                size,
                decision.disposition.value if decision else "",
                decision.reason.value if decision else "",
                state,
                client.queue_id,
                said,
                client.address,
            )
        )
    return rows
