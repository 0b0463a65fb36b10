"""Where the mail of all mailboxes lies: in memory, within bounds, octet for octet."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from dataclasses import dataclass

from gateway.domain.address import normal_form

PER_MAILBOX = 200
TOTAL_OCTETS = 30 * 1024 * 1024
_OVERHEAD = 1024
"""What a mail costs beyond its content, so that a flood of empty mails is bounded too."""


@dataclass(frozen=True, slots=True)
class Mail:
    """One mail in one mailbox, as SMTP brought it."""

    number: int
    """Counts from 1 within its mailbox; never given twice."""
    transaction: int
    """The same for the copies that came in one transaction; counts from 1."""
    reverse_path: str
    """Without angle brackets; "" is the null reverse-path."""
    recipient: str
    """As this RCPT wrote it."""
    recipients: tuple[str, ...]
    """Everyone the transaction was accepted for."""
    content: bytes
    """Every octet between the reply 354 and the final dot, dot-stuffing undone."""
    arrived_at: float
    """Seconds since the epoch."""
    arrived_monotonic: float
    """The same moment in seconds on the monotonic clock, for durations."""
    helo: str = ""
    mail_parameters: tuple[str, ...] = ()
    """As written behind the reverse-path: `SIZE=1000`, `BODY=8BITMIME`, `ENVID=…`."""
    rcpt_parameters: tuple[str, ...] = ()
    """As written behind this recipient: `NOTIFY=NEVER`, `ORCPT=…`."""
    xforward: tuple[str, ...] = ()
    """What XFORWARD told about the client: `ADDR=192.0.2.1`."""
    tls: bool = False


class Shelf:
    """Keeps the newest mails of each mailbox; the oldest of all go when the whole grows too big."""

    def __init__(self, per_mailbox: int = PER_MAILBOX, total_octets: int = TOTAL_OCTETS) -> None:
        self.per_mailbox = per_mailbox
        self.total_octets = total_octets
        self.arrived_total = 0
        """How many mails ever came, over all mailboxes."""
        self._boxes: dict[str, deque[Mail]] = {}
        self._arrived: Counter[str] = Counter()
        self._order: OrderedDict[tuple[str, int], Mail] = OrderedDict()
        self._copies: Counter[int] = Counter()
        self._used = 0
        self._changed = asyncio.Condition()

    def next_number(self, mailbox: str) -> int:
        """Return the number the next mail of this mailbox will bear."""
        return self._arrived[normal_form(mailbox)] + 1

    async def put(self, mails: list[Mail]) -> None:
        """Lay the copies of one transaction down, make room for them, and wake who waits."""
        for mail in mails:
            key = normal_form(mail.recipient)
            self._arrived[key] += 1
            self.arrived_total += 1
            self._boxes.setdefault(key, deque()).append(mail)
            self._order[key, mail.number] = mail
            if not self._copies[mail.transaction]:
                self._used += len(mail.content)
            self._copies[mail.transaction] += 1
            self._used += _OVERHEAD
            if len(self._boxes[key]) > self.per_mailbox:
                self._drop(key, self._boxes[key][0])
        while self._used > self.total_octets and len(self._order) > 1:
            (key, _), mail = next(iter(self._order.items()))
            self._drop(key, mail)
        async with self._changed:
            self._changed.notify_all()

    def _drop(self, key: str, mail: Mail) -> None:
        box = self._boxes[key]
        box.popleft()  # The oldest of all is the oldest of its mailbox too.
        if not box:
            del self._boxes[key]
        del self._order[key, mail.number]
        self._used -= _OVERHEAD
        self._copies[mail.transaction] -= 1
        if not self._copies[mail.transaction]:
            del self._copies[mail.transaction]
            self._used -= len(mail.content)

    def mailboxes(self) -> list[str]:
        """Return the normal forms of the mailboxes that hold mail, sorted."""
        return sorted(self._boxes)

    def mails(self, mailbox: str) -> list[Mail]:
        """Return what a mailbox holds, oldest first."""
        return list(self._boxes.get(normal_form(mailbox), ()))

    def all_mails(self) -> list[Mail]:
        """Return everything, in the order of arrival."""
        return list(self._order.values())

    def arrived(self, mailbox: str) -> int:
        """How many mails ever came into this mailbox."""
        return self._arrived[normal_form(mailbox)]

    async def wait(self, mailbox: str | None, count: int, timeout: float) -> None:
        """Return once so many mails have ever come into the mailbox (None: into any). Raises TimeoutError."""
        async with asyncio.timeout(timeout), self._changed:
            await self._changed.wait_for(
                lambda: (self.arrived_total if mailbox is None else self.arrived(mailbox)) >= count
            )

    def clear(self) -> None:
        """Forget every mail and every count."""
        self._boxes.clear()
        self._order.clear()
        self._copies.clear()
        self._arrived.clear()
        self._used = self.arrived_total = 0
