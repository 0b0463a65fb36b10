"""How things stand: numbers, domains, and what is stuck on its way out."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, CursorText, Nothing, Operation, when, when_or_none
from challenge_web.api.problems import Problem, not_found, sentence
from challenge_web.console.routes import Names
from gateway.domain.address import normal_domain
from gateway.domain.names import PAGE
from gateway.domain.roles import Right
from gateway.flow.moderate import Action, Moderator
from gateway.flow.overview import Bar, DomainState, Overview, Span
from gateway.flow.overview_charts import Backscatter, DayHour
from gateway.flow.overview_ports import Frequent, HopState, Stuck
from gateway.flow.reader_days import zone_of
from gateway.flow.tally import Happening


class OverviewQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How far back."""

    span: Literal["24h", "7d", "30d"] = "24h"
    domain: Annotated[str, Meta(max_length=255, description='Only this one of ours; "" is all within reach.')] = ""


class DomainsQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which domains."""

    words: Annotated[str, Meta(max_length=255, description="Part of a name.")] = ""
    cursor: CursorText = ""


class Numbers(Struct, frozen=True):
    """How often each thing happened."""

    relayed: int
    held: int
    refused: int
    delivered: int
    asked: int
    solved: int
    expired: int
    disowned: int
    undeliverable: int
    bounced: int


class TimeBar(Struct, frozen=True):
    """One hour, or one day of one's calendar."""

    start: datetime
    numbers: Numbers


class DayHourNumbers(Struct, frozen=True):
    """One hour of the day, over all days of the span."""

    hour: Annotated[int, Meta(description="0 to 23, in one's time zone.")]
    numbers: Numbers


class ScoreRange(Struct, frozen=True):
    """Held mails with a score in this range."""

    low: Annotated[int | None, Meta(description="From here on; null: as low as any.")]
    high: Annotated[int | None, Meta(description="Below this; null: as high as any.")]
    times: int


class WentWrong(Struct, frozen=True):
    """Challenges of the span that reached who had written nothing, or nobody."""

    tried: int
    disowned: int
    undeliverable: int
    share: Annotated[float | None, Meta(description="0 to 1; null where none was tried.")]


class Often(Struct, frozen=True):
    """A name, and how often it was seen."""

    name: str
    times: int


class NextHop(Struct, frozen=True):
    """A server that takes our mail."""

    place: str
    domains: Annotated[tuple[str, ...], Meta(description="Empty: all others.")]
    reachable: bool


class OverviewAnswer(Struct, frozen=True):
    """How things stand in one's domains."""

    span: str
    domain: Annotated[str, Meta(description='"": all within reach.')]
    bars: tuple[TimeBar, ...]
    hours: tuple[DayHourNumbers, ...]
    totals: Numbers
    backscatter: WentWrong
    scores: Annotated[tuple[ScoreRange, ...], Meta(description="Of the newest held mails; empty: none has a score.")]
    waiting: int
    oldest: datetime | None
    on_the_way: int
    refused: int
    challenges_unsent: int
    asked_last_hour: int
    max_per_hour: int
    senders: tuple[Often, ...]
    sender_domains: tuple[Often, ...]
    recipients: tuple[Often, ...]
    never_signed_in: Annotated[
        tuple[Often, ...], Meta(description="Recipients with most waiting for whom nobody has ever signed in.")
    ]
    reasons: tuple[Often, ...]
    next_hops: tuple[NextHop, ...]


class DomainItem(Struct, frozen=True):
    """One domain: its server, and the last 24 hours."""

    name: str
    next_hop: NextHop | None
    numbers: Numbers


class DomainList(Struct, frozen=True):
    """Some domains within reach, by name."""

    items: tuple[DomainItem, ...]
    next: str | None


class OutgoingItem(Struct, frozen=True):
    """Something that has not gone out."""

    kind: Annotated[str, Meta(description="`mail` or `challenge`.")]
    id: int
    state: str
    sender: str
    recipient: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    since: datetime
    attempts: int
    due_at: datetime | None
    last_reply: str


class OutgoingList(Struct, frozen=True):
    """What has not gone out, the longest first."""

    items: tuple[OutgoingItem, ...]


class OverviewResource:
    """The operations on numbers and outgoing mail."""

    def __init__(self, overview: Overview, moderator: Moderator) -> None:
        self._overview = overview
        self._moderator = moderator

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        see, retry = Right.SEE_OVERVIEW, Right.RETRY_OUTGOING
        mail = "/outgoing/mail/{id}"
        return (
            Operation("getOverview", "GET", "/overview", see, self.picture, "See how things stand.", OverviewAnswer,
                      OverviewQuery, problems=(404,)),
            Operation("listDomains", "GET", "/domains", see, self.domains, "List domains.", DomainList, DomainsQuery),
            Operation("listOutgoing", "GET", "/outgoing", see, self.outgoing, "List what is stuck on its way out.",
                      OutgoingList),
            Operation("retryOutgoing", "POST", f"{mail}/retry", retry, self.retry, "Try a mail again now.",
                      also=(see,), names=Names.ROW),
            Operation("deleteOutgoing", "DELETE", mail, retry, self.delete, "Delete a mail that does not go out.",
                      also=(see,), names=Names.ROW, problems=(409,)),
            Operation("retryChallenge", "POST", "/outgoing/challenges/{id}/retry", retry, self.retry_challenge,
                      "Try a challenge again now.", also=(see,), names=Names.OTHER),
        )  # fmt: skip

    async def picture(self, call: Call[OverviewQuery, None]) -> OverviewAnswer:
        """Return how things stand."""
        zone = zone_of(call.viewer)
        domain = normal_domain(call.query.domain) if call.query.domain else ""
        picture = await self._overview.picture(call.viewer, Span(call.query.span), zone, domain)
        if picture is None:
            raise not_found() if domain else Problem("forbidden")
        now = picture.standing
        return OverviewAnswer(
            span=picture.span.value,
            domain=picture.domain,
            bars=tuple(TimeBar(when(bar.start), _numbers(bar)) for bar in picture.bars),
            hours=tuple(DayHourNumbers(one.hour, _numbers(one)) for one in picture.hours),
            totals=Numbers(**{what.value: picture.total(what) for what in Happening}),
            backscatter=_wrong(picture.backscatter),
            scores=tuple(ScoreRange(band.low, band.high, band.times) for band in now.scores),
            waiting=now.waiting,
            oldest=when_or_none(now.oldest),
            on_the_way=now.on_the_way,
            refused=now.refused,
            challenges_unsent=now.challenges_unsent,
            asked_last_hour=now.asked_last_hour,
            max_per_hour=picture.max_per_hour,
            senders=_often(now.senders),
            sender_domains=_often(now.sender_domains),
            recipients=_often(now.recipients),
            never_signed_in=_often(now.absent),
            reasons=_often(now.reasons),
            next_hops=tuple(map(_hop, picture.hops)),
        )

    async def domains(self, call: Call[DomainsQuery, None]) -> DomainList:
        """Return domains within reach."""
        after = call.cursors.read(call.query.cursor, str)
        found = await self._overview.domains(call.viewer, call.query.words, str(after[0]) if after else "")
        follows = (found[-1].name,) if len(found) == PAGE else None
        return DomainList(tuple(map(domain_item, found)), call.cursors.write(follows))

    async def outgoing(self, call: Call[Nothing, None]) -> OutgoingList:
        """Return what is stuck on its way to the next hop."""
        content = call.viewer.may(Right.READ_CONTENT)
        return OutgoingList(tuple(_item(one, content) for one in await self._overview.outgoing(call.viewer)))

    async def retry(self, call: Call[Nothing, None]) -> None:
        """Try a mail again."""
        await self._act(call, Action.DELIVER)

    async def delete(self, call: Call[Nothing, None]) -> None:
        """Delete a mail that is stuck."""
        await self._act(call, Action.DELETE)

    async def retry_challenge(self, call: Call[Nothing, None]) -> None:
        """Try a challenge again."""
        await self._stuck(call, "challenge")
        if not await self._overview.retry_challenge(call.viewer, call.id):
            raise Problem("conflict", "There was nothing to try again: somebody else may have done it.")

    async def _act(self, call: Call[Nothing, None], action: Action) -> None:
        await self._stuck(call, "mail")
        (done,) = await self._moderator.act(action, [call.id], call.viewer.name)
        if done.problem:
            raise Problem("conflict", sentence(done.problem))

    async def _stuck(self, call: Call[Nothing, None], kind: str) -> None:
        """Make sure that it is stuck, and within reach. Raises Problem."""
        found = await self._overview.outgoing(call.viewer)
        if not any(one.id == call.id and one.kind == kind for one in found):
            raise not_found()


def _wrong(gauge: Backscatter) -> WentWrong:
    return WentWrong(gauge.tried, gauge.disowned, gauge.undeliverable, gauge.share)


def _numbers(bar: Bar | DayHour) -> Numbers:
    return Numbers(**{happening.value: bar.of(happening) for happening in Happening})


def _often(found: Sequence[Frequent]) -> tuple[Often, ...]:
    return tuple(Often(one.name, one.times) for one in found)


def _hop(hop: HopState) -> NextHop:
    return NextHop(hop.place, hop.domains, hop.reachable)


def _item(one: Stuck, content: bool) -> OutgoingItem:
    return OutgoingItem(
        one.kind,
        one.id,
        one.state,
        one.sender,
        one.recipient,
        one.subject if content else "",
        when(one.since),
        one.attempts,
        when_or_none(one.due_at),
        one.last_reply,
    )


def domain_item(one: DomainState) -> DomainItem:
    """Return a domain as programs are told it."""
    return DomainItem(one.name, _hop(one.hop) if one.hop else None, _numbers(Bar(0.0, one.counts)))
