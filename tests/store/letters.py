"""Plain values for the tests of the store."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from gateway.domain import header
from gateway.domain.address import Address
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.evidence import Dkim, Evidence, Method, Proof, Result, Spf
from gateway.domain.lifecycle import Event, State
from gateway.domain.message import read_message
from gateway.domain.policy import Scope
from gateway.flow.describe import describe
from gateway.flow.rows import NewChallenge, NewMessage, NewPending
from gateway.store.store import Store
from gateway.store.transaction import Transaction as Tx

NOW = 1_700_000_000.0
HOUR = 3600.0
DAY = 86_400.0
ANNA = Address.of("anna@oak.example")
JOE = Address.of("joe@example.org")
KIM = Address.of("kim@example.org")
EVIDENCE = Evidence(
    spf=Spf(Result.PASS, "oak.example"),
    dkim=(Dkim(Result.PASS, "oak.example", "s1", "note"),),
    proofs=(Proof(Method.DKIM, "oak.example"), Proof(Method.SPF, "oak.example")),
    reverse_path_proven=True,
)


@dataclass(frozen=True, slots=True)
class Kept:
    """What `keep` has put into the store."""

    message_id: int
    rows: list[int]
    challenge: int


def message(
    subject: str = "Hi", *, sender: Address = ANNA, at: float = NOW, body: str = "Hello", evidence: Evidence = EVIDENCE
) -> NewMessage:
    content = (
        f"From: Anna Roth <{sender.text or 'anna@oak.example'}>\r\nTo: joe@example.org\r\nSubject: {subject}\r\n"
        f"Message-ID: <1@oak.example>\r\nReferences: <a@x> <b@x>\r\n\r\n{body}\r\n"
    ).encode("utf-8", "surrogateescape")
    transaction = Transaction(
        Client("192.0.2.7", 25, "mx.oak.example", "mx.oak.example", "ESMTPS", True, "REMOTE", "4XyZ"),
        sender,
        [],
        body_8bit=True,
        smtputf8=False,
        ret="FULL",
        envid="env+2Bid",
        id="3fX",
    )
    return NewMessage(
        key=hashlib.sha256(sender.key.encode("utf-8", "replace") + b"\0" + content).digest(),
        sha256=hashlib.sha256(content).digest(),
        received_at=at,
        transaction=transaction,
        facts=read_message(header.split(content)),
        evidence=evidence,
        network="192.0.2.0/24",
        trace=b"Received: from x\r\n",
        cuts=((0, 3), (5, 9)),
        content=content,
    )


def row(recipient: Address = JOE, event: Event = Event.HOLD, *, at: float = NOW, days: float = 14) -> NewPending:
    return NewPending(Recipient(recipient, "FAILURE", "rfc822;joe"), event, "unknown-sender", "", at + days * DAY)


def challenge_for(
    message_id: int, *, sender: Address = ANNA, recipient: Address = JOE, at: float = NOW
) -> NewChallenge:
    return NewChallenge(message_id, sender, recipient, Scope.DOMAIN, at, at + 14 * DAY)


def keep_in(tx: Tx, new: NewMessage, rows: Sequence[NewPending], *, ask: bool = False) -> Kept:
    message_id = tx.pending.insert_message(new)
    challenge_id = 0
    if ask:
        challenge_id = tx.challenges.insert(
            challenge_for(
                message_id, sender=new.transaction.reverse_path, recipient=rows[0].recipient.address, at=new.received_at
            )
        )
    return Kept(message_id, tx.pending.insert_rows(message_id, new, rows, challenge_id or None), challenge_id)


async def keep(store: Store, new: NewMessage | None = None, *rows: NewPending, ask: bool = False) -> Kept:
    """Put a message with its rows into the store."""
    new = new or message()
    return await store.transact(lambda tx: keep_in(tx, new, rows or (row(at=new.received_at),), ask=ask))


def move(tx: Tx, row_id: int, to: State, event: Event) -> None:
    """Move a row that is there."""
    row = tx.pending.get(row_id)
    assert row is not None
    tx.pending.move(row, to, event, "s", NOW, "")


async def described(store: Store) -> None:
    """Put what was kept into the pending list, as the running service does."""
    while await store.look(lambda tx: len(tx.descriptions.describe_new(10, 1000, describe))):
        rows = await store.look(lambda tx: tx.descriptions.describe_new(10, 1000, describe))
        await store.transact(lambda tx: tx.descriptions.put(rows))  # noqa: B023 awaited here
