"""Put the demo's samples into its store: the real receiver takes mail, by an older clock and with told evidence."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import TypeVar

from gateway.demo.sample_entries import ENTRIES
from gateway.demo.samples import Sample, all_samples, client_of
from gateway.domain.address import Address
from gateway.domain.challenge import TOKEN_OCTETS, token_hash, token_text
from gateway.domain.durations import DAY, HOUR
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.evidence import Evidence
from gateway.domain.header import Header
from gateway.domain.lifecycle import ChallengeState
from gateway.domain.lists import Entry
from gateway.domain.message import Message
from gateway.flow.arrangements import Arrangements
from gateway.flow.describe import Describer
from gateway.flow.tally import TALLY, Happening
from gateway.service import Service
from gateway.store import views
from gateway.store.store import Store
from gateway.store.transaction import Transaction as StoreTransaction

T = TypeVar("T")
_LEASE = 1
_NEVER = 1e12
_SENDING_SECONDS = 30.0


class Told:
    """Implements `flow.ports.Checks`: nothing is looked up."""

    def __init__(self, evidence: Evidence) -> None:
        self._evidence = evidence

    async def inspect(self, transaction: Transaction, head: Header, message: Message, content: bytes) -> Evidence:
        """Return what was told."""
        return self._evidence


class AskedBefore:
    """A store in which every challenge has been sent by the time others see it: no mail goes out for a sample."""

    def __init__(self, store: Store, at: float) -> None:
        """at: when the mail came."""
        self._store = store
        self._at = at

    async def transact(self, work: Callable[[StoreTransaction], T]) -> T:
        """Run work, and note within the same transaction that what it queued was sent; count it as the real sending does."""
        at = self._at
        asked: dict[int, str] = {}

        def and_asked(tx: StoreTransaction) -> T:
            result = work(tx)
            for row in tx.challenges.claim(at, 10, _LEASE, at + DAY, _NEVER):
                sent = at + _SENDING_SECONDS
                # Whoever was asked has a link, though nobody here has seen it.
                tx.challenges.mint(row.id, _LEASE, token_hash(token_text(secrets.token_bytes(TOKEN_OCTETS))))
                tx.challenges.finish(row.id, _LEASE, ChallengeState.SENT, "250 2.0.0 Ok", None, "", sent)
                asked[row.id] = row.recipient.domain
            return result

        done = await self._store.transact(and_asked)
        for domain in asked.values():
            TALLY.note(Happening.ASKED, domain, at + _SENDING_SECONDS)
        return done

    async def look(self, work: Callable[[StoreTransaction], T]) -> T:
        """Run work on a consistent view."""
        return await self._store.look(work)

    async def entries(self, patterns: tuple[str, ...], patience: float = 0.0) -> Sequence[Entry]:
        """Return list entries for these patterns."""
        return await self._store.entries(patterns)

    async def arrangements(self, patterns: tuple[str, ...], recipients: Sequence[Address]) -> Arrangements:
        """Return what was arranged for a mail."""
        return await self._store.arrangements(patterns, recipients)


async def put_samples(service: Service, now: Callable[[], float]) -> int:
    """Put every mail where the real ones wait, unless something is there already, and the lists; return how many mails.

    Their senders count as asked, but no mail goes out: their domains are not of this world.
    """
    if await service.store.look(lambda tx: views.list_pending(tx.connection, views.Filter(most=1))):
        return 0
    begun = now()
    samples = all_samples()
    for number, sample in enumerate(samples, 1):
        at = begun - sample.hours * HOUR
        receiver = service.front.make_receiver(Told(sample.evidence()), _stopped(at), AskedBefore(service.store, at))
        await receiver.message(_transaction(sample, number), sample.content(number, begun))
    await service.store.transact(lambda tx: _put_entries(tx, begun))
    # Whoever opens the console at once finds them in the list.
    describer = Describer(service.store)
    while await describer.run_once():
        pass
    return len(samples)


def _put_entries(tx: StoreTransaction, begun: float) -> None:
    for one in ENTRIES:
        tx.lists.add(one.entry(), one.note, one.by, None, begun - one.days * DAY)


def _stopped(at: float) -> Callable[[], float]:
    return lambda: at


def _transaction(sample: Sample, number: int) -> Transaction:
    return Transaction(
        client=Client(client_of(number), helo=f"mail.{sample.domain}"),
        reverse_path=Address.of(sample.reverse_path),
        recipients=[Recipient(Address.of(address)) for address in sample.to],
        id=f"sample-{number}",
    )
