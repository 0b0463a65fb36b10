"""`overview` and `domains`: how things stand, and what needs a person."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import click

from gateway.cli.context import CommandContext, in_context
from gateway.cli.faults import WrongUse
from gateway.cli.options import config_option, json_option
from gateway.cli.output import Column, Listing, moment, print_facts, print_json, progress
from gateway.domain.address import normal_domain
from gateway.domain.sentences import short_reason
from gateway.flow.overview import DomainState, Overview, Picture, Span
from gateway.flow.overview_charts import ARRIVED, ScoreBand
from gateway.flow.overview_ports import MOST_COUNTED, Frequent, HopState, HopWatch
from gateway.flow.receive_rules import own_domains
from gateway.flow.tally import Happening
from gateway.flow.watch import needs


@dataclass(frozen=True, slots=True)
class BarLine:
    """One hour, or one day."""

    start: float
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class HourLine:
    """One hour of the day."""

    hour: int
    numbers: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class WrongLine:
    """Challenges that went wrong."""

    tried: int
    disowned: int
    undeliverable: int
    share: float | None


@dataclass(frozen=True, slots=True)
class Report:
    """How things stand, as it is printed."""

    span: str
    domain: str
    """Empty: all."""
    bars: tuple[BarLine, ...]
    hours: tuple[HourLine, ...]
    totals: Mapping[str, int]
    backscatter: WrongLine
    scores: tuple[ScoreBand, ...]
    waiting: int
    oldest: float | None
    on_the_way: int
    refused: int
    challenges_unsent: int
    asked_last_hour: int
    max_per_hour: int
    untold: int
    """Mailboxes whose digests cannot be delivered."""
    senders: tuple[Frequent, ...]
    sender_domains: tuple[Frequent, ...]
    recipients: tuple[Frequent, ...]
    never_signed_in: tuple[Frequent, ...]
    reasons: tuple[Frequent, ...]
    next_hops: tuple[HopState, ...]
    needs: tuple[str, ...]
    """What a person should see to, the gravest first."""


def _count(what: Happening) -> Column[DomainState]:
    """How often one thing happened in the last 24 hours, as a column."""
    return Column(what.value, lambda one: one.of(what), spare=True)


_COLUMNS: tuple[Column[DomainState], ...] = (
    Column("domain", lambda one: one.name, elastic=True),
    Column("next hop", lambda one: one.hop.place if one.hop is not None else "", elastic=True),
    Column("answers", lambda one: "yes" if one.hop is not None and one.hop.reachable else "no"),
    *(_count(what) for what in Happening),
)


@click.command()
@config_option
@json_option
@click.option("--span", type=click.Choice([span.value for span in Span]), default=Span.DAY.value, show_default=True,
              help="How far back to count.")  # fmt: skip
@click.option("--time-zone", default="UTC", show_default=True, metavar="NAME", help="Whose days are counted.")
@click.option("--domain", default="", metavar="DOMAIN", help="Only this one of ours.")
def overview(config: Path | None, as_json: bool, span: str, time_zone: str, domain: str) -> None:
    """See how things stand: what came, what became of it, and what needs a person."""
    zone = _zone(time_zone)
    only = normal_domain(domain) if domain else ""

    async def work(context: CommandContext) -> Picture | None:
        with progress("asking the servers behind"):
            async with context.ways_out() as ways:
                return await make_overview(context, ways.hops).picture(context.viewer, Span(span), zone, only)

    picture = in_context(config, work)
    if picture is None:
        raise WrongUse(f"{domain!r} is none of our domains; see `domains`")
    report = _report(picture)
    if as_json:
        print_json(report)
    else:
        print_facts(_facts(report))


@click.command()
@config_option
@json_option
@click.option("--search", default="", metavar="WORDS", help="In their names.")
def domains(config: Path | None, as_json: bool, search: str) -> None:
    """List our domains: the server behind each, and what came in the last day."""

    async def work(context: CommandContext) -> list[DomainState]:
        with progress("asking the servers behind"):
            async with context.ways_out() as ways:
                return list(await make_overview(context, ways.hops).domains(context.viewer, search, most=None))

    lines = in_context(config, work)
    listing = Listing(_COLUMNS, "No domains.", as_json=as_json, shape=_shape)
    listing.page(lines)
    listing.end()


def make_overview(context: CommandContext, hops: HopWatch) -> Overview:
    """Return the service; the running one finds by looking what is to be tried again."""
    return Overview(
        context.store,
        hops,
        domains=own_domains(context.settings.domains.names),
        max_per_hour=context.settings.challenge.max_per_hour,
        now=time.time,
        wake_challenges=lambda: None,
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError) as fault:
        raise WrongUse(f"{name!r} is no time zone; write it as Europe/Prague") from fault


def _report(picture: Picture) -> Report:
    now, wrong = picture.standing, picture.backscatter
    return Report(
        span=picture.span.value,
        domain=picture.domain,
        bars=tuple(BarLine(bar.start, {what.value: bar.of(what) for what in Happening}) for bar in picture.bars),
        hours=tuple(HourLine(one.hour, {what.value: one.of(what) for what in Happening}) for one in picture.hours),
        totals={what.value: picture.total(what) for what in Happening},
        backscatter=WrongLine(wrong.tried, wrong.disowned, wrong.undeliverable, wrong.share),
        scores=now.scores,
        waiting=now.waiting,
        oldest=now.oldest,
        on_the_way=now.on_the_way,
        refused=now.refused,
        challenges_unsent=now.challenges_unsent,
        asked_last_hour=now.asked_last_hour,
        max_per_hour=picture.max_per_hour,
        untold=now.untold,
        senders=now.senders,
        sender_domains=now.sender_domains,
        recipients=now.recipients,
        never_signed_in=now.absent,
        reasons=now.reasons,
        next_hops=picture.hops,
        needs=tuple(need.text for need in needs(now, picture.hops, picture.max_per_hour)),
    )


def _facts(report: Report) -> list[tuple[str, str]]:
    oldest = f", the oldest since {moment(report.oldest)}" if report.oldest is not None else ""
    waiting = f"{report.waiting}{' or more' if report.waiting >= MOST_COUNTED else ''}"
    facts = [("to see to", text) for text in report.needs] or [("to see to", "nothing")]
    facts += [
        ("waiting", f"{waiting}{oldest}"),
        ("on the way", str(report.on_the_way)),
        ("refused by the next hop", str(report.refused)),
        ("challenges not sent yet", str(report.challenges_unsent)),
        ("asked in the last hour", f"{report.asked_last_hour} of at most {report.max_per_hour}"),
        ("mailboxes without digest", str(report.untold)),
    ]
    facts += [(f"next hop {hop.place}", "answers" if hop.reachable else "does not answer") for hop in report.next_hops]
    facts += [(f"{name} in {report.span}", str(count)) for name, count in report.totals.items()]
    if report.backscatter.share is not None:
        facts.append(("challenges gone wrong", f"{report.backscatter.share:.1%} of {report.backscatter.tried}"))
    arrivals = [(line.hour, sum(line.numbers[what.value] for what in ARRIVED)) for line in report.hours]
    facts += [(f"arrived from {hour:02}:00", str(times)) for hour, times in arrivals if times]
    facts += [(f"held, score {_range(band)}", str(band.times)) for band in report.scores if band.times]
    for title, found in (("sender", report.senders), ("sender's domain", report.sender_domains),
                         ("recipient", report.recipients)):  # fmt: skip
        facts += [(f"frequent {title}", f"{one.name}: {one.times}") for one in found]
    facts += [("never signed in", f"{one.name}: {one.times}") for one in report.never_signed_in]
    facts += [("frequent reason", f"{short_reason(one.name)}: {one.times}") for one in report.reasons]
    return facts


def _range(band: ScoreBand) -> str:
    if band.low is None:
        return f"below {band.high}"
    return f"{band.low} or more" if band.high is None else f"{band.low} to {band.high}"


def _shape(one: DomainState) -> object:
    # Imported here, as wherever the API's shapes are used: they take a third of a second.
    from challenge_web.api.overview import domain_item

    return domain_item(one)
