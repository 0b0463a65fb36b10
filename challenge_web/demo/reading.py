"""A mail as a mail program shows it. What is in it may be hostile: nothing here raises, and all is bounded."""

from __future__ import annotations

import re
from dataclasses import dataclass
from email import message_from_bytes
from email.message import Message

from gateway.domain import header

_HEAD = 65_536
_PARSED = 262_144
_PARTS = 100
_TEXT = 65_536
_SOURCE = 65_536
_CONTROLS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
_QUOTED_NAME = re.compile(r'^"([^"\\<>@]+)"\s*<')
_ALONE = re.compile(r"^<([^<>]*)>$")
_URL_END = ".,;:!?)]}>'\""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of text; a link where it has an address."""

    text: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Heading:
    """What a list of mails shows of one."""

    subject: str
    author: str
    to: str
    date: str


@dataclass(frozen=True, slots=True)
class Reading:
    """What is shown of one mail; all text is decoded and still to be escaped."""

    heading: Heading
    text: str
    """The text part, or a sentence that says why there is none."""
    source: str
    """The beginning of the mail, as it came."""
    octets: int
    cut: bool
    """The source is longer than what is shown."""

    def pieces(self, link_prefix: str) -> list[Piece]:
        """Return the text with its addresses below this prefix as links; no other address becomes one."""
        found: list[Piece] = []
        at = 0
        for match in re.finditer(re.escape(link_prefix) + r"/[^\s<>\"']*", self.text):
            url = match.group().rstrip(_URL_END)
            found += [Piece(self.text[at : match.start()]), Piece(url, url)]
            at = match.start() + len(url)
        return [*found, Piece(self.text[at:])]


def read_heading(content: bytes) -> Heading:
    """Read the fields that people look at; quick on any mail."""
    head = header.split(content[:_HEAD])

    def field(name: bytes) -> str:
        value = head.first(name)
        return header.text(value)[:500] if value else ""

    return Heading(field(b"subject"), _person(field(b"from")), _person(field(b"to")), field(b"date"))


def _person(text: str) -> str:
    """Show an address as mail programs do: a plain name without its quotes, an address alone without its brackets."""
    return _ALONE.sub(r"\1", _QUOTED_NAME.sub(r"\1 <", text))


def read_mail(content: bytes) -> Reading:
    """Read a mail for people; a hostile one may take a second."""
    return Reading(
        heading=read_heading(content),
        text=_visible(_text_of(content)).strip("\n"),
        source=_visible(content[:_SOURCE].decode("utf-8", "replace")),
        octets=len(content),
        cut=len(content) > _SOURCE,
    )


def _text_of(content: bytes) -> str:
    try:
        part = _text_part(message_from_bytes(content[:_PARSED]))
        if part is None:
            return "(This mail has no text part; look at its source.)"
        payload = part.get_payload(decode=True)
        octets = payload if isinstance(payload, bytes) else b""
        return _decoded(octets[:_TEXT], part.get_content_charset("utf-8"))
    # The standard library's parser raises nearly anything on odd mail, too deep nesting included.
    except Exception:
        return "(This mail cannot be taken apart; look at its source.)"


def _text_part(message: Message) -> Message | None:
    for count, part in enumerate(message.walk()):
        if count >= _PARTS:
            break
        if part.get_content_type() == "text/plain" and part.get_content_disposition() != "attachment":
            return part
    return None


def _decoded(octets: bytes, charset: str) -> str:
    try:
        return octets.decode(charset, "replace")
    except (LookupError, ValueError):
        return octets.decode("utf-8", "replace")


def _visible(text: str) -> str:
    return _CONTROLS.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n").replace("\r", "\n"))


def fields_on_top(delivered: bytes, sent: bytes) -> list[str] | None:
    """Return the header lines that stand before a mail that is otherwise what was sent; None where it is not."""
    if not sent or not delivered.endswith(sent):
        return None
    return _visible(delivered[: len(delivered) - len(sent)].decode("utf-8", "replace")).splitlines()
