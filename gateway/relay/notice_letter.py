"""A notice, written: one mail that waits, told of at once. Its pictures are in it; nothing is loaded.

An operator's folder may hold pictures beside the templates; those that the HTML names as `cid:name.png` go with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.own_mail import OwnMail
from gateway.flow.reader_days import zone_named
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import Inline
from gateway.relay.letter import Desk, LetterTemplates, cover_of, frame, seal
from gateway.relay.logo import logo
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import SAMPLE_NOW, SAMPLE_ROW, row_words
from gateway.relay.signer import Signer

_ENGLISH = language(ENGLISH)
LOGO = "logo.png"
LARGEST_PICTURE = 100_000
"""Octets of one picture of the operator's."""
_PICTURES = {".png": "png", ".gif": "gif", ".jpg": "jpeg", ".jpeg": "jpeg"}


class NoticeTemplates(LetterTemplates):
    """Subject, text and HTML, with pictures, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        self.pictures = {LOGO: logo(), **_own_pictures(folders)}
        super().__init__(
            folders, "notice", _variables(_SAMPLE, Desk(), SAMPLE_NOW, spoken), needs=("stop",), spoken=spoken
        )


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
    cover = cover_of(letter, desk, rendered.subject, now, message_id, stop=letter.stop)
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
    row = letter.row
    return {
        **frame(letter, letter.console, desk, now, spoken),
        **row_words(row, now, zone_named(letter.time_zone), spoken),
        "envelope_from": without_links(one_line(row.sender, 320)),
        "to": one_line(row.recipient, 320),
        "id": letter.number,
        "body": [without_links(one_line(line, 500)) for line in letter.body.splitlines()][:40],
        "pattern": without_links(one_line(letter.pattern, 320)),
        "groups": [without_links(one_line(group, 100)) for group in letter.groups],
        "rule": row.reason,
        "last": letter.last,
        "may_act": letter.may_act,
        "may_list": letter.may_list,
        "content": letter.content,
        "url": letter.url,
        "stop": letter.stop,
    }


_SAMPLE = NoticeLetter(
    mailbox="jo@example.org",
    domain="example.org",
    language="en",
    time_zone="Europe/Prague",
    phrase="blue kettle",
    row=SAMPLE_ROW,
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
