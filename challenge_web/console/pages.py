"""Turn the console's templates into responses."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, tzinfo
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from aiohttp import hdrs, web
from markupsafe import Markup

from challenge_web.console.gate import SECRET, VIEWER, csrf_token
from challenge_web.pages import Pages, root_of
from gateway.domain.roles import Right, Viewer

# What a person is told on the page after an action. The address bears the code only: no text of others gets in by it.
SAID: dict[str, str] = {}


def say(code: str, sentence: str) -> str:
    """Register a sentence that pages can show after an action; returns its code."""
    if SAID.setdefault(code, sentence) != sentence:
        raise ValueError(f"{code} says something else already")
    return code


class ConsolePages:
    """The frame that all pages of the console share, bound to one application."""

    def __init__(self, pages: Pages) -> None:
        self._pages = pages

    def page(
        self, request: web.Request, name: str, words: Mapping[str, object], status: int = 200, *, here: str = ""
    ) -> web.Response:
        """Render `templates/web/console/{name}.html`.

        here: the entry of the menu that is marked. In the template: `viewer`, `may(right)`, `csrf`, `root`, `said`,
        `moment` of the viewer's zone, and the words.
        """
        viewer: Viewer | None = request.get(VIEWER)
        zone = zone_of(viewer.time_zone if viewer else "UTC")

        def may(right: str) -> bool:
            return viewer is not None and viewer.may(Right(right))

        response = self._pages.page(
            request,
            f"console/{name}",
            {
                "viewer": viewer,
                "may": may,
                "csrf": csrf_token(request.get(SECRET, "")),
                "here": here,
                "said": SAID.get(request.query.get("said", ""), ""),
                "at": lambda seconds: exact(seconds, zone),
                **words,
            },
            status,
        )
        response.headers[hdrs.VARY] = hdrs.COOKIE
        return response


def see_other(request: web.Request, path: str, said: str = "") -> web.HTTPSeeOther:
    """Return the answer to a POST that was done: a GET of a page of ours.

    path: below the application's root, without a leading slash, its parts already quoted. said: code of a sentence.
    """
    if said:
        path += ("&" if "?" in path else "?") + f"said={said}"
    return web.HTTPSeeOther(root_of(request) + path)


def zone_of(name: str) -> tzinfo:
    """Return a time zone; UTC for a name that is none."""
    try:
        return ZoneInfo(name or "UTC")
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def exact(seconds: float, zone: tzinfo) -> Markup:
    """Write a time in the reader's zone: short in sight, whole on hover, exact for programs."""
    at = datetime.fromtimestamp(seconds, zone)
    whole = at.strftime("%Y-%m-%d %H:%M:%S %Z")
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, whole, at.strftime("%-d %b %Y, %H:%M"))
