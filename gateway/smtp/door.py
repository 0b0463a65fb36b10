"""What stands behind the door, how it is set up, and what all its sessions share."""

from __future__ import annotations

import asyncio
import ssl
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

from gateway.domain import reply
from gateway.domain.envelope import Recipient, Transaction
from gateway.domain.reply import Reply
from gateway.flow.ports import Features
from gateway.smtp.data import BareLineEnds
from gateway.smtp.limits import Connections, Memory, Network, TrustedClients
from gateway.smtp.paths import Offer
from gateway.smtp.share import Share

if TYPE_CHECKING:
    from gateway.smtp.connection import Connection


class Door(Protocol):
    """Who decides about recipients and takes messages. Where it raises, the client gets 451, or 452 for StoreFull."""

    def features(self) -> Features:
        """What the servers further on offer, so that we offer no more."""

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """Say whether this recipient is taken; if so, the session adds it to the transaction."""

    async def message(self, transaction: Transaction, content: bytes) -> Reply:
        """Take the message, or say why not. content: without dot-stuffing; empty, or ends with CRLF.

        It runs to its end even if the client is gone meanwhile, so it must end by itself.
        """


@dataclass(frozen=True, slots=True)
class DoorSettings:
    """How the door behaves. Times in seconds, sizes in octets."""

    hostname: str
    """Ours, in the greeting."""
    postmaster_domain: str
    """Where `<postmaster>` without a domain belongs."""
    trusted_clients: tuple[Network, ...] = ()
    """Who may use XFORWARD and XCLIENT."""
    only_trusted: bool = False
    """Nobody else is admitted at all."""
    max_message_octets: int = 52_428_800
    max_recipients: int = 1000
    tls_required: bool = False
    """Refuse mail before STARTTLS."""
    bare_line_ends: BareLineEnds = "refuse"
    """What happens to a message with a CR or LF alone."""
    command_timeout: float = 300.0
    """For one command to arrive whole, and for silence inside the content (RFC 5321 §4.5.3.2.7)."""
    data_timeout: float = 600.0
    """For the content, before its size earns it more."""
    min_data_rate: float = 500.0
    """Octets of content that earn one more second."""
    max_connections: int = 1000
    max_connections_per_client: int = 50
    """From one IPv4 address or IPv6 /64 that is not trusted."""
    max_errors: int = 20
    """Malformed commands in a session that delivers nothing."""
    max_junk: int = 100
    """Commands in a session that delivers nothing and that serve no delivery."""
    max_unknown: int = 25
    """Refused recipients in a session that delivers nothing, while they outnumber the accepted."""
    max_memory_octets: int = 268_435_456
    """Content of all sessions together."""


_LOOK_APART = 0.05
"""Seconds between two looks at the deadlines of all sessions, at least."""
SHED_AFTER = 10.0
"""Seconds of silence that a session is granted when there is no room for another."""


@dataclass(slots=True)
class Doorway:
    """What all sessions of one listener share."""

    door: Door
    settings: DoorSettings
    loop: asyncio.AbstractEventLoop
    tls: ssl.SSLContext | None = None
    """None: STARTTLS is not offered. Replaced on reload; sessions take it when they need it."""
    share: Share | None = None
    """What the other processes at the door count; None where there is no other."""
    connections: Connections = field(init=False)
    memory: Memory = field(init=False)
    trusted: TrustedClients = field(init=False)
    patience: float = field(init=False)
    """Seconds for which no session that has just been heard can be too slow."""
    greeting: bytes = field(init=False)
    """The first reply a client hears."""
    plain_hello: bytes = field(init=False)
    """The answer to HELO."""
    plain_offer: Offer = field(init=False)
    """What a client may use that has not said EHLO."""
    sessions: set[Connection] = field(default_factory=set)
    """Every connection whose session task runs or whose transport is open."""
    draining: bool = False
    """No further command is obeyed; each session ends once it owes no reply."""
    _shed_at: float = -SHED_AFTER
    _look: asyncio.TimerHandle | None = None
    _look_at: float = float("inf")

    def __post_init__(self) -> None:
        settings = self.settings
        per_client = 0 if settings.only_trusted else settings.max_connections_per_client
        self.connections = Connections(settings.max_connections, per_client, self.share)
        self.memory = Memory(settings.max_memory_octets, self.share)
        self.trusted = TrustedClients(settings.trusted_clients)
        self.patience = min(settings.command_timeout, settings.data_timeout)
        self.greeting = Reply(220, "", f"{settings.hostname} ESMTP").lines().encode("ascii", "replace")
        self.plain_hello = Reply(250, "", settings.hostname).lines().encode("ascii", "replace")
        self.plain_offer = Offer(settings.max_message_octets, extended=False)

    def refusal(self, trusted: bool) -> Reply:
        """Return what a client hears that is not admitted."""
        if self.settings.only_trusted and not trusted:
            return reply.CLIENT_REFUSED
        return reply.SHUTTING_DOWN if self.draining else reply.TOO_MANY_CONNECTIONS

    def watch(self, due: float) -> None:
        """Look at the deadlines of all sessions at that time, on the loop's clock, or sooner.

        One timer for all: a client that connects, says its mail and goes would set and cancel two of its own.
        """
        if due < self._look_at:
            if self._look is not None:
                self._look.cancel()
            self._look_at = due
            self._look = self.loop.call_at(due, self._look_round)

    def _look_round(self) -> None:
        """End the sessions whose time is over; come back when the next one's can be."""
        self._look, self._look_at = None, float("inf")
        now = self.loop.time()
        # A deadline may also come nearer when a session goes on; never nearer than this.
        due = now + self.patience
        for session in list(self.sessions):
            if now >= session.due():
                session.expire()
            due = min(due, session.due())
        if self.sessions:
            self.watch(max(due, now + _LOOK_APART))

    def shed(self) -> None:
        """End the sessions that keep a full house waiting: silent ones, whoever they are."""
        now = self.loop.time()
        if now - self._shed_at < 1.0:
            return
        self._shed_at = now
        for session in list(self.sessions):
            if session.silent_for(now) > SHED_AFTER:
                session.expire()
