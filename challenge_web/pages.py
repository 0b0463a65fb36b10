"""Turn templates into responses, for people and, where asked for, for programs."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from urllib.parse import quote

import aiohttp_jinja2
import jinja2
from aiohttp import hdrs, web
from markupsafe import Markup

from challenge_web.assets import Assets
from challenge_web.page_language import SPOKEN, choices, language_of, remember, spoken
from challenge_web.site import Site
from gateway.domain.phrase import Phrase, phrases
from gateway.domain.sign_in import browser_phrase
from gateway.languages.in_templates import teach
from gateway.languages.language import Language

ENVIRONMENT = web.AppKey("challenge_web_environment", jinja2.Environment)
"""Key in the application: what its templates are read and rendered by."""
_LONGEST = 160
# Controls, line separators, and all that hides text or turns its direction. The two joiners stay where scripts and
# emoji need them: between characters beyond ASCII.
_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ud800-\udfff\ufeff]"
    "|(?<![^\x00-\xad\u2000-\u206f])[\u200c\u200d]|[\u200c\u200d](?![^\x00-\xad\u2000-\u206f])"
)
_MAILBOX = re.compile(r"[^@\s<>\"',;:]+@[^@\s<>\"',;:]+")
_URL_SAFE = "%:/?#[]@!$&'()*+,;=~"
_DEEPEST = 12

Words = Mapping[str, object]
Problem = Callable[[web.Request, int], web.Response | None]
"""Shows what went wrong, by its status; None for requests that are not its own."""

# What programs are told; the sentences for people are in the templates.
_FAULTS = {
    "gone": "This link is not in use.",
    "method": "This address does not take this method.",
    "slow": "The request took too long to arrive.",
    "large": "The request is larger than any answer can be.",
    "elsewhere": "The form was sent from another site's page.",
    "host": "This server does not answer to that name.",
    "break": "Too many requests; wait.",
    "bad": "This request cannot be understood.",
    "fault": "Something went wrong here. Try again in a few minutes.",
}


class Pages:
    """The templates with their words, bound to one application."""

    def __init__(
        self,
        app: web.Application,
        site: Site,
        assets: Assets,
        language_for: Callable[[web.Request], Language] = language_of,
    ) -> None:
        """language_for: tells the language of a page."""
        self.language_for = language_for
        environment = aiohttp_jinja2.setup(
            app,
            app_key=ENVIRONMENT,
            default_helpers=False,
            loader=jinja2.FileSystemLoader([str(folder) for folder in site.templates]),
            autoescape=True,
            undefined=jinja2.StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
            auto_reload=False,
        )
        teach(environment, spoken)
        environment.filters.update(foreign=foreign, moment=moment, contact=contact, segment=segment, duration=duration)
        environment.filters.update(browser=browser_phrase, octets=lambda size: spoken().size(size))
        environment.globals.update(site=site.words(), asset=assets.path)
        self._problem_by: Problem | None = None
        self._program_problems: list[Problem] = []

    def problems_by(self, show: Problem) -> None:
        """Let other pages show what went wrong with them in a frame of their own."""
        self._problem_by = show

    def problems_for_programs_by(self, show: Problem) -> None:
        """Let an interface for programs tell what went wrong with it in its own form, whatever they say they accept."""
        self._program_problems.append(show)

    def page(
        self, request: web.Request, name: str, words: Words, status: int = 200, language: Language | None = None
    ) -> web.Response:
        """Render a template. `root` in it leads to the application's root, wherever a proxy has put that.

        language: of the page; None for what the reader has chosen, or the browser asks for.
        """
        language = language or self.language_for(request)
        before = SPOKEN.set(language)
        try:
            frame = {"root": root_of(request), "language_tag": language.tag, "page_languages": choices(language)}
            response = aiohttp_jinja2.render_template(
                f"{name}.html", request, {**frame, **words}, app_key=ENVIRONMENT, status=status
            )
        finally:
            SPOKEN.reset(before)
        response.headers[hdrs.VARY] = f"{hdrs.ACCEPT}, {hdrs.ACCEPT_LANGUAGE}, {hdrs.COOKIE}"
        response.headers[hdrs.CONTENT_LANGUAGE] = language.tag
        remember(request, response)
        return response

    def data(self, words: Words, status: int = 200) -> web.Response:
        """Say the same to a program."""
        return web.json_response(dict(words), status=status, headers={hdrs.VARY: hdrs.ACCEPT})

    def problem(self, request: web.Request, status: int, name: str) -> web.Response:
        """Tell what went wrong. The same for every address of the same depth, whatever stands in it."""
        for show in self._program_problems:
            if (told := show(request, status)) is not None:
                return told
        if wants_data(request):
            return self.data({"error": name, "message": _FAULTS[name]}, status)
        own = self._problem_by(request, status) if self._problem_by is not None else None
        return own or self.page(request, f"errors/{name}", {}, status)

    def pause(self, request: web.Request, seconds: float) -> web.Response:
        """Tell that too much was asked for, and when to come back."""
        if wants_data(request):
            response = self.data({"error": "break", "message": _FAULTS["break"]}, 429)
        else:
            response = self.page(request, "errors/break", {"minutes": whole_minutes(seconds)}, 429)
        response.headers[hdrs.RETRY_AFTER] = str(math.ceil(seconds))
        return response


def wants_data(request: web.Request) -> bool:
    """True for a program that asks for JSON; a browser always names text/html as well."""
    accepted = request.headers.get(hdrs.ACCEPT, "")
    return "application/json" in accepted and "text/html" not in accepted


def root_of(request: web.Request) -> str:
    """Return the relative reference to the application's root: the Host field and prefixes need not be known."""
    depth = request.rel_url.raw_path.count("/") - 1
    return "../" * min(depth, _DEEPEST) or "./"


def whole_minutes(seconds: float) -> int:
    """Return minutes, rounded up, at least one: what a person is told to wait."""
    return max(1, math.ceil(seconds / 60))


def duration(minutes: int) -> Phrase:
    """Say how long, in minutes or, from two hours on, in hours, rounded up. As `in` takes it: "come back in ..."."""
    if minutes >= 120:
        return phrases(math.ceil(minutes / 60), "{n} hour", "{n} hours")
    return phrases(minutes, "{n} minute", "{n} minutes")


def foreign(text: str) -> str:
    """Return text from a mail as it may be shown: without what is not seen, and not endless. Escaping comes later."""
    seen = _UNSEEN.sub("\N{REPLACEMENT CHARACTER}", spoken().said(text) if isinstance(text, Phrase) else text)
    return seen if len(seen) <= _LONGEST else seen[: _LONGEST - 1] + "…"


def moment(seconds: float) -> Markup:
    """Write a time with its zone; a script turns it into the reader's own."""
    return Markup('<time datetime="{}">{}</time>').format(stamp(seconds), spoken().moment(seconds))


def stamp(seconds: float) -> str:
    """Write a time for programs (RFC 3339 §5.6)."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def contact(text: str) -> str | Markup:
    """Make a link of an address or a web page; leave anything else, as a telephone number, as it is."""
    if _MAILBOX.fullmatch(text):
        return Markup('<a href="mailto:{}">{}</a>').format(quote(text, safe="@+"), text)
    if text.startswith(("https://", "http://")):
        return Markup('<a href="{}" rel="noopener">{}</a>').format(quote(text, safe=_URL_SAFE), text)
    return text


def segment(text: str) -> str:
    """Write a piece of a path so that nothing in it can end the piece."""
    return quote(text, safe="")
