"""A small world for the verbs: a real store on a file, and plain values in place of everything further out."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from ipaddress import ip_network
from pathlib import Path

from sqlalchemy import select

from gateway.domain import header, reply
from gateway.domain.address import Address
from gateway.domain.challenge import Asking, Caps
from gateway.domain.envelope import Client, Envelope, Recipient, Transaction
from gateway.domain.evidence import Evidence
from gateway.domain.header import Header
from gateway.domain.lists import ALIGNED, Entry, Verdict
from gateway.domain.message import Message
from gateway.domain.policy import Expiry, Policy, Scope
from gateway.domain.reply import Reply
from gateway.flow.answer import AnswerRules, Answers
from gateway.flow.bounces import Bounces
from gateway.flow.challenge import Challenger
from gateway.flow.deliver import Deliverer, DeliverRules
from gateway.flow.digest_ports import DigestRules, Wanted
from gateway.flow.expire import Expirer
from gateway.flow.moderate import Moderator
from gateway.flow.own_mail import OwnMail
from gateway.flow.passages import Passages
from gateway.flow.ports import Delivery, Features
from gateway.flow.receive import Receiver
from gateway.flow.receive_rules import ReceiveRules, Stage
from gateway.flow.rows import ChallengeRow
from gateway.store.tables import metadata
from gateway.store.views import ChallengeView, Filter, PendingView, list_challenges, list_pending
from tests.store.fresh import fresh_store
from tests.unit.domain import letters

NOW = 1_700_000_000.0
MINUTE, HOUR, DAY = 60.0, 3600.0, 86_400.0
KEY = b"k" * 32
ANNA = Address.of("anna@oak.example")
JOE = Address.of("joe@example.org")
KIM = Address.of("kim@example.org")
PUZZLE = b"p" * 16
DKIM_OAK, SPF_OAK, PROVEN = letters.DKIM_OAK, letters.SPF_OAK, letters.PROVEN
DEFERRED = Reply(451, "4.2.0", "Mailbox busy")
REFUSED = Reply(550, "5.2.1", "Mailbox closed")


@dataclass(slots=True)
class Clock:
    """Tells the time it was set to."""

    at: float = NOW

    def now(self) -> float:
        return self.at


@dataclass(slots=True)
class FakeHop:
    """A next hop that answers as told and remembers what it took."""

    features: Features = field(default_factory=lambda: Features(known=True, eight_bit=True, smtputf8=True, dsn=True))
    answers: dict[str, Reply] = field(default_factory=dict)
    """Recipient key → what is said at the end; 250 where nothing is told."""
    verdicts: dict[str, Reply] = field(default_factory=dict)
    """Recipient key → what RCPT hears; 250 where nothing is told."""
    verified: list[tuple[str, str]] = field(default_factory=list)
    attempts: list[Envelope] = field(default_factory=list)
    taken: list[tuple[Envelope, bytes]] = field(default_factory=list)

    async def verify(self, reverse_path: Address, recipient: Recipient, smtputf8: bool) -> Reply:
        self.verified.append((reverse_path.text, recipient.address.text))
        return self.verdicts.get(recipient.address.key, reply.RCPT_OK)

    async def deliver(self, envelope: Envelope, content: Sequence[bytes], all_or_nothing: bool) -> Delivery:
        self.attempts.append(envelope)
        replies = tuple(self.answers.get(recipient.address.key, reply.OK) for recipient in envelope.recipients)
        refused = any(not answer.accepted for answer in replies)
        if refused and all_or_nothing:
            return Delivery(replies, sent=False)
        self.taken.append((envelope, b"".join(content)))
        return Delivery(replies, sent=True)

    def delivered_to(self) -> list[str]:
        return [recipient.address.text for envelope, _ in self.taken for recipient in envelope.recipients]


@dataclass(slots=True)
class FakeChecks:
    """Finds what it was told to find; by subject where that is told."""

    evidence: Evidence = PROVEN
    by_subject: dict[str, Evidence] = field(default_factory=dict)

    async def inspect(self, transaction: Transaction, head: Header, message: Message, content: bytes) -> Evidence:
        return self.by_subject.get(message.subject, self.evidence)


@dataclass(slots=True)
class FakeOutside:
    """Composes and sends challenges; answers as told."""

    answers: list[Reply] = field(default_factory=list)
    """One for each attempt; 250 when none are left."""
    sent: list[tuple[str, bytes]] = field(default_factory=list)
    urls: list[str] = field(default_factory=list)
    meanwhile: Callable[[], None] | None = None

    async def compose(self, row: ChallengeRow, url: str, now: float) -> OwnMail:
        self.urls.append(url)
        return OwnMail(f"Subject: {row.subject}\r\n\r\n{url}\r\n".encode(), f"<c{row.id}@gw>", not row.sender.is_ascii)

    async def send(self, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        self.sent.append((recipient, content))
        return self.answers.pop(0) if self.answers else reply.OK

    async def bring(self, reverse_path: str, recipient: str, content: bytes, smtputf8: bool) -> Reply:
        """Take a letter of ours, as the smart host does."""
        assert reverse_path == ""
        return await self.send(recipient, content, smtputf8)

    def tokens(self) -> list[str]:
        return [url.rpartition("/")[2] for url in self.urls]


def forged_fields(head: Header) -> tuple[tuple[int, int], ...]:
    """The fields that claim to be results of ours."""
    return tuple((each.start, each.end) for each in head.fields if each.name == b"authentication-results")


def results_field(evidence: Evidence) -> bytes:
    return b"Authentication-Results: gw.example.org; none\r\n"


RULES = ReceiveRules(
    stage=Stage.EDGE,
    hostname="gw.example.org",
    domains=frozenset({"example.org", "other.example"}),
    policy=Policy(),
    caps=Caps(),
    mark_key=KEY,
    near=(ip_network("198.51.100.25/32"),),
)

OWN_SERVER = "198.51.100.25"


class World:
    """Everything wired together."""

    def __init__(self, folder: Path, rules: ReceiveRules = RULES) -> None:
        self.url = f"sqlite:///{folder}/gateway.db"
        self.file = folder / "gateway.db"
        self.store = fresh_store(self.url)
        self.clock = Clock()
        self.hop = FakeHop()
        self.hops: dict[str, FakeHop] = {}
        self.checks = FakeChecks()
        self.outside = FakeOutside()
        self.woken: list[str] = []
        self.passages: Passages | None = None
        self.bounces: Bounces | None = None
        self.rules = rules
        self.digests = DigestRules(Wanted(schedule="off", time_zone="UTC"), rules.domains, "https://gw.example.org")
        self._numbers = itertools.count(1)

    async def close(self) -> None:
        await self.store.close()

    def hop_for(self, domain: str) -> FakeHop:
        return self.hops.get(domain, self.hop)

    # --- the verbs ---

    def receiver(self) -> Receiver:
        return Receiver(
            self.rules,
            self.store,
            self.checks,
            self.hop_for,
            forged_fields,
            results_field,
            now=self.clock.now,
            wake_challenges=lambda: self.woken.append("challenges"),
            wake_deliveries=lambda: self.woken.append("deliveries"),
            passages=self.passages,
            bounces=self.bounces,
        )

    def answers(self, *, attempts: int = 5, pause_minutes: float = 15) -> Answers:
        return Answers(
            AnswerRules(attempts, pause_minutes, disowned_days=90, key=KEY),
            self.store,
            now=self.clock.now,
            wake_deliveries=lambda: self.woken.append("deliveries"),
        )

    def challenger(self, public_url: str = "https://gw.example.org/") -> Challenger:
        return Challenger(
            self.store,
            public_url,
            self.outside.compose,
            self.outside.send,
            now=self.clock.now,
            chance=lambda: 0.5,
            lease=lambda: next(self._numbers),
            random_octets=lambda count: next(self._numbers).to_bytes(count, "big"),
        )

    def deliverer(self, **rules: str) -> Deliverer:
        return Deliverer(
            DeliverRules(KEY, **rules),
            self.store,
            self.hop_for,
            now=self.clock.now,
            chance=lambda: 0.5,
            lease=lambda: next(self._numbers),
        )

    def moderator(self) -> Moderator:
        return Moderator(self.store, now=self.clock.now, wake_deliveries=lambda: self.woken.append("deliveries"))

    def expirer(self, on_expiry: Expiry = Expiry.DELETE, retention: float = 30 * DAY) -> Expirer:
        return Expirer(
            self.store,
            replace(self.rules.policy, on_expiry=on_expiry),
            retention,
            self.digests,
            now=self.clock.now,
            wake_deliveries=lambda: self.woken.append("deliveries"),
        )

    # --- short ways ---

    async def arrive(
        self, content: bytes, *recipients: Address, sender: Address = ANNA, client: str = "192.0.2.7"
    ) -> Reply:
        """A message comes in; returns what the client hears."""
        return await self.receiver().message(
            transaction(*(recipients or (JOE,)), sender=sender, client=client), content
        )

    async def ask(self, subject: str = "Hi", *recipients: Address, sender: Address = ANNA) -> str:
        """A message is held and its sender asked; returns the token."""
        named = ", ".join(each.text for each in recipients or (JOE,))
        answer = await self.arrive(letter(subject, to=named, sender=sender.text), *recipients, sender=sender)
        assert answer == reply.HELD
        assert await self.challenger().run_once() == 1
        return self.outside.tokens()[-1]

    async def allow(self, pattern: str = "anna@oak.example", scope: str = "", proof: str = ALIGNED) -> None:
        await self.put(Entry(Verdict.ALLOW, pattern, scope, proof))

    async def deny(self, pattern: str = "anna@oak.example", scope: str = "") -> None:
        await self.put(Entry(Verdict.DENY, pattern, scope))

    async def put(self, entry: Entry) -> None:
        await self.store.transact(lambda tx: tx.lists.add(entry, "", "test", None, self.clock.at))

    async def pending(self) -> list[PendingView]:
        """Every row, the oldest first."""
        rows = await self.store.look(lambda tx: list_pending(tx.connection, Filter(most=1000)))
        return rows[::-1]

    async def states(self) -> dict[str, str]:
        """Recipient → state of its newest row."""
        return {row.recipient: row.state for row in await self.pending()}

    async def by_subject(self) -> dict[str, str]:
        """Subject → state."""
        return {row.subject: row.state for row in await self.pending()}

    async def challenges(self) -> list[ChallengeView]:
        """Every challenge, the oldest first."""
        return (await self.store.look(lambda tx: list_challenges(tx.connection, "", 1000)))[::-1]

    async def entries(self) -> set[tuple[str, str, str]]:
        """Pattern, scope, proof of each allow entry."""
        found = await self.store.look(lambda tx: tx.lists.entries(["anna@oak.example", "@oak.example"]))
        return {(each.pattern, each.scope, each.proof) for each in found if each.verdict is Verdict.ALLOW}

    async def dump(self) -> dict[str, list[tuple[object, ...]]]:
        """Every row of every table."""
        return await self.store.look(
            lambda tx: {
                table.name: sorted((tuple(row) for row in tx.connection.execute(select(table))), key=repr)
                for table in metadata.sorted_tables
            }
        )

    def octets_on_disk(self) -> bytes:
        """Everything the store has written, its log too."""
        return b"".join(path.read_bytes() for path in self.file.parent.glob("gateway.db*"))


def transaction(*recipients: Address, sender: Address = ANNA, client: str = "192.0.2.7") -> Transaction:
    return Transaction(
        Client(client, 4321, "mx.oak.example", "mx.oak.example", queue_id="4XyZ"),
        sender,
        [Recipient(recipient) for recipient in recipients],
        id="3fX",
    )


def letter(
    subject: str = "Hi", *more: str, to: str = "joe@example.org", sender: str = "anna@oak.example", body: str = "Hello"
) -> bytes:
    lines = [f"From: Anna Roth <{sender}>", f"To: {to}", f"Subject: {subject}", "Message-ID: <1@oak.example>", *more]
    return ("\r\n".join(lines) + f"\r\n\r\n{body}\r\n").encode("utf-8", "surrogateescape")


def puzzle(number: int) -> bytes:
    """Return the id of one of many puzzles."""
    return number.to_bytes(16, "big")


def with_policy(
    asking: Asking = Asking.AUTHENTICATED, scope: Scope = Scope.DOMAIN, days: float = 14, stage: Stage = Stage.EDGE
) -> ReceiveRules:
    return replace(RULES, policy=Policy(asking, scope, days), stage=stage)


def unmarked(content: bytes) -> bytes:
    """What was handed on, without the fields on top that are ours."""
    head = header.split(content)
    start = next(each.start for each in head.fields if each.name == b"received")
    return content[next(each.end for each in head.fields if each.start == start) :]
