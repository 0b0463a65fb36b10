"""`challenges`, `db` and `audit`: looking after a site."""

from __future__ import annotations

from pathlib import Path

import click

from gateway.cli.options import CommandError, config_option, json_option, settings_of, with_store
from gateway.cli.output import moment, print_json, print_table, progress
from gateway.domain.lifecycle import ChallengeState
from gateway.store import audit as audit_store
from gateway.store.schema import Age, age
from gateway.store.schema import upgrade as upgrade_schema
from gateway.store.store import Store
from gateway.store.views import ChallengeView, list_challenges


@click.group()
def challenges() -> None:
    """Look at challenges."""


@challenges.command("list")
@config_option
@json_option
@click.option("--state", type=click.Choice([state.value for state in ChallengeState]), help="Only in this state.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1, 1_000_000), help="How many to list.")
def list_(config: Path | None, as_json: bool, state: str | None, most: int) -> None:
    """List challenges, the newest first."""

    async def work(store: Store) -> list[ChallengeView]:
        return await store.look(lambda tx: list_challenges(tx.connection, state or "", most))

    rows = with_store(config, work)
    if as_json:
        print_json(rows)
        return
    print_table(
        ("id", "state", "to", "for", "subject", "made", "sent", "attempts", "wrong answers", "last reply"),
        [
            (
                row.id,
                row.state,
                row.sender,
                row.recipient,
                row.subject,
                moment(row.created_at),
                moment(row.sent_at),
                row.attempts,
                row.wrong_answers,
                row.last_reply or row.reason,
            )
            for row in rows
        ],
        "No challenges.",
    )


@click.group()
def db() -> None:
    """Look after the store's schema."""


@db.command()
@config_option
def upgrade(config: Path | None) -> None:
    """Make the store, or bring it up to date. Stop the service first."""
    url = settings_of(config).store.url
    if age(url) is Age.NEWER:
        raise CommandError("the store is of a newer version than this program: upgrade the program")
    upgrade_schema(url)
    click.echo("the store is up to date")


@db.command()
@config_option
def check(config: Path | None) -> None:
    """Say whether the store is up to date; the exit status says so too."""
    found = age(settings_of(config).store.url)
    words = {
        Age.CURRENT: "the store is up to date",
        Age.EMPTY: "there is no store yet; run `challenge-gateway db upgrade`, or start the service",
        Age.OLD: "the store is of an older version; run `challenge-gateway db upgrade`",
        Age.NEWER: "the store is of a newer version than this program; upgrade the program",
    }
    if found is not Age.CURRENT:
        raise CommandError(words[found])
    click.echo(words[found])


@click.command()
@config_option
@json_option
def audit(config: Path | None, as_json: bool) -> None:
    """Check that each accepted message stands in exactly one state and that its content is what was accepted.

    The exit status is 0 only where all is well.
    """

    async def work(store: Store) -> audit_store.Report:
        with progress("auditing") as told:
            return await store.look(lambda tx: audit_store.audit(tx.connection, told))

    report = with_store(config, work)
    if as_json:
        print_json(report)
    else:
        states = ", ".join(f"{count} {state}" for state, count in sorted(report.states.items())) or "none"
        click.echo(
            f"{report.messages} messages, {report.rows} waiting or settled: {states}; {report.challenges} challenges"
        )
        for fault in report.faults:
            click.echo(fault)
        click.echo(f"{len(report.faults)} faults" if report.faults else "all is well")
    if report.faults:
        raise SystemExit(1)
