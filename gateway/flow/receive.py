"""Receive: a transaction from the door becomes relayed mail, kept mail, or a refusal."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Sequence

from gateway.counting import PlainCounter
from gateway.domain import header, reply, trace
from gateway.domain.address import Address
from gateway.domain.envelope import Envelope, Recipient, Transaction
from gateway.domain.evidence import Evidence, network_of
from gateway.domain.header import Header
from gateway.domain.lists import Entry, Verdict, patterns_of, sender_keys, winner
from gateway.domain.message import Message, read_message
from gateway.domain.policy import ROLE_LOCAL_PARTS, Decision, Disposition, Policy, Reason, Seen, decide
from gateway.domain.reply import Reply
from gateway.domain.score import read_score
from gateway.domain.sources import source_keys
from gateway.domain.value import value_class
from gateway.flow.arrangements import policy_for
from gateway.flow.bounces import Bounces
from gateway.flow.common_features import CommonFeatures
from gateway.flow.entry_use import EntryUse
from gateway.flow.keep import keep
from gateway.flow.passages import Passages
from gateway.flow.ports import Checks, Delivery, Features, Hop, Store
from gateway.flow.receive_rules import ReceiveRules, Stage, comes_from_near
from gateway.flow.replies import second_look
from gateway.flow.rows import NewMessage
from gateway.flow.tally import note_decisions
from gateway.log import event

_log = logging.getLogger("gateway.mail")
_transactions = PlainCounter(
    "gateway_transactions_total", "Transactions that brought content, by what became of them.", ("outcome",)
)
_decisions = PlainCounter("gateway_decisions_total", "Decisions, one for each recipient.", ("disposition", "reason"))
_received = PlainCounter("gateway_received_octets_total", "Octets of content taken in.")


def _count(disposition: Disposition, reason: Reason) -> None:
    _decisions.counts[disposition, reason] += 1


_RCPT_PATIENCE = 0.02
"""Seconds that a look at the lists may be old at RCPT. A refusal is looked at anew; and at the end of DATA, where it
counts, they are read as they stand then."""


class Receiver:
    """Answers RCPT and the end of DATA; the door calls it and says to the client what it returns."""

    def __init__(
        self,
        rules: ReceiveRules,
        store: Store,
        checks: Checks,
        hop_for: Callable[[str], Hop],
        forged_fields: Callable[[Header], tuple[tuple[int, int], ...]],
        results_field: Callable[[Evidence], bytes],
        *,
        now: Callable[[], float],
        wake_challenges: Callable[[], None],
        wake_deliveries: Callable[[], None],
        use: EntryUse | None = None,
        passages: Passages | None = None,
        bounces: Bounces | None = None,
    ) -> None:
        """hop_for: recipient domain → next hop. forged_fields and results_field: RFC 8601, out of and into a header."""
        self._rules = rules
        self._behind_queue = rules.stage is Stage.AFTER_QUEUE
        self._store = store
        self._checks = checks
        self._hop_for = hop_for
        self._features = CommonFeatures(map(hop_for, rules.domains))
        self._forged_fields = forged_fields
        self._results_field = results_field
        self._now = now
        self._wake_challenges = wake_challenges
        self._wake_deliveries = wake_deliveries
        self._use = use
        self._passages = passages
        self._bounces = bounces

    def features(self) -> Features:
        """What may be offered to a client: what every next hop offers."""
        return self._features.now()

    # --- RCPT ---

    async def recipient(self, transaction: Transaction, recipient: Recipient) -> Reply:
        """Say whether this recipient is taken; a refusal needs no content to be right."""
        address = recipient.address
        if address.domain not in self._rules.domains:
            return reply.RELAY_DEFERRED if self._behind_queue else reply.NOT_OUR_DOMAIN
        if self._behind_queue:
            # The world was told 250 already: whatever we refuse here would bounce to a sender nobody has proven.
            return reply.RCPT_OK
        if address.local not in ROLE_LOCAL_PARTS and not transaction.reverse_path.is_null:
            now = self._now()
            entry = await self._entry_for(transaction.reverse_path, address, now, _RCPT_PATIENCE)
            if entry is not None and entry.verdict is Verdict.DENY:
                entry = await self._entry_for(transaction.reverse_path, address, now)
            if entry is not None and entry.verdict is Verdict.DENY:
                if self._use is not None:
                    self._use.note_entry(entry.id, now)
                _count(Disposition.REJECT, Reason.DENYLIST)
                event(_log, "refused", transaction=transaction.id, client=transaction.client.address,
                      reverse_path=transaction.reverse_path.text, recipient=address.text, reason="denylist")  # fmt: skip
                return reply.REFUSED_BY_POLICY
        if not self._rules.check_recipients:
            return reply.RCPT_OK
        answer = await self._hop_for(address.domain).verify(transaction.reverse_path, recipient, transaction.smtputf8)
        return reply.RCPT_OK if answer.accepted else answer

    async def _entry_for(self, sender: Address, recipient: Address, now: float, patience: float = 0.0) -> Entry | None:
        entries = await self._store.entries(sender_keys(sender), patience)
        return winner(entries, (sender,), recipient, now=now)

    # --- end of DATA ---

    async def message(self, transaction: Transaction, content: bytes) -> Reply:
        """Decide for each recipient, act, and return what the client is told.

        content: octets after un-stuffing, CRLF line ends. A 250 is returned only when the next hop has taken
        the message, or it is on stable storage. Raises StoreDown where it can be neither.
        """
        head = header.split(content)
        if head.body > header.MAX_HEADER_OCTETS and not self._behind_queue:
            # Behind a queue it would bounce to whom the sender names; there it counts as malformed, and waits.
            return self._closed(transaction, content, (), reply.HEADER_TOO_BIG)
        facts = read_message(head)
        if facts.hops > self._rules.max_hops:
            return self._closed(transaction, content, (), reply.LOOP)
        _received.counts[()] += len(content)
        evidence = await self._checks.inspect(transaction, head, facts, content)
        policies, decisions = await self._decide(transaction, head, facts, evidence, content)
        if self._bounces is not None and transaction.reverse_path.is_null:
            await self._bounces.note(transaction, head, content)
        taken = _Taken(transaction, head, facts, evidence, policies, decisions, content)
        dispositions = {decision.disposition for decision in decisions}
        if dispositions == {Disposition.REJECT} and not self._behind_queue:
            return self._closed(transaction, content, decisions, reply.REFUSED_BY_POLICY)
        if dispositions == {Disposition.DELIVER}:
            answer = await self._relay(taken)
            if answer is not None:
                return self._closed(transaction, content, decisions, answer)
        await self._keep(taken)
        return self._closed(transaction, content, decisions, reply.HELD)

    async def _decide(
        self, transaction: Transaction, head: Header, facts: Message, evidence: Evidence, content: bytes
    ) -> tuple[tuple[Policy, ...], tuple[Decision, ...]]:
        senders = senders_of(transaction.reverse_path, facts)
        sources = source_keys(facts.list_id, evidence) if facts.list_id or evidence.dkim else ()
        patterns = patterns_of(senders, sources)
        arranged = await self._store.arrangements(patterns, [each.address for each in transaction.recipients])
        entries: Sequence[Entry] = arranged.entries
        now = self._now()
        again = trace.bears_release_mark(self._rules.mark_key, content, head, now) and comes_from_near(
            self._rules.near, transaction.client
        )
        network = network_of(transaction.client.address)
        policies = tuple(policy_for(self._rules.policy, arranged, each.address) for each in transaction.recipients)
        seen = tuple(
            Seen(
                recipient=recipient.address,
                reverse_path=transaction.reverse_path,
                message=facts,
                evidence=evidence,
                entry=winner(entries, senders, recipient.address, sources, now) if entries else None,
                network=network,
                released_before=again,
            )
            for recipient in transaction.recipients
        )
        decisions = tuple(map(decide, policies, seen))
        days = self._rules.reply_days
        if arranged.windows or days:
            decisions = await second_look(self._store, arranged, policies, seen, decisions, head, content, days, now)
        for case, decision in zip(seen, decisions, strict=True):
            _count(decision.disposition, decision.reason)
            if self._use is not None:
                self._use.note(case, decision, now)
        return policies, decisions

    # --- relay ---

    async def _relay(self, taken: _Taken) -> Reply | None:
        """Hand over to the next hop inside the session; None where the message must be kept and owed instead."""
        transaction = taken.transaction
        hops = {id(hop): hop for hop in (self._hop_for(r.address.domain) for r in transaction.recipients)}
        if len(hops) > 1:
            return None
        (hop,) = hops.values()
        delivery = await hop.deliver(
            Envelope.of(transaction),
            self._onward(taken),
            all_or_nothing=True,
        )
        heard_at_rcpt = self._rules.check_recipients and not self._behind_queue
        answer = _one_answer(delivery, heard_at_rcpt)
        if answer is not None and answer.permanent and self._would_bounce_to_a_claim(taken):
            return None
        return answer

    def _would_bounce_to_a_claim(self, taken: _Taken) -> bool:
        return self._behind_queue and not taken.evidence.reverse_path_proven

    def _onward(self, taken: _Taken) -> list[bytes]:
        mark = trace.release_mark(self._rules.mark_key, taken.content, taken.head, self._now())
        return [mark + self._trace(taken), *trace.without(taken.content, self._forged_fields(taken.head))]

    def _trace(self, taken: _Taken) -> bytes:
        results = self._results_field(taken.evidence)
        return results + trace.received_field(taken.transaction, self._rules.hostname, self._now())

    # --- keep ---

    async def _keep(self, taken: _Taken) -> None:
        """Put the message on stable storage: held, owed and dropped rows, and the challenge, in one transaction."""
        now = self._now()
        transaction = taken.transaction
        sha256 = hashlib.sha256(taken.content).digest()
        message = NewMessage(
            key=hashlib.sha256(sha256 + transaction.reverse_path.key.encode("utf-8", "replace")).digest(),
            sha256=sha256,
            received_at=now,
            transaction=transaction,
            facts=taken.facts,
            evidence=taken.evidence,
            network=network_of(transaction.client.address),
            trace=self._trace(taken),
            cuts=self._forged_fields(taken.head),
            content=taken.content,
            # Only of mail that is kept: what is relayed at once does not pay for it.
            score=read_score(taken.head, self._rules.score_field),
        )
        cases = tuple(zip(transaction.recipients, taken.policies, taken.decisions, strict=True))
        kept = await self._store.transact(lambda tx: keep(tx, self._rules.caps, message, cases, now))
        if kept.challenge:
            self._wake_challenges()
        if kept.owed:
            self._wake_deliveries()
        for row_id, recipient, decision in kept.rows:
            event(_log, decision.disposition.value, transaction=transaction.id, pending=row_id,
                  recipient=recipient.address.text, reason=decision.reason.value,
                  challenge=kept.challenge or kept.silence or decision.silence)  # fmt: skip

    def _closed(
        self, transaction: Transaction, content: bytes, decisions: tuple[Decision, ...], answer: Reply
    ) -> Reply:
        """Log and count how the transaction ended."""
        outcomes: set[str] = {decision.disposition for decision in decisions}
        outcome = outcomes.pop() if len(outcomes) == 1 else ("mixed" if outcomes else "refused")
        if not answer.accepted and outcome == Disposition.DELIVER:
            outcome = "deferred" if answer.temporary else "refused-by-next-hop"
        _transactions.counts[(outcome,)] += 1
        now = self._now()
        note_decisions(transaction, decisions, answer, now)
        if self._passages is not None and answer is not reply.HELD:  # What is kept has rows of its own.
            self._passages.note(transaction, len(content), decisions, answer, now)
        event(
            _log,
            "transaction",
            transaction=transaction.id,
            client=transaction.client.address,
            reverse_path=transaction.reverse_path.text,
            recipients=len(transaction.recipients),
            size=len(content),
            outcome=outcome,
            reasons=sorted({decision.reason for decision in decisions}),
            reply=str(answer),
            queue_id=transaction.client.queue_id,
        )
        return answer


@value_class(frozen=True, slots=True)
class _Taken:
    """A message between the dot and the answer."""

    transaction: Transaction
    head: Header
    facts: Message
    evidence: Evidence
    policies: tuple[Policy, ...]
    decisions: tuple[Decision, ...]
    content: bytes


def senders_of(reverse_path: Address, facts: Message) -> tuple[Address, ...]:
    """Return whom list entries may name for this mail: its reverse-path and its author."""
    if facts.author is None or facts.author.key == reverse_path.key:
        return () if reverse_path.is_null else (reverse_path,)
    return (facts.author,) if reverse_path.is_null else (reverse_path, facts.author)


def _one_answer(delivery: Delivery, heard_at_rcpt: bool) -> Reply | None:
    """Return the one answer to DATA that is true for every recipient; None where there is none.

    Recipients refused for good after others were taken make the client try again: its next RCPT hears the
    refusal, for the next hop remembers it. Where some are only deferred, or RCPT never hears the next hop's
    word, we keep the message for all.
    """
    refused = [answer for answer in delivery.replies if not answer.accepted]
    if not refused:
        return delivery.replies[0]
    if len(refused) == len(delivery.replies):
        # All refused: alike for good is for good, else the client may try again.
        return next((answer for answer in refused if answer.temporary), refused[0])
    if delivery.sent or not heard_at_rcpt or any(answer.temporary for answer in refused):
        return None
    return reply.TRY_LATER
