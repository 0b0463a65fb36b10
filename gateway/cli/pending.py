"""`pending`: the mail that waits."""

from __future__ import annotations

import time
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import click

from gateway.cli import reading
from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import RowId, actor, config_option, early_config_option, json_option
from gateway.cli.output import (
    Column,
    Listing,
    moment,
    note,
    print_facts,
    print_json,
    print_octets,
    progress,
)
from gateway.domain.address import normal_form, without_tag
from gateway.domain.evidence import Proof
from gateway.domain.explain import REASONS, SILENCES, proof_words
from gateway.domain.lifecycle import State
from gateway.domain.lists import parse_scope
from gateway.domain.policy import Scope
from gateway.domain.query import Term, read_query, search_words
from gateway.domain.roles import Reach
from gateway.flow.describe import Describer
from gateway.flow.digest_people import mailboxes_for
from gateway.flow.moderate import Action, Breadth, Done, Moderator
from gateway.flow.queue_ports import Place, Selection
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
_BATCH = 200
"""Rows moved in one transaction: mail that comes in meanwhile does not wait for long."""

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
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="How many to list.")
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

    found, since_digest = _selection(" ".join(query), chosen) if query else (None, False)
    if since_digest and (not chosen.recipient or chosen.recipient.startswith("@")):
        raise WrongUse("after:digest needs --for RECIPIENT: whose digest is meant?")

    async def work(store: Store) -> int:
        """Print page by page; return the last id, where there may be more."""
        nonlocal found
        if found is not None and since_digest:
            found = await _since_digest(store, found, chosen.recipient)
        if found is not None:
            # What the service has not put into the list yet, or came while none ran.
            describer = Describer(store)
            while await describer.run_once():
                pass
        left, last = most, chosen.before_id
        while left:
            wanted = replace(chosen, before_id=last, most=min(left, _PAGE))
            rows = await store.look(lambda tx: _listed(tx, found, wanted))  # noqa: B023 awaited here
            listing.page(rows)
            if len(rows) < wanted.most:
                return 0
            left, last = left - len(rows), rows[-1].id
        return last

    last = with_store(config, work)
    listing.end()
    if last:
        note(f"these are {most}; --before {last} shows what follows, --most N shows more at a time")


async def _since_digest(store: Store, found: Selection, recipient: str) -> Selection:
    """Ask only for what came after the last digest that the recipient was told by. Raises CommandError."""

    def last(tx: Transaction) -> float | None:
        mailbox = next(iter(mailboxes_for(tx, without_tag(recipient))), "")
        return tx.queue.told_there(mailbox)

    told_at = await store.look(last)
    if told_at is None:
        raise CommandError(f"no digest was delivered to {recipient} yet: leave out after:digest")
    return replace(found, after=max(told_at, found.after or 0.0))


def _selection(text: str, chosen: Filter) -> tuple[Selection, bool]:
    """Turn the words of a search, and the options beside it, into what the list is asked.

    Return too whether only what came since the last digest is meant.
    """
    query = read_query(text, datetime.now(UTC).date())
    if query.faults:
        raise WrongUse(" ".join(query.faults))
    states = query.states
    if not any(piece.lower().startswith("state:") for piece in query.pieces):
        states = (State(chosen.state),) if chosen.state else tuple(State)
    reach = Reach(site=True)
    if chosen.recipient:
        is_domain = chosen.recipient.startswith("@")
        domains = frozenset({chosen.recipient[1:]} if is_domain else ())
        reach = Reach(domains=domains, addresses=frozenset(() if is_domain else {chosen.recipient}))
    terms = list(query.terms)
    for words, field in ((chosen.sender, "from"), (chosen.words, "")):
        if words:
            terms.append(Term(tuple(search_words(words).split()), field, whole=bool(field)))
    wanted = Selection(
        place=Place.of(reach),
        states=states,
        terms=tuple(terms),
        reasons=query.reasons,
        after=_midnight(query.after),
        before=_midnight(query.before),
        has_file=query.has_file,
    )
    return wanted, query.since_digest


def _midnight(day: date | None) -> float | None:
    return None if day is None else datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp()


def _listed(tx: Transaction, found: Selection | None, wanted: Filter) -> list[PendingView]:
    if found is None:
        return list_pending(tx.connection, wanted)
    start = (-wanted.before_id,) if wanted.before_id else None
    keys = tx.queue.find(found, "arrival", False, start, wanted.most)
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
        print_json(detail)
    else:
        print_facts(_facts(detail))


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


_breadth_option = click.option(
    "--sender",
    "breadth",
    type=click.Choice([breadth.value for breadth in Breadth]),
    default=Breadth.ADDRESS.value,
    show_default=True,
    help="Whom the entry names: its address, its whole domain, or the list or machine the mail comes from.",
)
_scope_option = click.option(
    "--scope",
    type=click.Choice([scope.value for scope in Scope]),
    default=Scope.RECIPIENT.value,
    show_default=True,
    help="Whose mail the entry holds for: the recipient's, its whole domain's, or everybody's.",
)


def _outcome(one: Done) -> str:
    """Say in a line what became of one mail."""
    if one.state is None:
        return f"{one.id}: {one.problem}; `pending list --state all` lists what there is"
    return f"{one.id}: {one.problem or one.state.value}"


def _action(action: Action, sentence: str) -> None:
    @config_option
    @json_option
    @click.argument("ids", metavar="ID...", type=RowId(), nargs=-1, required=True)
    def command(
        config: Path | None,
        as_json: bool,
        ids: tuple[int, ...],
        breadth: str = Breadth.ADDRESS.value,
        scope: str = Scope.RECIPIENT.value,
    ) -> None:
        wanted, meant, whose = list(dict.fromkeys(ids)), Breadth(breadth), Scope(scope)

        async def work(store: Store) -> list[Done]:
            # The running service finds what was released by looking, within a second.
            moderator = Moderator(store, now=time.time, wake_deliveries=lambda: None)
            done: list[Done] = []
            with progress(action.value) as told:
                for start in range(0, len(wanted), _BATCH):
                    done += await moderator.act(action, wanted[start : start + _BATCH], actor(), meant, whose)
                    told(len(done), len(wanted))
            if moved := [one.id for one in done if not one.problem]:
                await noted(store, "pending", " ".join(map(str, moved)), f"{action.value}: {len(moved)}")
            return done

        done = with_store(config, work)
        if as_json:
            print_json(done)
        else:
            for one in done:
                click.echo(_outcome(one), err=bool(one.problem))
        if any(one.problem for one in done):
            raise SystemExit(1)

    if action in (Action.AUTHORIZE, Action.BLACKLIST):
        command = _scope_option(_breadth_option(command))
    pending.command(action.value, help=sentence)(command)


_action(Action.AUTHORIZE, "Deliver mail, and let its sender through from now on.")
_action(Action.DELIVER, "Deliver mail, this once.")
_action(Action.BLACKLIST, "Drop mail, and refuse its sender from now on.")
_action(Action.DELETE, "Drop mail.")

for _command in (reading.read, reading.html, reading.part, reading.forward, reading.ask_again):
    pending.add_command(_command)
