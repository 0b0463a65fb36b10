"""`lists`: who is let through, and who is refused."""

from __future__ import annotations

import csv
import io
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from gateway.cli.options import CommandError, actor, config_option, json_option, with_store
from gateway.cli.output import moment, print_json, print_table, progress
from gateway.domain.evidence import Proof
from gateway.domain.lists import ALIGNED, UNPROVEN, Entry, Verdict, parse_pattern, parse_scope
from gateway.store.store import Store, Transaction
from gateway.store.views import EntryView, list_entries

COLUMNS = ("list", "pattern", "for", "proof", "note")
_PAGE = 1000

_verdict = click.argument("verdict", type=click.Choice([verdict.value for verdict in Verdict]), metavar="allow|deny")
_for = click.option(
    "--for",
    "scope",
    default="",
    metavar="RECIPIENT-OR-DOMAIN",
    help="Whose mail it holds for; without it: everybody's.",
)


@click.group()
def lists() -> None:
    """Manage allow and deny entries."""


@lists.command()
@config_option
@json_option
@click.option("--for", "scope", default=None, metavar="RECIPIENT-OR-DOMAIN", help="Only entries of this scope.")
@click.argument("verdict", type=click.Choice(["allow", "deny"]), metavar="[allow|deny]", required=False)
def show(config: Path | None, as_json: bool, scope: str | None, verdict: str | None) -> None:
    """Show entries, in the order they were made."""
    wanted = None if scope is None else _parsed(parse_scope, scope)

    async def work(store: Store) -> list[EntryView]:
        return await store.look(lambda tx: [*_all(tx, verdict or "", wanted)])

    rows = with_store(config, work)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("list", "pattern", "for", "proof", "added", "by", "note"),
        [
            (
                row.verdict,
                row.pattern,
                row.scope or "everybody",
                row.proof,
                moment(row.added_at),
                row.added_by,
                row.note,
            )
            for row in rows
        ],
        "No entries.",
    )


@lists.command()
@config_option
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
@click.option("--note", default="", help="Why, for those who read the list later.")
def add(config: Path | None, verdict: str, pattern: str, scope: str, proof: str, note: str) -> None:
    """Add an entry. PATTERN is user@example.org, example.org, or *.example.org for its sub-domains."""
    entry = Entry(Verdict(verdict), _parsed(parse_pattern, pattern), _parsed(parse_scope, scope), proof)
    _keep(config, [(entry, note)])
    click.echo(f"{entry.verdict.value} {entry.pattern} for {entry.scope or 'everybody'}")


@lists.command()
@config_option
@_verdict
@click.argument("pattern")
@_for
def remove(config: Path | None, verdict: str, pattern: str, scope: str) -> None:
    """Remove an entry."""
    wanted, where = _parsed(parse_pattern, pattern), _parsed(parse_scope, scope)

    async def work(store: Store) -> bool:
        return await store.transact(lambda tx: tx.lists.remove(Verdict(verdict), wanted, where))

    if not with_store(config, work):
        raise CommandError(f"there is no entry {verdict} {wanted} for {where or 'everybody'}; `lists show` lists them")
    click.echo(f"removed {verdict} {wanted} for {where or 'everybody'}")


@lists.command("import")
@config_option
@click.option("--dry-run", is_flag=True, help="Only say what would be added.")
@click.argument("file", type=click.File("r", encoding="utf-8-sig"))
def import_(config: Path | None, dry_run: bool, file: io.TextIOBase) -> None:
    """Add the entries of a CSV file (- is standard input) with the columns list, pattern, for, proof, note.

    The last three may be missing. With a faulty line, nothing is added, and every faulty line is named.
    """
    entries, faults = _read(file)
    if faults:
        raise CommandError("\n".join((*faults, "nothing was added")))
    if not dry_run:
        _keep(config, entries)
    click.echo(f"{len(entries)} entries {'would be ' if dry_run else ''}added")


@lists.command()
@config_option
@click.option("--for", "scope", default=None, metavar="RECIPIENT-OR-DOMAIN", help="Only entries of this scope.")
@click.argument("file", type=click.File("w", encoding="utf-8"), default="-")
def export(config: Path | None, scope: str | None, file: io.TextIOBase) -> None:
    """Write the entries as CSV, in the form `lists import` reads."""
    wanted = None if scope is None else _parsed(parse_scope, scope)

    async def work(store: Store) -> list[EntryView]:
        return await store.look(lambda tx: [*_all(tx, "", wanted)])

    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for row in with_store(config, work):
        writer.writerow((row.verdict, row.pattern, row.scope, row.proof, row.note))


def _all(tx: Transaction, verdict: str, scope: str | None) -> Iterator[EntryView]:
    last = 0
    while page := list_entries(tx.connection, verdict, scope, last, _PAGE):
        yield from page
        last = page[-1].id


def _keep(config: Path | None, entries: list[tuple[Entry, str]]) -> None:
    who, now = actor(), time.time()

    async def work(store: Store) -> None:
        with progress("adding") as told:
            for start in range(0, len(entries), _PAGE):
                page = entries[start : start + _PAGE]
                await store.transact(lambda tx: [tx.lists.add(e, note, who, None, now) for e, note in page])  # noqa: B023 awaited here
                told(start + len(page), len(entries))

    with_store(config, work)


def _parsed(parse: Callable[[str], str], text: str) -> str:
    try:
        return parse(text)
    except ValueError as fault:
        raise CommandError(str(fault)) from fault


def _read(file: io.TextIOBase) -> tuple[list[tuple[Entry, str]], list[str]]:
    entries: list[tuple[Entry, str]] = []
    faults: list[str] = []
    try:
        reader = csv.DictReader(file)
        if not {"list", "pattern"} <= set(reader.fieldnames or ()):
            return [], [f"the first line must name the columns: {','.join(COLUMNS)}"]
        for line in reader:
            try:
                entries.append(_entry(line))
            except ValueError as fault:
                faults.append(f"line {reader.line_num}: {fault}")
    except (csv.Error, UnicodeDecodeError) as fault:
        faults.append(f"not a CSV file in UTF-8: {fault}")
    return entries, faults


def _entry(line: dict[str, str | None]) -> tuple[Entry, str]:
    verdict = (line.get("list") or "").strip()
    if verdict not in ("allow", "deny"):
        raise ValueError(f"{verdict!r} is not a list; use allow or deny")
    proof = (line.get("proof") or ALIGNED).strip()
    if proof not in (ALIGNED, UNPROVEN):
        for part in proof.split():
            Proof.parse(part)
    pattern = parse_pattern(line.get("pattern") or "")
    return Entry(Verdict(verdict), pattern, parse_scope(line.get("for") or ""), proof), line.get("note") or ""
