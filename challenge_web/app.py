"""Put the web face together."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable

from aiohttp import web

from challenge_web.assets import Assets
from challenge_web.hosts import known_hosts
from challenge_web.middleware import add_headers, limited, logged, own_forms_only, refusals_as_pages
from challenge_web.monitor import make_monitor_app
from challenge_web.page_language import language_of, speaking
from challenge_web.pages import Pages
from challenge_web.public.afterwards import SenderPages
from challenge_web.public.answers import Answers
from challenge_web.public.challenge import ChallengePage
from challenge_web.puzzle import Puzzles
from challenge_web.site import Admission, Site
from gateway.languages.language import Language

__all__ = ["AddPages", "make_app", "make_monitor_app"]

AddPages = Callable[[web.Application, Pages], object]
"""Adds pages to the public ones; they get the same headers, and errors as pages."""


def make_app(
    answers: Answers,
    puzzles: Puzzles,
    site: Site,
    admission: Admission | None = None,
    *,
    more: Iterable[AddPages] = (),
    now: Callable[[], float] = time.time,
    tick: Callable[[], float] = time.monotonic,
    chance: Callable[[int], bytes] = secrets.token_bytes,
    language_for: Callable[[web.Request], Language] = language_of,
) -> web.Application:
    """Return the application of the public pages. Raises ValueError where it would offer no puzzle, or an unknown one.

    more: what adds further pages, as the console behind a gate of its own.
    now, tick: seconds since the epoch, and on a clock that never goes back.
    chance: gives unforeseeable octets.
    language_for: tells the language of a page.
    """
    admission = admission or Admission()
    app = web.Application()
    assets = Assets()
    pages = Pages(app, site, assets, language_for)
    # From the outermost: each sees what those after it made of the request.
    app.middlewares.extend(
        [
            logged(tick),
            refusals_as_pages(pages),
            known_hosts(admission.hosts),
            limited(pages, admission.limits, admission.trusted_proxies, tick),
            own_forms_only,
            speaking(language_for),
        ]
    )
    app.on_response_prepare.append(add_headers)
    for add in more:
        add(app, pages)
    _add_front(app, pages)
    app.router.add_get("/static/{name}", assets.serve, name="static")
    ChallengePage(answers, puzzles, pages, site.captcha, now=now, chance=chance).add_to(app)
    SenderPages(answers, pages).add_to(app)
    return app


def _add_front(app: web.Application, pages: Pages) -> None:
    async def front(request: web.Request) -> web.Response:
        return pages.page(request, "public/front", {})

    async def robots(request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /\n")

    app.router.add_get("/", front, name="front")
    app.router.add_get("/robots.txt", robots, name="robots")
