"""Turn the console's templates into responses."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo

from aiohttp import hdrs, web
from markupsafe import Markup

from challenge_web.console.gate import FORM_SECRET, TYPED, VIEWER, csrf_token
from challenge_web.console.menu import menu
from challenge_web.middleware import HEADERS
from challenge_web.page_language import OWN, spoken
from challenge_web.pages import Pages, root_of
from challenge_web.query import unreadable
from gateway.domain.phrase import phrase
from gateway.domain.roles import Right, Viewer
from gateway.flow.reader_days import zone_of

POLICY = HEADERS["Content-Security-Policy"] + "; connect-src 'self'"
"""Of the console's pages: their scripts ask our own pages how far an order is, and for the mail beside the list."""


# What a person is told on the page after an action. The address bears the code only: no text of others gets in by it.
@dataclass(frozen=True, slots=True)
class Said:
    """A sentence after an action."""

    text: str
    done: bool


SAID: dict[str, Said] = {}


def say(code: str, sentence: str, *, done: bool = True) -> str:
    """Register a sentence that pages can show after an action; returns its code.

    done: what was asked for was done; else the sentence does not look like one of success.
    """
    told = Said(phrase(sentence), done)
    if SAID.setdefault(code, told) != told:
        raise ValueError(f"{code} says something else already")
    return code


@dataclass(frozen=True, slots=True)
class Call:
    """Something that needs a person, as the banner on top of each page tells it."""

    text: str
    """A whole sentence."""
    path: str = ""
    """Where to see to it, below the application's root; "" where there is no page for it."""
    grave: bool = False
    """Mail is at a stand."""


Calls = Callable[[Viewer], Sequence[Call]]
"""Tells what needs this viewer. Asked for each page: it must know, not look."""


def _no_calls(viewer: Viewer) -> Sequence[Call]:
    return ()


class ConsolePages:
    """The frame that all pages of the console share, bound to one application."""

    def __init__(self, pages: Pages, calls: Calls = _no_calls) -> None:
        self._pages = pages
        self._calls = calls
        self._paths: frozenset[str] | None = None
        pages.problems_by(self._problem)

    def page(
        self, request: web.Request, name: str, words: Mapping[str, object], status: int = 200, *, here: str = ""
    ) -> web.Response:
        """Render `templates/web/console/{name}.html`.

        here: the entry of the menu that is marked. In the template: `viewer`, `may(right)`, `csrf`, `root`, `said`,
        `moment` of the viewer's zone, and the words.
        """
        viewer = request.get(VIEWER)
        if viewer is not None:
            request[OWN] = viewer.language
        zone = zone_of(viewer) if viewer else UTC

        def may(right: str) -> bool:
            return viewer is not None and viewer.may(Right(right))

        response = self._pages.page(
            request,
            f"console/{name}",
            {
                "viewer": viewer,
                "may": may,
                "csrf": csrf_token(request.get(FORM_SECRET, "")),
                "here": here,
                "menu": menu(viewer.may, self._all_paths(request)) if viewer else [],
                "calls": self._calls(viewer) if viewer else (),
                "said": SAID.get(request.query.get("said", "")),
                "at": lambda seconds: exact(seconds, zone),
                **words,
            },
            status,
        )
        response.headers[hdrs.VARY] = f"{hdrs.COOKIE}, {hdrs.ACCEPT_LANGUAGE}"
        response.headers["Content-Security-Policy"] = POLICY
        return response

    def _all_paths(self, request: web.Request) -> frozenset[str]:
        if self._paths is None:
            self._paths = frozenset(resource.canonical for resource in request.app.router.resources())
        return self._paths

    def _problem(self, request: web.Request, status: int) -> web.Response | None:
        """Tell what went wrong, in the console's frame; None for pages that are not the console's."""
        if request.get(VIEWER) is None and not request.path.startswith("/console/"):
            return None
        words = {"status": status, "unreadable": unreadable(request), "typed": request.get(TYPED)}
        return self.page(request, "problem", words, status)


def see_other(request: web.Request, path: str, said: str = "") -> web.HTTPSeeOther:
    """Return the answer to a POST that was done: a GET of a page of ours.

    path: below the application's root, without a leading slash, its parts already quoted. said: code of a sentence.
    """
    if said:
        path += ("&" if "?" in path else "?") + f"said={said}"
    return web.HTTPSeeOther(root_of(request) + path)


def exact(seconds: float, zone: tzinfo) -> Markup:
    """Write a time in the reader's zone: short in sight, whole on hover, exact for programs."""
    at = datetime.fromtimestamp(seconds, zone)
    whole = at.strftime("%Y-%m-%d %H:%M:%S %Z")
    stamp = datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(stamp, whole, spoken().short_moment(seconds, zone))
