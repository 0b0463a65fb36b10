"""Outgoing: mail of our users to the outside goes on to a server there, and teaches us whom to let in.

What it teaches is written before the client hears 250, in the commit that all writes of that moment share. A reply may
come within seconds, and what was forgotten by a crash could not be learned again; where we die before the commit, the
client has heard nothing and sends once more. A store that is down costs the lesson, never the mail: it has left already.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from gateway.counting import PlainCounter
from gateway.domain import header, reply, trace
from gateway.domain.address import Address
from gateway.domain.durations import DAY
from gateway.domain.envelope import Envelope, Recipient, Transaction
from gateway.domain.lifecycle import Event
from gateway.domain.lists import ALIGNED, Entry, Verdict, scope_keys, sender_keys
from gateway.domain.message import read_message
from gateway.domain.outgoing import TAUGHT, Lesson, Untaught, lesson, mail_hash
from gateway.domain.policy import Policy, Scope
from gateway.domain.reply import Reply
from gateway.flow.arrangements import policy_for
from gateway.flow.moves import move
from gateway.flow.outgoing_ports import Departure, Sent
from gateway.flow.ports import Delivery, Features, Hop, Store, StoreDown, Tx
from gateway.log import bug, event, warning

_log = logging.getLogger("gateway.outgoing")
_mails = PlainCounter("gateway_outgoing_total", "Mails to the outside, by what became of them.", ("outcome",))
_learned = PlainCounter(
    "gateway_outgoing_learned_total", "Mails to the outside, by what they taught or why nothing.", ("what",)
)


@dataclass(frozen=True, slots=True)
class OutgoingRules:
    """What the configuration says about mail to the outside."""

    hostname: str
    domains: frozenset[str]
    """Ours, as A-labels."""
    policy: Policy
    scope: Scope = Scope.RECIPIENT
    """For whom somebody is let in that one of ours wrote to."""
    days: float = 180
    """For which an entry holds after it was last used."""
    most_recipients: int = 50
    """A mail to more is a mailing, and teaches nothing."""
    reply_days: float = 60
    """For how long a mail is known by replies to it; 0: not at all."""
    max_hops: int = 50
    history: bool = True
    """Keep the facts of each mail."""


@dataclass(frozen=True, slots=True)
class _Learned:
    """What was kept of a lesson."""

    new: tuple[str, ...] = ()
    """Whom nobody knew before."""
    released: tuple[int, ...] = ()
    """What had waited from them."""


class Outgoing:
    """Answers RCPT and the end of DATA at the door for mail to the outside."""

    def __init__(
        self,
        rules: OutgoingRules,
        store: Store,
        hop: Hop,
        *,
        now: Callable[[], float],
        wake_deliveries: Callable[[], None],
    ) -> None:
        """hop: the server that takes this mail on."""
        self._rules = rules
        self._store = store
        self._hop = hop
        self._now = now
        self._wake_deliveries = wake_deliveries

    def features(self) -> Features:
        """What may be offered to a client: what the server behind offers."""
        return self._hop.features

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """Say what the server behind says: a refusal for one recipient must be heard here, for DATA has one answer."""
        answer = await self._hop.verify(transaction.reverse_path, recipient, transaction.smtputf8)
        return reply.RCPT_OK if answer.accepted else answer

    async def message(self, transaction: Transaction, content: bytes) -> Reply:
        """Pass the mail on as it is but for our Received field, learn from it, and return the far end's answer.

        A 250 is returned only when the server behind has taken it. Never raises StoreDown.
        """
        head = header.split(content)
        facts = read_message(head)
        if head.body > header.MAX_HEADER_OCTETS or facts.hops > self._rules.max_hops:
            answer = reply.LOOP if facts.hops > self._rules.max_hops else reply.HEADER_TOO_BIG
            return await self._closed(transaction, content, answer, None)
        taught = lesson(
            transaction.reverse_path,
            [each.address for each in transaction.recipients],
            head,
            facts,
            self._rules.domains,
            self._rules.most_recipients,
        )
        answer = await self._pass_on(transaction, content)
        return await self._closed(transaction, content, answer, taught)

    async def _pass_on(self, transaction: Transaction, content: bytes) -> Reply:
        received = trace.received_field(transaction, self._rules.hostname, self._now())
        return _one_answer(await self._hop.deliver(Envelope.of(transaction), [received, content], all_or_nothing=True))

    async def _closed(
        self, transaction: Transaction, content: bytes, answer: Reply, taught: Lesson | Untaught | None
    ) -> Reply:
        """Write down what is to be remembered, log, count, and return the answer."""
        now = self._now()
        told, learned = "", _Learned()
        try:
            if taught is not None and answer.accepted:
                taught = await self._if_wanted(taught)
                told = TAUGHT if isinstance(taught, Lesson) else taught.value
            departures = self._departures(transaction, len(content), told, answer, now) if self._rules.history else []
            kept = taught if isinstance(taught, Lesson) and answer.accepted else None
            if kept is not None or departures:
                learned = await self._store.transact(lambda tx: self._write(tx, kept, departures, transaction.id, now))
        except StoreDown as fault:
            # The mail is with the server behind: whoever heard 4yz now would send it twice.
            warning(_log, "outgoing-not-learned", transaction=transaction.id, why=str(fault))
            told = "store-down"
        except Exception:
            # A fault of ours in what is learned: at each retry it would be here again, and the mail gone out once more.
            bug(_log, "outgoing-not-learned", transaction=transaction.id)
            told = "fault"
        if learned.released:
            self._wake_deliveries()
        outcome = "relayed" if answer.accepted else "deferred" if answer.temporary else "refused"
        _mails.counts[(outcome,)] += 1
        if told:
            _learned.counts[(told,)] += 1
        event(
            _log,
            "outgoing",
            transaction=transaction.id,
            client=transaction.client.address,
            reverse_path=transaction.reverse_path.text,
            recipients=len(transaction.recipients),
            size=len(content),
            outcome=outcome,
            taught=told,
            new=list(learned.new),
            released=[str(row_id) for row_id in learned.released],
            reply=str(answer),
            queue_id=transaction.client.queue_id,
        )
        return answer

    async def _if_wanted(self, taught: Lesson | Untaught) -> Lesson | Untaught:
        """Return the lesson, unless the policy of who wrote wants none."""
        if isinstance(taught, Untaught):
            return taught
        arranged = await self._store.arrangements((), [taught.owner])
        wanted = policy_for(self._rules.policy, arranged, taught.owner).written_to
        return taught if wanted else Untaught.SWITCHED_OFF

    def _departures(
        self, transaction: Transaction, size: int, taught: str, answer: Reply, now: float
    ) -> list[Departure]:
        sender, client = transaction.reverse_path, transaction.client
        state = "relayed" if answer.accepted else "refused" if answer.permanent else "deferred"
        return [
            Departure(
                now, transaction.id, sender.text, sender.key, sender.domain, each.address.text, each.address.key, size,
                taught, state, client.queue_id, str(answer), client.address,
            )
            for each in transaction.recipients
        ]  # fmt: skip

    # --- what is learned ---

    def _write(self, tx: Tx, taught: Lesson | None, departures: Sequence[Departure], mail: str, now: float) -> _Learned:
        tx.sent.depart(departures)
        if taught is None:
            return _Learned()
        scope = {
            Scope.RECIPIENT: taught.owner.key,
            Scope.DOMAIN: "@" + taught.owner.domain,
            Scope.SITE: "",
        }[self._rules.scope]
        new, released = [], []
        for person in taught.people:
            if _is_denied(tx, person, taught.owner, now):
                continue
            # Nobody has proven anything yet: as with entries typed by hand, whoever vouches for the author will do.
            entry = Entry(Verdict.ALLOW, person.key, scope, ALIGNED, expires_at=now + self._rules.days * DAY)
            if tx.sent.learn(entry, taught.owner.key, mail, self._rules.days * DAY, now):
                new.append(person.key)
            released += _let_go(tx, person, taught.owner, scope, now)
        if taught.mail_id and self._rules.reply_days:
            hashed = mail_hash(taught.mail_id)
            sent = [Sent(hashed, owner, domain) for owner in taught.readers for domain in taught.domains]
            tx.sent.remember(sent, now)
        return _Learned(tuple(new), tuple(released))


def _is_denied(tx: Tx, person: Address, owner: Address, now: float) -> bool:
    """True where an entry denies this person to who writes to him: a mail does not overrule that."""
    scopes = scope_keys(owner)
    return any(
        entry.verdict is Verdict.DENY and entry.scope in scopes and entry.holds(now)
        for entry in tx.lists.entries(sender_keys(person))
    )


def _let_go(tx: Tx, person: Address, owner: Address, scope: str, now: float) -> list[int]:
    """Release what waits from this person for those in scope, where it is proven that he wrote it."""
    rows = [
        row
        for row in tx.pending.waiting_from(person.key)
        if row.author_key == person.key and row.proofs and scope in scope_keys(row.recipient)
    ]
    for row in rows:
        move(tx, row, Event.AUTHORIZE, owner.key, now, "written to")
    return [row.id for row in rows]


def _one_answer(delivery: Delivery) -> Reply:
    """Return the one answer to DATA. Where only some were refused, nothing was sent: at the next try RCPT hears it."""
    refused = [answer for answer in delivery.replies if not answer.accepted]
    if not refused:
        return delivery.replies[0]
    if len(refused) < len(delivery.replies):
        return reply.TRY_LATER
    return next((answer for answer in refused if answer.temporary), refused[0])
