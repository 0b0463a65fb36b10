"""`webhook`: how the program stands that is told what becomes of mail; try it out, and let it be told again."""

from __future__ import annotations

import base64
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.faults import CommandError
from gateway.cli.operator import operator
from gateway.cli.options import config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, print_facts, print_json
from gateway.domain.webhook import fault_words
from gateway.flow.webhook import Webhook
from gateway.store.store import Store

T = TypeVar("T")
SECRET_OCTETS = 32


@dataclass(frozen=True, slots=True)
class EventRow:
    """An event that waits, as it is printed."""

    event_id: str
    kind: str
    id: int
    at: float
    attempts: int
    due_at: float
    fault: str


_COLUMNS: tuple[Column[EventRow], ...] = (
    Column("event", lambda row: row.event_id, elastic=True),
    Column("kind", lambda row: row.kind),
    Column("mail", lambda row: row.id),
    Column("since", lambda row: moment(row.at)),
    Column("tries", lambda row: row.attempts),
    Column("next", lambda row: moment(row.due_at), spare=True),
    Column("answer", lambda row: row.fault, elastic=True),
)


@click.group()
@early_config_option
def webhook() -> None:
    """See how the webhook stands, and try it out."""


@webhook.command()
@config_option
@json_option
def show(config: Path | None, as_json: bool) -> None:
    """Show where events go, how that stands, and the eldest that wait."""
    found = _with_webhook(config, lambda service: service.show(operator()))
    assert found is not None
    now = found.standing
    rows = [
        EventRow(one.event_id, one.kind.value, one.pending, one.at, one.attempts, one.due_at, _words(one.fault))
        for one in found.items
    ]
    if as_json:
        print_json(
            {
                "url": found.url,
                "events": [kind.value for kind in found.kinds],
                "waiting": now.waiting,
                "oldest": now.oldest,
                "sent_at": now.sent_at,
                "failing_since": now.failing_since,
                "fault": _words(now.fault),
                "dropped": now.dropped,
                "items": rows,
            }
        )
        return
    if not found.url:
        click.echo("There is no webhook ([webhook] url).")
        return
    state = "nothing was sent yet"
    if now.failing_since is not None:
        state = f"fails since {moment(now.failing_since)}: {_words(now.fault)}"
    elif now.sent_at is not None:
        state = f"works; the last event was taken {moment(now.sent_at)}"
    print_facts(
        [
            ("goes to", found.url),
            ("events", ", ".join(kind.value for kind in found.kinds)),
            ("state", state),
            ("waiting", str(now.waiting)),
            ("dropped", str(now.dropped)),
        ]
    )
    if rows:
        listing = Listing(_COLUMNS, "", as_json=False)
        listing.page(rows)
        listing.end()


@webhook.command()
@config_option
@json_option
def test(config: Path | None, as_json: bool) -> None:
    """Send an event that tells nothing. Ends with 1 where it was not taken."""
    answer = _with_webhook(config, lambda service: service.test(operator()), "test")
    if answer is None:
        raise _none()
    if as_json:
        print_json({"taken": not answer.fault, "fault": _words(answer.fault)})
    else:
        click.echo("The test event was taken." if not answer.fault else f"Not taken. {_words(answer.fault)}")
    if answer.fault:
        raise SystemExit(1)


@webhook.command()
@config_option
@json_option
def retry(config: Path | None, as_json: bool) -> None:
    """Let the service send at once what waits."""
    count = _with_webhook(config, lambda service: service.retry(operator()), "retry")
    if count is None:
        raise _none()
    if as_json:
        print_json({"retried": count})
    else:
        click.echo("1 event is sent now" if count == 1 else f"{count} events are sent now")


@webhook.command()
@config_option
def secret(config: Path | None) -> None:
    """Print a new secret, for [webhook] secret_file and for the receiver."""
    click.echo(f"whsec_{base64.b64encode(secrets.token_bytes(SECRET_OCTETS)).decode()}")


def _with_webhook(config: Path | None, job: Callable[[Webhook], Awaitable[T]], deed: str = "") -> T:
    """Do something with the webhook. deed: what the journal is to say was done."""
    settings = settings_of(config)

    async def work(store: Store) -> T:
        # Imported here: only this command sends anything.
        from gateway.webhook import make_sender, make_webhook

        sender = make_sender(settings)
        try:
            found = await job(make_webhook(settings, store, sender, time.time))
            if deed and found is not None:
                await noted(store, "webhook", deed)
            return found
        finally:
            await sender.close()

    return with_store(config, work)


def _none() -> CommandError:
    return CommandError("there is no webhook; name its address: [webhook] url")


def _words(fault: str) -> str:
    return str(fault_words(fault)) if fault else ""
