"""`pending`: the mail that waits."""

from __future__ import annotations

from dataclasses import fields, replace
from pathlib import Path

import click

from gateway.cli import moderate, reading
from gateway.cli.access import with_store
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, config_option, early_config_option, json_option
from gateway.cli.output import (
    Column,
    Listing,
    moment,
    note,
    print_facts,
    print_json,
    print_octets,
)
from gateway.cli.search import search_of, selected
from gateway.domain.address import normal_form
from gateway.domain.evidence import Proof
from gateway.domain.explain import REASONS, SILENCES, proof_words
from gateway.domain.lifecycle import State
from gateway.domain.lists import parse_scope
from gateway.flow.describe import Describer
from gateway.flow.queue_ports import Selection
from gateway.store.store import Store
from gateway.store.transaction import Transaction
from gateway.store.views import (
    Filter,
    PendingDetail,
    PendingView,
    content_of,
    list_pending,
    list_these,
    show_pending,
)

EVERY = "all"
_PAGE = 1000

_COLUMNS: tuple[Column[PendingView], ...] = (
    Column("id", lambda row: row.id),
    Column("state", lambda row: row.state, spare=True),
    Column("received", lambda row: moment(row.received_at)),
    Column("from", lambda row: row.sender or "<>", elastic=True),
    Column("for", lambda row: row.recipient, elastic=True),
    Column("subject", lambda row: row.subject, elastic=True),
    Column("octets", lambda row: row.size, spare=True),
    Column("why", lambda row: row.reason, spare=True),
    Column("challenge", lambda row: row.challenge or row.silence, spare=True),
    Column("goes", lambda row: moment(row.expires_at) if row.state == State.PENDING.value else "", spare=True),
)


@click.group()
@early_config_option
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
@click.option("--before", type=RowId(), default=None, metavar="ID", help="The page after the one that ended with it.")
@click.option(
    "--most", default=50, show_default=True, metavar="N", type=click.IntRange(1, 1_000_000), help="How many to list."
)
@click.argument("query", nargs=-1)
def list_(
    config: Path | None,
    as_json: bool,
    state: str,
    scope: str,
    sender: str,
    search: str,
    before: int | None,
    most: int,
    query: tuple[str, ...],
) -> None:
    """List mail, the newest first.

    QUERY is what the pending page's search box takes, as: roof from:anna reason:unknown state:delivered has:file
    after:2026-11-01 before:yesterday. Days begin in UTC. With --for RECIPIENT, after:digest is what came since the last digest.
    """
    chosen = Filter(
        state="" if state == EVERY else state,
        recipient=_scope(scope),
        sender=_sender(sender),
        words=search,
        before_id=before or 0,
    )
    listing = Listing(_COLUMNS, "Nothing is waiting." if state == State.PENDING.value else "None.", as_json=as_json)

    wanted = search_of(" ".join(query), chosen) if query else None

    async def work(store: Store) -> int:
        """Print page by page; return the last id, where there may be more."""
        found = None
        if wanted is not None:
            found = await selected(store, wanted, chosen.recipient)
            # What the service has not put into the list yet, or came while none ran.
            describer = Describer(store)
            while await describer.run_once():
                pass
        left, last = most, chosen.before_id
        while left:
            page = replace(chosen, before_id=last, most=min(left, _PAGE))
            rows = await store.look(lambda tx: _listed(tx, found, page))  # noqa: B023 awaited here
            listing.page(rows)
            if len(rows) < page.most:
                return 0
            left, last = left - len(rows), rows[-1].id
        return last

    last = with_store(config, work)
    listing.end()
    if last:
        note(f"these are {most}; --before {last} shows what follows, --most N shows more at a time")


def _listed(tx: Transaction, found: Selection | None, page: Filter) -> list[PendingView]:
    if found is None:
        return list_pending(tx.connection, page)
    start = (-page.before_id,) if page.before_id else None
    keys = tx.queue.find(found, "arrival", False, start, page.most)
    return list_these(tx.connection, [row_id for _, row_id in keys])


@pending.command()
@config_option
@json_option
@click.option(
    "--content",
    is_flag=True,
    help="Print the message itself, octet for octet (to a terminal: escaped), and nothing else.",
)
@click.argument("number", metavar="ID", type=RowId())
def show(config: Path | None, as_json: bool, content: bool, number: int) -> None:
    """Show one mail: what is known of it, why it waits, and its history."""

    async def work(store: Store) -> tuple[PendingDetail | None, bytes | None]:
        return await store.look(
            lambda tx: (show_pending(tx.connection, number), content_of(tx.connection, number) if content else None)
        )

    detail, octets = with_store(config, work)
    if detail is None:
        raise CommandError(f"there is no mail {number}; `pending list --state all` lists what there is")
    if content:
        if octets is None:
            raise CommandError(f"the content of mail {number} is gone: its retention is over")
        print_octets(octets)
    elif as_json:
        print_json(_flat(detail))
    else:
        print_facts(_facts(detail))


def _flat(detail: PendingDetail) -> dict[str, object]:
    """Return a mail as the API tells it: what the list says, and the rest beside it."""
    listed = {one.name: getattr(detail.row, one.name) for one in fields(detail.row)}
    return listed | {one.name: getattr(detail, one.name) for one in fields(detail) if one.name != "row"}


def _facts(detail: PendingDetail) -> list[tuple[str, str]]:
    row = detail.row
    proofs = "; ".join(map(_proof, row.proofs.split()))
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
        *([] if row.score is None else [("score", f"{row.score:g}, says the filter in front")]),
        ("client", f"{detail.client_name or 'unknown'} [{row.client}], HELO {detail.helo}, {detail.protocol}"),
        ("ids in logs", " ".join(filter(None, (detail.transaction_id, detail.queue_id)))),
        ("vouched for by", proofs or "nobody"),
        ("why", _REASONS.get(row.reason, row.reason)),
    ]
    if row.silence:
        facts.append(("not asked", _SILENCES.get(row.silence, row.silence)))
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


# A store may hold words of a newer program; they are shown as they are.
_REASONS = {reason.value: sentence for reason, sentence in REASONS.items()}
_SILENCES = {silence.value: sentence for silence, sentence in SILENCES.items()}


def _proof(text: str) -> str:
    try:
        return proof_words(Proof.parse(text))
    except ValueError:
        return text


def _scope(text: str) -> str:
    try:
        return parse_scope(text)
    except ValueError as fault:
        raise WrongUse(f"--for: {fault}") from fault


def _sender(text: str) -> str:
    bare = text.strip().removeprefix("<").removesuffix(">")
    if text and not bare:
        raise WrongUse('--from: the null reverse-path is no address; `--json` shows it as ""')
    return normal_form(bare)


for _command in (*moderate.commands, reading.read, reading.html, reading.part, reading.forward, reading.ask_again):
    pending.add_command(_command)
