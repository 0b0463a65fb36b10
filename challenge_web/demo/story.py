"""One mail's story: what was sent, and how far it has come, told in steps."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from challenge_web.demo import words
from challenge_web.demo.letter import Dialogue, Letter
from challenge_web.demo.people import Person
from challenge_web.demo.reading import Reading, fields_on_top, read_mail
from challenge_web.demo.view import DemoView, Held
from gateway.demo.mailboxes import Mail
from gateway.demo.world import World
from gateway.domain import header
from gateway.domain.address import normal_form
from gateway.domain.challenge import Silence
from gateway.domain.lifecycle import State
from gateway.domain.message import CHALLENGE_FIELD

_KEPT = 100
_HEAD = 65_536


@dataclass(frozen=True, slots=True)
class Story:
    """A mail that was sent from the page."""

    id: str
    person: Person
    number: int
    """Which somebody new it was, if it was."""
    letter: Letter
    message_id: str
    content: bytes
    dialogue: Dialogue


class Stories:
    """The newest stories, in memory."""

    def __init__(self, first_number: int) -> None:
        """first_number: any; who the first somebody new is."""
        self._stories: OrderedDict[str, Story] = OrderedDict()
        self.next_number = first_number

    def add(self, story: Story) -> None:
        """Remember a story."""
        self._stories[story.id] = story
        self.next_number += 1
        if len(self._stories) > _KEPT:
            self._stories.popitem(last=False)

    def get(self, story_id: str) -> Story | None:
        """Return a story, or None."""
        return self._stories.get(story_id)

    def has_written(self, address: str) -> bool:
        """True when this stranger is in one of the stories."""
        return any(story.letter.sender == address for story in self._stories.values())


class Path(Enum):
    """Which way a mail took."""

    REFUSED = "refused"  # Not accepted at all.
    UNSEEN = "unseen"  # Accepted, and nowhere to be seen yet.
    ASKED = "asked"  # Held, its sender asked.
    SILENT = "silent"  # Held, its sender not asked.
    THROUGH = "through"  # Let on inside the session.


class Progress(Enum):
    """Of one step; the page's style goes by the value."""

    DONE = "done"
    NOW = "now"
    LATER = "later"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Step:
    """One step as the page shows it."""

    key: str
    """Names the template part that tells it."""
    title: str
    progress: Progress


@dataclass(slots=True)
class Telling:
    """A story as far as it has come."""

    story: Story
    path: Path
    pending: Held | None = None
    facts: list[words.Fact] = field(default_factory=list)
    challenge: Mail | None = None
    challenge_read: Reading | None = None
    asked_before: bool = False
    """The challenge that waits was sent for an earlier mail."""
    link: str = ""
    """The address in the challenge, on the gateway's own pages."""
    delivered: Mail | None = None
    delivered_read: Reading | None = None
    added: list[str] | None = None
    """Header lines put on top; None where the rest is not what was sent."""
    milliseconds: float = 0.0
    """From opening the connection to lying in the mailbox, for mail that was let on."""
    steps: list[Step] = field(default_factory=list)

    @property
    def closed(self) -> str:
        """How the wait ended without delivery, in a word; "" while it goes on."""
        ended = {State.DELETED, State.BLOCKED, State.DISOWNED, State.EXPIRED, State.REFUSED}
        return self.pending.state.value if self.pending is not None and self.pending.state in ended else ""

    @property
    def now(self) -> Step:
        """The step the story has come to."""
        return next((step for step in self.steps if step.progress is Progress.NOW), self.steps[-1])

    @property
    def finished(self) -> bool:
        """Nothing more will happen by itself."""
        return self.delivered is not None or self.path is Path.REFUSED or bool(self.closed)


async def tell(story: Story, view: DemoView, world: World) -> Telling:
    """Look at the gateway and at both mailboxes, and say how far the story has come."""
    sender = normal_form(story.letter.sender)
    rows = await view.pending_for(sender) if story.dialogue.accepted else ()
    pending = next((row for row in rows if row.message_id == story.message_id), None)
    telling = Telling(story, Path.UNSEEN, pending)
    # From here on no other task runs: what is told is of one moment.
    _find_delivered(telling, world)
    if pending is not None:
        telling.facts = words.facts(pending.evidence)
        telling.asked_before = pending.silence == Silence.ASKED_RECENTLY.value
        _find_challenge(telling, view, world)
    telling.path = _path(telling)
    telling.steps = _steps(telling)
    return telling


def _find_delivered(telling: Telling, world: World) -> None:
    story = telling.story
    for mail in reversed(world.inside.mails(story.letter.recipient)):
        if header.split(mail.content[:_HEAD]).first(b"message-id") == story.message_id.encode():
            telling.delivered = mail
            telling.delivered_read = read_mail(mail.content)
            telling.added = fields_on_top(mail.content, story.content)
            telling.milliseconds = (mail.arrived_monotonic - story.dialogue.started) * 1000
            return


def _find_challenge(telling: Telling, view: DemoView, world: World) -> None:
    wanted = telling.story.message_id.encode()
    for mail in reversed(world.outside.mails(telling.story.letter.sender)):
        head = header.split(mail.content[:_HEAD])
        if head.first(CHALLENGE_FIELD.lower().encode()) is None:
            continue
        if telling.asked_before or wanted in (head.first(b"in-reply-to") or b""):
            telling.challenge = mail
            telling.challenge_read = read_mail(mail.content)
            links = (piece.href for piece in telling.challenge_read.pieces(view.public_url) if piece.href)
            telling.link = next(links, "")
            return


def _path(telling: Telling) -> Path:
    if not telling.story.dialogue.accepted:
        return Path.REFUSED
    if telling.pending is not None:
        return Path.SILENT if telling.pending.silence and not telling.asked_before else Path.ASKED
    return Path.UNSEEN if telling.delivered is None else Path.THROUGH


def _steps(telling: Telling) -> list[Step]:
    name = telling.story.person.name
    recipient = telling.story.letter.recipient
    done, now, later, failed = Progress.DONE, Progress.NOW, Progress.LATER, Progress.FAILED

    def known(passed: object, possible: object) -> Progress:
        return done if passed else now if possible else later

    match telling.path:
        case Path.REFUSED:
            return [Step("sent", "The gateway did not take it", failed)]
        case Path.UNSEEN:
            return [Step("sent", f"{name} sent a mail", done), Step("decided", "The gateway decides", now)]
        case Path.THROUGH:
            return [
                Step("sent", f"{name} sent a mail", done),
                Step("decided", "Let through at once", done),
                Step("delivered", f"It is in {recipient}’s mailbox", done),
                Step("again", "And the next one?", now),
            ]
        case Path.SILENT:
            return [
                Step("sent", f"Somebody sent a mail as {telling.story.letter.sender}", done),
                Step("decided", "Held, in silence", done),
                Step("unasked", "No question is sent", done),
                _delivery(telling, Step("owner", "Only Joe’s side can let it in", now)),
            ]
    answered = telling.pending is not None and telling.pending.state in (State.RELEASED, State.DELIVERED)
    steps = [
        Step("sent", f"{name} sent a mail", done),
        Step("decided", "Held: the sender is not known yet", done),
        Step("challenge", f"A question is in {name}’s mailbox", known(telling.challenge, True)),
    ]
    if telling.closed:
        return [*steps, Step("closed", "The story ended here", failed)]
    return [
        *steps,
        Step("answer", f"{name} answers, once", known(answered, telling.challenge)),
        Step("delivered", f"The mail is in {recipient}’s mailbox", known(telling.delivered, answered)),
        Step("again", f"{name} writes again", known(False, telling.delivered)),
    ]


def _delivery(telling: Telling, otherwise: Step) -> Step:
    if telling.delivered is not None:
        return Step("delivered", f"It was let into {telling.story.letter.recipient}’s mailbox by hand", Progress.DONE)
    return Step("closed", "The story ended here", Progress.DONE) if telling.closed else otherwise


def new_story(letter: Letter, *, mark: Callable[[], str], now: float) -> tuple[str, str, bytes]:
    """Return id, Message-ID and content of a story that begins now. mark: gives a fresh random word."""
    message_id = f"<{mark()}@{letter.sender.rpartition('@')[2]}>"
    return mark(), message_id, letter.content(message_id, now)
