"""A notice, written: one mail that waits, told of at once. Its pictures are in it; nothing is loaded.

An operator's folder may hold pictures beside the templates; those that the HTML names as `cid:name.png` go with it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from urllib.parse import urlsplit

from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.sentences import short_reason
from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.own_mail import OwnMail
from gateway.flow.queue_ports import Row
from gateway.flow.reader_days import zone_named
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import Inline
from gateway.relay.letter import Cover, Desk, LetterTemplates, seal
from gateway.relay.logo import logo
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import came, file_names, from_line
from gateway.relay.signer import Signer

_DAY = 86_400
_ENGLISH = language(ENGLISH)
_NO_SENDER = phrase("(no sender)")
_NOW = 1_800_000_000.0
LOGO = "logo.png"
LARGEST_PICTURE = 100_000
"""Octets of one picture of the operator's."""
_PICTURES = {".png": "png", ".gif": "gif", ".jpg": "jpeg", ".jpeg": "jpeg"}


class NoticeTemplates(LetterTemplates):
    """Subject, text and HTML, with pictures, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        self.pictures = {LOGO: logo(), **_own_pictures(folders)}
        super().__init__(folders, "notice", _variables(_SAMPLE, Desk(), _NOW, spoken), needs=("stop",), spoken=spoken)


def compose_notice(
    templates: NoticeTemplates,
    letter: NoticeLetter,
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None = None,
) -> OwnMail:
    """Write a notice. now: seconds since the epoch. message_id: its own, with angle brackets."""
    rendered = templates.render(_variables(letter, desk, now, templates.spoken))
    cover = Cover(
        to=letter.mailbox,
        domain=letter.domain,
        desk=desk,
        subject=rendered.subject,
        now=now,
        message_id=message_id,
        zone=zone_named(letter.time_zone),
        stop=letter.stop,
    )
    inline = [
        Inline(name, name, _PICTURES[Path(name).suffix.lower()], octets)
        for name, octets in templates.pictures.items()
        if f"cid:{name}" in rendered.html
    ]
    return seal(cover, rendered, templates.spoken, signer, inline)


def _own_pictures(folders: Sequence[Path]) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for folder in reversed(folders):
        for file in sorted((folder / "notice").glob("*")):
            plain = file.name.isascii() and not set(file.name) & set('<>"\\ ')
            if file.suffix.lower() in _PICTURES and plain and file.stat().st_size <= LARGEST_PICTURE:
                found[file.name] = file.read_bytes()
    return found


def _variables(letter: NoticeLetter, desk: Desk, now: float, spoken: Language) -> Mapping[str, object]:
    row, zone = letter.row, zone_named(letter.time_zone)
    return {
        "mailbox": one_line(letter.mailbox, 320),
        "date": f"{spoken.short_moment(now, zone)} {datetime.fromtimestamp(now, zone).tzname()}",
        "zone": letter.time_zone or "UTC",
        "phrase": one_line(letter.phrase, 60),
        "envelope_from": without_links(one_line(row.sender, 320)),
        "from_line": from_line(row) or spoken.said(_NO_SENDER),
        "to": one_line(row.recipient, 320),
        "subject": without_links(one_line(row.subject, 120)),
        "id": letter.number,
        "body": [without_links(one_line(line, 500)) for line in letter.body.splitlines()][:40],
        "pattern": without_links(one_line(letter.pattern, 320)),
        "groups": [without_links(one_line(group, 100)) for group in letter.groups],
        "rule": row.reason,
        "reason": short_reason(row.reason),
        "time": came(row.held_at, now, zone, spoken),
        "size": spoken.size(row.size),
        "score": "" if row.score is None else spoken.number(row.score, 1),
        "days": max(0, math.floor((row.expires_at - now) / _DAY)),
        "files": file_names(row.files),
        "last": letter.last,
        "may_act": letter.may_act,
        "may_list": letter.may_list,
        "content": letter.content,
        "url": letter.url,
        "stop": letter.stop,
        "console": letter.console,
        "host": urlsplit(letter.console).netloc,
        "lang": spoken.tag,
        "organisation": desk.name(letter.domain),
        "contact": desk.questions(letter.domain),
    }


_ROW = Row(
    id=1, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
    sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
    held_at=_NOW - 60, expires_at=_NOW + 1_200_000, changed_at=_NOW, reason="unknown-sender", silence="",
    challenge="sent", proofs=(), files=("roof.pdf",), lane="people", source="", seen=False, last_reply="", key=(),
)  # fmt: skip
_SAMPLE = NoticeLetter(
    mailbox="jo@example.org",
    domain="example.org",
    language="en",
    time_zone="Europe/Prague",
    phrase="blue kettle",
    row=_ROW,
    number="1-abcdefgh",
    body="Dear Jo,\n\nhere is the offer for the roof.\n\nAnna",
    pattern="@oak.example",
    groups=("anna",),
    last=True,
    may_act=True,
    may_list=True,
    content=True,
    url="https://mail.example.org/held/abcdefghijkmnpqrstuvwxyz23456789",
    stop="https://mail.example.org/notice/stop/abcdefghijkmnpqrstuvwxyz23456789",
    console="https://mail.example.org/console/",
)
