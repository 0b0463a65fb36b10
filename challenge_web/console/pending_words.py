"""What the pages of waiting mail say of it: plain values for the templates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from markupsafe import Markup

from challenge_web.console.pending_address import address
from challenge_web.page_language import spoken
from gateway.domain.attachments import MOST_FILES
from gateway.domain.lifecycle import State
from gateway.domain.lookalike import look_of, name_of_another
from gateway.domain.phrase import phrase
from gateway.domain.policy import Reason
from gateway.domain.sentences import (
    STATES,
    challenge_sentence,
    days_left,
    proof_sentence,
    reason_sentence,
    short_challenge,
    short_reason,
)
from gateway.flow.queue import MOST_COUNTED, Ask
from gateway.flow.queue_ports import MACHINE, PEOPLE, Group, Row

_WEEKDAYS = (
    phrase("Monday"),
    phrase("Tuesday"),
    phrase("Wednesday"),
    phrase("Thursday"),
    phrase("Friday"),
    phrase("Saturday"),
    phrase("Sunday"),
)
SORT_NAMES = {
    "arrival": (phrase("newest"), phrase("oldest")),
    "sender": (phrase("sender"), phrase("sender, Z to A")),
    "subject": (phrase("subject"), phrase("subject, Z to A")),
    "recipient": (phrase("recipient"), phrase("recipient, Z to A")),
    "size": (phrase("smallest"), phrase("largest")),
    "reason": (phrase("reason"), phrase("reason, Z to A")),
    "expiry": (phrase("goes first"), phrase("goes last")),
    "score": (phrase("lowest score"), phrase("highest score")),
}
"""In the sort's own direction, and against it."""


@dataclass(frozen=True, slots=True)
class Shown:
    """One row, in words. Text of the mail's own still has to be marked as foreign."""

    row: Row
    name: str
    """Of the author; his address where he gives no name."""
    author: str
    """Address in the letters people read; "" where the name is the address."""
    ascii_domain: str
    envelope: str
    """The reverse-path where it is another than the author."""
    doubts: tuple[str, ...]
    time: Markup
    size: str
    reason: str
    """Short."""
    sentence: str
    """Why it waits, whole."""
    proof: str
    """Who vouches for it; "" where the reason says already that nobody does."""
    challenge: str
    """Whether its sender was asked, short."""
    challenge_sentence: str
    score: str
    """What a filter in front says; "" where it says nothing."""
    files: str
    all_files: str
    left: str
    late: bool
    state: str
    """What became of it; "" while it waits."""
    state_kind: str
    can_be_moved: bool


@dataclass(frozen=True, slots=True)
class Day:
    """Rows of one day."""

    title: str
    rows: tuple[Shown, ...]


STATE_KINDS = {State.DELIVERED: "ok", State.RELEASED: "ok", State.REFUSED: "bad", State.EXPIRED: "warn"}
"""Colour of a state's chip; for all others none."""


def shown(row: Row, now: float, zone: tzinfo, *, dated: bool) -> Shown:
    """Put a row into words. dated: the day stands with its time."""
    author = row.author or row.sender
    look = look_of(author)
    left, late = days_left(row.expires_at, now) if row.state is State.PENDING else ("", False)
    waits = row.state is State.PENDING
    return Shown(
        row=row,
        name=row.author_name or look.text or phrase("No sender"),
        author=look.text if row.author_name else "",
        ascii_domain=look.ascii_domain,
        envelope=look_of(row.sender).text if row.author and row.sender.lower() != row.author.lower() else "",
        doubts=doubts_about(row),
        time=clock(row.held_at, zone, dated=dated),
        size=octets(row.size),
        reason=short_reason(row.reason),
        sentence=reason_sentence(row.reason),
        proof="" if row.reason == Reason.UNPROVEN.value and not row.proofs else proof_sentence(row.proofs),
        challenge=short_challenge(row.challenge, row.silence),
        challenge_sentence=challenge_sentence(row.challenge, row.silence),
        score="" if row.score is None else score_words(round(row.score, 1)),
        files=some_files(row.files),
        all_files=", ".join(row.files),
        left=_timed(spoken().said(left), row.expires_at, zone) if left else "",
        late=late,
        state="" if waits else STATES[row.state],
        state_kind=STATE_KINDS.get(row.state, ""),
        can_be_moved=waits or row.state is State.REFUSED,
    )


def doubts_about(row: Row) -> tuple[str, ...]:
    """Say what to beware of in who a mail claims to be from."""
    author = row.author or row.sender
    look = look_of(author)
    doubts = [look.doubt] if look.doubt else []
    claimed = name_of_another(row.author_name, author)
    if claimed:
        doubts.append(phrase("The name speaks of {claimed}, the address does not.", claimed=claimed))
    name_look = look_of(row.author_name).doubt if row.author_name and "@" not in row.author_name else ""
    if name_look:
        doubts.append(phrase("About the name: {doubt}", doubt=name_look))
    return tuple(doubts)


def days(rows: Iterable[Row], now: float, zone: tzinfo, *, grouped: bool) -> list[Day]:
    """Put rows into words, under the days they came on where the list is in that order."""
    if not grouped:
        return [Day("", tuple(shown(row, now, zone, dated=True) for row in rows))]
    today = datetime.fromtimestamp(now, zone).date()
    found: dict[date, list[Shown]] = {}
    for row in rows:
        day = datetime.fromtimestamp(row.held_at, zone).date()
        found.setdefault(day, []).append(shown(row, now, zone, dated=False))
    return [Day(day_title(day, today), tuple(some)) for day, some in found.items()]


def day_title(day: date, today: date) -> str:
    """Name a day as people do."""
    if day == today:
        return phrase("Today")
    if day == today - timedelta(days=1):
        return phrase("Yesterday")
    weekday, date_ = _WEEKDAYS[day.weekday()], short_date(day, year=day.year != today.year)
    return phrase("{weekday}, {date}", weekday=weekday, date=date_)


def short_date(day: date, *, year: bool = False) -> str:
    """Write a day in the language of the page: as `20 Nov`."""
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC).timestamp()
    return spoken().short_day(noon, year=year)


def clock(seconds: float, zone: tzinfo, *, dated: bool) -> Markup:
    """Write a time of day, with its date where asked for; whole on hover, exact for programs."""
    at = datetime.fromtimestamp(seconds, zone)
    short = spoken().said(phrase("{date}, {time}", date=short_date(at), time=f"{at:%H:%M}")) if dated else f"{at:%H:%M}"
    return _timed(short, seconds, zone)


def _timed(text: str, seconds: float, zone: tzinfo) -> Markup:
    at = datetime.fromtimestamp(seconds, zone)
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{:%Y-%m-%d %H:%M:%S %Z}">{}</time>').format(stamp, at, text)


def score_words(score: float) -> str:
    """Write a score as it is written in the page's language."""
    return spoken().number(score, len(f"{score:.3g}".partition(".")[2]))


def octets(size: int) -> str:
    """Write a size for people."""
    return spoken().size(size)


def some_files(files: tuple[str, ...]) -> str:
    """Name the first of a mail's files, and how many more there are; of very many only so many are known."""
    if not files:
        return ""
    if len(files) >= MOST_FILES:
        return phrase("{name} +{count} or more", name=files[0], count=len(files) - 1)
    return files[0] if len(files) == 1 else f"{files[0]} +{len(files) - 1}"


def source_title(group: Group) -> tuple[str, str]:
    """Return a name for a source, in the letters people read, and its kind in words."""
    kind, _, name = group.source.partition(":")
    name = look_of(name).text
    kinds = {"list": phrase("Mailing list"), "signed": phrase("Signed by this domain")}
    return name, kinds.get(kind, phrase("No list, and no machine that is known by its signature"))


def count_words(total: int) -> str:
    """Write a count, which is capped."""
    return phrase("more than {count}", count=f"{MOST_COUNTED:,}") if total > MOST_COUNTED else f"{total:,}"


def tabs(root: str, counts: Mapping[str, int], ask: Ask) -> list[tuple[str, str, bool, str]]:
    """Return each lane, and what a search found in both, as a link: address, text, whether it is this one, count."""
    machine = ask.lane == MACHINE or bool(ask.source)
    both = not machine and not ask.lane and bool(ask.box.strip())
    lanes: list[tuple[str, str, bool, str]] = [
        (f"{root}console/pending", phrase("People"), not machine and not both, count_words(counts[PEOPLE])),
        (f"{root}console/pending/machine", phrase("Newsletters and machines"), machine, count_words(counts[MACHINE])),
    ]
    return [*lanes, (f"{root}{address({'q': ask.box})}", phrase("Found"), True, "")] if both else lanes
