"""What is in a mail: its fields, parts and text, and its octets as they came."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import Annotated, TypeVar

from msgspec import Meta, Struct

from challenge_web.api.operations import Call, Nothing, Octets, Operation
from challenge_web.api.problems import Problem, not_found
from challenge_web.console.message_words import saved_as
from challenge_web.console.routes import Names
from gateway.domain.outline import Document, Marks, Outline, Person, Unreadable
from gateway.domain.roles import Right
from gateway.flow.read import SOURCE_PAGES, ContentGone, Reading, WrongContent

T = TypeVar("T")

OCTETS = "application/octet-stream"
MAIL = "message/rfc822"


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


class MessageContentResource:
    """The operations that read a mail."""

    def __init__(self, reading: Reading) -> None:
        self._reading = reading

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""
        at, read, row, also = "/messages/{id}", Right.READ_CONTENT, Names.ROW, (Right.SEE_PENDING,)
        return (
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
        )  # fmt: skip

    async def content(self, call: Call[Nothing, None]) -> MessageContent:
        """Return a mail taken apart."""
        return content_of(await found_in(self._reading.outline(call.viewer, call.id, Marks())))

    async def html(self, call: Call[HtmlQuery, None]) -> CleanHtml:
        """Return one of a mail's HTML parts, cleaned."""
        part = int(call.path["part"])
        found = await found_in(self._reading.document(call.viewer, call.id, part, call.query.images, Marks()))
        return html_of(found)

    async def part(self, call: Call[Nothing, None]) -> Octets:
        """Return the octets of one of a mail's parts, decoded."""
        number = int(call.path["part"])
        found = await found_in(self._reading.file(call.viewer, call.id, number))
        return Octets(found.octets, OCTETS, saved_as(None, found.name, f"part-{number}.bin"))

    async def source(self, call: Call[SourceQuery, None]) -> SourceText:
        """Return a page of a mail's source."""
        found = await found_in(self._reading.source(call.viewer, call.id, call.query.page))
        return SourceText(found.text, found.page, found.pages, found.size)

    async def download(self, call: Call[Nothing, None]) -> Octets:
        """Return the octets of a mail as they came."""
        if not self._reading.may_download(call.viewer):
            raise not_found()
        return Octets(await found_in(self._reading.content(call.viewer, call.id)), MAIL, f"mail-{call.id}.eml")


async def found_in(asked: Awaitable[T | None]) -> T:
    """Return what was asked for of a mail's content. Raises Problem."""
    try:
        found = await asked
    except (ContentGone, WrongContent):
        raise Problem("not-found", "The content of this mail is not kept any more, or is not its own.") from None
    except Unreadable as unreadable:
        raise Problem("conflict", str(unreadable)) from None
    if found is None:
        raise not_found()
    return found


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
