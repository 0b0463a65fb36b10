"""One mail that waits, in the words of our letters: who wrote it, when it came, what files are in it."""

from __future__ import annotations

import math
from datetime import datetime, timedelta, tzinfo

from gateway.domain.durations import DAY
from gateway.domain.lifecycle import State
from gateway.domain.lookalike import cautions, look_of
from gateway.domain.phrase import phrase
from gateway.domain.sentences import short_reason
from gateway.flow.queue_ports import Row
from gateway.languages.language import Language
from gateway.relay.plain_words import one_line, without_links

NO_SENDER = phrase("(no sender)")
SAMPLE_NOW = 1_800_000_000.0
SAMPLE_ROW = Row(
    id=1, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
    sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
    held_at=SAMPLE_NOW - 10_000, expires_at=SAMPLE_NOW + 1_200_000, changed_at=SAMPLE_NOW, reason="unknown-sender",
    silence="", challenge="sent", proofs=(), files=("roof.pdf",), lane="people", source="", seen=False, last_reply="",
    key=(), score=0.3,
)  # fmt: skip
"""What templates are tried on."""


def row_words(row: Row, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    """Return what each letter says of a mail, by the names its templates use."""
    return {
        "from_line": from_line(row) or spoken.said(NO_SENDER),
        "cautions": [
            without_links(one_line(spoken.said(caution), 300))
            for caution in cautions(row.author_name, row.author or row.sender)
        ],
        "subject": without_links(one_line(row.subject, 120)),
        "recipient": one_line(row.recipient, 80),
        "time": came(row.held_at, now, zone, spoken),
        "size": spoken.size(row.size),
        "score": "" if row.score is None else spoken.number(row.score, 1),
        "reason": short_reason(row.reason),
        "days": max(0, math.floor((row.expires_at - now) / DAY)),
        "files": file_names(row.files),
    }


def from_line(row: Row) -> str:
    """Name the author by name and address; the address as it is, whatever it looks like."""
    look = look_of(row.author or row.sender)
    address = look.text if not look.ascii_domain else f"{look.text} ({look.ascii_domain})"
    if look.doubt and look.ascii_domain:
        # What only looks like another's address is shown as it is, and not as it wants to look.
        address = f"{look.text.rpartition('@')[0]}@{look.ascii_domain}"
    name = without_links(one_line(row.author_name, 60))
    shown = one_line(address, 100)
    return f"{name} <{shown}>" if name and shown else shown or name


def came(at: float, now: float, zone: tzinfo, spoken: Language) -> str:
    """Write when it came: the hour, with its day where that is not today."""
    then, today = datetime.fromtimestamp(at, zone), datetime.fromtimestamp(now, zone).date()
    if then.date() == today:
        return f"{then:%H:%M}"
    year = today - then.date() >= timedelta(days=300)
    return f"{spoken.short_day(at, zone, year=year)}, {then:%H:%M}"


def file_names(names: tuple[str, ...]) -> str:
    """Write the first file's name, and how many more there are."""
    if not names:
        return ""
    first = without_links(one_line(names[0], 60))
    return first if len(names) == 1 else f"{first} +{len(names) - 1}"
