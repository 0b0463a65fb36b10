"""`explain`: what would be decided about a mail, and every fact that leads there."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import click

from gateway import assembly
from gateway.cli.options import CommandError, config_option, json_option, settings_of
from gateway.cli.output import print_facts, print_json
from gateway.domain import explain as words
from gateway.domain import header, trace
from gateway.domain.address import NULL_PATH, Address
from gateway.domain.envelope import Client, Recipient, Transaction
from gateway.domain.evidence import network_of
from gateway.domain.explain import Fact
from gateway.domain.lists import sender_keys, winner
from gateway.domain.message import read_message
from gateway.domain.policy import Seen, decide
from gateway.flow.receive import senders_of
from gateway.settings import Settings
from gateway.store.schema import Age, age
from gateway.store.store import Store


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
    """Say what would be decided about a message in a file (- is standard input). Nothing is kept or sent."""
    settings = settings_of(config)
    if not network_of(client):
        raise CommandError(f"--client: {client!r} is not an IP address")
    transaction = Transaction(
        client=Client(address=client, helo=helo),
        reverse_path=NULL_PATH if reverse_path in ("", "<>") else _address("--from", reverse_path),
        recipients=[Recipient(_address("--to", recipient))],
        id="explain",
    )
    content = _crlf(sys.stdin.buffer.read() if str(message) == "-" else message.read_bytes())
    facts = asyncio.run(_explained(settings, transaction, content, time.time()))
    if as_json:
        print_json([{"topic": fact.topic, "words": fact.words} for fact in facts])
    else:
        print_facts([(fact.topic, fact.words) for fact in facts])


async def _explained(settings: Settings, transaction: Transaction, content: bytes, now: float) -> tuple[Fact, ...]:
    """Decide as the receiver would, for the one recipient, and say why."""
    head = header.split(content)
    message = read_message(head)
    recipient = transaction.recipients[0].address
    checks = assembly.make_checks(settings)
    try:
        evidence = await checks.inspect(transaction, head, message, content)
    finally:
        checks.close()
    senders = senders_of(transaction.reverse_path, message)
    entry, released_before = None, False
    if age(settings.store.url) is Age.CURRENT:
        store = Store(settings.store.url)
        try:
            entries = await store.entries(tuple(key for sender in senders for key in sender_keys(sender)))
            entry = winner(entries, senders, recipient)
            released_before = trace.bears_release_mark(await store.key("site"), content, head, now)
        finally:
            await store.close()
    seen = Seen(
        recipient=recipient,
        reverse_path=transaction.reverse_path,
        message=message,
        evidence=evidence,
        entry=entry,
        network=network_of(transaction.client.address),
        released_before=released_before,
    )
    policy = assembly.policy(settings)
    return words.explain(policy, seen, decide(policy, seen))


def _address(option: str, text: str) -> Address:
    bare = text.removeprefix("<").removesuffix(">")
    local, _, domain = bare.rpartition("@")
    if not local or not domain or any(c.isspace() for c in bare):
        raise CommandError(f"{option}: {text!r} is not an address; use user@example.org")
    return Address.of(bare)


def _crlf(content: bytes) -> bytes:
    """Give a file's lines the ends they have in SMTP."""
    return content.replace(b"\r\n", b"\n").replace(b"\n", b"\r\n")
