"""The message page: one mail that waits, safely read; its actions are those of the list."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Sequence
from hashlib import sha256

from aiohttp import hdrs, web
from markupsafe import escape

from challenge_web.console.forms import text_of
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.mail_view import GONE, WRONG, MailView
from challenge_web.console.message_words import disposition, saved_as
from challenge_web.console.pages import POLICY, ConsolePages, say, see_other
from challenge_web.console.pending_address import address, read_back
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import spoken
from challenge_web.pages import root_of
from gateway.domain.lifecycle import State
from gateway.domain.outline import Unreadable
from gateway.domain.phrase import phrase, words_of
from gateway.domain.roles import Right, Viewer
from gateway.flow.ask_again import AskAgain
from gateway.flow.forward import Form
from gateway.flow.read import ContentGone, WrongContent
from gateway.flow.releases import Releases
from gateway.languages.marks import marks_in

ASKED_AGAIN = say("asked-again", "The sender is asked once more.")
NOT_ASKED = say("not-asked", "The sender was not asked. Why not, and when it can be done, stands below.", done=False)
FORWARDED = say("forwarded", "The mail was sent on for inspection.")
FORWARD_LATER = say(
    "forward-later", "The mail was not sent on: the server cannot take it now. Try again later.", done=False
)
FORWARD_REFUSED = say(
    "forward-refused", "The mail was not sent on: the server refused it. Its words are below.", done=False
)

FRAME_STYLE = (
    ":root{color-scheme:light dark}body{font:1rem/1.5 system-ui,sans-serif;margin:1rem;overflow-wrap:anywhere}"
    "table{border-collapse:collapse;max-width:100%}td,th{padding:.1rem .3rem;vertical-align:top;text-align:start}"
    "img{max-width:100%;height:auto}pre{white-space:pre-wrap}blockquote{margin:0 0 0 .5rem;padding-left:.5rem;"
    "border-left:2px solid}.link{text-decoration:underline}.host,.image{font-size:.875em;font-family:monospace}"
    ".image{border:1px dashed;padding:0 .25rem}.false{border:2px solid;padding:0 .25rem}"
)
"""Of the document in the frame; the mail's own style is gone. Known to the policy by its hash."""
_STYLE_HASH = f"sha256-{b64encode(sha256(FRAME_STYLE.encode()).digest()).decode()}"
_FORMS = {Form.ATTACHMENT: phrase("As an attachment"), Form.AS_IS: phrase("As it is")}
_CUT = phrase("[The mail goes on; its source holds the rest.]")
_TITLE = phrase("HTML of the mail")
_VIEWS = ("text", "html", "files", "headers", "source")


class MessagePages:
    """One mail, in several views."""

    def __init__(self, view: MailView, asker: AskAgain, releases: Releases, pages: ConsolePages) -> None:
        self._view = view
        self._asker = asker
        self._releases = releases
        self._reading = view.reading
        self._forwarder = view.forwarder
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        path = "/console/message/{id:[0-9]{1,18}}"
        part = "{part:[0-9]{1,4}}"
        read, row = Right.READ_CONTENT, Names.ROW
        return (
            Route("message", path, Right.SEE_PENDING, self.show, names=row),
            Route("message-preview", f"{path}/preview", Right.SEE_PENDING, self.preview, names=row),
            Route("message-html", f"{path}/html", read, self.show, names=row),
            Route("message-files", f"{path}/files", read, self.show, names=row),
            Route("message-headers", f"{path}/headers", read, self.show, names=row),
            Route("message-source", f"{path}/source", read, self.show, names=row),
            Route("message-ask-again", f"{path}/ask-again", Right.MODERATE, act=self.ask_again, names=row),
            Route("message-frame", f"{path}/frame/{part}", read, self.frame, names=row),
            Route("message-file", f"{path}/file/{part}", read, self.file, names=row),
            Route("message-download", f"{path}/download", read, self.download, names=row),
            Route("message-forward", f"{path}/forward", Right.FORWARD, self.ask_forward, self.forward, row),
        )

    # --- pages ---

    async def show(self, request: web.Request) -> web.Response:
        """Show the mail: its text, its HTML, its files, its fields, or its source."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        held = await self._view.held(viewer, row_id)
        view = request.path.rstrip("/").rpartition("/")[2]
        view = view if view in _VIEWS else "text"
        outline, fault = await self._view.outline(viewer, held)
        readable = viewer.may(Right.READ_CONTENT) and fault not in (GONE, WRONG)
        if fault and readable:
            view = "source"
        words = await self._view.words(request.query, viewer, held, outline)
        words |= {"view": view, "fault": fault, "images": request.query.get("images") == "1", "source": None}
        if view == "source" and readable:
            words["source"] = await self._source(request, viewer, row_id)
        words["again"] = await self._asker.ruling(viewer, row_id)
        words["release"] = await self._releases.of_mail(viewer, row_id)
        words["number"] = self._releases.number(row_id)
        waits = held.state is State.PENDING
        words["may_ask"] = waits and viewer.may(Right.ASK_RELEASE) and not viewer.may(Right.MODERATE)
        if request.method == hdrs.METH_GET:
            await self._view.see(viewer, row_id)
        response = self._pages.page(request, "message/message", words, here="pending")
        # The frame is our own route; what is in it has a policy of its own.
        response.headers["Content-Security-Policy"] = f"{POLICY}; frame-src 'self'"
        return response

    async def preview(self, request: web.Request) -> web.Response:
        """Give the preview alone, as it stands beside the list."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        preview = await self._view.preview(request.query, viewer, row_id)
        if preview is None:
            raise web.HTTPNotFound
        if request.method == hdrs.METH_GET:
            await self._view.see(viewer, row_id)
        # Its links are followed from the list, two levels above.
        words = {"preview": preview, "root": root_of(request).removeprefix("../../")}
        return self._pages.page(request, "message/preview", words)

    async def _source(self, request: web.Request, viewer: Viewer, row_id: int) -> object:
        page = request.query.get("page", "1")
        number = int(page) if page.isascii() and page.isdigit() and len(page) < 4 else 1
        try:
            return await self._reading.source(viewer, row_id, number)
        except (ContentGone, WrongContent):
            return None

    async def ask_again(self, request: web.Request) -> web.StreamResponse:
        """Let the sender be asked once more."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        await self._view.held(viewer, row_id)
        ruling = await self._asker.ask(viewer, row_id)
        asked = ruling is not None and bool(ruling.challenge)
        tell(request, f"challenge {ruling.challenge}" if ruling is not None and asked else "not asked")
        back = address(read_back(text_of(await request.post(), "back"))).partition("?")[2]
        path = f"console/message/{row_id}{'?' if back else ''}{back}"
        raise see_other(request, path, ASKED_AGAIN if asked else NOT_ASKED)

    # --- what is in the mail ---

    async def frame(self, request: web.Request) -> web.Response:
        """Give the cleaned HTML as a document that can do nothing, for a sandboxed frame."""
        viewer, row_id, part = viewer_of(request), int(request.match_info["id"]), int(request.match_info["part"])
        images = request.query.get("images") == "1"
        await self._check_mark(request, viewer, row_id)
        try:
            found = await self._reading.document(viewer, row_id, part, images, marks_in(spoken()))
        except (ContentGone, WrongContent):
            raise web.HTTPNotFound from None
        except Unreadable as fault:
            return _document(f"<p>{escape(spoken().said(words_of(fault)))}</p>", images=False)
        if found is None:
            raise web.HTTPNotFound
        cut = f"<p><strong>{escape(spoken().said(_CUT))}</strong></p>" if found.cut else ""
        return _document(found.html + cut, images=images)

    async def file(self, request: web.Request) -> web.Response:
        """Give one part as a download, whatever it is."""
        viewer, row_id, part = viewer_of(request), int(request.match_info["id"]), int(request.match_info["part"])
        await self._check_mark(request, viewer, row_id)
        try:
            found = await self._reading.file(viewer, row_id, part)
        except (ContentGone, WrongContent, Unreadable):
            raise web.HTTPNotFound from None
        if found is None:
            raise web.HTTPNotFound
        return _download(found.octets, saved_as(None, found.name, f"part-{part}.bin"))

    async def download(self, request: web.Request) -> web.Response:
        """Give the whole mail as it came."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        if not self._reading.may_download(viewer):
            raise web.HTTPNotFound
        try:
            content = await self._reading.content(viewer, row_id)
        except (ContentGone, WrongContent):
            raise web.HTTPNotFound from None
        if content is None:
            raise web.HTTPNotFound
        return _download(content, f"mail-{row_id}.eml")

    async def _check_mark(self, request: web.Request, viewer: Viewer, row_id: int) -> None:
        """Refuse what belongs to another mail than the page that asks for it."""
        held = await self._view.held(viewer, row_id)
        mark = request.query.get("of", "")
        if mark and mark != held.sha256.hex()[:16]:
            raise web.HTTPNotFound

    # --- forwarding ---

    async def ask_forward(self, request: web.Request) -> web.Response:
        """Ask to whom, and how."""
        viewer = viewer_of(request)
        held = await self._view.held(viewer, int(request.match_info["id"]))
        if not self._view.forwards(viewer, held):
            raise web.HTTPNotFound
        words = {
            "held": held,
            "content": viewer.may(Right.READ_CONTENT),
            "addresses": [(one, one) for one in self._forwarder.addresses],
            "forms": [(form.name.lower(), _FORMS[form]) for form in Form],
        }
        return self._pages.page(request, "message/forward", words, here="pending")

    async def forward(self, request: web.Request) -> web.StreamResponse:
        """Send the mail on to an address that the configuration names."""
        viewer, row_id = viewer_of(request), int(request.match_info["id"])
        form = await request.post()
        to, how = str(form.get("to", "")), str(form.get("form", ""))
        chosen = next((one for one in Form if one.name.lower() == how), Form.ATTACHMENT)
        try:
            answer = await self._forwarder.forward(viewer, row_id, to, chosen)
        except (ContentGone, WrongContent):
            raise web.HTTPNotFound from None
        if answer is None:
            raise web.HTTPNotFound
        tell(request, f"{chosen.value} to {to}: {answer.code}")
        said = FORWARDED if answer.accepted else FORWARD_LATER if answer.temporary else FORWARD_REFUSED
        raise see_other(request, f"console/message/{row_id}", said)


def _document(inside: str, *, images: bool) -> web.Response:
    """Return a document with a policy that forbids everything but our own style and, on tap, images in it."""
    body = (
        f'<!DOCTYPE html><html lang="und"><head><meta charset="utf-8"><title>{escape(spoken().said(_TITLE))}</title>'
        f"<style>{FRAME_STYLE}</style></head><body>{inside}</body></html>"
    )
    shown = "data:" if images else "'none'"
    policy = (
        f"default-src 'none'; style-src '{_STYLE_HASH}'; img-src {shown}; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'self'; sandbox"
    )
    headers = {"Content-Security-Policy": policy, "X-Frame-Options": "SAMEORIGIN", hdrs.VARY: hdrs.COOKIE}
    return web.Response(text=body, content_type="text/html", charset="utf-8", headers=headers)


def _download(content: bytes, name: str) -> web.Response:
    headers = {
        hdrs.CONTENT_DISPOSITION: disposition(name),
        "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'; sandbox",
        hdrs.VARY: hdrs.COOKIE,
    }
    return web.Response(body=content, content_type="application/octet-stream", headers=headers)
