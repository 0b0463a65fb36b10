"""`explain`: what would be decided about a mail, and every fact that leads there."""

from __future__ import annotations

import asyncio
import sys
import time
from dataclasses import dataclass, replace
from pathlib import Path

import click

from gateway import assembly
from gateway.cli.access import age_of
from gateway.cli.faults import WrongUse, told
from gateway.cli.options import config_option, json_option, settings_of
from gateway.cli.output import print_facts, print_json
from gateway.domain import explain as words
from gateway.domain import header, reply, trace
from gateway.domain.challenge import Silence, within_caps
from gateway.domain.durations import DAY
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.evidence import network_of
from gateway.domain.explain import Fact
from gateway.domain.header import Header
from gateway.domain.levels import base_values, merged, policy_scope
from gateway.domain.lists import Entry, Verdict, patterns_of, sender_keys, winner
from gateway.domain.message import Message, read_message
from gateway.domain.policy import ROLE_LOCAL_PARTS, Decision, Disposition, Reason, Seen, decide
from gateway.domain.reply import Reply
from gateway.domain.sources import source_keys
from gateway.flow.arrangements import Arrangements, policy_for
from gateway.flow.expected import mail_key, windows_open
from gateway.flow.receive import senders_of
from gateway.flow.receive_rules import ReceiveRules, Stage, comes_from_near
from gateway.flow.replies import recognised
from gateway.settings import Settings
from gateway.smtp.paths import Mail, Offer, parse_mail, parse_rcpt
from gateway.store.engine import sqlite_path
from gateway.store.schema import Age
from gateway.store.store import Store

DEFER = "defer"
"""Besides the dispositions: the client is told to try again."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """What would be decided, and why."""

    decision: str
    """A disposition of the policy, or DEFER."""
    reason: str
    """A reason of the policy, or what the door says before any policy is asked."""
    reply: str
    """What the client is told, where the mail is not taken; "" where it is."""
    asked: bool
    """A challenge would be made."""
    silence: str
    """Why none is made for mail that is held; "" otherwise."""
    facts: tuple[Fact, ...]


@click.command()
@config_option
@json_option
@click.argument("message", type=click.Path(path_type=Path), metavar="MESSAGE.eml")
@click.option(
    "--from", "reverse_path", required=True, metavar="ADDRESS", help='The reverse-path; "<>" is the null one.'
)
@click.option("--to", "recipient", required=True, metavar="ADDRESS", help="The recipient.")
@click.option("--client", required=True, metavar="IP", help="The address the mail comes from.")
@click.option("--helo", default="", metavar="NAME", help="What the client said in HELO.")
def explain(
    config: Path | None,
    as_json: bool,
    message: Path,
    reverse_path: str,
    recipient: str,
    client: str,
    helo: str,
) -> None:
    """Say what would be decided about a message, and why.

    The message is in a file, or comes from standard input (-). Nothing is kept or sent; names are looked up.
    """
    settings = settings_of(config)
    if not network_of(client):
        raise WrongUse(f"--client: {client!r} is not an IP address; use 192.0.2.1 or 2001:db8::1")
    mail = parse_mail(f"FROM:<{_bare('--from', reverse_path)}> SMTPUTF8", Offer(smtputf8=True))
    if isinstance(mail, Reply):
        raise WrongUse(f'--from: {reverse_path!r} is not an address; use user@example.org, or "<>"')
    home = assembly.door_settings(settings).postmaster_domain
    named = parse_rcpt(f"TO:<{_bare('--to', recipient)}>", Offer(), True, home)
    if named is reply.BAD_RECIPIENT or named is reply.BAD_SYNTAX:
        raise WrongUse(f"--to: {recipient!r} is not an address; use user@example.org")
    content = _read(message, settings.smtp.max_message_octets)
    explainer = _Explainer(settings, Client(address=client, helo=helo), mail, content, time.time())
    done = asyncio.run(explainer.explain(named))
    if as_json:
        print_json(done)
    else:
        print_facts([(fact.topic, fact.words) for fact in done.facts])


class _Explainer:
    """Goes the way of a transaction through the door and the receiver, for one recipient."""

    def __init__(self, settings: Settings, client: Client, mail: Mail, content: bytes, now: float) -> None:
        self._settings = settings
        self._rules: ReceiveRules = assembly.receive_rules(settings, b"")
        self._transaction = Transaction(client, mail.reverse_path, smtputf8=not mail.reverse_path.is_ascii)
        self._content = content
        self._now = now
        self._store: Store | None = None

    async def explain(self, named: Recipient | Reply) -> Explanation:
        """Return the outcome for a recipient, or for the reply its name alone has earned."""
        if isinstance(named, Reply):
            return _refused("not-our-domain", named, "the recipient's name asks us to relay")
        url = self._settings.store.url
        if age_of(url) is Age.EMPTY:
            return await self._decided(named)
        with told(sqlite_path(url)):
            self._store = Store(url)
            try:
                return await self._decided(named)
            finally:
                await self._store.close()

    async def _decided(self, recipient: Recipient) -> Explanation:
        self._transaction.recipients.append(recipient)
        return await self._at_rcpt(recipient) or self._at_data() or await self._by_policy(recipient)

    async def _at_rcpt(self, recipient: Recipient) -> Explanation | None:
        """Say what RCPT would be told, where that is a refusal. The next hop is not asked here."""
        address, reverse_path = recipient.address, self._transaction.reverse_path
        behind_queue = self._rules.stage is Stage.AFTER_QUEUE
        if address.domain not in self._rules.domains:
            answer = reply.RELAY_DEFERRED if behind_queue else reply.NOT_OUR_DOMAIN
            return _refused("not-our-domain", answer, f"{address.domain} is none of ours ([domains] names)")
        if behind_queue or reverse_path.is_null or address.local in ROLE_LOCAL_PARTS:
            return None
        entry = winner(await self._entries(sender_keys(reverse_path)), (reverse_path,), address, now=self._now)
        if entry is None or entry.verdict is not Verdict.DENY:
            return None
        named = f"deny {entry.pattern} for {entry.scope or 'the whole site'}"
        return _refused(Reason.DENYLIST.value, reply.REFUSED_BY_POLICY, words.REASONS[Reason.DENYLIST], named)

    def _at_data(self) -> Explanation | None:
        """Say what the end of the content would be told, where no policy is asked."""
        smtp, content = self._settings.smtp, self._content
        if len(content) > smtp.max_message_octets:
            limit = f"it has more than {smtp.max_message_octets} octets ([smtp] max_message_octets)"
            return _refused("too-big", reply.TOO_BIG, limit)
        if content.count(b"\r") != content.count(b"\r\n"):
            if assembly.door_settings(self._settings).bare_line_ends == "refuse":
                return _refused("bare-line-end", reply.BARE_LINE_END, "a CR stands alone ([smtp] bare_line_ends)")
            self._content = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n").replace(b"\n", b"\r\n")
        head = header.split(self._content)
        if head.body > header.MAX_HEADER_OCTETS and self._rules.stage is not Stage.AFTER_QUEUE:
            return _refused("header-too-big", reply.HEADER_TOO_BIG, "its header is larger than we take")
        hops = read_message(head).hops
        if hops > self._rules.max_hops:
            return _refused("loop", reply.LOOP, f"it has {hops} Received fields ([smtp] max_hops)")
        return None

    async def _by_policy(self, recipient: Recipient) -> Explanation:
        head = header.split(self._content)
        message = read_message(head)
        seen, arranged = await self._seen(recipient, head, message)
        base = self._rules.policy
        policy = policy_for(base, arranged, recipient.address)
        values = merged(
            base_values(base), policy_scope(recipient.address), arranged.choices.get(recipient.address.key, ())
        )
        decision = decide(policy, seen)
        facts = words.explain(policy, seen, decision, values)
        if decision.ask:
            decision, facts = await self._capped(recipient, decision, facts)
        answer = ""
        if decision.disposition is Disposition.REJECT:
            if self._rules.stage is Stage.AFTER_QUEUE:
                facts += (Fact("behind a queue", "nothing is refused: the mail is dropped, with a record"),)
            else:
                answer = str(reply.REFUSED_BY_POLICY)
        return Explanation(
            decision.disposition.value, decision.reason.value, answer, decision.ask, decision.silence, facts
        )

    async def _seen(self, recipient: Recipient, head: Header, message: Message) -> tuple[Seen, Arrangements]:
        transaction = self._transaction
        checks = assembly.make_checks(self._settings)
        try:
            evidence = await checks.inspect(transaction, head, message, self._content)
        finally:
            checks.close()
        senders = senders_of(transaction.reverse_path, message)
        sources = source_keys(message.list_id, evidence)
        patterns = patterns_of(senders, sources)
        arranged = Arrangements()
        if self._store is not None:
            arranged = await self._store.arrangements(patterns, [recipient.address])
        mark_key = await self._store.key("site") if self._store else b""
        seen = Seen(
            recipient=recipient.address,
            reverse_path=transaction.reverse_path,
            message=message,
            evidence=evidence,
            entry=winner(arranged.entries, senders, recipient.address, sources, self._now),
            network=network_of(transaction.client.address),
            released_before=bool(mark_key)
            and comes_from_near(self._rules.near, transaction.client)
            and trace.bears_release_mark(mark_key, self._content, head, self._now),
        )
        if self._store is not None and self._rules.reply_days:
            policy, since = policy_for(self._rules.policy, arranged, recipient.address), self._rules.reply_days * DAY
            (seen,) = await recognised(self._store, (policy,), (seen,), head, self._content, self._now - since)
        if self._store is not None and arranged.windows:
            key = mail_key(seen, self._content)
            (window,) = await windows_open(self._store, arranged, [seen], key, self._now)
            seen = replace(seen, expected=window)
        return seen, arranged

    async def _entries(self, patterns: tuple[str, ...]) -> tuple[Entry, ...]:
        return tuple(await self._store.entries(patterns)) if self._store and patterns else ()

    async def _capped(
        self, recipient: Recipient, decision: Decision, facts: tuple[Fact, ...]
    ) -> tuple[Decision, tuple[Fact, ...]]:
        """Hold a decision to ask against what was asked before."""
        forbidden: Silence | None = None
        if self._store is not None:
            sender, address = self._transaction.reverse_path, recipient.address
            history = await self._store.look(lambda tx: tx.challenges.history(sender, address, self._now))
            forbidden = within_caps(self._rules.caps, history, self._now)
        if forbidden is None:
            outcome = Fact("challenge", "the sender is asked")
        else:
            outcome = Fact("challenge", f"none now, for {words.SILENCES[forbidden]}")
            decision = replace(decision, ask=False, silence=forbidden.value)
        return decision, (*(fact for fact in facts if fact.topic != outcome.topic), outcome)


def _refused(reason: str, answer: Reply, *why: str) -> Explanation:
    decision = Disposition.REJECT.value if answer.permanent else DEFER
    facts = (
        Fact("decision", "refuse" if answer.permanent else "refuse for now"),
        *(Fact("reason", f"{reason}: {sentence}") for sentence in why[:1]),
        *(Fact("list entry", entry) for entry in why[1:]),
        Fact("reply", str(answer)),
    )
    return Explanation(decision, reason, str(answer), asked=False, silence="", facts=facts)


def _bare(option: str, text: str) -> str:
    """Return an address without its angle brackets."""
    bare = text.strip().removeprefix("<").removesuffix(">")
    if "<" in bare or ">" in bare:
        raise WrongUse(f"{option}: {text!r} is not an address; use user@example.org")
    return bare


def _read(message: Path, most: int) -> bytes:
    """Read a message, or as much of it as shows that it is too big, with the line ends it has in SMTP."""
    if str(message) == "-":
        content = sys.stdin.buffer.read(most + 1)
    else:
        with message.open("rb") as file:
            content = file.read(most + 1)
    content = content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
    return content if content.endswith(b"\r\n") or not content else content + b"\r\n"
