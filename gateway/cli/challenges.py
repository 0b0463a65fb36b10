"""`challenges`: the questions that went to senders."""

from __future__ import annotations

import time
from pathlib import Path

import click

from gateway.cli.access import with_store
from gateway.cli.options import CLIENT, RowId, actor, config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, note
from gateway.cli.reading import tell_ruling
from gateway.domain.lifecycle import ChallengeState
from gateway.flow.accounts import operator
from gateway.flow.ask_again import Ruling
from gateway.flow.journal import Journal
from gateway.store.store import Store
from gateway.store.views import ChallengeView, list_challenges
from gateway.verbs import make_ask_again

_COLUMNS: tuple[Column[ChallengeView], ...] = (
    Column("id", lambda row: row.id),
    Column("state", lambda row: row.state),
    Column("to", lambda row: row.sender, elastic=True),
    Column("for", lambda row: row.recipient, elastic=True),
    Column("subject", lambda row: row.subject, elastic=True),
    Column("made", lambda row: moment(row.created_at)),
    Column("sent", lambda row: moment(row.sent_at), spare=True),
    Column("attempts", lambda row: row.attempts, spare=True),
    Column("wrong answers", lambda row: row.wrong_answers, spare=True),
    Column("last reply", lambda row: row.last_reply or row.reason, elastic=True, spare=True),
)


@click.group()
@early_config_option
def challenges() -> None:
    """Look at challenges, and send one again."""


@challenges.command("list")
@config_option
@json_option
@click.option("--state", type=click.Choice([state.value for state in ChallengeState]), help="Only in this state.")
@click.option(
    "--most", default=50, show_default=True, metavar="N", type=click.IntRange(1, 1_000_000), help="How many to list."
)
def list_(config: Path | None, as_json: bool, state: str | None, most: int) -> None:
    """List challenges, the newest first."""

    async def work(store: Store) -> list[ChallengeView]:
        return await store.look(lambda tx: list_challenges(tx.connection, state or "", most))

    rows = with_store(config, work)
    listing = Listing(_COLUMNS, "No challenges.", as_json=as_json)
    listing.page(rows)
    listing.end()
    if len(rows) == most:
        note(f"these are the newest {most}; --most N shows more")


@challenges.command("ask-again")
@config_option
@json_option
@click.argument("number", metavar="ID", type=RowId())
def ask_again(config: Path | None, as_json: bool, number: int) -> None:
    """Ask the sender of a mail that waits once more. ID is that of an earlier challenge.

    Within the caps, and only senders that are proven: else it says why not, and nothing is sent.
    """
    settings = settings_of(config)

    async def work(store: Store) -> tuple[int, Ruling | None]:
        viewer = operator(actor())
        # The running service finds the new challenge by looking, within a second.
        row_id, ruling = await make_ask_again(settings, store, time.time).ask_for_challenge(viewer, number)
        if ruling is not None and ruling.challenge:
            journal = Journal(store, now=time.time)
            await journal.note(viewer, "message-ask-again", str(row_id), f"challenge {ruling.challenge}", CLIENT)
        return row_id, ruling

    row_id, ruling = with_store(config, work)
    missing = f"no mail waits for an answer to challenge {number}; `challenges list` lists them"
    tell_ruling(ruling, row_id, as_json, missing)
