"""Policies: what holds, where it comes from, and what a change would do before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.places import NO_PLACE, typed_place
from challenge_web.console.policy_words import SOME, TITLES, lines_of, place, sentences, told
from challenge_web.console.routes import Names, Route
from challenge_web.page_language import spoken
from gateway.domain.levels import PolicySetting
from gateway.domain.roles import Right
from gateway.flow.policies import Policies, name_of, scope_named
from gateway.flow.policy_ports import Edit, Edits, Faulty, Sheet
from gateway.flow.redate import Redating

SAVED = say("policy-saved", "Saved. It counts for the next mail.")
APPLIED = say("policy-applied", "Saved. It counts for the next mail. What waits is being moved to the new days.")
STOPPED = say("policy-stopped", "Stopped. What was moved to its new day stays there.")
NOT_STOPPED = say("policy-not-stopped", "It had ended already.", done=False)
SAME = say("policy-same", "Nothing was different, so nothing was changed.")

_REASON = "notices-reason"
"""Field of each reason that is ticked; what is saved stands in the setting's own field."""
LOOK_AGAIN = 3
"""Seconds after which a page that is watched without script looks again."""


class PolicyPages:
    """The list of places, the page of each, and the step between a wish and its saving."""

    def __init__(self, policies: Policies, pages: ConsolePages) -> None:
        self._policies = policies
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route("policies", "/console/policies", Right.SEE_POLICY, self.index),
            Route(
                "policy", "/console/policies/{scope:[^/]+}", Right.SEE_POLICY, self.show, self.save,
                names=Names.SCOPE, act_right=Right.EDIT_POLICY,
            ),
            Route(
                "policy-preview", "/console/policies/{scope:[^/]+}/preview", Right.EDIT_POLICY, self.preview,
                names=Names.SCOPE,
            ),
            Route(
                "policy-waiting", "/console/policies/{scope:[^/]+}/waiting", Right.SEE_POLICY, self.waiting, self.stop,
                names=Names.SCOPE, act_right=Right.EDIT_POLICY,
            ),
            Route(
                "policy-waiting-state", "/console/policies/{scope:[^/]+}/waiting/state", Right.SEE_POLICY,
                self.waiting_state, names=Names.SCOPE,
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Show for what one may look at a policy; go to the place that was typed, or to the only one there is."""
        viewer = viewer_of(request)
        typed, scope = typed_place(request)
        if scope is not None and await self._policies.sheet(viewer, scope) is not None:
            raise see_other(request, _path(scope))
        error = "" if typed is None else NO_PLACE
        after = request.query.get("after", "")
        places = await self._policies.places(viewer, after)
        if places is None:
            raise web.HTTPForbidden
        if not places.site and not places.domains and len(places.addresses) == 1:
            raise see_other(request, _path(places.addresses[0]))
        words = {
            "places": places,
            "path": _path,
            "place": place,
            "next_url": f"?after={quote(places.chosen[-1], safe='')}" if places.more else "",
            "first": not after,
            "typed": typed or "",
            "error": error,
        }
        return self._pages.page(request, "policies/index", words, 404 if error else 200, here="policies")

    async def show(self, request: web.Request) -> web.Response:
        """Show each value, where it comes from, and the form to choose another."""
        sheet = await self._sheet(request)
        order = await self._policies.applying(viewer_of(request), sheet.scope)
        return self._page(request, sheet, {}, {}, order)

    async def preview(self, request: web.Request) -> web.Response:
        """Show what a change would do. Nothing is changed yet."""
        sheet = await self._sheet(request)
        edits = _edits(request.query, request.query.getall(_REASON, []))
        try:
            preview = await self._policies.preview(viewer_of(request), sheet.scope, edits)
        except Faulty as faulty:
            return self._page(request, sheet, faulty.faults, edits)
        if preview is None:
            raise web.HTTPNotFound
        words = {
            "place": place(sheet.scope),
            "path": _path(sheet.scope),
            "preview": preview,
            "sentences": sentences(preview, sheet.scope),
            "fields": _fields(edits),
            "may_apply": preview.sooner + preview.later > 0,
        }
        return self._pages.page(request, "policies/preview", words, here="policies")

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Save what the form chooses for a scope's policy."""
        sheet, viewer = await self._sheet(request), viewer_of(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        edits = _edits(form, ())
        try:
            changed = await self._policies.save(viewer, sheet.scope, edits)
        except Faulty as faulty:
            return self._page(request, sheet, faulty.faults, edits)
        if changed is None:
            raise web.HTTPNotFound
        tell(request, ", ".join(f"{name}={value or 'as above'}" for name, value in _fields(edits).items())[:500])
        if form.get("apply"):
            await self._policies.apply_to_waiting(viewer, sheet.scope)
            raise see_other(request, _path(sheet.scope) + "/waiting", APPLIED)
        raise see_other(request, _path(sheet.scope), SAVED if changed else SAME)

    async def waiting(self, request: web.Request) -> web.Response:
        """Show how far what waits has been moved to its new days. Without script, the page can look again by itself."""
        sheet = await self._sheet(request)
        viewer = viewer_of(request)
        order = await self._policies.applying(viewer, sheet.scope)
        watched = bool(order and order.open and "watch" in request.query)
        words = {
            "place": place(sheet.scope),
            "path": _path(sheet.scope),
            "told": None if order is None else told(order, may_stop=sheet.may_change),
            "order": order,
            "watched": watched,
        }
        response = self._pages.page(request, "policies/waiting", words, here="policies")
        if watched:
            response.headers["Refresh"] = str(LOOK_AGAIN)
        return response

    async def waiting_state(self, request: web.Request) -> web.Response:
        """Tell the same to the page's script."""
        sheet = await self._sheet(request)
        order = await self._policies.applying(viewer_of(request), sheet.scope)
        if order is None:
            return web.json_response({"text": "", "more": "", "button": "", "done": 0, "most": 0, "open": False})
        words = told(order, may_stop=sheet.may_change)
        counts = {"done": order.done, "most": order.total, "open": order.open}
        return web.json_response(
            {"text": spoken().said(words.text), "more": "", "button": spoken().said(words.button), **counts}
        )

    async def stop(self, request: web.Request) -> web.StreamResponse:
        """Let it end where it is."""
        sheet = await self._sheet(request)
        stopped = await self._policies.stop_applying(viewer_of(request), sheet.scope)
        raise see_other(request, _path(sheet.scope) + "/waiting", STOPPED if stopped else NOT_STOPPED)

    async def _sheet(self, request: web.Request) -> Sheet:
        """Return the settings of the place that the path names. Raises HTTPNotFound beyond the viewer's reach."""
        scope = scope_named(request.match_info["scope"])
        sheet = None if scope is None else await self._policies.sheet(viewer_of(request), scope)
        if sheet is None:
            raise web.HTTPNotFound
        return sheet

    def _page(
        self,
        request: web.Request,
        sheet: Sheet,
        faults: Mapping[PolicySetting, str],
        edits: Edits,
        order: Redating | None = None,
    ) -> web.Response:
        words = {
            "sheet": sheet,
            "place": place(sheet.scope),
            "path": _path(sheet.scope),
            "lines": lines_of(sheet, faults, edits),
            "told": told(order, may_stop=sheet.may_change) if order is not None and order.open else None,
            "order": order,
        }
        return self._pages.page(request, "policies/edit", words, 400 if faults else 200, here="policies")


def _path(scope: str) -> str:
    return f"console/policies/{quote(name_of(scope), safe='@')}"


def _edits(form: Mapping[str, str], reasons: Sequence[str]) -> Edits:
    """Read what was chosen. A setting that is locked stands in no form, and is left as it is."""
    edits = {
        setting: Edit(form[setting.value].strip() or None, bool(form.get(f"lock-{setting.value}")))
        for setting in TITLES
        if setting.value in form
    }
    notices = edits.get(PolicySetting.NOTICES)
    if notices is not None and notices.value == SOME and reasons:
        edits[PolicySetting.NOTICES] = Edit(",".join(reasons), notices.locked)
    return edits


def _fields(edits: Edits) -> dict[str, str]:
    """Write what was chosen as fields of a form."""
    values = {setting.value: edit.value or "" for setting, edit in edits.items()}
    return values | {f"lock-{setting.value}": "1" for setting, edit in edits.items() if edit.locked}
