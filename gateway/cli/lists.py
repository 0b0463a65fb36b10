"""`lists`: who is let through, and who is refused."""

from __future__ import annotations

import csv
import functools
import secrets
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TextIO

import click

from gateway.cli import list_changes
from gateway.cli.access import with_store
from gateway.cli.context import noted
from gateway.cli.faults import CommandError, WrongUse, parsed
from gateway.cli.options import actor, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note, on_terminal, print_json, progress
from gateway.domain.address import without_tag
from gateway.domain.evidence import Proof
from gateway.domain.explain import proof_words
from gateway.domain.lists import ALIGNED, LIST, SIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.flow.accounts import operator
from gateway.flow.describe import Describer
from gateway.flow.list_files import COLUMNS, Lines, cells, checked_note, parse_expiry, read_csv, read_plain, typed
from gateway.flow.list_import import Saved, pages, pieces, plan, save
from gateway.flow.list_ports import WRITTEN_TO, EntryView, Part
from gateway.flow.orders import Orders
from gateway.flow.receive_rules import own_domains
from gateway.flow.waiting_from import WaitingFrom
from gateway.store.store import Store
from gateway.store.transaction import Transaction

_COLUMNS: tuple[Column[EntryView], ...] = (
    Column("id", lambda row: row.id),
    Column("list", lambda row: row.verdict),
    Column("pattern", lambda row: row.pattern),
    Column("for", lambda row: row.scope or "everybody", elastic=True),
    Column("proof", lambda row: row.proof, elastic=True),
    Column("added", lambda row: moment(row.added_at), spare=True),
    Column("by", lambda row: row.added_by, spare=True),
    Column("used", lambda row: moment(row.last_used_at), spare=True),
    Column("until", lambda row: moment(row.expires_at), spare=True),
    Column("note", lambda row: row.note, elastic=True, spare=True),
    Column("origin", lambda row: row.origin, spare=True),
)

_verdict = click.argument("verdict", type=click.Choice([verdict.value for verdict in Verdict]), metavar="allow|deny")
_for = click.option(
    "--for",
    "scope",
    default="",
    metavar="RECIPIENT-OR-DOMAIN",
    help="Whose mail it holds for; without it: everybody's.",
)
_only_for = click.option(
    "--for",
    "scope",
    default=None,
    metavar="RECIPIENT-OR-DOMAIN",
    help='Only entries of this scope; "" is everybody\'s.',
)


@click.group()
@early_config_option
def lists() -> None:
    """Manage allow and deny entries."""


@lists.command()
@config_option
@json_option
@_only_for
@click.option("--written-to", is_flag=True, help="Only entries of senders that one of our users wrote to.")
@click.argument("verdict", type=click.Choice(["allow", "deny"]), metavar="[allow|deny]", required=False)
def show(config: Path | None, as_json: bool, scope: str | None, written_to: bool, verdict: str | None) -> None:
    """Show entries, in the order they were made."""
    wanted = None if scope is None else parsed(parse_scope, scope)
    listing = Listing(_COLUMNS, "No entries.", as_json=as_json, shape=list_changes.entry_shape)

    async def work(store: Store) -> None:
        async for page in pages(store, _part(wanted), verdict or "", WRITTEN_TO if written_to else ""):
            listing.page(page)

    with_store(config, work)
    listing.end()


@lists.command()
@config_option
@json_option
@_verdict
@click.argument("pattern")
@_for
@click.option(
    "--proof",
    type=click.Choice([ALIGNED, UNPROVEN]),
    default=ALIGNED,
    show_default=True,
    help="What mail must prove: that SPF or DKIM vouches for its author, or nothing (then a forger gets in too).",
)
@click.option("--note", "remark", default="", help="Why, for those who read the list later.")
@click.option(
    "--also-waiting",
    is_flag=True,
    help="With deny: also delete what waits from there.",
)
@click.option("--until", default="", metavar="DATE", help="The last day it holds, as 2026-12-31; without it: for good.")
def add(
    config: Path | None,
    as_json: bool,
    verdict: str,
    pattern: str,
    scope: str,
    proof: str,
    remark: str,
    also_waiting: bool,
    until: str,
) -> None:
    """Add an entry.

    PATTERN is user@example.org, example.org, *.example.org for its sub-domains, list:news.example.org for a List-Id,
    or signed:example.org for the domain that signs.
    """
    entry = Entry(
        Verdict(verdict),
        parsed(parse_pattern, pattern),
        parsed(parse_scope, scope),
        proof,
        expires_at=parsed(parse_expiry, until),
    )
    remark = parsed(checked_note, remark)
    if also_waiting and entry.verdict is not Verdict.DENY:
        raise WrongUse("--also-waiting is for deny: what waits from a sender that is allowed stays where it is")
    settings = settings_of(config)
    undo_seconds = settings.console.undo_seconds
    who, now = actor(), time.time()

    async def work(store: Store) -> tuple[Entry | None, EntryView, int]:
        def once(tx: Transaction) -> tuple[Entry | None, EntryView]:
            before = _same(tx, entry)
            tx.lists.add(entry, remark, who, None, now)
            after = tx.entries.named(entry.pattern, entry.scope, entry.verdict.value)
            assert after is not None
            return before, after

        made = await store.transact(once)
        await noted(store, "list-new", detail=_named(made[1].entry))
        return *made, await _delete_waiting(store, undo_seconds, pattern, scope) if also_waiting else 0

    before, after, waiting = with_store(config, work)
    if as_json:
        print_json({"entry": list_changes.entry_shape(after), "new": before is None, "waiting": waiting})
        return
    click.echo(f"{_named(after.entry)}{_demand(after.entry)}")
    domain = entry.scope.rpartition("@")[2]
    if domain and domain not in own_domains(settings.domains.names):
        note(f"{domain} is none of our domains ([domains] names): the entry acts on nothing until it is")
    if also_waiting:
        click.echo(f"{waiting} that wait from there are deleted by the service")
    if before is not None and after.proof != entry.proof:
        note("the entry was there and lets in more; to narrow it, remove it first")
    elif before is not None and before.proof == after.proof:
        note("the entry was there already")


async def _delete_waiting(store: Store, undo_seconds: float, pattern: str, scope: str) -> int:
    """Order that what waits from there is deleted; return how many that are."""
    describer = Describer(store)
    while await describer.run_once():
        pass  # What the service has not put into the list yet, or came while none ran.
    viewer = operator(actor())
    orders = Orders(store, undo_seconds, now=time.time, wake=lambda: None)
    waiting = WaitingFrom(store, orders)
    count = await waiting.count(viewer, pattern, scope) or 0
    if count:
        await waiting.delete(viewer, secrets.token_hex(16), pattern, scope)
    return count


lists.add_command(list_changes.change)
lists.add_command(list_changes.remove)
lists.add_command(list_changes.undo)
lists.add_command(list_changes.judge)


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    new: int
    changed: int
    """Entries that were there and let in more now, or bear another note or end."""
    known: int
    """Entries that were there, or stand in the file more than once."""
    dry_run: bool


@lists.command("import")
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only say what would change.")
@click.option(
    "--plain",
    type=click.Choice([verdict.value for verdict in Verdict]),
    help="The file has one pattern on each line, for this list; what follows a # is a note.",
)
@_for
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
def import_(config: Path | None, as_json: bool, dry_run: bool, plain: str | None, scope: str, file: TextIO) -> None:
    """Add the entries of a CSV file (- is standard input) with the columns verdict, pattern, for, proof, note, expires.

    All but the first two may be missing; --for is for lines that name nobody. With a faulty line nothing is added,
    and every faulty line is named.
    """
    whose = parsed(parse_scope, scope)
    lines = read_csv(file, whose) if plain is None else read_plain(file, Verdict(plain), whose)
    if lines.faults:
        count = "1 line is" if len(lines.faults) == 1 else f"{len(lines.faults)} lines are"
        raise CommandError("\n".join((*map(str, lines.faults), f"{count} faulty; nothing was added")))
    who, now = actor(), time.time()

    def once(tx: Transaction, piece: Lines) -> Saved:
        planned = plan(tx, piece, now)
        if not dry_run:
            return save(tx, planned, who, now)
        return Saved(len(planned.new), len(planned.changed), len(planned.known), 0)

    async def work(store: Store) -> Imported:
        whole = Saved(0, 0, 0, 0)
        with progress("looking" if dry_run else "adding") as told:
            # Dry, all at once: what a line would do may depend on one before it.
            parts = [lines] if dry_run else pieces(lines)
            for place, piece in enumerate(parts):
                told(place, len(parts))
                run = store.look if dry_run else store.transact
                whole = whole.and_(await run(functools.partial(once, piece=piece)))
        if not dry_run:
            await noted(store, "list-draft", detail=f"{whole.new} new, {whole.changed} changed, {whole.known} known")
        return Imported(whole.new, whole.changed, whole.known, dry_run)

    done = with_store(config, work)
    if as_json:
        print_json(done)
    else:
        would = "would be " if dry_run else ""
        click.echo(f"{done.new} entries {would}added, {done.changed} {would}changed, {done.known} known already")


@lists.command()
@config_option
@_only_for
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def export(config: Path | None, scope: str | None, file: TextIO) -> None:
    """Write the entries as CSV, in the form `lists import` reads; to standard output, or to FILE."""
    wanted = None if scope is None else parsed(parse_scope, scope)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(COLUMNS)

    async def work(store: Store) -> None:
        count = 0
        with progress("writing", quiet=on_terminal(file)) as told:
            async for page in pages(store, _part(wanted)):
                writer.writerows(cells(page))
                count += len(page)
                told(count, 0)

    with_store(config, work)
    file.flush()


def _part(scope: str | None) -> Part:
    return Part() if scope is None else Part(owner=without_tag(scope))


def _same(tx: Transaction, entry: Entry) -> Entry | None:
    return next((there for there in tx.lists.entries([entry.pattern]) if there.key == entry.key), None)


def _named(entry: Entry) -> str:
    return f"{entry.verdict.value} {typed(entry.pattern)} for {_typed_scope(entry)}"


def _typed_scope(entry: Entry) -> str:
    return typed(entry.scope) or "everybody"


def _demand(entry: Entry) -> str:
    """Say what mail must prove to be let in by an entry."""
    if entry.verdict is Verdict.DENY:
        return ""
    if entry.proof == UNPROVEN:
        return ", without any proof"
    if entry.proof == ALIGNED and entry.pattern.startswith(LIST):
        return ", if the owner of the list's name vouches for it"
    if entry.proof == ALIGNED and entry.pattern.startswith(SIGNED):
        return ", if its author is of that domain"
    if entry.proof == ALIGNED:
        return ", if SPF or DKIM vouches for its author"
    return ", if vouched for by " + " or ".join(proof_words(Proof.parse(text)) for text in entry.proof.split())
