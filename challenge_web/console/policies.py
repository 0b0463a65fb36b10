"""Policies: what holds, where it comes from, and what a change would do before it is made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.policy_words import TITLES, lines_of, place, sentences
from challenge_web.console.routes import Names, Route
from gateway.domain.levels import PolicySetting
from gateway.domain.roles import Right
from gateway.flow.policies import Policies, name_of, scope_named
from gateway.flow.policy_ports import Edit, Edits, Faulty, Sheet

SAVED = say("policy-saved", "Saved. It counts for the next mail.")
APPLIED = say("policy-applied", "Saved. It counts for the next mail, and what waits goes after the new days.")
SAME = say("policy-same", "Nothing was different, so nothing was changed.")

_NO_PLACE = "There is no such domain or address here."


class PolicyPages:
    """The list of places, the page of each, and the step between a wish and its saving."""

    def __init__(self, policies: Policies, pages: ConsolePages) -> None:
        self._policies = policies
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """All of them."""
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
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Show for what one may look at a policy, or go to the place that was typed."""
        viewer = viewer_of(request)
        error = typed = ""
        if "scope" in request.query:
            typed = request.query["scope"].strip()
            scope = scope_named(typed.lower() if typed.lower() == "site" else typed)
            if scope is not None and await self._policies.sheet(viewer, scope) is not None:
                raise see_other(request, _path(scope))
            error = _NO_PLACE
        after = request.query.get("after", "")
        places = await self._policies.places(viewer, after)
        if places is None:
            raise web.HTTPForbidden
        words = {
            "places": places,
            "path": _path,
            "place": place,
            "next_url": f"?after={quote(places.chosen[-1], safe='')}" if places.more else "",
            "first": not after,
            "typed": typed,
            "error": error,
        }
        return self._pages.page(request, "policies/index", words, 404 if error else 200, here="policies")

    async def show(self, request: web.Request) -> web.Response:
        """Show each value, where it comes from, and the form to choose another."""
        return self._page(request, await self._sheet(request), {}, {})

    async def preview(self, request: web.Request) -> web.Response:
        """Show what a change would do. Nothing is changed yet."""
        sheet = await self._sheet(request)
        edits = _edits(request.query)
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
        """Make the change."""
        sheet, viewer = await self._sheet(request), viewer_of(request)
        form = {name: value for name, value in (await request.post()).items() if isinstance(value, str)}
        edits = _edits(form)
        try:
            changed = await self._policies.save(viewer, sheet.scope, edits)
        except Faulty as faulty:
            return self._page(request, sheet, faulty.faults, edits)
        if changed is None:
            raise web.HTTPNotFound
        said = SAVED if changed else SAME
        if form.get("apply"):
            await self._policies.apply_to_waiting(viewer, sheet.scope)
            said = APPLIED
        tell(request, ", ".join(f"{name}={value or 'as above'}" for name, value in _fields(edits).items())[:500])
        raise see_other(request, _path(sheet.scope), said)

    async def _sheet(self, request: web.Request) -> Sheet:
        """Return the settings of the place that the path names. Raises HTTPNotFound beyond the viewer's reach."""
        scope = scope_named(request.match_info["scope"])
        sheet = None if scope is None else await self._policies.sheet(viewer_of(request), scope)
        if sheet is None:
            raise web.HTTPNotFound
        return sheet

    def _page(
        self, request: web.Request, sheet: Sheet, faults: Mapping[PolicySetting, str], edits: Edits
    ) -> web.Response:
        words = {
            "sheet": sheet,
            "place": place(sheet.scope),
            "path": _path(sheet.scope),
            "lines": lines_of(sheet, faults, edits),
        }
        return self._pages.page(request, "policies/edit", words, 400 if faults else 200, here="policies")


def _path(scope: str) -> str:
    return f"console/policies/{quote(name_of(scope), safe='@')}"


def _edits(form: Mapping[str, str]) -> Edits:
    """Read what was chosen. A setting that is locked stands in no form, and is left as it is."""
    return {
        setting: Edit(form[setting.value].strip() or None, bool(form.get(f"lock-{setting.value}")))
        for setting in TITLES
        if setting.value in form
    }


def _fields(edits: Edits) -> dict[str, str]:
    """Write what was chosen as fields of a form."""
    values = {setting.value: edit.value or "" for setting, edit in edits.items()}
    return values | {f"lock-{setting.value}": "1" for setting, edit in edits.items() if edit.locked}
