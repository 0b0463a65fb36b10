"""Bounces: reports that a challenge, which a server had taken, could not be delivered after all.

They come where challenges bear an address of ours as their envelope sender (`[challenge] sender`); to the null reverse-path
none come back. A report names the challenge by its Message-ID, which nobody can guess. It counts in the gauge of backscatter,
and changes nothing else: a mailbox that also sends its mail on elsewhere got the challenge all the same.
"""

from __future__ import annotations

import logging
from collections.abc import Callable

from gateway.domain.address import Address
from gateway.domain.envelope import Transaction
from gateway.domain.header import Header
from gateway.domain.outgoing import failed_mails
from gateway.flow.ports import Store, StoreDown
from gateway.flow.tally import TALLY, Happening
from gateway.log import event, warning

_log = logging.getLogger("gateway.bounces")


class Bounces:
    """Looks through mail to the envelope sender of challenges."""

    def __init__(self, store: Store, sender: Address, *, now: Callable[[], float]) -> None:
        """sender: of challenges; not the null one."""
        self._store = store
        self._key = sender.key
        self._now = now

    async def note(self, transaction: Transaction, head: Header, content: bytes) -> None:
        """Count what a mail reports. The mail itself goes on as any other."""
        if all(recipient.address.key != self._key for recipient in transaction.recipients):
            return
        mails = failed_mails(head, content)
        if not mails:
            return
        try:
            found = await self._store.transact(lambda tx: tx.challenges.bounced(mails))
        except StoreDown:
            # For a number, no mail is put off.
            warning(_log, "bounce-not-counted", transaction=transaction.id)
            return
        for number, domain in found:
            TALLY.note(Happening.BOUNCED, domain, self._now())
            event(_log, "challenge-bounced", challenge=number, transaction=transaction.id)
