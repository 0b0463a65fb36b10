"""`pending`: the mail that waits."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import click

from gateway.cli.options import CommandError, actor, config_option, json_option, with_store
from gateway.cli.output import moment, print_facts, print_json, print_table
from gateway.domain.address import normal_form
from gateway.domain.challenge import Silence
from gateway.domain.evidence import Proof
from gateway.domain.explain import REASONS, SILENCES, proof_words
from gateway.domain.lifecycle import State
from gateway.domain.lists import parse_scope
from gateway.domain.policy import Reason
from gateway.flow.moderate import Action, Done, Moderator
from gateway.store.store import Store
from gateway.store.views import Filter, PendingDetail, PendingView, content_of, list_pending, show_pending

EVERY = "all"


@click.group()
def pending() -> None:
    """Look at mail that waits, and settle it."""


@pending.command("list")
@config_option
@json_option
@click.option(
    "--state",
    type=click.Choice([EVERY, *(state.value for state in State)]),
    default=State.PENDING.value,
    show_default=True,
    help="Only mail in this state.",
)
@click.option("--for", "scope", default="", metavar="RECIPIENT-OR-DOMAIN", help="Only mail for them.")
@click.option("--from", "sender", default="", metavar="ADDRESS", help="Only mail with this reverse-path.")
@click.option("--search", default="", metavar="WORDS", help="Part of the subject, the author or the sender.")
@click.option("--before", default=0, metavar="ID", help="The page after the one that ended with this id.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="How many to list.")
def list_(
    config: Path | None, as_json: bool, state: str, scope: str, sender: str, search: str, before: int, most: int
) -> None:
    """List mail, the newest first."""
    chosen = Filter(
        state="" if state == EVERY else state,
        recipient=_scope(scope),
        sender=normal_form(sender),
        words=search,
        before_id=before,
        most=most,
    )

    async def work(store: Store) -> list[PendingView]:
        return await store.look(lambda tx: list_pending(tx.connection, chosen))

    rows = with_store(config, work)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "state", "received", "from", "for", "subject", "octets", "why", "challenge", "goes"),
        [
            (
                row.id,
                row.state,
                moment(row.received_at),
                row.sender or "<>",
                row.recipient,
                row.subject,
                row.size,
                row.reason,
                row.challenge or row.silence,
                moment(row.expires_at) if row.state == State.PENDING.value else "",
            )
            for row in rows
        ],
        "Nothing is waiting.",
    )


@pending.command()
@config_option
@json_option
@click.option("--content", is_flag=True, help="Print the message itself, octet for octet, and nothing else.")
@click.argument("row_id", metavar="ID", type=int)
def show(config: Path | None, as_json: bool, content: bool, row_id: int) -> None:
    """Show one mail: what is known of it, why it waits, and its history."""

    async def work(store: Store) -> tuple[PendingDetail | None, bytes | None]:
        return await store.look(
            lambda tx: (show_pending(tx.connection, row_id), content_of(tx.connection, row_id) if content else None)
        )

    detail, octets = with_store(config, work)
    if detail is None:
        raise CommandError(f"there is no mail {row_id}; `pending list --state all` lists what there is")
    if content:
        if octets is None:
            raise CommandError(f"the content of mail {row_id} is gone: its retention is over")
        sys.stdout.buffer.write(octets)
    elif as_json:
        print_json(detail)
    else:
        print_facts(_facts(detail))


def _facts(detail: PendingDetail) -> list[tuple[str, str]]:
    row = detail.row
    proofs = "; ".join(proof_words(Proof.parse(text)) for text in row.proofs.split())
    facts = [
        ("id", str(row.id)),
        ("state", row.state),
        ("received", moment(row.received_at)),
        ("reverse-path", row.sender or "<> (null)"),
        ("author", f"{row.author_name} <{row.author}>" if row.author_name else row.author or "(none, or several)"),
        ("recipient", row.recipient),
        ("subject", row.subject or "(none)"),
        ("message id", detail.mail_id or "(none)"),
        ("octets", f"{row.size}{'' if detail.content_kept else ', content gone: retention is over'}"),
        ("client", f"{detail.client_name or 'unknown'} [{row.client}], HELO {detail.helo}, {detail.protocol}"),
        ("ids in logs", " ".join(filter(None, (detail.transaction_id, detail.queue_id)))),
        ("vouched for by", proofs or "nobody"),
        ("why", REASONS[Reason(row.reason)]),
    ]
    if row.silence:
        facts.append(("not asked", SILENCES[Silence(row.silence)]))
    if row.challenge:
        facts.append(("challenge", row.challenge))
    if row.state == State.PENDING.value:
        facts.append(("waits until", moment(row.expires_at)))
    if row.due_at is not None:
        facts.append(("next attempt", moment(row.due_at)))
    if row.last_reply:
        facts.append((f"next hop said ({row.attempts} attempts)", row.last_reply))
    facts.extend(
        (moment(line.at), f"{line.event} by {line.actor}: {line.state} {line.detail}") for line in detail.history
    )
    return facts


def _scope(text: str) -> str:
    try:
        return parse_scope(text)
    except ValueError as fault:
        raise CommandError(f"--for: {fault}") from fault


def _action(action: Action, sentence: str) -> None:
    @pending.command(action.value, help=sentence)
    @config_option
    @json_option
    @click.argument("ids", metavar="ID...", type=int, nargs=-1, required=True)
    def command(config: Path | None, as_json: bool, ids: tuple[int, ...]) -> None:
        async def work(store: Store) -> list[Done]:
            # The running service finds what was released by looking, within a second.
            moderator = Moderator(store, now=time.time, wake_deliveries=lambda: None)
            return await moderator.act(action, ids, actor())

        done = with_store(config, work)
        if as_json:
            print_json(done)
        else:
            for one in done:
                click.echo(f"{one.id}: {one.problem or (one.state.value if one.state else '')}")
        if any(one.problem for one in done):
            raise SystemExit(1)


_action(Action.AUTHORIZE, "Deliver mail, and let its sender through from now on.")
_action(Action.DELIVER, "Deliver mail, this once.")
_action(Action.BLACKLIST, "Drop mail, and refuse its sender from now on.")
_action(Action.DELETE, "Drop mail.")
