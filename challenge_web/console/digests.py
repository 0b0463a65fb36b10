"""Digests: when they come and what is in them, for the site, a domain or a person; one sent now; who gets none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from urllib.parse import quote

from aiohttp import web

from challenge_web.console.digest_words import (
    DAY_NAMES,
    HOURS,
    KIND_NAMES,
    RHYTHMS,
    STATES,
    kinds_sentence,
    origin_of,
    parts_of,
    schedule_of,
    schedule_sentence,
)
from challenge_web.console.gate import tell, viewer_of
from challenge_web.console.pages import ConsolePages, say, see_other
from challenge_web.console.places import NO_PLACE, typed_place
from challenge_web.console.routes import Names, Route
from challenge_web.console.time_zones import time_zones
from gateway.domain.digest import PLACEHOLDERS, Kind
from gateway.domain.levels import Level
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right
from gateway.flow.digest_choices import DigestChoices, DigestSheet, Wrong
from gateway.flow.digest_ports import Wanted
from gateway.flow.policies import name_of, scope_named
from gateway.languages.language import language_name

SAVED = say("digests-saved", "Saved. It counts from now on.")
SAME = say("digests-same", "Nothing was different, so nothing was changed here.")
ASKED = say("digests-asked", "It is on its way, if something waits.")
NOBODY = say("digests-nobody", "No digest goes to a whole domain: name an address.", done=False)


class DigestPages:
    """The list of places, and the page of each."""

    def __init__(self, choices: DigestChoices, pages: ConsolePages) -> None:
        self._choices = choices
        self._pages = pages

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
        return (
            Route("digests", "/console/digests", Right.SEE_POLICY, self.index),
            Route(
                "digest", "/console/digests/{scope:[^/]+}", Right.SEE_POLICY, self.show, self.save,
                names=Names.SCOPE, act_right=Right.EDIT_POLICY,
            ),
            Route(
                "digest-send", "/console/digests/{scope:[^/]+}/send", Right.EDIT_POLICY, act=self.send,
                names=Names.SCOPE,
            ),
        )  # fmt: skip

    async def index(self, request: web.Request) -> web.StreamResponse:
        """Show for what one may choose; whoever has one mailbox only, and nothing else, is led there."""
        viewer = viewer_of(request)
        typed, scope = typed_place(request)
        if scope is not None and await self._choices.sheet(viewer, scope) is not None:
            raise see_other(request, _path(scope))
        error = "" if typed is None else NO_PLACE
        places = await self._choices.places(viewer, request.query.get("after", ""))
        if places is None:
            raise web.HTTPForbidden
        if not places.site and not places.domains and len(places.mailboxes) == 1:
            raise see_other(request, _path(places.mailboxes[0]))
        words = {
            "places": places,
            "path": _path,
            "typed": typed or "",
            "error": error,
            "next_url": f"?after={quote(places.stuck[-1].mailbox, safe='')}" if places.more_stuck else "",
        }
        return self._pages.page(request, "digests/index", words, 400 if error else 200, here="digests")

    async def show(self, request: web.Request) -> web.StreamResponse:
        """Show what holds, and the form."""
        return self._sheet(request, await self._found(request), {}, {})

    async def save(self, request: web.Request) -> web.StreamResponse:
        """Save what the form chooses for a scope's digests."""
        viewer = viewer_of(request)
        sheet = await self._found(request)
        form = await request.post()
        typed = {name: value for name, value in form.items() if isinstance(value, str)}
        days = [value for value in form.getall("day", []) if isinstance(value, str)]
        kinds = [value for value in form.getall("kind", []) if isinstance(value, str)]
        wanted = Wanted(
            schedule=schedule_of(typed, days),
            kinds=_kinds(kinds, sheet, typed),
            time_zone=typed.get("time_zone", "").strip() or None,
            language=typed.get("language", "").strip() or None,
            subject=typed.get("subject", "").strip() or None,
            # Words of one person's own.
            phrase=(typed.get("phrase", "").strip() or None) if sheet.level is Level.USER else None,
        )
        try:
            saved = await self._choices.save(viewer, sheet.scope, wanted)
        except Wrong as wrong:
            return self._sheet(request, sheet, {**typed, "days": ",".join(days)}, wrong.faults)
        if saved is None:
            raise web.HTTPNotFound
        tell(request, wanted.schedule or "as above")
        raise see_other(request, _path(sheet.scope), SAVED if saved else SAME)

    async def send(self, request: web.Request) -> web.StreamResponse:
        """Let one go now."""
        sheet = await self._found(request)
        everything = (await request.post()).get("what") == "all"
        asked = sheet.level is Level.USER and await self._choices.ask(
            viewer_of(request), sheet.scope, everything=everything
        )
        if asked is None:
            raise web.HTTPNotFound
        raise see_other(request, _path(sheet.scope), ASKED if asked else NOBODY)

    async def _found(self, request: web.Request) -> DigestSheet:
        scope = scope_named(request.match_info["scope"])
        sheet = None if scope is None else await self._choices.sheet(viewer_of(request), scope)
        if sheet is None:
            raise web.HTTPNotFound
        return sheet

    def _sheet(
        self, request: web.Request, sheet: DigestSheet, typed: Mapping[str, str], faults: Mapping[str, str]
    ) -> web.Response:
        own = {"schedule": sheet.own.schedule, "kinds": sheet.own.kinds}
        shown = {name: getattr(sheet.own, name) or "" for name in ("time_zone", "language", "subject", "phrase")}
        chosen_kinds = (own["kinds"] or sheet.holds["kinds"][0]).split(",")
        words = {
            "sheet": sheet,
            "title": sheet.scope.removeprefix("@"),
            "path": _path(sheet.scope),
            "path_of": _path,
            "personal": sheet.level is Level.USER,
            "holds": schedule_sentence(sheet.holds["schedule"][0], sheet.holds["time_zone"][0]),
            "from": origin_of(sheet.holds["schedule"][1], sheet.scope),
            "kinds_held": kinds_sentence(sheet.holds["kinds"][0]),
            "above": schedule_sentence(sheet.above["schedule"][0], sheet.above["time_zone"][0]),
            "above_of": sheet.above,
            "zones": _zones(typed.get("time_zone", shown["time_zone"])),
            "rhythms": RHYTHMS,
            "hours": HOURS,
            "days": DAY_NAMES,
            "kinds": [(kind.value, KIND_NAMES[kind], kind.value in chosen_kinds) for kind in Kind],
            "values": {**shown, **parts_of(own["schedule"], sheet.above["schedule"][0]), **typed},
            "languages": self._choices.languages,
            "language_options": [
                ("", phrase("As above")),
                *((tag, language_name(tag)) for tag in self._choices.languages),
            ],
            "placeholders": ", ".join(f"{{{name}}}" for name in PLACEHOLDERS),
            "faults": {name: faults.get(name, "") for name in sheet.holds},
            "states": STATES,
        }
        return self._pages.page(request, "digests/sheet", words, 400 if faults else 200, here="digests")


def _kinds(kinds: Sequence[str], sheet: DigestSheet, typed: Mapping[str, str]) -> str | None:
    """Return which kinds are chosen; None where they are those of the level above."""
    if "kinds-shown" not in typed or set(kinds) == set(sheet.above["kinds"][0].split(",")):
        return None
    return ",".join(kinds)


def _zones(chosen: str) -> Sequence[tuple[str, str]]:
    """Return what can be chosen, and what was: an older choice may have a name that is no place's."""
    offered = (("UTC", "UTC"), *time_zones())
    return offered if not chosen or any(chosen == zone for zone, _ in offered) else ((chosen, chosen), *offered)


def _path(scope: str) -> str:
    return f"console/digests/{quote(name_of(scope), safe='')}"
