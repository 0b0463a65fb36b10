"""`policy`: what holds for the site, a domain or a recipient, and where it comes from."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import click

from gateway import verbs
from gateway.cli import policy_places
from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, print_json, progress
from gateway.domain.explain import origin_words
from gateway.domain.levels import PolicySetting
from gateway.domain.roles import Viewer
from gateway.flow.policies import Policies, name_of
from gateway.flow.policy_effects import Preview
from gateway.flow.policy_ports import Edit, Edits, Faulty, Line, Sheet
from gateway.flow.redate import Redater
from gateway.languages.language import known
from gateway.settings import Settings
from gateway.store.store import Store

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One setting in one scope."""

    setting: str
    value: str
    origin: str
    """The level it comes from."""
    locked_by: str
    """The level that locked it; "" for none."""
    own: str | None
    """What is chosen in this very scope."""
    own_lock: bool
    options: tuple[str, ...]
    """What may be chosen here; empty where a number is typed."""
    words: str
    """Where it comes from, for people."""


@dataclass(frozen=True, slots=True)
class Changed:
    """What a command changed, or would."""

    scope: str
    changed: int
    """Settings."""
    moved: int
    """Mails that wait until another day now."""
    preview: Preview
    """What it does to mail that waits."""
    dry_run: bool


_COLUMNS: tuple[Column[PolicyLine], ...] = (
    Column("setting", lambda line: line.setting),
    Column("value", lambda line: line.value),
    Column("from", lambda line: line.words, elastic=True),
)
_setting = click.argument("setting", type=click.Choice([setting.value for setting in PolicySetting]), metavar="SETTING")
_scope = click.argument("scope", default="site", metavar="[SCOPE]")
_dry_run = click.option("--dry-run", is_flag=True, help="Only say what it would do.")
_apply = click.option(
    "--apply-to-waiting",
    "apply",
    is_flag=True,
    help="Let mail that waits already go after the days that hold now, but not within 24 hours.",
)


@click.group()
@early_config_option
def policy() -> None:
    """See and choose what holds for the site, a domain or a recipient."""


@policy.command()
@config_option
@json_option
@_scope
def show(config: Path | None, as_json: bool, scope: str) -> None:
    """Show what holds, and where each value comes from. SCOPE is site, a domain, or an address."""
    named = policy_places.typed_scope(scope)

    async def work(policies: Policies, redater: Redater, viewer: Viewer) -> Sheet | None:
        return await policies.sheet(viewer, named)

    sheet = _ours(_with_policies(config, work), scope)
    listing = Listing(_COLUMNS, "No settings.", as_json=as_json)
    listing.page([_line(line, named) for line in sheet.lines])
    listing.end()


@policy.command("set")
@config_option
@json_option
@_dry_run
@_apply
@_setting
@click.argument("value")
@_scope
def set_(config: Path | None, as_json: bool, dry_run: bool, apply: bool, setting: str, value: str, scope: str) -> None:
    """Choose a value. SCOPE is site, a domain, or an address; without it: the site."""
    _change(config, scope, setting, lambda line: Edit(value, _locked(line)), as_json, dry_run=dry_run, apply=apply)


@policy.command()
@config_option
@json_option
@_dry_run
@_apply
@_setting
@_scope
def unset(config: Path | None, as_json: bool, dry_run: bool, apply: bool, setting: str, scope: str) -> None:
    """Take back what was chosen here; what holds above counts again."""
    _change(config, scope, setting, lambda line: Edit(None, _locked(line)), as_json, dry_run=dry_run, apply=apply)


@policy.command()
@config_option
@json_option
@_dry_run
@_setting
@_scope
def lock(config: Path | None, as_json: bool, dry_run: bool, setting: str, scope: str) -> None:
    """Let nobody below choose another value than the one that holds here."""
    _change(config, scope, setting, lambda line: Edit(_own(line), locked=True), as_json, dry_run=dry_run)


@policy.command()
@config_option
@json_option
@_dry_run
@_setting
@_scope
def unlock(config: Path | None, as_json: bool, dry_run: bool, setting: str, scope: str) -> None:
    """Let those below choose again; what they chose before counts again."""
    _change(config, scope, setting, lambda line: Edit(_own(line)), as_json, dry_run=dry_run)


def _change(
    config: Path | None,
    scope: str,
    setting: str,
    edit_of: Callable[[Line | None], Edit],
    as_json: bool,
    *,
    dry_run: bool,
    apply: bool = False,
) -> None:
    named, wanted = policy_places.typed_scope(scope), PolicySetting(setting)

    async def work(policies: Policies, redater: Redater, viewer: Viewer) -> Changed | None:
        sheet = await policies.sheet(viewer, named)
        if sheet is None:
            return None
        line = next((line for line in sheet.lines if line.setting is wanted), None)
        edits: Edits = {wanted: edit_of(line)}
        preview = await policies.preview(viewer, named, edits)
        assert preview is not None
        changed = 0 if dry_run else await policies.save(viewer, named, edits) or 0
        moved = await _applied(policies, redater, viewer, named) if apply and not dry_run else 0
        return Changed(name_of(named), changed, moved, preview, dry_run)

    try:
        deed = "" if dry_run else "policy"
        done = _ours(_with_policies(config, work, deed, name_of(named), setting, counting=True), scope)
    except Faulty as faulty:
        raise WrongUse(str(faulty)) from faulty
    if as_json:
        print_json(done)
    else:
        click.echo("\n".join(_told(done, wanted, apply=apply)))


async def _applied(policies: Policies, redater: Redater, viewer: Viewer, scope: str) -> int:
    """Apply it to what waits; return how many mails moved. A running service helps, and goes on if we are ended."""
    order = await policies.apply_to_waiting(viewer, scope)
    with progress("moving what waits to its new day") as told:
        while order is not None and order.open:
            await redater.step(order.id)
            order = await policies.applying(viewer, scope)
            if order is not None:
                told(order.done, order.total)
    return order.progress.moved if order is not None else 0


def _told(done: Changed, setting: PolicySetting, *, apply: bool) -> list[str]:
    would = "would " if done.dry_run else ""
    preview = done.preview
    if not preview.changes:
        lines = [f"{setting.value} for {done.scope} is that already"]
    else:
        (change,) = preview.changes
        same = change.before.value == change.after.value
        lines = [f"{setting.value} for {done.scope}: {'' if same else f'{change.before.value} → '}{change.after.value}"]
        if change.locked:
            lines.append("locked for those below")
        if change.keeping:
            lines.append(f"{change.keeping} below keep what they have chosen themselves")
        if change.overruled:
            lines.append(f"{change.overruled} below no longer have what they have chosen themselves")
        if preview.affected:
            waiting = "mail that waits" if preview.whole else f"the newest {preview.waiting} mails that wait"
            lines.append(f"{would}change what holds for {preview.affected} recipients of {waiting}")
    if apply and done.dry_run:
        some = "mails" if preview.whole else f"of the newest {preview.waiting} mails"
        lines.append(f"{preview.sooner + preview.later} {some} that wait would go on another day")
    elif apply:
        lines.append(f"{done.moved} mails that wait go on another day")
    return lines


def _with_policies(
    config: Path | None,
    work: Callable[[Policies, Redater, Viewer], Awaitable[T]],
    deed: str = "",
    named: str = "",
    detail: str = "",
    *,
    counting: bool = False,
) -> T:
    """Run work on policies. deed: for the journal, where it does something. counting: it counts what waits."""

    async def at(context: CommandContext) -> T:
        if counting:
            await context.describe()
        redater = verbs.make_redater(context.settings, context.store, time.time)
        done = await work(_policies(context.settings, context.store), redater, context.viewer)
        if deed and done:
            await context.note(deed, named, detail)
        return done

    return in_context(config, at)


def _policies(settings: Settings, store: Store) -> Policies:
    return verbs.make_policies(settings, store, known(), time.time)


def _ours(found: T | None, scope: str) -> T:
    if found is None:
        raise CommandError(f"{scope} is none of ours ([domains] names)")
    return found


def _own(line: Line | None) -> str | None:
    return line.own.value if line and line.own else None


def _locked(line: Line | None) -> bool:
    return bool(line and line.own and line.own.locked)


def _line(line: Line, scope: str) -> PolicyLine:
    return PolicyLine(
        setting=line.setting.value,
        value=line.effective.value,
        origin=line.effective.origin.value,
        locked_by=line.effective.locked_by.value if line.effective.locked_by else "",
        own=_own(line),
        own_lock=_locked(line),
        options=line.options,
        words=origin_words(line.effective, scope.rpartition("@")[2]),
    )


for _command in (policy_places.list_, policy_places.waiting, policy_places.stop):
    policy.add_command(_command)
