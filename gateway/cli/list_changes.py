"""`lists change`, `remove`, `undo` and `judge`: single entries, seen to as on the console's page."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse, parsed
from gateway.cli.options import RowId, config_option, json_option
from gateway.cli.output import Column, Listing, note, print_done, print_json
from gateway.domain.address import normal_form
from gateway.domain.lists import Verdict, parse_pattern, parse_scope
from gateway.flow.list_files import parse_expiry, typed
from gateway.flow.list_ports import EntryView
from gateway.flow.lists import Judged, Lists, Removal, Shown, TooLate
from gateway.flow.typed_entries import Refused

T = TypeVar("T")


_JUDGED: tuple[Column[Shown], ...] = (
    Column("id", lambda one: one.view.id),
    Column("list", lambda one: one.view.verdict),
    Column("pattern", lambda one: typed(one.view.pattern), elastic=True),
    Column("for", lambda one: typed(one.view.scope) or "everybody", elastic=True),
    Column("proof", lambda one: one.view.proof, elastic=True),
    Column("holds", lambda one: "yes" if one.holds else "no"),
)


@click.command()
@config_option
@json_option
@click.option("--note", "remark", default=None, metavar="WORDS", help='Why; "" takes the note away.')
@click.option("--until", default=None, metavar="DATE", help='The last day it holds, as 2026-12-31; "" is for good.')
@click.argument("number", metavar="ID", type=RowId())
def change(config: Path | None, as_json: bool, remark: str | None, until: str | None, number: int) -> None:
    """Change the note and the end of an entry."""
    if remark is None and until is None:
        raise WrongUse("say what to change: --note WORDS, --until DATE")
    ends = None if until is None else parsed(parse_expiry, until)

    async def work(context: CommandContext) -> EntryView | None:
        lists = _lists(context)
        shown = await lists.get(context.viewer, number)
        if shown is None:
            return None
        view = shown.view
        text, end = view.note if remark is None else remark, view.expires_at if until is None else ends
        changed = await lists.change(context.viewer, number, text, end)
        await context.note("list-entry", number, f"note or end of {view.pattern}")
        return changed

    changed = _run(config, work)
    if changed is None:
        raise CommandError(_no_entry(number))
    if as_json:
        print_json(entry_shape(changed))
    else:
        click.echo(f"changed {_named(changed.verdict, changed.pattern, changed.scope)}")


@click.command()
@config_option
@json_option
@click.option("--id", "ids", type=RowId(), multiple=True, metavar="ID", help="By its number; more than once.")
@click.option("--for", "scope", default="", metavar="RECIPIENT-OR-DOMAIN", help="Whose mail it holds for.")
@click.argument("verdict", type=click.Choice([one.value for one in Verdict]), metavar="[allow|deny]", required=False)
@click.argument("pattern", required=False)
def remove(
    config: Path | None, as_json: bool, ids: Sequence[int], scope: str, verdict: str | None, pattern: str | None
) -> None:
    """Remove an entry by its pattern, or entries by their numbers. `lists undo` puts them back for a few seconds."""
    if bool(ids) == bool(pattern):
        raise WrongUse("name one entry, as `lists remove deny shop.example`, or numbers by --id")
    name = None
    if verdict and pattern:
        name = verdict, parsed(parse_pattern, pattern), parsed(parse_scope, scope)

    async def work(context: CommandContext) -> tuple[list[EntryView], Removal | None, float]:
        lists = _lists(context)
        views = await _views(context, lists, name, ids)
        removal = await lists.remove(context.viewer, [view.id for view in views]) if views else None
        if removal is not None:
            await context.note(
                "list-remove", " ".join(str(view.id) for view in views)[:200], f"{removal.count} entries"
            )
        return views, removal, lists.undo_seconds

    views, removal, seconds = _run(config, work)
    if removal is None:
        what = _named(*name) if name is not None else "of these numbers"
        raise CommandError(f"there is no entry {what}; `challenge-gateway lists show` lists them")
    if as_json:
        print_json({"removal": removal.id, "entries": [entry_shape(view) for view in views]})
        return
    click.echo("\n".join(f"removed {_named(view.verdict, view.pattern, view.scope)}" for view in views))
    note(f"`lists undo {removal.id}` puts back what was removed, for {seconds:g} seconds")


@click.command()
@config_option
@json_option
@click.argument("removal", metavar="REMOVAL", type=RowId())
def undo(config: Path | None, as_json: bool, removal: int) -> None:
    """Put back what was just removed, as it was. REMOVAL is the number that `lists remove` told."""

    async def work(context: CommandContext) -> tuple[int, int] | None:
        done = await _lists(context).undo(context.viewer, removal)
        if done is not None:
            await context.note("list-undo", "", f"{done[0]} entries")
        return done

    try:
        done = _run(config, work)
    except TooLate as late:
        raise CommandError("that is too long ago; add the entries again") from late
    if done is None:
        raise CommandError(f"you have removed nothing under the number {removal}")
    back, kept = done
    if not back:
        raise CommandError("entries of the same name were made meanwhile" if kept else "that is back already")
    words = f"{back} entries are back" + (f", {kept} are not: others were made meanwhile" if kept else "")
    print_done(words, as_json, {"restored": back, "in_the_way": kept})


@click.command()
@config_option
@json_option
@click.argument("sender")
@click.argument("recipient")
def judge(config: Path | None, as_json: bool, sender: str, recipient: str) -> None:
    """See which entries name SENDER for RECIPIENT; the first of them wins, if it holds."""

    async def work(context: CommandContext) -> Judged | None:
        return await _lists(context).judge(context.viewer, normal_form(sender), normal_form(recipient))

    judged = _run(config, work)
    listing = Listing(_JUDGED, "No entry names this sender.", as_json=as_json, shape=_judged)
    listing.page(judged.rows if judged is not None else ())
    listing.end()


def _judged(one: Shown) -> object:
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.lists import entry_item

    return entry_item(one)


def entry_shape(view: EntryView) -> dict[str, object]:
    """Return an entry as programs are told it, here and by the API."""
    told = {one.name: getattr(view, one.name) for one in fields(view)}
    return told | {"pattern": typed(told["pattern"]), "for": typed(told.pop("scope"))}


async def _views(
    context: CommandContext, lists: Lists, name: tuple[str, str, str] | None, ids: Sequence[int]
) -> list[EntryView]:
    """Return the entries that are meant, by name or by number."""
    if name is None:
        shown = [await lists.get(context.viewer, number) for number in dict.fromkeys(ids)]
        return [one.view for one in shown if one is not None]
    verdict, pattern, scope = name
    one = await context.store.look(lambda tx: tx.entries.named(pattern, scope, verdict))
    return [] if one is None else [one]


def _lists(context: CommandContext) -> Lists:
    return Lists(context.store, context.settings.console.undo_seconds, now=time.time)


def _run(config: Path | None, work: Callable[[CommandContext], Awaitable[T]]) -> T:
    """Run work in the context of a command. Raises CommandError, WrongUse."""
    try:
        return in_context(config, work)
    except Refused as refused:
        raise WrongUse(refused.sentence.rstrip(".")) from refused


def _named(verdict: str, pattern: str, scope: str) -> str:
    return f"{verdict} {typed(pattern)} for {typed(scope) or 'everybody'}"


def _no_entry(number: int) -> str:
    return f"there is no entry {number}; `challenge-gateway lists show` lists them"
