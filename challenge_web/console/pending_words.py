"""What the pending page says of its rows and orders: plain values for the templates, and addresses that hold a page's place."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo
from urllib.parse import parse_qsl, urlencode

from markupsafe import Markup

from challenge_web.console.forms import number_of
from challenge_web.page_language import spoken
from gateway.domain.attachments import MOST_FILES
from gateway.domain.lifecycle import State
from gateway.domain.lookalike import look_of, name_of_another
from gateway.domain.phrase import phrase
from gateway.domain.policy import Reason
from gateway.domain.query import FILTERS, Query
from gateway.domain.sentences import (
    STATES,
    challenge_sentence,
    days_left,
    proof_sentence,
    reason_sentence,
    short_challenge,
    short_reason,
)
from gateway.flow.queue import MOST_COUNTED, SIZES, Ask
from gateway.flow.queue_ports import LANES, SORTS, Group, Key, Row

_WEEKDAYS = (
    phrase("Monday"),
    phrase("Tuesday"),
    phrase("Wednesday"),
    phrase("Thursday"),
    phrase("Friday"),
    phrase("Saturday"),
    phrase("Sunday"),
)
_PARAMETERS = ("q", "lane", "source", "sort", "desc", "after", "before", "at", "size")
LONGEST_SOURCE = 200
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


# --- a page's address ---


def read_ask(query: Mapping[str, str]) -> Ask:
    """Read which page is wanted; what makes no sense is as if it were not there."""
    sort, size = query.get("sort", ""), query.get("size", "")
    return Ask(
        box=query.get("q", ""),
        lane=query.get("lane", "") if query.get("lane", "") in LANES else "",
        source=query.get("source", "")[:LONGEST_SOURCE],
        sort=sort if sort in SORTS else "arrival",
        reverse=query.get("desc") == "1",
        after=read_key(query.get("after", "")),
        before=read_key(query.get("before", "")),
        size=int(size) if size in map(str, SIZES) else SIZES[0],
    )


def read_back(text: str) -> dict[str, str]:
    """Read the list's address out of a form; only what is a list's is kept."""
    return {name: value for name, value in parse_qsl(text[:4000]) if name in _PARAMETERS}


def address(query: Mapping[str, str], **changes: str) -> str:
    """Return the list's address below the root, with some parameters changed; those that are empty are left out."""
    merged = {**{name: query[name] for name in _PARAMETERS if query.get(name)}, **changes}
    text = urlencode({name: value for name, value in merged.items() if value})
    return f"console/pending?{text}" if text else "console/pending"


def read_mail(query: Mapping[str, str]) -> int:
    """Return which mail is read beside the list; 0 for none."""
    return number_of(query.get("mail", ""))


def with_mail(path: str, mail: int) -> str:
    """Return a list's address with a mail beside it."""
    return f"{path}{'&' if '?' in path else '?'}mail={mail}" if mail else path


def write_key(key: Key) -> str:
    """Write where a page begins, for its address."""
    return base64.urlsafe_b64encode(json.dumps(key, separators=(",", ":")).encode()).decode().rstrip("=")


def read_key(text: str) -> Key | None:
    """Read it again; None for what is none."""
    try:
        found = json.loads(base64.urlsafe_b64decode(text[:1000] + "=" * (-len(text) % 4)))
    except (ValueError, binascii.Error, RecursionError):
        return None
    if not isinstance(found, list) or not found or len(found) > 4:
        return None
    well = all(isinstance(one, str | float) or (type(one) is int and abs(one) < 2**62) for one in found)
    return tuple(found) if well else None


# --- rows ---


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


# --- filters ---


@dataclass(frozen=True, slots=True)
class Chip:
    """A filter as a link."""

    text: str
    url: str
    on: bool = False


def chips_on(query: Query, here: Mapping[str, str]) -> list[Chip]:
    """Return the filters that hold, each as the link that lifts it."""
    return [
        Chip(chip_text(piece), address(here, q=query.without(piece), after="", before=""), on=True)
        for piece in query.filters
    ]


_USUAL_REASONS = (
    Reason.UNKNOWN,
    Reason.UNPROVEN,
    Reason.AUTOMATIC,
    Reason.NULL_REVERSE_PATH,
    Reason.CHANGED_PROOF,
    Reason.UNPROVEN_ALLOWED,
)


def chips_off(
    query: Query, here: Mapping[str, str], *, content: bool, scored: bool, told: bool
) -> list[tuple[str, list[Chip]]]:
    """Return filters to choose, by kind. scored: a filter in front says how spam-like a mail is. told: a digest has come to the reader."""
    days_ = ("day:today", "day:yesterday", "day:7d", *(("after:digest",) if told else ()))
    reasons = tuple(f"reason:{reason.value}" for reason in _USUAL_REASONS)
    states = [f"state:{state.value}" for state in State if state is not State.PENDING]
    kinds: list[tuple[str, tuple[str, ...]]] = [
        (phrase("Day"), days_),
        (phrase("Reason"), reasons),
        (phrase("What became of it"), (*states, "state:all")),
    ]
    if content:
        kinds.append((phrase("Files"), ("has:file",)))
    kinds.append((phrase("Read"), ("is:unseen",)))
    if scored:
        kinds.append((phrase("Score"), ("score:<2", "score:>=5", "score:>=10")))
    return [
        (title, [Chip(chip_text(piece), address(here, q=query.adding(piece), after="", before="")) for piece in pieces])
        for title, pieces in kinds
    ]


_CHIPS = {
    "day:today": phrase("Today"),
    "day:yesterday": phrase("Yesterday"),
    "day:7d": phrase("Last 7 days"),
    "after:digest": phrase("New since your last digest"),
    "has:file": phrase("With files"),
    "is:unseen": phrase("Not opened yet"),
    "state:all": phrase("All, ended too"),
}


_SIGNS: dict[str, Callable[[str], str]] = {
    "<=": lambda value: phrase("Score at most {value}", value=value),
    ">=": lambda value: phrase("Score at least {value}", value=value),
    "<": lambda value: phrase("Score below {value}", value=value),
    ">": lambda value: phrase("Score above {value}", value=value),
    "": lambda value: phrase("Score {value}", value=value),
}


def chip_text(piece: str) -> str:
    """Say what a filter does."""
    known = _CHIPS.get(piece.lower())
    if known:
        return known
    prefix, _, value = piece.partition(":")
    if prefix.lower() == "reason":
        begins = (reason.value for reason in Reason if reason.value.startswith(value.lower()))
        return short_reason(next(begins, value))
    if prefix.lower() == "state" and value.lower() in {state.value for state in State}:
        return STATES[State(value.lower())]
    if prefix.lower() == "digest":
        return phrase("In one digest")
    if prefix.lower() == "score":
        words = next(words for sign, words in _SIGNS.items() if value.startswith(sign))
        return words(value.lstrip("<>="))
    assert prefix.lower() in FILTERS
    return f"{prefix.lower()} {value}"
