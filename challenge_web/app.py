"""Put the web face together."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator, Callable, Collection, Sequence
from pathlib import Path

from aiohttp import web

from challenge_web.assets import Assets
from challenge_web.hosts import known_hosts
from challenge_web.limits import Limits, Network
from challenge_web.middleware import add_headers, limited, logged, own_forms_only, refusals_as_pages
from challenge_web.monitor import make_monitor_app
from challenge_web.page_language import language_of, speaking
from challenge_web.pages import Pages
from challenge_web.public.afterwards import SenderPages
from challenge_web.public.answers import Answers
from challenge_web.public.by_link import add_page
from challenge_web.public.challenge import AUDIO, IMAGE, WORK, ChallengePage
from challenge_web.puzzle import Puzzles
from challenge_web.studio import Studio
from gateway.languages.language import Language

__all__ = ["make_app", "make_monitor_app"]


def make_app(
    answers: Answers,
    puzzles: Puzzles,
    templates: Path | Sequence[Path],
    *,
    captcha: Collection[str] = (IMAGE, WORK),
    organisation: str = "",
    contact: str = "",
    pending_days: float = 14,
    disowned_days: float = 90,
    trusted_proxies: Sequence[Network] = (),
    hosts: Collection[str] = (),
    limits: Limits | None = None,
    now: Callable[[], float] = time.time,
    tick: Callable[[], float] = time.monotonic,
    chance: Callable[[int], bytes] = secrets.token_bytes,
    language_for: Callable[[web.Request], Language] = language_of,
    console: Callable[[web.Application, Pages], object] | None = None,
    extra_routes: Callable[[web.Application], None] | None = None,
) -> web.Application:
    """Return the application of the public pages.

    templates: the folder `templates/web`, or several, of which the first that has a file wins.
    captcha: what the page offers: "image", "proof-of-work", "audio".
    organisation: who asks; "" is the recipient's domain.
    contact: where a sender finds help, as shown: an address, a telephone number, a URL; "" shows none.
    hosts: names that we answer to, besides our end of each connection.
    now, tick: seconds since the epoch, and on a clock that never goes back.
    chance: gives unforeseeable octets.
    language_for: tells the language of a page.
    console: adds the pages for users and admins, behind a gate of their own.
    extra_routes: may add pages of its own, with the same headers, limits of none, and errors as pages.
    """
    offered = frozenset(captcha)
    if not offered or not offered <= {IMAGE, AUDIO, WORK}:
        raise ValueError(f"captcha must name some of {IMAGE}, {WORK}, {AUDIO}")
    app = web.Application()
    assets = Assets()
    folders = [templates] if isinstance(templates, Path) else templates
    site = {
        "organisation": organisation,
        "contact": contact,
        "pending_days": f"{pending_days:g}",
        "disowned_days": f"{disowned_days:g}",
        # Which form of the plural; a fraction takes that of many.
        "pending_days_whole": _agreeing(pending_days),
        "disowned_days_whole": _agreeing(disowned_days),
    }
    pages = Pages(app, folders, assets, site, language_for)
    studio = Studio(puzzles.picture_key)
    challenge = ChallengePage(answers, puzzles, pages, studio, offered, now=now, chance=chance)
    sender = SenderPages(answers, pages)
    # From the outermost: each sees what those after it made of the request.
    app.middlewares.extend(
        [
            logged(tick),
            refusals_as_pages(pages),
            known_hosts(hosts),
            limited(pages, limits or Limits(), trusted_proxies, tick),
            own_forms_only,
            speaking(language_for),
        ]
    )
    app.on_response_prepare.append(add_headers)
    if console is not None:
        console(app, pages)
    if extra_routes is not None:
        extra_routes(app)
    _add_routes(app, challenge, sender, pages, assets, sound=AUDIO in offered, picture=IMAGE in offered)

    async def close_studio(app: web.Application) -> AsyncIterator[None]:
        yield
        studio.close()

    app.cleanup_ctx.append(close_studio)
    return app


def _add_routes(
    app: web.Application,
    challenge: ChallengePage,
    sender: SenderPages,
    pages: Pages,
    assets: Assets,
    *,
    sound: bool,
    picture: bool,
) -> None:
    async def front(request: web.Request) -> web.Response:
        return pages.page(request, "public/front", {})

    async def robots(request: web.Request) -> web.Response:
        return web.Response(text="User-agent: *\nDisallow: /\n")

    router = app.router
    router.add_get("/", front, name="front")
    router.add_get("/robots.txt", robots, name="robots")
    router.add_get("/static/{name}", assets.serve, name="static")
    router.add_get("/status/{status_token}", sender.status, name="status")
    for path, name, shows, acts in (
        ("/challenge/{token}", "challenge", challenge.show, challenge.answer),
        ("/challenge/{token}/disown", "disown", sender.ask_disown, sender.disown),
        ("/challenge/{token}/withdraw", "withdraw", sender.ask_withdraw, sender.withdraw),
    ):
        add_page(app, path, name, shows, acts)
    if picture:
        router.add_get("/challenge/{token}/picture/{puzzle}", challenge.picture, name="picture")
    if sound:
        router.add_get("/challenge/{token}/sound/{puzzle}", challenge.sound, name="sound")


def _agreeing(days: float) -> int:
    """Return the whole number whose plural a number of days takes."""
    return int(days) if days == int(days) else max(2, int(days))
