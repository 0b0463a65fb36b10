"""One mail: what is known of it, what is in it, and a copy of it for inspection."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import Annotated, Literal, TypeVar

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Nothing, Octets, Operation, when, when_or_none
from challenge_web.api.problems import Problem, invalid, not_found, sentence
from challenge_web.console.message_words import saved_as
from challenge_web.console.routes import Names
from gateway.domain.explain import SILENCES
from gateway.domain.outline import Document, Outline, Person, Unreadable
from gateway.domain.roles import Right
from gateway.domain.timeline import Asked, timeline
from gateway.flow.ask_again import AskAgain
from gateway.flow.forward import Form, Forwarder
from gateway.flow.queue import Queue
from gateway.flow.read import SOURCE_PAGES, ContentGone, Held, Reading, WrongContent

T = TypeVar("T")

OCTETS = "application/octet-stream"
MAIL = "message/rfc822"


class Step(Struct, frozen=True):
    """Something that happened to it."""

    at: datetime
    what: str
    who: str


class Message(Struct, frozen=True):
    """One mail for one recipient, without what is in it."""

    id: int
    state: str
    reason: str
    silence: str
    sender: str
    author: str
    author_name: str
    recipient: str
    subject: Annotated[str, Meta(description='"" without the right to read content.')]
    size: int
    received_at: datetime
    expires_at: datetime
    changed_at: datetime
    attempts: int
    due_at: datetime | None
    last_reply: str
    client: str
    client_name: str
    helo: str
    protocol: str
    queue_id: Annotated[str, Meta(description="Of the mail server in front.")]
    transaction_id: str
    message_id: str
    list_id: str
    source: str
    content_kept: bool
    history: tuple[Step, ...]


class Mailbox(Struct, frozen=True):
    """Somebody named in a field."""

    name: str
    address: str


class HeaderField(Struct, frozen=True):
    """One header field, decoded."""

    name: str
    value: str
    cut: bool


class MailPart(Struct, frozen=True):
    """One node of the tree of a mail."""

    number: int
    depth: int
    type: str
    octets: int
    name: str
    charset: str
    disposition: str
    file: bool


class TextPiece(Struct, frozen=True):
    """Text of one part."""

    part: int
    text: str
    from_html: bool
    cut: bool


class MessageContent(Struct, frozen=True):
    """What is in a mail."""

    subject: str
    date: str
    authors: tuple[Mailbox, ...]
    recipients: tuple[Mailbox, ...]
    copies: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    headers: tuple[HeaderField, ...]
    parts: tuple[MailPart, ...]
    text: tuple[TextPiece, ...]
    html: Annotated[int | None, Meta(description="The part that is HTML.")]
    faults: Annotated[tuple[str, ...], Meta(description="What is odd about it.")]


class CleanHtml(Struct, frozen=True):
    """The HTML of a mail, cleaned: the inside of a body element."""

    html: str
    remote_images: Annotated[int, Meta(description="Left out; they would have been loaded from elsewhere.")]
    cut: bool


class SourceText(Struct, frozen=True):
    """One page of the octets, as text."""

    text: str
    page: int
    pages: int
    size: int


class HtmlQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """How to show it."""

    images: Annotated[bool, Meta(description="Images that are in the mail itself, as data: URLs.")] = False


class SourceQuery(Struct, frozen=True, forbid_unknown_fields=True):
    """Which page."""

    page: Annotated[int, Meta(ge=1, le=SOURCE_PAGES)] = 1


class ForwardWish(Struct, frozen=True, forbid_unknown_fields=True):
    """To whom a copy goes."""

    to: Annotated[str, Meta(max_length=320, description="One of [console] forward_to.")]
    form: Literal["attachment", "as_is"] = "attachment"


class Forwarded(Struct, frozen=True):
    """What the server said that the copy was sent to."""

    accepted: bool
    reply: str


class AskedAgain(Struct, frozen=True):
    """The challenge that goes to the sender."""

    challenge: int


class MessageResource:
    """The operations on one mail."""

    def __init__(self, reading: Reading, forwarder: Forwarder, queue: Queue, asker: AskAgain) -> None:
        self._reading = reading
        self._forwarder = forwarder
        self._queue = queue
        self._asker = asker

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, read, row, also = "/messages/{id}", Right.READ_CONTENT, Names.ROW, (Right.SEE_PENDING,)
        return (
            Operation(
                "getMessage", "GET", at, Right.SEE_PENDING, self.message, "See what is known of a mail.", Message,
                names=row,
            ),
            Operation(
                "readMessage", "GET", f"{at}/content", read, self.content, "Read a mail: fields, parts, text.",
                MessageContent, also=also, names=row, problems=(409,),
            ),
            Operation(
                "readMessageHtml", "GET", f"{at}/html/{{part}}", read, self.html, "Get cleaned HTML of a mail.",
                CleanHtml, HtmlQuery, also=also, names=row, problems=(409,),
            ),
            Operation(
                "getMessagePart", "GET", f"{at}/parts/{{part}}", read, self.part, "Get one part, decoded.", OCTETS,
                also=also, names=row, problems=(409,),
            ),
            Operation(
                "readMessageSource", "GET", f"{at}/source", read, self.source, "See the source of a mail, by pages.",
                SourceText, SourceQuery, also=also, names=row,
            ),
            Operation(
                "downloadMessage", "GET", f"{at}/download", read, self.download, "Get a mail as it came.", MAIL, also=also, names=row
            ),
            Operation(
                "seeMessage", "POST", f"{at}/seen", Right.SEE_PENDING, self.seen, "Note that a mail was seen.", names=row
            ),
            Operation(
                "askAgain", "POST", f"{at}/ask-again", Right.MODERATE, self.ask_again, "Ask its sender once more.", AskedAgain,
                names=row, problems=(409,),
            ),
            Operation(
                "forwardMessage", "POST", f"{at}/forward", Right.FORWARD, self.forward,
                "Send a copy on for inspection.", Forwarded, body=ForwardWish, also=(Right.READ_CONTENT, Right.SEE_PENDING), names=row,
            ),
        )  # fmt: skip

    async def message(self, call: Call[Nothing, None]) -> Message:
        """Return what is known of a mail, without its content."""
        held = await self._held(call)
        return _message(held, content=call.viewer.may(Right.READ_CONTENT))

    async def content(self, call: Call[Nothing, None]) -> MessageContent:
        """Return a mail taken apart."""
        return content_of(await _found(self._reading.outline(call.viewer, call.id)))

    async def html(self, call: Call[HtmlQuery, None]) -> CleanHtml:
        """Return one of a mail's HTML parts, cleaned."""
        part = int(call.path["part"])
        found = await _found(self._reading.document(call.viewer, call.id, part, call.query.images))
        return html_of(found)

    async def part(self, call: Call[Nothing, None]) -> Octets:
        """Return the octets of one of a mail's parts, decoded."""
        number = int(call.path["part"])
        found = await _found(self._reading.file(call.viewer, call.id, number))
        return Octets(found.octets, OCTETS, saved_as(None, found.name, f"part-{number}.bin"))

    async def source(self, call: Call[SourceQuery, None]) -> SourceText:
        """Return a page of a mail's source."""
        found = await _found(self._reading.source(call.viewer, call.id, call.query.page))
        return SourceText(found.text, found.page, found.pages, found.size)

    async def download(self, call: Call[Nothing, None]) -> Octets:
        """Return the octets of a mail as they came."""
        if not self._reading.may_download(call.viewer):
            raise not_found()
        return Octets(await _found(self._reading.content(call.viewer, call.id)), MAIL, f"mail-{call.id}.eml")

    async def seen(self, call: Call[Nothing, None]) -> None:
        """Note that it was seen."""
        await self._held(call)
        await self._queue.see(call.viewer, call.id)

    async def ask_again(self, call: Call[Nothing, None]) -> AskedAgain:
        """Let the sender be asked once more, within the caps."""
        ruling = await self._asker.ask(call.viewer, call.id)
        if ruling is None:
            raise not_found()
        if ruling.why_not is not None:
            later = f" It can be asked from {when(ruling.from_).isoformat()} on." if ruling.from_ is not None else ""
            raise Problem("conflict", sentence(SILENCES[ruling.why_not]) + later)
        return AskedAgain(ruling.challenge)

    async def forward(self, call: Call[Nothing, ForwardWish]) -> Forwarded:
        """Send a copy on."""
        await self._held(call)
        if call.body.to not in self._forwarder.addresses:
            raise invalid("to", "It is none of the addresses that mail may be sent on to.")
        form = Form.AS_IS if call.body.form == "as_is" else Form.ATTACHMENT
        answer = await _found(self._forwarder.forward(call.viewer, call.id, call.body.to, form))
        return Forwarded(answer.accepted, str(answer))

    async def _held(self, call: Call[Nothing, object]) -> Held:
        held = await self._reading.held(call.viewer, call.id)
        if held is None:
            raise not_found()
        return held


async def _found(asked: Awaitable[T | None]) -> T:
    """Return what was asked for. Raises Problem."""
    try:
        found = await asked
    except (ContentGone, WrongContent):
        raise Problem("not-found", "The content of this mail is not kept any more, or is not its own.") from None
    except Unreadable as unreadable:
        raise Problem("conflict", str(unreadable)) from None
    if found is None:
        raise not_found()
    return found


def _message(held: Held, *, content: bool) -> Message:
    return Message(
        id=held.id,
        state=held.state.value,
        reason=held.reason,
        silence=held.silence,
        sender=held.sender,
        author=held.author,
        author_name=held.author_name,
        recipient=held.recipient,
        subject=held.subject if content else "",
        size=held.size,
        received_at=when(held.received_at),
        expires_at=when(held.expires_at),
        changed_at=when(held.changed_at),
        attempts=held.attempts,
        due_at=when_or_none(held.due_at),
        last_reply=held.last_reply,
        client=held.client,
        client_name=held.client_name,
        helo=held.helo,
        protocol=held.protocol,
        queue_id=held.queue_id,
        transaction_id=held.transaction_id,
        message_id=held.mail_id,
        list_id=held.list_id,
        source=held.source,
        content_kept=held.content_kept,
        history=tuple(Step(when(step.at), step.words, step.who) for step in timeline(held.history, _asks(held))),
    )


def _asks(held: Held) -> tuple[Asked, ...]:
    return (*held.asked_before, *([held.asked] if held.asked else ()))


def content_of(outline: Outline) -> MessageContent:
    """Return a mail taken apart, as programs are told it."""

    def people(persons: Sequence[Person]) -> tuple[Mailbox, ...]:
        return tuple(Mailbox(one.name, one.address) for one in persons)

    return MessageContent(
        subject=outline.subject,
        date=outline.date,
        authors=people(outline.authors),
        recipients=people(outline.recipients),
        copies=people(outline.copies),
        reply_to=people(outline.reply_to),
        headers=tuple(HeaderField(line.name, line.value, line.cut) for line in outline.lines),
        parts=tuple(
            MailPart(one.number, one.depth, one.kind, one.octets, one.name, one.charset, one.disposition, one.is_file)
            for one in outline.parts
        ),
        text=tuple(TextPiece(one.part, one.text, one.from_html, one.cut) for one in outline.pieces),
        html=outline.html,
        faults=tuple(one.sentence for one in outline.faults),
    )


def html_of(document: Document) -> CleanHtml:
    """Return cleaned HTML as programs are told it."""
    return CleanHtml(document.html, document.remote, document.cut)
