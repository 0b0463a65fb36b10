"""Mails about requests of release, written: to who is in charge, and the answer to who asked."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from pathlib import Path
from urllib.parse import urlsplit

from gateway.domain.lifecycle import State
from gateway.domain.phrase import phrase
from gateway.domain.sentences import short_reason
from gateway.flow.own_mail import OwnMail
from gateway.flow.queue_ports import Row
from gateway.flow.reader_days import zone_named
from gateway.flow.release_ports import LONGEST_WORDS, AnswerLetter, AskLetter, Case, ReleaseRequest, RequestState
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.letter import Cover, Desk, LetterTemplates, seal
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import came, file_names, from_line
from gateway.relay.signer import Signer

_DAY = 86_400
_ENGLISH = language(ENGLISH)
_NO_SENDER = phrase("(no sender)")
_BY_ITSELF = ("", "sender", "service")
_AT_COMMAND = "cli:"
"""Begins the name of whoever is at the command line: an account of the machine, which says nothing to who reads a mail."""
_NOW = 1_800_000_000.0


class AskTemplates(LetterTemplates):
    """Subject, text and HTML of the mail to who is in charge."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        super().__init__(folders, "request", _asking(_ASK, Desk(), _NOW, spoken), needs=("console",), spoken=spoken)


class AnswerTemplates(LetterTemplates):
    """Subject, text and HTML of the answer."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        super().__init__(folders, "answer", _answering(_ANSWER, Desk(), _NOW, spoken), needs=("url",), spoken=spoken)


def compose_ask(
    templates: AskTemplates, letter: AskLetter, desk: Desk, now: float, message_id: str, signer: Signer | None = None
) -> OwnMail:
    """Write the mail to who is in charge. now: seconds since the epoch. message_id: its own, with angle brackets."""
    return _sealed(templates, letter, _asking(letter, desk, now, templates.spoken), desk, now, message_id, signer)


def compose_answer(
    templates: AnswerTemplates,
    letter: AnswerLetter,
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None = None,
) -> OwnMail:
    """Write the answer. now: seconds since the epoch. message_id: its own, with angle brackets."""
    return _sealed(templates, letter, _answering(letter, desk, now, templates.spoken), desk, now, message_id, signer)


def _sealed(
    templates: LetterTemplates,
    letter: AskLetter | AnswerLetter,
    values: Mapping[str, object],
    desk: Desk,
    now: float,
    message_id: str,
    signer: Signer | None,
) -> OwnMail:
    rendered = templates.render(values)
    cover = Cover(
        to=letter.mailbox,
        domain=letter.domain,
        desk=desk,
        subject=rendered.subject,
        now=now,
        message_id=message_id,
        zone=zone_named(letter.time_zone),
    )
    return seal(cover, rendered, templates.spoken, signer)


def _frame(letter: AskLetter | AnswerLetter, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    """Return what both mails say."""
    zone = zone_named(letter.time_zone)
    return {
        "mailbox": one_line(letter.mailbox, 320),
        "date": f"{spoken.short_moment(now, zone)} {datetime.fromtimestamp(now, zone).tzname()}",
        "zone": letter.time_zone or "UTC",
        "phrase": one_line(letter.phrase, 60),
        "console": letter.console,
        "host": urlsplit(letter.console).netloc,
        "lang": spoken.tag,
        "organisation": desk.name(letter.domain),
        "contact": desk.questions(letter.domain),
    }


def _asking(letter: AskLetter, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    zone = zone_named(letter.time_zone)
    return {
        **_frame(letter, desk, now, spoken),
        "count": len(letter.cases) + letter.more,
        "more": letter.more,
        "cases": [_case(case, letter, now, zone, spoken) for case in letter.cases],
    }


def _case(case: Case, letter: AskLetter, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    request = case.request
    return {
        **_mail(case, now, zone, spoken),
        "asked_by": one_line(request.asked_by, 100),
        "at_command": request.asked_by.startswith(_AT_COMMAND),
        "words": _words(request.words),
        "url": f"{letter.console}requests/{request.id}",
    }


def _answering(letter: AnswerLetter, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    zone, request = zone_named(letter.time_zone), letter.case.request
    return {
        **_frame(letter, desk, now, spoken),
        **_mail(letter.case, now, zone, spoken),
        "content": letter.content,
        "own": bool(request.asked_by) and not request.asked_by.startswith(_AT_COMMAND),
        "asked": spoken.short_moment(request.asked_at, zone),
        "state": request.state.value,
        "who": _person(request.decided_by),
        "why": _words(request.why),
        "url": f"{letter.console}message/{request.row}",
    }


def _mail(case: Case, now: float, zone: tzinfo, spoken: Language) -> dict[str, object]:
    row = case.mail
    if row is None:  # Nothing is known but whose it is.
        recipient = one_line(case.request.recipient_key, 80)
        return {"from_line": spoken.said(_NO_SENDER), "subject": "", "recipient": recipient, "time": "", "size": "",
                "reason": "", "days": 0, "files": ""}  # fmt: skip
    return {
        "from_line": from_line(row) or spoken.said(_NO_SENDER),
        "subject": without_links(one_line(row.subject, 120)),
        "recipient": one_line(row.recipient, 80),
        "time": came(row.held_at, now, zone, spoken),
        "size": spoken.size(row.size),
        "reason": short_reason(row.reason),
        "days": max(0, math.floor((row.expires_at - now) / _DAY)),
        "files": file_names(row.files),
    }


def _person(name: str) -> str:
    return "" if name in _BY_ITSELF or name.startswith(_AT_COMMAND) else one_line(name, 100)


def _words(text: str) -> str:
    return without_links(one_line(text, LONGEST_WORDS))


_ROW = Row(
    id=1, message_id=1, state=State.PENDING, author="anna@oak.example", author_name="Anna Roth",
    sender="anna@oak.example", recipient="jo@example.org", subject="Offer for the roof", size=84_000,
    held_at=_NOW - 10_000, expires_at=_NOW + 1_200_000, changed_at=_NOW, reason="unknown-sender", silence="",
    challenge="sent", proofs=(), files=("roof.pdf",), lane="people", source="", seen=False, last_reply="", key=(),
)  # fmt: skip
_CASE = Case(
    ReleaseRequest(
        id=7, row=1, recipient_key="jo@example.org", domain="example.org", asked_by="jo@example.org",
        answer_to="jo@example.org", words="I wait for this one.", asked_at=_NOW - 60, state=RequestState.REFUSED,
        changed_at=_NOW, decided_by="eve", why="It bears a virus.", inspected_by="", inspected_at=None,
    ),
    _ROW,
)  # fmt: skip
_CONSOLE = "https://mail.example.org/console/"
_ASK = AskLetter("eve@example.org", "example.org", "en", "Europe/Prague", "blue kettle", (_CASE,), 3, _CONSOLE)
_ANSWER = AnswerLetter("jo@example.org", "example.org", "en", "Europe/Prague", "blue kettle", _CASE, True, _CONSOLE)
