"""Mails about requests of release, written: to who is in charge, and the answer to who asked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import tzinfo
from pathlib import Path

from gateway.flow.own_mail import OwnMail
from gateway.flow.reader_days import zone_named
from gateway.flow.release_ports import LONGEST_WORDS, AnswerLetter, AskLetter, Case, ReleaseRequest, RequestState
from gateway.languages.language import ENGLISH, Language, language
from gateway.relay.letter import Desk, LetterTemplates, cover_of, frame, seal
from gateway.relay.plain_words import one_line, without_links
from gateway.relay.row_words import NO_SENDER, SAMPLE_NOW, SAMPLE_ROW, row_words
from gateway.relay.signer import Signer

_ENGLISH = language(ENGLISH)
_BY_ITSELF = ("", "sender", "service")
_AT_COMMAND = "cli:"
"""Begins the name of whoever is at the command line: an account of the machine, which says nothing to who reads a mail."""


class AskTemplates(LetterTemplates):
    """Subject, text and HTML of the mail to who is in charge."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        super().__init__(
            folders, "request", _asking(_ASK, Desk(), SAMPLE_NOW, spoken), needs=("console",), spoken=spoken
        )


class AnswerTemplates(LetterTemplates):
    """Subject, text and HTML of the answer."""

    def __init__(self, folders: Sequence[Path], spoken: Language = _ENGLISH) -> None:
        """folders: of the mail templates, the first that has a file wins. Raises TemplateFault."""
        super().__init__(
            folders, "answer", _answering(_ANSWER, Desk(), SAMPLE_NOW, spoken), needs=("url",), spoken=spoken
        )


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
    cover = cover_of(letter, desk, rendered.subject, now, message_id)
    return seal(cover, rendered, templates.spoken, signer)


def _asking(letter: AskLetter, desk: Desk, now: float, spoken: Language) -> dict[str, object]:
    zone = zone_named(letter.time_zone)
    return {
        **frame(letter, letter.console, desk, now, spoken),
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
        **frame(letter, letter.console, desk, now, spoken),
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
        return {"from_line": spoken.said(NO_SENDER), "subject": "", "recipient": recipient, "time": "", "size": "",
                "reason": "", "days": 0, "files": "", "cautions": ()}  # fmt: skip
    return row_words(row, now, zone, spoken)


def _person(name: str) -> str:
    return "" if name in _BY_ITSELF or name.startswith(_AT_COMMAND) else one_line(name, 100)


def _words(text: str) -> str:
    return without_links(one_line(text, LONGEST_WORDS))


_CASE = Case(
    ReleaseRequest(
        id=7, row=1, recipient_key="jo@example.org", domain="example.org", asked_by="jo@example.org",
        answer_to="jo@example.org", words="I wait for this one.", asked_at=SAMPLE_NOW - 60, state=RequestState.REFUSED,
        changed_at=SAMPLE_NOW, decided_by="eve", why="It bears a virus.", inspected_by="", inspected_at=None,
    ),
    SAMPLE_ROW,
)  # fmt: skip
_CONSOLE = "https://mail.example.org/console/"
_ASK = AskLetter("eve@example.org", "example.org", "en", "Europe/Prague", "blue kettle", (_CASE,), 3, _CONSOLE)
_ANSWER = AnswerLetter("jo@example.org", "example.org", "en", "Europe/Prague", "blue kettle", _CASE, True, _CONSOLE)
