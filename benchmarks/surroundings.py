"""What stands around a gateway: a name server, our users' mailboxes, and the strangers' mailboxes, in one thread.

All three are the demo's servers; here they run beside synchronous code, which asks them from outside.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Collection, Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

from benchmarks.places import PATIENCE
from gateway.demo.dns import DnsServer
from gateway.demo.mailboxes import EXTENSIONS, Mail, MailboxServer, Replies
from gateway.demo.zones import ZoneData

_T = TypeVar("_T")
_MANY_OCTETS = 1024 * 1024 * 1024
_MANY_MAILS = 1_000_000
_LARGEST_MAIL = 100_000_000


def sender_zones(domains: Collection[str], client: str) -> ZoneData:
    """Zones in which these domains take mail, and the client's address may send for them (SPF)."""
    records = {"@": {"MX": ["10 mail"], "TXT": [f"v=spf1 ip4:{client} -all"]}, "mail": {"A": [client]}}
    return dict.fromkeys(domains, records)


class Mailboxes:
    """One of the mail servers, for callers outside its loop."""

    def __init__(self, surroundings: Surroundings, server: MailboxServer) -> None:
        self._surroundings = surroundings
        self._server = server

    @property
    def port(self) -> int:
        """Where it takes mail, on 127.0.0.1."""
        return self._server.endpoint.port

    @property
    def replies(self) -> Replies:
        """What is said instead of the usual."""
        return self._server.replies

    def mails(self, mailbox: str) -> list[Mail]:
        """Return what a mailbox holds now, oldest first."""
        return self._surroundings.run(_now(lambda: self._server.mails(mailbox)))

    def all_mails(self) -> list[Mail]:
        """Return everything that is held, in the order of arrival."""
        return self._surroundings.run(_now(self._server.all_mails))

    def wait(self, mailbox: str, count: int = 1, seconds: float = PATIENCE) -> list[Mail]:
        """Wait until so many mails came into the mailbox, and return them. Raises TimeoutError."""
        return self._surroundings.run(self._server.wait_for_mail(mailbox, count, seconds))

    def stop(self) -> None:
        """Be unreachable."""
        self._surroundings.run(self._server.stop())

    def start(self) -> None:
        """Be reachable again, at the same place, with the same mails."""
        self._surroundings.run(self._server.start())


class Surroundings:
    """Use as `with Surroundings(zones) as around: around.dns_port, around.inside.port, around.outside.port`."""

    def __init__(self, zones: ZoneData, *, recipients: Collection[str] | None = None) -> None:
        """zones: what the name server knows. recipients: the inside mailboxes there are; None: every one."""
        self._dns = DnsServer(zones)
        kept: dict[str, Any] = {"per_mailbox": _MANY_MAILS, "total_octets": _MANY_OCTETS, "max_octets": _LARGEST_MAIL}
        self._inside = MailboxServer(
            hostname="mailboxes.example.org",
            recipients=recipients,
            extensions=(*EXTENSIONS, "DSN", "XFORWARD NAME ADDR PORT PROTO HELO IDENT SOURCE"),
            **kept,
        )
        self._outside = MailboxServer(hostname="outside.example", **kept)
        self.inside = Mailboxes(self, self._inside)
        """Where mail for our users ends up."""
        self.outside = Mailboxes(self, self._outside)
        """Where mail for everyone else ends up: the challenges."""
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="surroundings", daemon=True)

    @property
    def dns_port(self) -> int:
        """Where names are answered, on 127.0.0.1."""
        return self._dns.endpoint.port

    @property
    def dns(self) -> DnsServer:
        """The name server, for its questions and faults."""
        return self._dns

    def run(self, work: Coroutine[Any, Any, _T]) -> _T:
        """Run one coroutine in the loop of the servers and return its result."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout=2 * PATIENCE)

    def __enter__(self) -> Self:
        self._thread.start()
        for server in (self._dns, self._inside, self._outside):
            self.run(server.start())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for server in (self._outside, self._inside, self._dns):
            self.run(server.stop())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _now(read: Any) -> Any:
    return read()
