"""`db` and `audit`: looking after a site."""

from __future__ import annotations

import logging
import os
from pathlib import Path

import click

from gateway.cli.access import age_of, with_store
from gateway.cli.faults import CommandError, told
from gateway.cli.options import PRIVATE, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import print_json, progress
from gateway.log import escape
from gateway.store.audit import Audit, Report
from gateway.store.engine import sqlite_path, translated_errors
from gateway.store.schema import Age
from gateway.store.schema import upgrade as upgrade_schema
from gateway.store.store import Store


@click.group()
@early_config_option
def db() -> None:
    """Look after the store's schema."""


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Make the store, or bring it up to date. Stop the service first."""
    url = settings_of(config).store.url
    path = sqlite_path(url)
    found = age_of(url)
    if found is Age.NEWER:
        raise CommandError(_AGES[found])
    if found is Age.EMPTY and (owner := foreign_owner(path, os.geteuid())):
        folder, uid, gid = owner
        raise CommandError(
            f"{folder} belongs to user {uid}, who could not write a store that root makes; run it as that user: "
            f"`setpriv --reuid={uid} --regid={gid} --clear-groups challenge-gateway db upgrade`"
        )
    os.umask(PRIVATE)
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with told(path), translated_errors():
        upgrade_schema(url)
    click.echo("the store is up to date")


def foreign_owner(path: Path, user: int) -> tuple[Path, int, int] | None:
    """Return the folder in which a store would be made, its user and its group, where root would make it for another."""
    folder = next(parent for parent in path.parents if parent.is_dir())
    owner = folder.stat()
    return (folder, owner.st_uid, owner.st_gid) if user == 0 and owner.st_uid != 0 else None


_AGES = {
    Age.CURRENT: "the store is up to date",
    Age.EMPTY: "there is no store yet: run `challenge-gateway db upgrade`, or start the service",
    Age.OLD: "the store is of an older version: stop the service and run `challenge-gateway db upgrade`",
    Age.NEWER: "the store is of a newer version than this program: upgrade the program",
}


@db.command()
@config_option
@json_option
def check(config: Path | None, as_json: bool) -> None:
    """Say whether the store is up to date; the exit status says so too."""
    url = settings_of(config).store.url
    found = age_of(url)
    if as_json:
        print_json({"age": found.value, "file": str(sqlite_path(url))})
        raise SystemExit(0 if found is Age.CURRENT else 1)
    if found is not Age.CURRENT:
        raise CommandError(_AGES[found])
    click.echo(_AGES[found])


@click.command()
@config_option
@json_option
def audit(config: Path | None, as_json: bool) -> None:
    """Check that nothing was lost and nothing was changed.

    Each accepted message stands in exactly one state for each recipient, its history leads there, and its content is
    what was accepted. The exit status is 0 only where all is well.
    """

    async def work(store: Store) -> Report:
        with progress("auditing") as progressed:
            run = Audit(progressed)
            for step in run.steps():
                await store.look(lambda tx: step(tx.connection))  # noqa: B023 awaited here
        return run.report

    report = with_store(config, work)
    if as_json:
        print_json(report)
    else:
        states = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items())) or "none"
        click.echo(f"{report.messages} messages for {report.rows} recipients: {states}; {report.challenges} challenges")
        for fault in report.faults:
            click.echo(escape(fault))
        click.echo(f"{len(report.faults)} faults" if report.faults else "all is well")
    if report.faults:
        raise SystemExit(1)
