"""`lists`: who is let through, and who is refused."""

from __future__ import annotations

import csv
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TextIO

import click

from gateway.cli import entries_file
from gateway.cli.access import with_store
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import actor, config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, note, print_json, progress
from gateway.domain.evidence import Proof
from gateway.domain.explain import proof_words
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.store.lists import merge_proofs
from gateway.store.store import Store, Transaction
from gateway.store.views import EntryView, list_entries

_PAGE = 1000
_BATCH = 500
"""Entries added in one transaction: mail that comes in meanwhile does not wait for long."""

_COLUMNS: tuple[Column[EntryView], ...] = (
    Column("list", lambda row: row.verdict),
    Column("pattern", lambda row: row.pattern),
    Column("for", lambda row: row.scope or "everybody", elastic=True),
    Column("proof", lambda row: row.proof, elastic=True),
    Column("added", lambda row: moment(row.added_at), spare=True),
    Column("by", lambda row: row.added_by, spare=True),
    Column("note", lambda row: row.note, elastic=True, spare=True),
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
@click.argument("verdict", type=click.Choice(["allow", "deny"]), metavar="[allow|deny]", required=False)
def show(config: Path | None, as_json: bool, scope: str | None, verdict: str | None) -> None:
    """Show entries, in the order they were made."""
    wanted = None if scope is None else _parsed(parse_scope, scope)
    listing = Listing(_COLUMNS, "No entries.", as_json=as_json)

    async def work(store: Store) -> None:
        async for page in _pages(store, verdict or "", wanted):
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
def add(config: Path | None, as_json: bool, verdict: str, pattern: str, scope: str, proof: str, remark: str) -> None:
    """Add an entry. PATTERN is user@example.org, example.org, or *.example.org for its sub-domains."""
    entry = Entry(Verdict(verdict), _parsed(parse_pattern, pattern), _parsed(parse_scope, scope), proof)
    remark = _parsed(entries_file.checked_note, remark)
    who, now = actor(), time.time()

    async def work(store: Store) -> tuple[Entry | None, Entry]:
        def once(tx: Transaction) -> tuple[Entry | None, Entry]:
            before = _same(tx, entry)
            tx.lists.add(entry, remark, who, None, now)
            after = _same(tx, entry)
            assert after is not None
            return before, after

        return await store.transact(once)

    before, after = with_store(config, work)
    if as_json:
        print_json({"entry": after, "new": before is None})
        return
    click.echo(f"{_named(after)}{_demand(after)}")
    if before is not None and after.proof != entry.proof:
        note("the entry was there and lets in more; to narrow it, remove it first")
    elif before is not None and before.proof == after.proof:
        note("the entry was there already")


@lists.command()
@config_option
@_verdict
@click.argument("pattern")
@_for
def remove(config: Path | None, verdict: str, pattern: str, scope: str) -> None:
    """Remove an entry."""
    entry = Entry(Verdict(verdict), _parsed(parse_pattern, pattern), _parsed(parse_scope, scope))

    async def work(store: Store) -> bool:
        return await store.transact(lambda tx: tx.lists.remove(entry.verdict, entry.pattern, entry.scope))

    if not with_store(config, work):
        raise CommandError(f"there is no entry {_named(entry)}; `challenge-gateway lists show` lists them")
    click.echo(f"removed {_named(entry)}")


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of a file."""

    new: int
    widened: int
    """Entries that were there and let in more now."""
    known: int
    """Entries that were there, or stand in the file more than once."""
    dry_run: bool


@lists.command("import")
@config_option
@json_option
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
def import_(config: Path | None, as_json: bool, dry_run: bool, file: TextIO) -> None:
    """Add the entries of a CSV file (- is standard input) with the columns list, pattern, for, proof, note.

    The last three may be missing. With a faulty line nothing is added, and every faulty line is named.
    """
    read, faults = entries_file.read(file)
    if faults:
        count = "1 line is" if len(faults) == 1 else f"{len(faults)} lines are"
        raise CommandError("\n".join((*faults, f"{count} faulty; nothing was added")))
    entries: dict[_Key, tuple[Entry, str]] = {}
    for entry, remark in read:
        old = entries.get(_key(entry))
        entries[_key(entry)] = (entry, remark) if old is None else (_merged(old[0], entry), old[1] or remark)
    new, widened = with_store(config, lambda store: _import(store, list(entries.values()), dry_run))
    done = Imported(new, widened, len(read) - new - widened, dry_run)
    if as_json:
        print_json(done)
    else:
        would = "would be " if dry_run else ""
        click.echo(f"{done.new} entries {would}added, {done.widened} {would}widened, {done.known} known already")


async def _import(store: Store, entries: Sequence[tuple[Entry, str]], dry_run: bool) -> tuple[int, int]:
    who, now = actor(), time.time()

    def batch(tx: Transaction, page: Sequence[tuple[Entry, str]]) -> tuple[int, int]:
        there = {_key(entry): entry for entry in tx.lists.entries([entry.pattern for entry, _ in page])}
        new: list[tuple[Entry, str]] = []
        widened = 0
        for entry, remark in page:
            old = there.get(_key(entry))
            if old is None:
                new.append((entry, remark))
            elif _merged(old, entry).proof != old.proof:
                widened += 1
                if not dry_run:
                    tx.lists.add(entry, remark, who, None, now)
        if not dry_run:
            tx.lists.add_new(new, who, now)
        return len(new), widened

    new = widened = 0
    with progress("looking" if dry_run else "adding") as told:
        for start in range(0, len(entries), _BATCH):
            page = entries[start : start + _BATCH]
            run = store.look if dry_run else store.transact
            counts = await run(lambda tx: batch(tx, page))  # noqa: B023 awaited here
            new, widened = new + counts[0], widened + counts[1]
            told(start + len(page), len(entries))
    return new, widened


@lists.command()
@config_option
@_only_for
@click.argument("file", type=click.File("w", encoding="utf-8", lazy=False), default="-")
def export(config: Path | None, scope: str | None, file: TextIO) -> None:
    """Write the entries as CSV, in the form `lists import` reads; to standard output, or to FILE."""
    wanted = None if scope is None else _parsed(parse_scope, scope)
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(entries_file.COLUMNS)

    async def work(store: Store) -> None:
        async for page in _pages(store, "", wanted):
            writer.writerows(entries_file.lines(page))

    with_store(config, work)
    file.flush()


async def _pages(store: Store, verdict: str, scope: str | None) -> AsyncIterator[list[EntryView]]:
    last = 0
    while page := await store.look(lambda tx: list_entries(tx.connection, verdict, scope, last, _PAGE)):  # noqa: B023 awaited here
        yield page
        last = page[-1].id


_Key = tuple[str, str, str]


def _key(entry: Entry) -> _Key:
    return entry.pattern, entry.scope, entry.verdict.value


def _merged(old: Entry, new: Entry) -> Entry:
    return replace(old, proof=merge_proofs(old.proof, new.proof))


def _same(tx: Transaction, entry: Entry) -> Entry | None:
    return next((there for there in tx.lists.entries([entry.pattern]) if _key(there) == _key(entry)), None)


def _named(entry: Entry) -> str:
    return f"{entry.verdict.value} {entries_file.typed(entry.pattern)} for {_typed_scope(entry)}"


def _typed_scope(entry: Entry) -> str:
    return entries_file.typed(entry.scope) or "everybody"


def _demand(entry: Entry) -> str:
    """Say what mail must prove to be let in by an entry."""
    if entry.verdict is Verdict.DENY:
        return ""
    if entry.proof == UNPROVEN:
        return ", without any proof"
    if entry.proof == ALIGNED:
        return ", if SPF or DKIM vouches for its author"
    return ", if vouched for by " + " or ".join(proof_words(Proof.parse(text)) for text in entry.proof.split())


def _parsed(parse: Callable[[str], str], text: str) -> str:
    try:
        return parse(text)
    except ValueError as fault:
        raise WrongUse(str(fault)) from fault
