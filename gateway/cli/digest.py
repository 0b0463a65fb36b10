"""`digest`: send what waits to those it waits for, and choose when that is done by itself."""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import click

from gateway import verbs
from gateway.cli.access import with_store
from gateway.cli.context import CommandContext, noted
from gateway.cli.faults import CommandError, WrongUse
from gateway.cli.operator import operator
from gateway.cli.options import config_option, early_config_option, json_option, settings_of
from gateway.cli.output import Column, Listing, moment, print_done, print_facts, print_json, progress
from gateway.domain.address import Address, normal_domain, without_tag
from gateway.flow.describe import Describer
from gateway.flow.digest_choices import DigestChoices, DigestSheet, Wrong
from gateway.flow.digest_ports import Stuck, Wanted
from gateway.flow.digests import Digests, Made
from gateway.flow.policies import name_of, scope_named
from gateway.languages.language import known
from gateway.settings import Settings
from gateway.store.store import Store

SIDE_BY_SIDE = 10
"""Digests sent at one time."""

_COLUMNS: tuple[Column[Made], ...] = (
    Column("mailbox", lambda made: made.mailbox, elastic=True),
    Column("state", lambda made: made.state),
    Column("waiting", lambda made: made.total),
    Column("told", lambda made: made.shown),
    Column("reply", lambda made: made.reply, elastic=True, spare=True),
)
_STUCK: tuple[Column[Stuck], ...] = (
    Column("mailbox", lambda one: one.mailbox, elastic=True),
    Column("since", lambda one: moment(one.since)),
    Column("reply", lambda one: one.reply, elastic=True),
)


@dataclass(frozen=True, slots=True)
class Held:
    """One choice, as it holds."""

    value: str
    origin: str
    """`site`, a domain, an address; `account`, `configuration`."""
    own: str | None
    """What is chosen here; null: nothing."""


@click.group()
@early_config_option
def digest() -> None:
    """Tell people by mail what waits for them."""


@digest.command()
@config_option
@json_option
@click.option("--all", "everybody", is_flag=True, help="To everybody something new waits for, whatever the hour.")
@click.option("--domain", default="", metavar="DOMAIN", help="The same, for one domain.")
@click.option("--all-time", is_flag=True, help="Also tell of what was told before.")
@click.option("--dry-run", is_flag=True, help="Only say what would be sent.")
@click.argument("mailboxes", nargs=-1, metavar="[ADDRESS]...")
def send(
    config: Path | None,
    as_json: bool,
    everybody: bool,
    domain: str,
    all_time: bool,
    dry_run: bool,
    mailboxes: tuple[str, ...],
) -> None:
    """Send digests now, to ADDRESSes, a domain or all.

    Whoever stopped his digests gets one only where his address is named. Ends with 1 where one was refused.
    """
    if not (everybody or domain or mailboxes):
        raise WrongUse("name an address, or write --all or --domain DOMAIN")
    settings = settings_of(config)
    named = [_mailbox(settings, mailbox) for mailbox in mailboxes]

    async def work(store: Store) -> list[Made]:
        async with AsyncExitStack() as stack:
            digests = await _opened(settings, store, stack)
            wanted = list(named)
            if everybody or domain:
                there = await digests.mailboxes(normal_domain(domain))
                if domain and not there and normal_domain(domain) not in settings.domains.names:
                    raise CommandError(f"{domain} is none of ours ([domains] names)")
                wanted += there
            made = await _made(digests, list(dict.fromkeys(wanted)), everything=all_time, dry=dry_run)
        sent = [one.mailbox for one in made if one.state in ("delivered", "queued", "refused")]
        if sent:
            await noted(store, "digest-send", " ".join(sent), f"{len(sent)} digests")
        return made

    made = with_store(config, work)
    told = [one for one in made if one.state != "nothing" or one.mailbox in named]
    if as_json:
        print_json(told)
    else:
        listing = Listing(_COLUMNS, "Nothing new waits for anybody.", as_json=False)
        listing.page(told)
        listing.end()
        counted = Counter(one.state for one in made)
        click.echo("; ".join(f"{state}: {count}" for state, count in sorted(counted.items())), err=True)
    if any(one.state in ("refused", "none") for one in told):
        raise SystemExit(1)


def _mailbox(settings: Settings, typed: str) -> str:
    """Return the mailbox that is meant: mail for a sub-address of ours is told of with its user's."""
    address = Address.of(typed.strip())
    return without_tag(address.key) if address.domain in settings.domains.names else address.key


async def _opened(settings: Settings, store: Store, stack: AsyncExitStack) -> Digests:
    """Return what makes digests, with ways out of its own; they end with the stack."""
    # Imported here: only this command sends anything.
    from gateway.letters import LetterWriter

    ways = await stack.enter_async_context(CommandContext(settings, store, operator()).ways_out())
    digests = verbs.make_digests(settings, store, LetterWriter(settings), ways.courier, time.time, lambda: True)
    # What came while no service ran.
    describer = Describer(store)
    while await describer.run_once():
        pass
    while await digests.meet():
        pass
    return digests


async def _made(digests: Digests, mailboxes: Sequence[str], *, everything: bool, dry: bool) -> list[Made]:
    made: list[Made] = []
    with progress("digests") as told:
        for start in range(0, len(mailboxes), SIDE_BY_SIDE):
            some = mailboxes[start : start + SIDE_BY_SIDE]
            made += await asyncio.gather(*(digests.make(one, everything=everything, dry=dry) for one in some))
            told(len(made), len(mailboxes))
    return made


@digest.command()
@config_option
@json_option
def stuck(config: Path | None, as_json: bool) -> None:
    """List mailboxes whose digests cannot be delivered."""
    listing = Listing(_STUCK, "Each digest was delivered.", as_json=as_json)

    async def work(store: Store) -> None:
        choices, after = _choices(settings_of(config), store), ""
        while True:
            places = await choices.places(operator(), after)
            assert places is not None
            listing.page(places.stuck)
            if not places.more_stuck:
                return
            after = places.stuck[-1].mailbox

    with_store(config, work)
    listing.end()


@dataclass(frozen=True, slots=True)
class Place:
    """Where digests may be chosen, and what holds there."""

    scope: str
    schedule: str
    origin: str
    """From where that comes: `site`, a domain, `configuration`."""


_PLACES: tuple[Column[Place], ...] = (
    Column("scope", lambda place: place.scope, elastic=True),
    Column("schedule", lambda place: place.schedule or "off"),
    Column("from", lambda place: place.origin, elastic=True),
)


@digest.command("list")
@config_option
@json_option
def list_(config: Path | None, as_json: bool) -> None:
    """List the site and our domains, and when digests go there."""

    async def work(store: Store) -> list[Place]:
        choices = _choices(settings_of(config), store)
        places = await choices.places(operator())
        found = []
        for scope in ("", *(f"@{domain}" for domain in (places.domains if places is not None else ()))):
            sheet = await choices.sheet(operator(), scope)
            if sheet is not None:
                held = _held(sheet)["schedule"]
                found.append(Place(name_of(scope), held.value, held.origin))
        return found

    listing = Listing(_PLACES, "No domains.", as_json=as_json)
    listing.page(with_store(config, work))
    listing.end()


@digest.command()
@config_option
@json_option
@click.argument("place")
def show(config: Path | None, as_json: bool, place: str) -> None:
    """Show what holds for digests in PLACE: site, a domain or an address."""
    scope = _scope(place)
    sheet = with_store(config, lambda store: _choices(settings_of(config), store).sheet(operator(), scope))
    if sheet is None:
        raise CommandError(f"{place} is none of ours ([domains] names)")
    if as_json:
        print_json({"scope": name_of(scope), "choices": _held(sheet), "known": sheet.known, "sent": sheet.sent})
        return
    facts = [(name, f"{held.value or '(none)'}  ({held.origin})") for name, held in _held(sheet).items()]
    if sheet.goes_to:
        facts.append(("told in", ", ".join(sheet.goes_to)))
    if sheet.known is not None and sheet.known.stuck_since is not None:
        facts.append(("cannot be delivered", f"since {moment(sheet.known.stuck_since)}: {sheet.known.stuck_reply}"))
    facts += [(moment(one.created_at), f"{one.state}, {one.shown} told of {one.total} waiting") for one in sheet.sent]
    print_facts(facts)


@digest.command("set")
@config_option
@json_option
@click.option("--schedule", metavar="WHEN", help="off, hourly, every-4h, daily@18, mon,thu@7.")
@click.option("--kinds", metavar="KINDS", help="Some of people,newsletters,spam.")
@click.option("--time-zone", metavar="ZONE", help="As Europe/Prague.")
@click.option("--language", metavar="LANGUAGE", help="As de.")
@click.option("--subject", metavar="TEXT", help="With placeholders, as '{total} mails for {mailbox}'.")
@click.option("--phrase", metavar="WORDS", help="Words by which a person knows a true digest.")
@click.argument("place")
def set_(config: Path | None, as_json: bool, place: str, **typed: str | None) -> None:
    """Choose for PLACE: site, a domain or an address. An empty value lets the level above count again."""
    scope = _scope(place)
    if all(value is None for value in typed.values()):
        raise WrongUse("say what to choose, as --schedule daily@18")

    async def work(store: Store) -> tuple[bool, DigestSheet] | None:
        choices = _choices(settings_of(config), store)
        sheet = await choices.sheet(operator(), scope)
        if sheet is None:
            return None
        chosen = {name: getattr(sheet.own, name) if value is None else value or None for name, value in typed.items()}
        saved = await choices.save(operator(), scope, Wanted(**chosen))
        if saved:
            await noted(store, "digest", name_of(scope), chosen["schedule"] or "as above")
        after = await choices.sheet(operator(), scope)
        return None if saved is None or after is None else (saved, after)

    try:
        done = with_store(config, work)
    except Wrong as wrong:
        raise WrongUse(str(wrong)) from wrong
    if done is None:
        raise CommandError(f"{place} is none of ours ([domains] names)")
    saved, after = done
    words = f"{name_of(scope)}: {'saved' if saved else 'nothing was different'}"
    print_done(words, as_json, {"scope": name_of(scope), "saved": saved, "choices": _held(after)})


def _choices(settings: Settings, store: Store) -> DigestChoices:
    return verbs.make_digest_choices(settings, store, known(), time.time)


def _scope(place: str) -> str:
    scope = scope_named(place)
    if scope is None:
        raise WrongUse(f"{place!r} is not site, a domain or an address")
    return scope


def _held(sheet: DigestSheet) -> dict[str, Held]:
    named = {"": "site", "configuration": "configuration", "account": "account"}
    return {
        name: Held(value, named.get(origin, origin.removeprefix("@")), getattr(sheet.own, name))
        for name, (value, origin) in sheet.holds.items()
    }
