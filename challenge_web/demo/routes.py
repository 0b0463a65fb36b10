"""The routes of the demo."""

from __future__ import annotations

import asyncio
import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import aiohttp_jinja2
import jinja2
from aiohttp import web

from challenge_web.assets import style_sheet
from challenge_web.demo import words
from challenge_web.demo.accounts import ACCOUNTS, AccountButtons
from challenge_web.demo.guard import HEADERS, check_host, check_origin, check_token
from challenge_web.demo.letter import Letter, send
from challenge_web.demo.people import PEOPLE, RECIPIENTS, Person, person, somebody_new
from challenge_web.demo.reading import read_heading, read_mail
from challenge_web.demo.story import Stories, Story, new_story, tell
from challenge_web.demo.view import DemoView
from challenge_web.public.form import read_fields
from gateway.demo.mailboxes import Mail, MailboxServer
from gateway.demo.world import World
from gateway.resources import folder

_STATIC = Path(__file__).parent / "static"
_ENVIRONMENT = web.AppKey("demo_environment", jinja2.Environment)
_SUBJECT = 200
_TEXT = 20_000
_FORM_OCTETS = 262_144
"""Each character of the text may take nine or twelve, as a form writes it."""
_SEND_SECONDS = 30.0


def add_demo_routes(app: web.Application, world: World, view: DemoView) -> None:
    """Put the demo's pages under /demo/."""
    environment = aiohttp_jinja2.setup(
        app,
        app_key=_ENVIRONMENT,
        default_helpers=False,
        loader=jinja2.FileSystemLoader(folder("templates") / "web" / "demo"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["mailbox_url"] = mailbox_url
    environment.filters["arrival"] = _arrival
    environment.globals.update(reason=words.reason, silence=words.silence)
    token = secrets.token_hex(16)
    pages = _Pages(world, view, Stories(secrets.randbelow(100)), token)
    app.router.add_get("/demo", _to_front, name="demo")
    for path, name, handler in (
        ("/demo/", "demo-front", pages.front),
        ("/demo/story/{story}.json", "demo-story", pages.status),
        ("/demo/mailbox/", "demo-mailboxes", pages.mailboxes),
        ("/demo/mailbox/{name}/", "demo-mailbox", pages.mailbox),
        ("/demo/mailbox/{name}/{number:[0-9]{1,9}}/", "demo-mail", pages.mail),
        ("/demo/mailbox/{name}/{number:[0-9]{1,9}}/mail.eml", "demo-download", pages.download),
    ):
        app.router.add_get(path, handler, name=name)
    app.router.add_post("/demo/send", pages.send, name="demo-send")
    app.router.add_post("/demo/enter", AccountButtons(view, token).enter, name="demo-enter")
    app.router.add_get("/demo/static/demo.css", _style, name="demo-style")
    app.router.add_static("/demo/static/", _STATIC, name="demo-static")


def mailbox_url(name: str, number: int | None = None) -> str:
    """Return the address of a mailbox's page, or of one of its mails."""
    url = f"/demo/mailbox/{quote(name, safe='@')}/"
    return url if number is None else f"{url}{number}/"


def _arrival(mail: Mail) -> str:
    return time.strftime("%H:%M:%S", time.localtime(mail.arrived_at))


async def _style(request: web.Request) -> web.Response:
    sheet = await asyncio.to_thread(style_sheet, _STATIC / "demo.css")
    return web.Response(body=sheet, content_type="text/css", charset="utf-8")


async def _to_front(request: web.Request) -> web.Response:
    raise web.HTTPFound("/demo/")


@dataclass(slots=True)
class _Pages:
    world: World
    view: DemoView
    stories: Stories
    token: str
    """What our forms bear, and no page of others knows."""
    now: Callable[[], float] = time.time
    monotonic: Callable[[], float] = time.perf_counter
    mark: Callable[[], str] = lambda: secrets.token_hex(8)

    async def front(self, request: web.Request) -> web.Response:
        """Show the form, and beside it how far the chosen story has come."""
        check_host(request)
        story = self.stories.get(request.query.get("story", ""))
        telling = await tell(story, self.view, self.world) if story is not None else None
        return self._page(
            request,
            "front.html",
            {
                "telling": telling,
                "people": [*PEOPLE[:2], somebody_new(self.stories.next_number), *PEOPLE[2:]],
                "chosen": self._chosen(request, story),
                "recipients": RECIPIENTS,
                "recipient": story.letter.recipient if story is not None else RECIPIENTS[0][0],
                "number": self.stories.next_number,
                # Another address at each look: for the same one, a browser would just stay where it is.
                "look": len(request.query.get("look", "")),
                "accounts": ACCOUNTS,
                "lost": "story" in request.query and story is None,
            },
        )

    def _chosen(self, request: web.Request, story: Story | None) -> Person:
        asked_for = person(request.query.get("as", ""), self.stories.next_number)
        if asked_for is not None:
            return asked_for
        if story is not None:
            # The one who wrote last, as somebody new next time.
            return person(story.person.key, self.stories.next_number) or PEOPLE[0]
        fresh = (one for one in PEOPLE[:2] if not self.stories.has_written(one.address))
        return next(fresh, somebody_new(self.stories.next_number))

    async def send(self, request: web.Request) -> web.Response:
        """Send the mail by SMTP, then show its story."""
        check_host(request)
        ours = check_origin(request)
        form = await read_fields(request, _FORM_OCTETS)
        if not ours:
            check_token(form.get("csrf", ""), self.token)

        def value(name: str, most: int) -> str:
            return form.get(name, "")[:most]

        number = value("number", 9)
        who = person(value("person", 20), int(number) if number.isascii() and number.isdigit() else 0)
        recipient = value("recipient", 200)
        if who is None or recipient not in (address for address, _ in RECIPIENTS):
            raise web.HTTPBadRequest(text="This form is not complete; go back to /demo/ and try again.")
        letter = Letter(who.name, who.address, recipient, value("subject", _SUBJECT), value("text", _TEXT))
        story_id, message_id, content = new_story(letter, mark=self.mark, now=self.now())
        dialogue = await send(
            self.view.smtp,
            letter,
            content,
            helo=f"mail.{who.address.rpartition('@')[2]}",
            timeout=_SEND_SECONDS,
            monotonic=self.monotonic,
        )
        self.stories.add(Story(story_id, who, int(number or 0), letter, message_id, content, dialogue))
        # Like a page that was fetched: going back does not send twice.
        raise web.HTTPSeeOther(f"/demo/?story={story_id}#story")

    async def status(self, request: web.Request) -> web.Response:
        """Say how far a story has come, for the script: the steps as they are to be shown."""
        check_host(request)
        story = self.stories.get(request.match_info["story"])
        if story is None:
            raise web.HTTPNotFound(text="No such story")
        telling = await tell(story, self.view, self.world)
        steps = [
            {
                "key": step.key,
                "progress": step.progress.value,
                "title": step.title,
                "html": self._render(request, "step.html", {"telling": telling, "step": step, "index": index}),
            }
            for index, step in enumerate(telling.steps, 1)
        ]
        return web.json_response({"finished": telling.finished, "steps": steps}, headers=HEADERS)

    async def mailboxes(self, request: web.Request) -> web.Response:
        """List every mailbox that holds mail."""
        check_host(request)

        def rows(server: MailboxServer) -> list[tuple[str, int, str]]:
            boxes = ((name, server.mails(name)) for name in server.mailboxes())
            return [(name, len(mails), read_heading(mails[-1].content).subject) for name, mails in boxes]

        context = {"inside": rows(self.world.inside), "outside": rows(self.world.outside)}
        return self._page(request, "mailboxes.html", context)

    async def mailbox(self, request: web.Request) -> web.Response:
        """List the mails of one mailbox, the newest first."""
        check_host(request)
        name = request.match_info["name"]
        mails = reversed(self.world.mailboxes_of(name).mails(name))
        rows = [(mail, read_heading(mail.content)) for mail in mails]
        return self._page(request, "mailbox.html", {"name": name, "rows": rows, "users": self._is_user(name)})

    async def mail(self, request: web.Request) -> web.Response:
        """Show one mail: its text, and its source."""
        check_host(request)
        name, mail = request.match_info["name"], self._mail(request)
        if mail is None:
            return self._page(request, "missing.html", {"name": name}, status=404)
        reading = await asyncio.to_thread(read_mail, mail.content)
        context = {
            "name": name,
            "mail": mail,
            "reading": reading,
            "pieces": reading.pieces(self.view.public_url),
            "users": self._is_user(name),
        }
        return self._page(request, "mail.html", context)

    async def download(self, request: web.Request) -> web.Response:
        """Hand out a mail's octets as they came."""
        check_host(request)
        mail = self._mail(request)
        if mail is None:
            raise web.HTTPNotFound
        headers = HEADERS | {"Content-Disposition": 'attachment; filename="mail.eml"'}
        return web.Response(body=mail.content, content_type="message/rfc822", headers=headers)

    def _mail(self, request: web.Request) -> Mail | None:
        name = request.match_info["name"]
        return self.world.mailboxes_of(name).mail(name, int(request.match_info["number"]))

    def _is_user(self, name: str) -> bool:
        return self.world.mailboxes_of(name) is self.world.inside

    def _page(
        self, request: web.Request, template: str, context: Mapping[str, object], status: int = 200
    ) -> web.Response:
        text = self._render(request, template, context)
        return web.Response(text=text, status=status, content_type="text/html", headers=HEADERS)

    def _render(self, request: web.Request, template: str, context: Mapping[str, object]) -> str:
        everywhere = {
            "csrf": self.token,
            "smtp": self.view.smtp,
            "public_url": self.view.public_url,
            "config_file": self.world.config_file,
            "by_hand": self.world.by_hand(self.view.smtp),
            "command": self.world.command,
        }
        return aiohttp_jinja2.render_string(template, request, everywhere | dict(context), app_key=_ENVIRONMENT)
