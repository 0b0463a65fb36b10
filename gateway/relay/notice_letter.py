"""A notice, written: one mail that waits, told of at once. Its pictures are in it; nothing is loaded.

An operator's folder may hold pictures beside the templates; those that the HTML names as `cid:name.png` go with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from gateway.domain.phrase import phrase
from gateway.flow.notice_ports import NoticeLetter
from gateway.flow.own_mail import OwnMail
from gateway.flow.reader_days import zone_named
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.compose import Inline
from gateway.relay.letter import Desk, LetterTemplates, cover_of, frame, seal
from gateway.relay.logo import logo
from gateway.relay.picture_names import named_pictures
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import SAMPLE_NOW, SAMPLE_ROW, row_words
from gateway.relay.signer import Signer
from gateway.relay.template_parts import Rendered, Sources, TemplateFault

_ENGLISH = language(ENGLISH)
LOGO = "logo.png"
LISTS = ("body", "cautions", "groups")
"""Variables that a template may go through."""
NOTICE_VARIABLES: Mapping[str, str] = {
    "mailbox": phrase("The address that is told."),
    "from_line": phrase("The author of the mail that waits, with his name."),
    "cautions": phrase("What to beware of in who it claims to be from, to go through; mostly none."),
    "envelope_from": phrase("Its envelope sender."),
    "to": phrase("The address the mail was for."),
    "recipient": phrase("The same, cut where it is long."),
    "subject": phrase("Its subject; empty where it may not be seen."),
    "body": phrase("Lines of its text, cleaned and cut, to go through; none where it may not be seen."),
    "id": phrase("The number of the mail."),
    "reason": phrase("Why it waits, as a sentence."),
    "rule": phrase("The same as one word, as policies name it."),
    "pattern": phrase("The entry of the lists that names its sender; empty where none does."),
    "groups": phrase("What that entry leaves open, to go through."),
    "time": phrase("When it came."),
    "size": phrase("How large it is."),
    "files": phrase("Its files."),
    "score": phrase("What a filter in front says of it; empty where there is none."),
    "days": phrase("How many days it still waits, a whole number."),
    "url": phrase("The page of the mail; with /allow and /block behind it, what these do."),
    "stop": phrase("The page that ends notices. Text and HTML must contain it."),
    "console": phrase("The console, with a slash at the end."),
    "may_act": phrase("Whether the reader may deliver it."),
    "may_list": phrase("Whether the reader may allow and block senders."),
    "content": phrase("Whether the reader may see subject and text."),
    "last": phrase("Whether it is the last notice in its hour."),
    "phrase": phrase("The words by which the reader knows our mails."),
    "date": phrase("When the notice was written."),
    "zone": phrase("The time zone of all times."),
    "host": phrase("The name of our pages."),
    "lang": phrase("The language, as a tag."),
    "organisation": phrase("`[challenge] organisation`, or the recipient's domain."),
    "contact": phrase("`[challenge] contact`, or the address the challenge comes from."),
}
"""Every variable a template may use, with its meaning."""
LARGEST_PICTURE = 100_000
"""Octets of one picture of the operator's."""
_PICTURES = {".png": "png", ".gif": "gif", ".jpg": "jpeg", ".jpeg": "jpeg"}


class NoticeTemplates(LetterTemplates):
    """Subject, text and HTML, with pictures, from the operator's folder or the shipped ones."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        pictures = {LOGO: logo(), **_own_pictures(folders)}
        self._sample = _variables(_SAMPLE, Desk(), SAMPLE_NOW, spoken)
        super().__init__(folders, "notice", self._sample, needs=("stop",), pictures=pictures, spoken=spoken)

    def typed(self, sources: Sources) -> NoticeTemplates:
        """Return templates with words from the store. Raises TemplateFault, whose file is the part's name alone."""
        return self.with_texts(sources, self._sample, LISTS)

    def sample(self) -> Rendered:
        """Fill them in for a mail that nobody sent. Raises TemplateFault."""
        return self.render(self._sample)

    def named(self, html: str) -> Mapping[str, tuple[str, bytes]]:
        """Return the pictures that HTML names: name → subtype of image/, octets."""
        return {
            name: (_PICTURES[Path(name).suffix.lower()], self.pictures[name])
            for name in named_pictures(html)
            if name in self.pictures
        }

    def faults(self, sources: Sources) -> list[TemplateFault]:
        """Return what is wrong with each part of such words by itself."""
        return self.faults_in(sources, self._sample, LISTS)


def sample_notice(to: str, domain: str, tag: str) -> NoticeLetter:
    """Return a notice of a mail that nobody sent."""
    row = replace(_SAMPLE.row, recipient=to)
    return replace(_SAMPLE, mailbox=to, domain=domain, language=tag, row=row, last=False)


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
    inline = [Inline(name, name, subtype, octets) for name, (subtype, octets) in templates.named(rendered.html).items()]
    return seal(cover, rendered, templates.spoken, signer, inline)


def _own_pictures(folders: Sequence[Path]) -> dict[str, bytes]:
    """Read the operator's pictures. Raises TemplateFault."""
    found: dict[str, bytes] = {}
    for folder in reversed(folders):
        for file in sorted((folder / "notice").glob("*")):
            plain = file.name.isascii() and not set(file.name) & set('<>"\\ ')
            if file.suffix.lower() in _PICTURES and plain:
                found[file.name] = _picture(file)
    return found


def _picture(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            octets = opened.read(LARGEST_PICTURE + 1)
    except OSError as fault:
        raise TemplateFault(file, 0, "cannot be read") from fault
    if len(octets) > LARGEST_PICTURE:
        raise TemplateFault(file, 0, phrase("has more than {most} octets", most=LARGEST_PICTURE))
    return octets


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
