"""What a mail is made of, as people are shown it: its fields, the tree of its parts, its text."""

from __future__ import annotations

from dataclasses import dataclass

from gateway.domain.phrase import Phrase, phrase


@dataclass(frozen=True, slots=True)
class Line:
    """One header field."""

    name: str
    value: str
    """Decoded, on one line."""
    cut: bool = False
    """It is longer than what is shown."""


@dataclass(frozen=True, slots=True)
class Person:
    """One mailbox of a header field."""

    name: str
    address: str


@dataclass(frozen=True, slots=True)
class Part:
    """One node of the tree, numbered from 0 in the order of the message."""

    number: int
    depth: int
    kind: str
    """Lower-case media type, `text/plain` where none is told."""
    octets: int
    """As it will be when decoded, give or take a few; of a multipart, as it stands."""
    name: str = ""
    """Of the file, safe to be shown and to be saved under; "" where none is told."""
    charset: str = ""
    disposition: str = ""
    content_id: str = ""
    is_file: bool = False
    """It is offered as a file, not shown as text of the mail."""

    @property
    def is_multipart(self) -> bool:
        """True for a node that only holds others."""
        return self.kind.startswith("multipart/")


@dataclass(frozen=True, slots=True)
class Piece:
    """Text of one part, ready to be shown."""

    part: int
    text: str
    from_html: bool = False
    """The mail has no plain text here; this is what its HTML says."""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class Oddity:
    """What is odd about a mail, a whole sentence: what a phrase is made of, for a phrase comes through no pipe."""

    template: str
    values: dict[str, int | str]

    @classmethod
    def of(cls, sentence: Phrase) -> Oddity:
        """Take one apart. sentence: with numbers and words in it."""
        return cls(sentence.template, {name: _plain(value) for name, value in sentence.values.items()})

    @property
    def sentence(self) -> Phrase:
        """Return it whole again."""
        return phrase(self.template, **self.values)


def _plain(value: object) -> int | str:
    return value if isinstance(value, int) else str(value)


@dataclass(frozen=True, slots=True)
class Outline:
    """A mail at a glance."""

    subject: str = ""
    date: str = ""
    """As its sender wrote it."""
    authors: tuple[Person, ...] = ()
    recipients: tuple[Person, ...] = ()
    copies: tuple[Person, ...] = ()
    reply_to: tuple[Person, ...] = ()
    list_id: str = ""
    lines: tuple[Line, ...] = ()
    """All fields, top first."""
    parts: tuple[Part, ...] = ()
    pieces: tuple[Piece, ...] = ()
    html: int | None = None
    """The part that holds the mail as HTML."""
    images: int = 0
    """Images that the HTML may show from inside the mail."""
    faults: tuple[Oddity, ...] = ()
    """What is odd about it."""

    @property
    def files(self) -> tuple[Part, ...]:
        """The parts that are offered as files."""
        return tuple(part for part in self.parts if part.is_file)

    def beginning(self, most: int) -> str:
        """Return the first `most` characters of the mail's text, with an ellipsis where there are more."""
        text = "\n\n".join(piece.text for piece in self.pieces).strip()
        return text if len(text) <= most else text[:most].rstrip() + "…"

    def part(self, number: int) -> Part | None:
        """Return one part, where there is such a one that is no multipart."""
        return next((part for part in self.parts if part.number == number and not part.is_multipart), None)


@dataclass(frozen=True, slots=True)
class Marks:
    """What stands in square brackets where a link or an image of a mail was undone, in the language of its reader."""

    elsewhere: str = "in truth leads to {host}"
    """Behind a link whose words name another host."""
    nowhere: str = "an address that is none"
    """In place of the host of a link that nothing can follow."""
    image: str = "image"


@dataclass(frozen=True, slots=True)
class Document:
    """The HTML of a mail, cleaned."""

    html: str
    """The inside of a body element."""
    images: int = 0
    """Images that were left out and are in the mail itself."""
    remote: int = 0
    """Images that were left out and would have been loaded from elsewhere."""
    cut: bool = False


@dataclass(frozen=True, slots=True)
class File:
    """One part, decoded."""

    name: str
    octets: bytes


class Unreadable(Exception):
    """The mail could not be read; the reason is one sentence for people."""
