"""The digest, written: what waits for somebody, with a link for each mail. No image, nothing that is loaded."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from urllib.parse import urlsplit

from gateway.domain.digest import Group, Kind, Line, filled_subject
from gateway.domain.evidence import Method, Proof
from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.sentences import short_reason
from gateway.flow.digest_ports import DigestLetter, Links
from gateway.flow.own_mail import OwnMail
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import Row
from gateway.flow.reader_days import zone_named
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.letter import Cover, Desk, LetterTemplates, seal
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import came, file_names, from_line
from gateway.relay.signer import Signer

_DAY = 86_400
_ENGLISH = language(ENGLISH)
_NO_SENDER = phrase("(no sender)")


class DigestTemplates(LetterTemplates):
    """Subject, text and HTML, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        sample = _variables(_SAMPLE, 1_800_000_000.0, "Example & Sons", "postmaster@example.org", spoken)
        super().__init__(folders, "digest", sample, needs=("stop",), spoken=spoken)


def compose_digest(
    templates: DigestTemplates,
    letter: DigestLetter,
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None = None,
) -> OwnMail:
    """Write a digest. now: seconds since the epoch. message_id: its own, with angle brackets."""
    values = _variables(letter, now, desk.name(letter.domain), desk.questions(letter.domain), templates.spoken)
    rendered = templates.render(values)
    cover = Cover(
        to=letter.mailbox,
        domain=letter.domain,
        desk=desk,
        subject=filled_subject(letter.subject, _placeholders(letter, values)) if letter.subject else rendered.subject,
        now=now,
        message_id=message_id,
        zone=zone_named(letter.time_zone),
        stop=letter.links.stop,
    )
    return seal(cover, rendered, templates.spoken, signer)


def _placeholders(letter: DigestLetter, values: Mapping[str, object]) -> dict[str, str]:
    kinds = {group.kind: group.total for group in letter.groups}
    return {
        "total": str(values["total_text"]),
        "new": str(sum(kinds.values())),
        "people": str(kinds.get(Kind.PEOPLE, 0)),
        "newsletters": str(kinds.get(Kind.NEWSLETTERS, 0)),
        "spam": str(kinds.get(Kind.SPAM, 0)),
        "mailbox": str(values["mailbox"]),
        "date": str(values["date"]),
        "organisation": str(values["organisation"]),
    }


def _variables(
    letter: DigestLetter, now: float, organisation: str, contact: str, spoken: Language
) -> dict[str, object]:
    zone = zone_named(letter.time_zone)
    zone_name = datetime.fromtimestamp(now, zone).tzname()
    return {
        "mailbox": one_line(letter.mailbox, 320),
        "total": letter.total,
        "total_text": spoken.said(
            phrase("more than {count}", count=MOST_COUNTED) if letter.total > MOST_COUNTED else letter.total
        ),
        "date": f"{spoken.short_moment(now, zone)} {zone_name}",
        "zone": letter.time_zone or "UTC",
        "phrase": one_line(letter.phrase, 60),
        "several": letter.several,
        "may_act": letter.may_act,
        "may_list": letter.may_list,
        "content": letter.content,
        "groups": [_group(group, letter, now, zone, spoken) for group in letter.groups],
        "console": letter.links.console,
        "stop": letter.links.stop,
        "host": urlsplit(letter.links.console).netloc,
        "lang": spoken.tag,
        "organisation": organisation,
        "contact": contact,
    }


def _group(group: Group[Row], letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    rows = [_row(line.first, len(line.others), letter, now, zone, spoken) for line in group.lines]
    return {"kind": group.kind.value, "total": group.total, "more": group.total - group.shown, "rows": rows}


def _row(row: Row, others: int, letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    return {
        "from_line": from_line(row) or spoken.said(_NO_SENDER),
        "subject": without_links(one_line(row.subject, 120)) if letter.content else "",
        "recipient": one_line(row.recipient, 80),
        "time": came(row.held_at, now, zone, spoken),
        "size": spoken.size(row.size),
        "score": "" if row.score is None else spoken.number(row.score, 1),
        "reason": short_reason(row.reason),
        "days": max(0, math.floor((row.expires_at - now) / _DAY)),
        "files": file_names(row.files) if letter.content else "",
        "others": others,
        "url": letter.links.lines[row.id],
    }


_ROW = Row(
    id=1, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
    sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
    held_at=1_799_990_000.0, expires_at=1_801_200_000.0, changed_at=1_799_990_000.0, reason="unknown-sender", silence="",
    challenge="sent", proofs=(Proof(Method.DKIM, "oak.example"),), files=("roof.pdf",), lane="people", source="",
    seen=False, last_reply="", key=(), score=0.3,
)  # fmt: skip
_SAMPLE = DigestLetter(
    mailbox="jo@example.org",
    domain="example.org",
    language="en",
    time_zone="Europe/Prague",
    phrase="blue kettle",
    subject="",
    groups=tuple(Group(kind, 5, (Line(_ROW, (_ROW,)),)) for kind in Kind),
    total=15,
    several=True,
    may_act=True,
    may_list=True,
    content=True,
    links=Links(
        {1: "https://mail.example.org/held/abcdefghijkmnpqrstuvwxyz23456789"},
        "https://mail.example.org/digest/stop/abcdefghijkmnpqrstuvwxyz23456789",
        "https://mail.example.org/console/",
    ),
)
