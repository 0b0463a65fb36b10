"""The next hop: the server behind us that takes accepted mail."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence

from gateway.domain import reply as replies
from gateway.domain.address import Address
from gateway.domain.envelope import Envelope, Recipient
from gateway.domain.reply import Reply
from gateway.flow.ports import Delivery, Features
from gateway.relay.commands import UnsafeCommand
from gateway.relay.connection import Connection
from gateway.relay.faults import Unanswered, Unreachable
from gateway.relay.opening import HopSettings, open_connection
from gateway.relay.pool import Pool
from gateway.relay.recipients import RecipientCache

_log = logging.getLogger(__name__)


class NextHop:
    """One server on kept, pipelined connections; implements `flow.ports.Hop`."""

    def __init__(
        self,
        settings: HopSettings,
        connect: Callable[[HopSettings], Awaitable[Connection]] = open_connection,
        first_contact_pause: float = 2.0,
    ) -> None:
        """first_contact_pause: seconds between two looks for a server that was never seen."""
        self._settings = settings
        self._connect = connect
        self._first_contact_pause = first_contact_pause
        self._features = Features()
        self._pool: Pool[Connection] = Pool(settings, self._open)
        self._known = RecipientCache(settings.recipient_cache_seconds, settings.refusal_cache_seconds)
        self._asking: dict[tuple[str, str, bool], asyncio.Task[Reply]] = {}
        self._first_contact: asyncio.Task[None] | None = None

    @property
    def features(self) -> Features:
        """What the server offers, as last seen."""
        return self._features

    @property
    def connections(self) -> int:
        """How many connections stand or are being made, for the metrics."""
        return self._pool.open

    def start(self) -> None:
        """Begin to look for the server in the background, so that its features are known before mail comes."""
        if self._first_contact is None:
            self._first_contact = asyncio.create_task(self._meet(), name="next hop: first contact")

    async def close(self) -> None:
        """Take leave; transactions under way end first and then close their connections themselves."""
        self._pool.close()
        tasks = [task for task in (self._first_contact, *self._asking.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def probe(self) -> bool:
        """True when the server answers now; for readiness."""
        try:
            return await self._pool.use(Connection.is_alive)
        except (Unreachable, Unanswered):
            return False

    async def verify(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> Reply:
        """Ask whether the server takes this recipient; see `flow.ports.Hop.verify`."""
        now = asyncio.get_running_loop().time()
        known = self._known.look(reverse_path, recipient.address, now)
        if known is not None:
            return known
        # Many mails to one mailbox at once are one question.
        key = (reverse_path.key, recipient.address.key, smtputf8)
        asking = self._asking.get(key)
        if asking is None:
            asking = asyncio.create_task(self._ask(reverse_path, recipient, smtputf8))
            self._asking[key] = asking
            asking.add_done_callback(lambda _: self._asking.pop(key, None))
        return await asyncio.shield(asking)

    async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Delivery:
        """Hand a message over; see `flow.ports.Hop.deliver`."""
        try:
            outcome = await self._pool.use(lambda connection: connection.deliver(envelope, content, all_or_nothing))
        except (Unreachable, Unanswered) as fault:
            _log.info("mail put off: %s", fault)
            return _put_off(envelope, replies.NEXT_HOP_DOWN)
        except UnsafeCommand:
            _log.exception("envelope that must not be sent")
            return _put_off(envelope, replies.TRY_LATER)
        now = asyncio.get_running_loop().time()
        for index in outcome.refused:
            self._known.learn(envelope.reverse_path, envelope.recipients[index].address, outcome.replies[index], now)
        return Delivery(outcome.replies, outcome.sent)

    async def _ask(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> Reply:
        try:
            reply, of_rcpt = await self._pool.use(
                lambda connection: connection.verify(reverse_path, recipient, smtputf8)
            )
        except (Unreachable, Unanswered) as fault:
            _log.info("recipient not checked: %s", fault)
            return replies.NEXT_HOP_DOWN
        except UnsafeCommand:
            _log.exception("address that must not be sent")
            return replies.TRY_LATER
        if of_rcpt:
            self._known.learn(reverse_path, recipient.address, reply, asyncio.get_running_loop().time())
        return reply

    async def _open(self) -> Connection:
        connection = await self._connect(self._settings)
        self._features = connection.features
        return connection

    async def _meet(self) -> None:
        while not self._features.known:
            if await self.probe():
                return
            await asyncio.sleep(self._first_contact_pause)


def _put_off(envelope: Envelope, reply: Reply) -> Delivery:
    return Delivery((reply,) * len(envelope.recipients), False)
