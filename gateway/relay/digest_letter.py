"""The digest, written: what waits for somebody, with a link for each mail. No image, nothing that is loaded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import tzinfo
from pathlib import Path

from gateway.domain.digest import Group, Kind, Line, filled_subject
from gateway.domain.phrase import phrase
from gateway.flow.digest_ports import DigestLetter, Links
from gateway.flow.own_mail import OwnMail
from gateway.flow.queue import MOST_COUNTED
from gateway.flow.queue_ports import Row
from gateway.flow.reader_days import zone_named
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.letter import Desk, LetterTemplates, cover_of, frame, seal
from gateway.relay.row_words import SAMPLE_NOW, SAMPLE_ROW, row_words
from gateway.relay.signer import Signer

_ENGLISH = language(ENGLISH)


class DigestTemplates(LetterTemplates):
    """Subject, text and HTML, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        sample = _variables(_SAMPLE, Desk(organisation="Example & Sons"), SAMPLE_NOW, spoken)
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
    values = _variables(letter, desk, now, templates.spoken)
    rendered = templates.render(values)
    subject = filled_subject(letter.subject, _placeholders(letter, values)) if letter.subject else rendered.subject
    cover = cover_of(letter, desk, subject, now, message_id, stop=letter.links.stop)
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


def _variables(letter: DigestLetter, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    zone = zone_named(letter.time_zone)
    return {
        **frame(letter, letter.links.console, desk, now, spoken),
        "total": letter.total,
        "total_text": spoken.said(
            phrase("more than {count}", count=MOST_COUNTED) if letter.total > MOST_COUNTED else letter.total
        ),
        "several": letter.several,
        "may_act": letter.may_act,
        "may_list": letter.may_list,
        "content": letter.content,
        "groups": [_group(group, letter, now, zone, spoken) for group in letter.groups],
        # Told before, or of a kind that its reader has left out.
        "rest": letter.total > sum(group.total for group in letter.groups),
        "page": letter.links.all or f"{letter.links.console}pending",
        "stop": letter.links.stop,
    }


def _group(group: Group[Row], letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    rows = [_row(line.first, len(line.others), letter, now, zone, spoken) for line in group.lines]
    return {"kind": group.kind.value, "total": group.total, "more": group.total - group.shown, "rows": rows}


def _row(row: Row, others: int, letter: DigestLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    shown = row if letter.content else replace(row, subject="", files=())
    return {**row_words(shown, now, zone, spoken), "others": others, "url": letter.links.lines[row.id]}


_SAMPLE = DigestLetter(
    mailbox="jo@example.org",
    domain="example.org",
    language="en",
    time_zone="Europe/Prague",
    phrase="blue kettle",
    subject="",
    groups=tuple(Group(kind, 5, (Line(SAMPLE_ROW, (SAMPLE_ROW,)),)) for kind in Kind),
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
