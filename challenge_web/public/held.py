"""The page behind a link of a digest or a notice: one mail, with one obvious button."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from challenge_web.page_language import spoken
from challenge_web.pages import Pages, segment, stamp, wants_data
from challenge_web.public.by_link import add_page, gone
from gateway.domain.lookalike import cautions, look_of
from gateway.domain.outline import Marks, Outline, Unreadable
from gateway.domain.roles import Right, Viewer
from gateway.domain.sentences import challenge_sentence, days_left, proof_sentence, reason_sentence
from gateway.flow.held_links import HeldMail
from gateway.flow.moderate import Action
from gateway.flow.ports import StoreDown
from gateway.flow.queue_ports import MACHINE
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.reader_days import zone_named
from gateway.flow.release_ports import ReleaseRequest
from gateway.flow.releases import Asked
from gateway.languages.marks import marks_in

_ACTIONS = {
    "": Action.DELIVER,
    "allow": Action.AUTHORIZE,
    "block": Action.BLACKLIST,
    "delete": Action.DELETE,
}
"""By the last piece of the page's path."""
LONGEST_TEXT = 4000
"""Characters of a mail's text that are shown."""


class Links(Protocol):
    """What the holder of a link may see and do. Looking changes nothing."""

    async def look(self, secret: str) -> HeldMail | None:
        """Return the mail of a link, or None for a wrong, foreign or expired one alike."""

    async def act(self, secret: str, action: Action) -> HeldMail | None:
        """Do it; None for a link that is not in use, and for what its holder may not do."""


class Text(Protocol):
    """Takes mails apart."""

    async def outline(self, viewer: Viewer, row_id: int, marks: Marks) -> Outline | None:
        """Return the mail at a glance. Raises Unreadable, ContentGone, WrongContent."""


class Asking(Protocol):
    """Asks the people in charge to let a mail go."""

    def number(self, row_id: int) -> str:
        """Return the number of a mail as people pass it on."""

    async def ask(self, viewer: Viewer, row_id: int, words: str = "") -> Asked | None:
        """Ask; None for who may let it go himself, and for what does not wait."""

    async def of_mail(self, viewer: Viewer, row_id: int) -> ReleaseRequest | None:
        """Return the newest request for a mail within reach."""


class HeldPages:
    """Handlers of /held/{secret} and what lies below it."""

    def __init__(self, links: Links, asking: Asking, text: Text, pages: Pages, *, now: Callable[[], float]) -> None:
        self._links = links
        self._asking = asking
        self._text = text
        self._pages = pages
        self._now = now

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for path, name, acts in (
            ("/held/{secret}", "held", self.act),
            ("/held/{secret}/{what:allow|block|delete}", "held-more", self.act),
            ("/held/{secret}/request", "held-request", self.request),
        ):
            add_page(app, path, name, self.show, acts)

    async def show(self, request: web.Request) -> web.Response:
        """GET: the mail, and one button."""
        action = _ACTIONS[request.match_info.get("what", "")]
        mail = await self._links.look(request.match_info["secret"])
        if mail is None or (action is not Action.DELIVER and not mail.may(action)):
            return gone(self._pages, request)
        if wants_data(request):
            return self._pages.data(_facts(mail))
        return self._pages.page(request, "public/held", await self._words(request, mail, action))

    async def act(self, request: web.Request) -> web.Response:
        """POST: do what the link is for."""
        action = _ACTIONS[request.match_info.get("what", "")]
        mail = await self._links.act(request.match_info["secret"], action)
        if mail is None:
            return gone(self._pages, request)
        if wants_data(request):
            return self._pages.data({"done": action.value})
        machine = mail.row.lane == MACHINE
        return self._pages.page(request, "public/held-done", {"mail": mail, "action": action.value, "machine": machine})

    async def request(self, request: web.Request) -> web.Response:
        """POST: the people in charge are asked to let the mail go."""
        mail = await self._links.look(request.match_info["secret"])
        if mail is None or mail.may(Action.DELIVER):
            return gone(self._pages, request)
        words = (await request.post()).get("words", "")
        asked = await self._asking.ask(mail.viewer, mail.row.id, words if isinstance(words, str) else "")
        if asked is None:
            return gone(self._pages, request)
        if wants_data(request):
            return self._pages.data({"asked": asked.value})
        told = await self._words(request, mail, Action.DELIVER)
        return self._pages.page(request, "public/held", {**told, "asked_now": asked.value})

    async def _words(self, request: web.Request, mail: HeldMail, action: Action) -> dict[str, object]:
        row = mail.row
        left, late = days_left(row.expires_at, self._now())
        deeper = request.match_info.get("what") or request.path.endswith("/request")
        root = "../" if deeper else "./"
        release = await self._asking.of_mail(mail.viewer, row.id)
        zone = zone_named(mail.time_zone)
        return {
            "mail": mail,
            "row": row,
            "action": action.value,
            "machine": row.lane == MACHINE,
            "may": {one.value: mail.may(one) for one in Action},
            "content": mail.viewer.may(Right.READ_CONTENT),
            "came": self._pages.language_for(request).moment(row.held_at, zone),
            "left": left,
            "late": late,
            "author": look_of(row.author or row.sender),
            "cautions": cautions(row.author_name, row.author or row.sender),
            "reason": reason_sentence(row.reason),
            "proof": proof_sentence(row.proofs),
            "asked": challenge_sentence(row.challenge, row.silence),
            "release": release,
            "release_asked": ""
            if release is None
            else self._pages.language_for(request).moment(release.asked_at, zone),
            "release_decided": ""
            if release is None
            else self._pages.language_for(request).moment(release.changed_at, zone),
            "asked_now": "",
            "number": self._asking.number(row.id),
            "text": await self._excerpt(mail),
            "base": f"{root}{segment(request.match_info['secret'])}",
        }

    async def _excerpt(self, mail: HeldMail) -> str:
        """Return the beginning of the mail's text; "" where there is none to be seen."""
        try:
            outline = await self._text.outline(mail.viewer, mail.row.id, marks_in(spoken()))
        except (Unreadable, ContentGone, WrongContent, StoreDown):
            return ""
        return "" if outline is None else outline.beginning(LONGEST_TEXT)


def _facts(mail: HeldMail) -> dict[str, object]:
    row = mail.row
    return {
        "author": row.author,
        "author_name": row.author_name,
        "sender": row.sender,
        "recipient": row.recipient,
        "subject": row.subject,
        "files": row.files,
        "reason": row.reason,
        "received_at": stamp(row.held_at),
        "expires_at": stamp(row.expires_at),
        "may": [action.value for action in Action if mail.may(action)],
    }
