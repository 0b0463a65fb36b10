"""A door whose answers depend on nothing but what it is asked."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from ipaddress import ip_network

from gateway.domain import reply
from gateway.domain.envelope import Recipient, Transaction
from gateway.domain.reply import Reply
from gateway.flow.ports import Features, StoreDown, StoreFull
from gateway.smtp.session import DoorSettings

TRUSTED = (ip_network("127.0.0.1/32"), ip_network("192.0.2.0/24"))
SETTINGS = DoorSettings("mx.example.org", "example.org", trusted_clients=TRUSTED)
EVERYTHING = Features(known=True, smtputf8=True, dsn=True)


@dataclass
class ScriptedDoor:
    """Takes mail for example.org; the local part or the content says what goes wrong."""

    offered: Features = field(default_factory=Features)
    asked: list[str] = field(default_factory=list)
    taken: list[tuple[Transaction, bytes]] = field(default_factory=list)
    gate: asyncio.Event | None = None
    """Where given, each message waits for it."""
    begun: asyncio.Queue[bytes] = field(default_factory=asyncio.Queue)
    """Each message as it is handed over."""

    def features(self) -> Features:
        return self.offered

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        self.asked.append(recipient.address.text)
        if recipient.address.domain not in ("example.org", "xn--mnchen-3ya.example"):
            return reply.NOT_OUR_DOMAIN
        match recipient.address.local.rstrip("0123456789"):
            case "unknown":
                return Reply(550, "5.1.1", "No such recipient here")
            case "later":
                return reply.NEXT_HOP_DOWN
            case "crash":
                raise RuntimeError("a secret of ours")
            case _:
                return reply.RCPT_OK

    async def message(self, transaction: Transaction, content: bytes) -> Reply:
        self.begun.put_nowait(content)
        if self.gate is not None:
            await self.gate.wait()
        if b"crash" in content:
            raise RuntimeError("a secret of ours")
        if b"disk is full" in content:
            raise StoreFull
        if b"store is locked" in content:
            raise StoreDown("database is locked")
        self.taken.append((transaction, content))
        return reply.OK
