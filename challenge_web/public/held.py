"""The pages behind the links of digests and notices: one mail with one obvious button, and the end of them. No sign-in.

GET shows, POST acts. Whoever has no link that counts sees one and the same page, whatever the reason.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from aiohttp import web

from challenge_web.pages import Pages, segment, stamp, wants_data
from gateway.domain.mail_number import LONGEST
from gateway.domain.outline import Outline, Unreadable
from gateway.domain.roles import Right, Viewer
from gateway.domain.sentences import challenge_sentence, days_left, proof_sentence, reason_sentence
from gateway.flow.held_links import HeldMail, Stopping
from gateway.flow.moderate import Action
from gateway.flow.ports import StoreDown
from gateway.flow.queue import MACHINE
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.reader_days import zone_named
from gateway.flow.release_ports import ReleaseRequest
from gateway.flow.releases import Asked

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

    async def stopping(self, secret: str) -> Stopping | None:
        """Return whose digests a link stops; None for a link that is none."""

    async def stop(self, secret: str) -> Stopping | None:
        """Send no more digests to whom the link was sent; None for a link that is none."""

    async def stopping_notices(self, secret: str) -> Stopping | None:
        """Return whose notices a link stops; None for a link that is none."""

    async def stop_notices(self, secret: str) -> Stopping | None:
        """Send no more notices; None for a link that is none."""


class Text(Protocol):
    """Takes mails apart."""

    async def outline(self, viewer: Viewer, row_id: int) -> Outline | None:
        """Return the mail at a glance. Raises Unreadable, ContentGone, WrongContent."""


class Asking(Protocol):
    """Asks the people in charge to let a mail go."""

    def number(self, row_id: int) -> str:
        """Return the number of a mail as people pass it on."""

    async def ask(self, viewer: Viewer, row_id: int, words: str = "") -> Asked | None:
        """Ask; None for who may let it go himself, and for what does not wait."""

    async def of_mail(self, viewer: Viewer, row_id: int) -> ReleaseRequest | None:
        """Return the newest request for a mail within reach."""

    async def knock(self, text: str) -> None:
        """Take a mail's number from somebody who shows nothing else. Whatever it is, the same is done now."""


class HeldPages:
    """Handlers of /held/{secret}, what lies below it, /digest/stop/{secret}, /notice/stop/{secret}, and /release."""

    def __init__(self, links: Links, asking: Asking, text: Text, pages: Pages, *, now: Callable[[], float]) -> None:
        self._links = links
        self._asking = asking
        self._text = text
        self._pages = pages
        self._now = now

    def add_to(self, app: web.Application) -> None:
        """Add the routes."""
        for path, name, shows, acts in (
            ("/held/{secret}", "held", self.show, self.act),
            ("/held/{secret}/{what:allow|block|delete}", "held-more", self.show, self.act),
            ("/held/{secret}/request", "held-request", self.show, self.request),
            ("/release", "release", self.ask_release, self.release),
            ("/notice/stop/{secret}", "notice-stop", self.ask_stop_notices, self.stop_notices),
            ("/digest/stop/{secret}", "digest-stop", self.ask_stop, self.stop),
        ):
            resource = app.router.add_resource(path, name=name)
            # A GET shows, a POST acts; HEAD is answered as GET (RFC 9110 §9.2.1).
            resource.add_route("GET", shows)
            resource.add_route("HEAD", shows)
            resource.add_route("POST", acts)

    # --- one mail ---

    async def show(self, request: web.Request) -> web.Response:
        """GET: the mail, and one button."""
        action = _ACTIONS[request.match_info.get("what", "")]
        mail = await self._links.look(request.match_info["secret"])
        if mail is None or (action is not Action.DELIVER and not mail.may(action)):
            return self._gone(request)
        if wants_data(request):
            return self._pages.data(_facts(mail))
        return self._pages.page(request, "public/held", await self._words(request, mail, action))

    async def act(self, request: web.Request) -> web.Response:
        """POST: it is done."""
        action = _ACTIONS[request.match_info.get("what", "")]
        mail = await self._links.act(request.match_info["secret"], action)
        if mail is None:
            return self._gone(request)
        if wants_data(request):
            return self._pages.data({"done": action.value})
        machine = mail.row.lane == MACHINE
        return self._pages.page(request, "public/held-done", {"mail": mail, "action": action.value, "machine": machine})

    async def request(self, request: web.Request) -> web.Response:
        """POST: the people in charge are asked to let the mail go."""
        mail = await self._links.look(request.match_info["secret"])
        if mail is None or mail.may(Action.DELIVER):
            return self._gone(request)
        words = (await request.post()).get("words", "")
        asked = await self._asking.ask(mail.viewer, mail.row.id, words if isinstance(words, str) else "")
        if asked is None:
            return self._gone(request)
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
            outline = await self._text.outline(mail.viewer, mail.row.id)
        except (Unreadable, ContentGone, WrongContent, StoreDown):
            return ""
        return "" if outline is None else outline.beginning(LONGEST_TEXT)

    # --- by a mail's number alone ---

    async def ask_release(self, request: web.Request) -> web.Response:
        """GET: which mail? The same page, whatever number the link bears."""
        return self._pages.page(request, "public/release", {"number": request.query.get("number", "")[:LONGEST]})

    async def release(self, request: web.Request) -> web.Response:
        """POST: taken, whatever it is. What is behind it is looked at later: neither words nor time tell."""
        number = (await request.post()).get("number", "")
        await self._asking.knock(number if isinstance(number, str) else "")
        if wants_data(request):
            return self._pages.data({"asked": "if-there"})
        return self._pages.page(request, "public/release-asked", {})

    # --- no more digests ---

    async def ask_stop(self, request: web.Request) -> web.Response:
        """GET: shall this mail come no more?"""
        found = await self._links.stopping(request.match_info["secret"])
        if found is None:
            return self._gone(request)
        here = f"./{segment(request.match_info['secret'])}"
        return self._pages.page(request, "public/digest-stop", {"found": found, "here": here})

    async def stop(self, request: web.Request) -> web.Response:
        """POST, from our page or from a mail program's button (RFC 8058 §3.2): no more digests."""
        found = await self._links.stop(request.match_info["secret"])
        if found is None:
            return self._gone(request)
        return self._pages.page(request, "public/digest-stopped", {"found": found})

    # --- no more notices ---

    async def ask_stop_notices(self, request: web.Request) -> web.Response:
        """GET: shall no mail be told of at once any more?"""
        found = await self._links.stopping_notices(request.match_info["secret"])
        if found is None:
            return self._gone(request)
        here = f"./{segment(request.match_info['secret'])}"
        return self._pages.page(request, "public/notice-stop", {"found": found, "here": here})

    async def stop_notices(self, request: web.Request) -> web.Response:
        """POST, from our page or from a mail program's button (RFC 8058 §3.2): no more notices."""
        found = await self._links.stop_notices(request.match_info["secret"])
        if found is None:
            return self._gone(request)
        return self._pages.page(request, "public/notice-stopped", {"found": found})

    def _gone(self, request: web.Request) -> web.Response:
        if wants_data(request):
            return self._pages.problem(request, 404, "gone")
        return self._pages.page(request, "public/held-gone", {}, 404)


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
