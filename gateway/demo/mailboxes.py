"""A small SMTP server with mailboxes: our users' in the demo, the strangers' as well, and both in tests."""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable, Collection
from types import TracebackType
from typing import Self

from gateway.demo.mailbox_session import HANG_UP, KEEP_AND_HANG_UP, Conduct, Incoming, MailboxSession, Replies
from gateway.demo.ports import place_of
from gateway.demo.shelf import PER_MAILBOX, TOTAL_OCTETS, Mail, Shelf
from gateway.domain.address import Address, normal_form, without_tag
from gateway.settings import Endpoint

__all__ = ["HANG_UP", "KEEP_AND_HANG_UP", "Mail", "MailboxServer", "Replies"]

EXTENSIONS = ("PIPELINING", "8BITMIME", "SMTPUTF8", "ENHANCEDSTATUSCODES")
"""SIZE is added with the server's own limit."""

_CONNECTIONS = 500


class MailboxServer:
    """Takes mail and keeps it, octet for octet; use as `async with MailboxServer() as server: server.endpoint`."""

    def __init__(
        self,
        host: str = "127.0.0.1",
        port: int = 0,
        *,
        hostname: str = "mail.invalid",
        recipients: Collection[str] | None = None,
        replies: Replies | None = None,
        extensions: tuple[str, ...] = EXTENSIONS,
        max_octets: int = TOTAL_OCTETS - 65_536,
        per_mailbox: int = PER_MAILBOX,
        total_octets: int = TOTAL_OCTETS,
        tls: ssl.SSLContext | None = None,
        wall: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.perf_counter,
    ) -> None:
        """Prepare; nothing listens yet.

        port: 0 takes a free one.
        recipients: the mailboxes there are; others get 550 5.1.1 at RCPT. Sub-addresses belong to their base
        address, postmaster always exists. None: every mailbox exists.
        replies: what is said instead of the usual; also reachable as `.replies`.
        extensions: EHLO keywords besides SIZE and STARTTLS; what is left out is not advertised, but still understood.
        max_octets: larger mails get 552; told by SIZE.
        per_mailbox, total_octets: how much is kept; the oldest go first.
        """
        self.replies = replies if replies is not None else Replies()
        self._wanted = Endpoint(host, port)
        self._recipients = None if recipients is None else {normal_form(address) for address in recipients}
        self._shelf = Shelf(per_mailbox, total_octets)
        self._wall, self._monotonic = wall, monotonic
        self._transactions = 0
        self._conduct = Conduct(
            replies=self.replies,
            hostname=hostname,
            extensions=(f"SIZE {max_octets}", *extensions),
            max_octets=max_octets,
            knows=self._knows,
            keep=self._keep,
            tls=tls,
            opened=self._opened,
            closed=self._closed,
        )
        self._endpoint: Endpoint | None = None
        self._server: asyncio.Server | None = None
        self._sessions: set[MailboxSession] = set()
        self.connections = 0
        """How many connections were ever made."""

    @property
    def endpoint(self) -> Endpoint:
        """Where it listens, or listened before it was stopped. Raises RuntimeError before the first start."""
        if self._endpoint is None:
            raise RuntimeError("the mailbox server has not been started")
        return self._endpoint

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()

    async def start(self) -> None:
        """Listen; after a stop at the same place as before, with the same mails. Raises OSError when it is taken."""
        loop = asyncio.get_running_loop()
        wanted = self._endpoint or self._wanted
        self._server = await loop.create_server(lambda: MailboxSession(self._conduct, loop), wanted.host, wanted.port)
        self._endpoint = place_of(self._server.sockets[0])

    async def stop(self) -> None:
        """Close the door and reset every connection, as a crash would; mails stay readable."""
        if self._server is None:
            return
        self._server.close()
        sessions = tuple(self._sessions)
        for session in sessions:
            session.abort()
        tasks = [session.task for session in sessions if session.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._server.wait_closed()
        self._server = None

    def mailboxes(self) -> list[str]:
        """Return the mailboxes that hold mail, in normal form, sorted."""
        return self._shelf.mailboxes()

    def mails(self, mailbox: str) -> list[Mail]:
        """Return what a mailbox holds, oldest first; any spelling of its address will do."""
        return self._shelf.mails(mailbox)

    def mail(self, mailbox: str, number: int) -> Mail | None:
        """Return one mail, or None where there is none (any more)."""
        return next((mail for mail in self._shelf.mails(mailbox) if mail.number == number), None)

    def all_mails(self) -> list[Mail]:
        """Return every mail of every mailbox, in the order of arrival."""
        return self._shelf.all_mails()

    @property
    def arrived(self) -> int:
        """How many mails ever arrived, over all mailboxes; a copy for each recipient counts."""
        return self._shelf.arrived_total

    async def wait_for_mail(self, mailbox: str | None, count: int = 1, timeout: float = 10.0) -> list[Mail]:
        """Wait until so many mails have ever arrived in the mailbox (None: in any), and return what it holds.

        Raises TimeoutError.
        """
        await self._shelf.wait(mailbox, count, timeout)
        return self.all_mails() if mailbox is None else self.mails(mailbox)

    def clear(self) -> None:
        """Empty every mailbox and start counting anew."""
        self._shelf.clear()

    def _knows(self, address: str) -> bool:
        if self._recipients is None:
            return True
        key = normal_form(address)
        # RFC 5321 §4.5.1: postmaster, with and without a domain.
        return (
            key in self._recipients
            or without_tag(key) in self._recipients
            or key == "postmaster"
            or Address.of(address).local == "postmaster"
        )

    async def _keep(self, incoming: Incoming, content: bytes) -> None:
        self._transactions += 1
        everyone = tuple(address for address, _ in incoming.recipients)
        wall, monotonic = self._wall(), self._monotonic()
        copies = {normal_form(address): (address, parameters) for address, parameters in incoming.recipients}
        await self._shelf.put(
            [
                Mail(
                    number=self._shelf.next_number(address),
                    transaction=self._transactions,
                    reverse_path=incoming.reverse_path,
                    recipient=address,
                    recipients=everyone,
                    content=content,
                    arrived_at=wall,
                    arrived_monotonic=monotonic,
                    helo=incoming.helo,
                    mail_parameters=incoming.mail_parameters,
                    rcpt_parameters=parameters,
                    xforward=incoming.xforward,
                    tls=incoming.tls,
                )
                for address, parameters in copies.values()
            ]
        )

    def _opened(self, session: MailboxSession) -> bool:
        self.connections += 1
        self._sessions.add(session)
        return len(self._sessions) <= _CONNECTIONS

    def _closed(self, session: MailboxSession) -> None:
        self._sessions.discard(session)
