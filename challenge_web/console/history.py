"""What became of each mail, in and out, as a page."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date, timedelta, tzinfo
from urllib.parse import urlencode

from aiohttp import web

from challenge_web.console.gate import viewer_of
from challenge_web.console.pages import ConsolePages
from challenge_web.console.routes import Route
from gateway.domain.address import normal_form
from gateway.domain.lifecycle import ChallengeState, State
from gateway.domain.outgoing import TAUGHT, Untaught
from gateway.domain.phrase import phrase, phrase_in
from gateway.domain.roles import Right
from gateway.domain.sentences import STATES as STATE_WORDS
from gateway.domain.sentences import short_reason
from gateway.flow.history import KINDS, Asked, History, Line, Start
from gateway.flow.letter_book import LetterKind
from gateway.flow.reader_days import midnight, zone_of

STATES = {
    "relayed": phrase("Passed on at once"),
    "pending": STATE_WORDS[State.PENDING],
    "released": STATE_WORDS[State.RELEASED],
    "delivered": STATE_WORDS[State.DELIVERED],
    "refused": phrase("Refused"),
    "deferred": phrase("Put off"),
    "deleted": STATE_WORDS[State.DELETED],
    "blocked": STATE_WORDS[State.BLOCKED],
    "expired": STATE_WORDS[State.EXPIRED],
    "sent": phrase("Sent"),
    "answered": phrase("Answered"),
}
"""What a line may be searched by."""
_CHALLENGES = {
    ChallengeState.QUEUED: phrase("Being sent"),
    ChallengeState.SENT: phrase("Sent"),
    ChallengeState.FAILED: phrase("Could not be delivered"),
    ChallengeState.WITHHELD: phrase("Not sent"),
    ChallengeState.ANSWERED: phrase("Answered"),
    ChallengeState.DISOWNED: phrase("Its sender says: not from me"),
    ChallengeState.WITHDRAWN: phrase("Mail taken back"),
    ChallengeState.EXPIRED: phrase("Not answered in time"),
}
LETTERS = {
    "challenge": phrase("challenge"),
    LetterKind.DIGEST.value: phrase_in("letter", "digest"),
    LetterKind.SIGN_IN.value: phrase_in("letter", "link to sign in"),
    LetterKind.NOTICE.value: phrase_in("letter", "notice"),
    LetterKind.REQUEST.value: phrase_in("letter", "request of release"),
    LetterKind.ANSWER.value: phrase_in("letter", "answer to a request"),
    LetterKind.COPY.value: phrase_in("letter", "copy for inspection"),
    LetterKind.SAMPLE.value: phrase_in("letter", "sample of a challenge"),
}
"""What we sent ourselves."""


_BEHIND = re.compile(rf"([0-9]{{1,15}}\.[0-9]{{1,20}})-([0-9]{{1,18}})-([0-{len(KINDS) - 1}])")


class HistoryPages:
    """The page of history."""

    def __init__(self, history: History, pages: ConsolePages) -> None:
        self._history = history
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (Route("history", "/console/history", Right.SEE_HISTORY, self.show),)

    async def show(self, request: web.Request) -> web.Response:
        """Show one page, the newest first."""
        query = request.query
        address, state = query.get("address", "").strip()[:320], query.get("state", "")
        state = state if state in STATES else ""
        start = _start(query.get("behind", ""))
        viewer = viewer_of(request)
        first, last = _day(query.get("first", "")), _day(query.get("last", ""))
        wanted = Asked(normal_form(address), state, *_span(first, last, zone_of(viewer)))
        lines = await self._history.page(viewer, wanted, start)
        asked = {"address": address, "state": state, "first": first, "last": last}
        asked = {name: str(value) for name, value in asked.items() if value}
        behind = "-".join(map(repr, lines.next or ()))
        words = {
            "lines": lines.rows,
            "link": _link,
            "letters": LETTERS,
            "address": address,
            "state": state,
            "states": [("", phrase("All")), *STATES.items()],
            "first_day": first or "",
            "last_day": last or "",
            "state_of": _state,
            "reason_of": _reason,
            "filtered": bool(asked),
            "first": f"console/history?{urlencode(asked)}" if start else "",
            "next": f"console/history?{urlencode({**asked, 'behind': behind})}" if behind else "",
        }
        return self._pages.page(request, "history/history", words, here="history")


def _state(line: Line) -> str:
    """Say what became of a mail; a word of a newer program is shown as it is."""
    if line.kind != "challenge":
        return STATES.get(line.state, line.state)
    known = {state.value: words for state, words in _CHALLENGES.items()}
    return known.get(line.state, line.state)


TEACHINGS: dict[str, str] = {
    TAUGHT: phrase("whoever it went to may answer"),
    Untaught.NULL_REVERSE_PATH.value: phrase("a bounce or report"),
    Untaught.NOT_OURS.value: phrase("not by one of us"),
    Untaught.NO_PERSON.value: phrase("nobody reads at its sender's address"),
    Untaught.SENT_ON.value: phrase("mail that came in and was sent on"),
    Untaught.NOT_ITS_AUTHOR.value: phrase("written by somebody else"),
    Untaught.AUTOMATIC.value: phrase("written by a machine"),
    Untaught.MAILING.value: phrase("to very many"),
    Untaught.NOBODY_OUTSIDE.value: phrase("to nobody outside"),
    Untaught.SWITCHED_OFF.value: phrase("by its policy it lets nobody in"),
}
"""Whom mail to the outside let in, or why nobody."""


def _reason(line: Line) -> str:
    """Say why; a word of a newer program is shown as it is."""
    return TEACHINGS.get(line.reason, line.reason) if line.kind == "sent" else short_reason(line.reason)


def _day(text: str) -> date | None:
    """Return a day as a date field has it; None for what is none."""
    try:
        return date.fromisoformat(text.strip())
    except ValueError:
        return None


def _span(first: date | None, last: date | None, zone: tzinfo) -> tuple[float | None, float | None]:
    """Return where these days begin and end in the reader's zone, seconds since the epoch."""
    behind = None if last is None or last == date.max else last + timedelta(days=1)
    return midnight(first, zone), midnight(behind, zone)


def _link(line: Line) -> str:
    """Return the page of a mail that was held; "" where a line has none."""
    return f"console/message/{line.id}" if line.kind == "held" else ""


def _start(text: str) -> Start | None:
    """Read what the address of a later page says of the line behind which it begins; None for what is none."""
    told = _BEHIND.fullmatch(text)
    return None if told is None else (float(told[1]), int(told[2]), int(told[3]))
