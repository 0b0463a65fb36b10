"""`sources`: newsletters and machines whose mail waits."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.options import config_option, early_config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_json
from gateway.domain.lists import parse_scope
from gateway.flow.list_files import typed
from gateway.flow.moderate import NO_SOURCE, UNVOUCHED
from gateway.flow.queue import Queue
from gateway.flow.queue_ports import Group
from gateway.flow.sources import Course, NoSource, Settled, Sources, Unvouched
from gateway.log import escape

_COLUMNS: tuple[Column[Group], ...] = (
    Column("source", lambda group: group.source, elastic=True),
    Column("waiting", lambda group: group.count),
    Column("newest", lambda group: group.newest.id),
    Column("of", lambda group: moment(group.newest.held_at)),
    Column("from", lambda group: group.newest.author or group.newest.sender, elastic=True),
    Column("subject", lambda group: group.newest.subject, elastic=True, spare=True),
)
_source = click.argument("source")
_for = click.option("--for", "scope", default=None, metavar="RECIPIENT-OR-DOMAIN",
                    help='For whose mail; "" is everybody\'s. Without it: each domain for which some waits.')  # fmt: skip


@click.group()
@early_config_option
def sources() -> None:
    """Let in, or keep out, newsletters and machines whose mail waits."""


@sources.command("list")
@config_option
@json_option
def list_(config: Path | None, as_json: bool) -> None:
    """List sources of machine mail that waits."""
    listing = Listing(_COLUMNS, "No machine's mail is waiting.", as_json=as_json, shape=_shape)

    async def work(context: CommandContext) -> None:
        await context.describe()
        queue, behind = Queue(context.store, now=time.time), ""
        while True:
            page = await queue.groups(context.viewer, behind)
            listing.page(page.groups)
            behind = page.more_groups
            if not behind:
                return

    in_context(config, work)
    listing.end()


@sources.command()
@config_option
@json_option
@_for
@_source
def accept(config: Path | None, as_json: bool, scope: str | None, source: str) -> None:
    """Let in all mail of SOURCE, as `sources list` names it, and deliver what waits from there."""
    _settle(config, as_json, Course.ACCEPT, source, scope)


@sources.command()
@config_option
@json_option
@_for
@_source
def refuse(config: Path | None, as_json: bool, scope: str | None, source: str) -> None:
    """Keep out all mail of SOURCE, and drop what waits from there."""
    _settle(config, as_json, Course.REFUSE, source, scope)


def _settle(config: Path | None, as_json: bool, course: Course, source: str, scope: str | None) -> None:
    try:
        whose = None if scope is None else parse_scope(scope)
    except ValueError as fault:
        raise WrongUse(f"--for: {fault}") from fault

    async def work(context: CommandContext) -> Settled | None:
        # The running service finds what was let go by looking, within a second.
        service = Sources(context.store, now=time.time, wake_deliveries=lambda: None)
        settle = service.accept if course is Course.ACCEPT else service.refuse
        done = await settle(context.viewer, source, whose)
        if done is not None:
            await context.note("pending-machine", source, f"{course.value}: {len(done.rows)}")
        return done

    try:
        done = in_context(config, work)
    except (NoSource, Unvouched) as cannot:
        raise CommandError(NO_SOURCE if isinstance(cannot, NoSource) else UNVOUCHED) from cannot
    if done is None:
        raise CommandError("no mail of that source waits; `challenge-gateway sources list` lists those there are")
    if as_json:
        print_json({"entries": len(done.entries), "mails": done.rows})
        return
    whom = ", ".join(typed(one.scope) or "everybody" for one in done.entries)
    click.echo(f"{escape(source)} is {'let in' if course is Course.ACCEPT else 'kept out'} for {whom}")
    click.echo(f"{len(done.rows)} mails are {'delivered' if course is Course.ACCEPT else 'dropped'}")


def _shape(group: Group) -> object:
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.machine_mail import source_item

    return source_item(group)
