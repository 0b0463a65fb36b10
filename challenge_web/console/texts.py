"""Where admins change the words of challenges, and of notices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import hdrs, web
from markupsafe import Markup

from challenge_web.console.forms import text_of, words_and_after
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import POLICY, ConsolePages, say, see_other
from challenge_web.console.paper import paper, plain_paper
from challenge_web.console.routes import Form, Names, Route
from challenge_web.page_language import spoken
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right
from gateway.flow.text_ports import Draft, Fault, Sample, TextKind, Texts, scope_in_path
from gateway.flow.texts import TextDesk, following
from gateway.languages.in_templates import sentence
from gateway.languages.language import language_name

SAVED = say("texts-saved", "Saved. The next challenge is written with these words.")
NOTICE_SAVED = say("texts-notice-saved", "Saved. The next notice is written with these words.")
RESET = say("texts-reset", "Your own words are gone. The words from further up are used again.")
SEEN = say("texts-seen", "Noted. We tell you again when the shipped words change.")
SENT = say("texts-sent", "A sample is on its way to your mailbox.")
NOT_SENT = say("texts-not-sent", "The sample could not be sent now. Try again in a few minutes.", done=False)

_PREVIEW, _ALL = phrase("Preview"), phrase("All")
_PARTS = {"subject": phrase("Subject"), "text": phrase("Text"), "html": "HTML", "from_line": phrase("From")}
_WITH_FRAME = POLICY + "; frame-src 'self'"


class TextPages:
    """The list of scopes, and the page of each."""

    def __init__(self, desks: Mapping[TextKind, TextDesk], pages: ConsolePages) -> None:
        self._desks = desks
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        scope = "/console/templates/{scope}"
        return (
            Route("texts", "/console/templates", Right.EDIT_TEMPLATES, self.index),
            Route("texts-scope", scope, Right.EDIT_TEMPLATES, self.show, self.save, names=Names.SCOPE),
            Route("texts-reset", f"{scope}/reset", Right.EDIT_TEMPLATES, act=self.reset, names=Names.SCOPE),
            Route("texts-seen", f"{scope}/seen", Right.EDIT_TEMPLATES, act=self.seen, names=Names.SCOPE),
            Route(
                "texts-preview", f"{scope}/preview", Right.EDIT_TEMPLATES,
                act=self.preview, names=Names.SCOPE, reads=True,
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.Response:
        """Show every scope whose words the viewer may change, and which has its own."""
        desk = self._desk(request)
        tag = _language(request, desk)
        words, after = words_and_after(request)
        drafts = await desk.editor.drafts(viewer_of(request), tag, words, after)
        told = {
            "drafts": drafts,
            "path": path_of,
            "words": words,
            "after": after,
            "next": following(drafts) or "",
            **_places(desk, tag),
        }
        return self._pages.page(request, "texts/index", told, here="templates")

    async def show(self, request: web.Request) -> web.Response:
        """Show the words in force, to be changed."""
        draft = await self._draft(request)
        return self._page(request, draft, draft.texts, ())

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Keep the words, show them filled in, or send a sample; with faults, show these beside what was typed."""
        viewer, draft, form = viewer_of(request), await self._draft(request), await request.post()
        desk = self._desk(request)
        texts = _texts(form)
        do = form.get("do")
        if do == "save":
            faults = await desk.editor.save(viewer, draft.scope, draft.language, texts)
            if faults is None:
                raise web.HTTPNotFound
            if not faults:
                tell(request, _deed(desk, "saved"))
                said = NOTICE_SAVED if desk.editor.kind is TextKind.NOTICE else SAVED
                raise see_other(request, _here(desk, draft), said)
            return self._page(request, draft, texts, faults)
        tried = desk.editor.try_out(viewer, draft.scope, draft.language, texts)
        if tried is None:
            raise web.HTTPNotFound
        if not isinstance(tried, Sample):
            return self._page(request, draft, texts, tried)
        if do == "test":
            sent = await desk.send_sample(viewer, draft.scope, draft.language, texts)
            tell(request, _deed(desk, "sample sent" if sent else "sample not sent"))
            return self._page(request, draft, texts, (), tried, SENT if sent else NOT_SENT)
        return self._page(request, draft, texts, (), tried)

    async def preview(self, request: web.Request) -> web.Response:
        """Show what was typed as a mail, in a document of its own that can do nothing."""
        draft, form = await self._draft(request), await request.post()
        tried = self._desk(request).editor.try_out(viewer_of(request), draft.scope, draft.language, _texts(form))
        if tried is None:
            raise web.HTTPNotFound
        if isinstance(tried, Sample):
            say = spoken().said
            facts = ((say(_PARTS["from_line"]), tried.sender), (say(_PARTS["subject"]), tried.subject))
            shown = paper(say(_PREVIEW), facts, tried.html, tried.pictures)
        else:
            shown = plain_paper(spoken().said(_PREVIEW), _told(tried))
        headers = {"Content-Security-Policy": shown.policy, "X-Frame-Options": "SAMEORIGIN", hdrs.VARY: hdrs.COOKIE}
        return web.Response(text=shown.text, content_type="text/html", charset="utf-8", headers=headers)

    async def reset(self, request: web.Request) -> web.StreamResponse:
        """Go back to the words from further up."""
        draft = await self._draft(request)
        if await self._desk(request).editor.reset(viewer_of(request), draft.scope, draft.language) is None:
            raise web.HTTPNotFound
        tell(request, _deed(self._desk(request), "reset"))
        raise see_other(request, _here(self._desk(request), draft), RESET)

    async def seen(self, request: web.Request) -> web.StreamResponse:
        """Note that the changed shipped words were looked at."""
        draft = await self._draft(request)
        if await self._desk(request).editor.keep_as_seen(viewer_of(request), draft.scope, draft.language) is None:
            raise web.HTTPNotFound
        raise see_other(request, _here(self._desk(request), draft), SEEN)

    def _page(
        self, request: web.Request, draft: Draft, texts: Texts, faults: Sequence[Fault], sample: Sample | None = None,
        told: str = "",
    ) -> web.Response:  # fmt: skip
        desk = self._desk(request)
        by_part: dict[str, str] = {}
        for fault in faults:
            by_part[fault.part] = (
                phrase("Line {line}: {words}", line=fault.line, words=fault.reason) if fault.line else fault.reason
            )
        response = self._pages.page(
            request,
            "texts/edit",
            {
                "draft": draft,
                "texts": texts,
                "faults": by_part,
                "sample": sample,
                "told": told,
                "path": path_of(draft.scope),
                "variables": desk.variables,
                "loop_example": "{% for line in body %}",
                **_places(desk, draft.language),
            },
            422 if faults else 200,
            here="templates",
        )
        response.headers["Content-Security-Policy"] = _WITH_FRAME
        return response

    async def _draft(self, request: web.Request) -> Draft:
        """Return what the path names. Raises HTTPNotFound, beyond the viewer's reach too."""
        desk = self._desk(request)
        draft = await desk.editor.draft(
            viewer_of(request), scope_in_path(request.match_info["scope"]), _language(request, desk)
        )
        if draft is None:
            raise web.HTTPNotFound
        return draft

    def _desk(self, request: web.Request) -> TextDesk:
        """Return the words that the address is about: challenges, where it says nothing."""
        asked = request.query.get("kind", "")
        return next(
            (desk for kind, desk in self._desks.items() if kind.value == asked), self._desks[TextKind.CHALLENGE]
        )


def _places(desk: TextDesk, tag: str) -> dict[str, object]:
    """Return what leads from one kind and language to the others."""
    kind = desk.editor.kind
    return {
        "kind": kind.value,
        "kinds": [(one.value, _query(one, tag), one is kind) for one in TextKind],
        "language": tag,
        # Each language with its address and name, and whether it is the one that is shown.
        "languages": [(one, _query(kind, one), language_name(one), one == tag) for one in desk.editor.languages()],
        "query": _query(kind, tag),
    }


def _deed(desk: TextDesk, what: str) -> str:
    return what if desk.editor.kind is TextKind.CHALLENGE else f"{desk.editor.kind.value} {what}"


def _query(kind: TextKind, tag: str) -> str:
    return f"language={tag}" if kind is TextKind.CHALLENGE else f"kind={kind.value}&language={tag}"


def _language(request: web.Request, desk: TextDesk) -> str:
    languages = desk.editor.languages()
    asked = request.query.get("language", "")
    return asked if asked in languages else languages[0]


def path_of(scope: str) -> str:
    """Write a scope into a path."""
    return quote(scope.removeprefix("@"), safe="") if scope else "site"


def _here(desk: TextDesk, draft: Draft) -> str:
    return f"console/templates/{path_of(draft.scope)}?{_query(desk.editor.kind, draft.language)}"


def _texts(form: Form) -> Texts:
    return Texts(*(text_of(form, name) for name in ("subject", "text", "html", "from_line")))


def _told(faults: Sequence[Fault]) -> str:
    """Write faults as a list."""
    say = spoken().said
    lines = (
        Markup("<li><b>{}</b>: {}</li>").format(
            say(
                phrase("{part}, line {line}", part=_PARTS.get(fault.part, _ALL), line=fault.line)
                if fault.line
                else _PARTS.get(fault.part, _ALL)
            ),
            sentence(fault.reason, spoken()),
        )
        for fault in faults
    )
    return Markup("<ul>{}</ul>").format(Markup("").join(lines))
