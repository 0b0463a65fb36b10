"""What a worker is asked about a mail: its outline, its HTML, one of its files."""

from __future__ import annotations

import base64
from urllib.parse import unquote

from gateway.domain import header
from gateway.domain.foreign_text import shown
from gateway.domain.header import Header
from gateway.domain.message import read_message
from gateway.domain.outline import Document, File, Line, Marks, Oddity, Outline, Part, Person, Piece, Unreadable
from gateway.domain.phrase import phrase
from gateway.domain.structured_fields import addresses
from gateway.reading.limits import Limits
from gateway.reading.octets import text_of, undone
from gateway.reading.tree import Node, Tree, split

_MOST_PEOPLE = 100
_TWICE = (b"from", b"to", b"subject", b"date", b"message-id", b"content-type")
"""A mail has each of these once (RFC 5322 §3.6); readers differ on which of two counts."""
_IMAGES = {
    "image/png": b"\x89PNG\r\n\x1a\n",
    "image/jpeg": b"\xff\xd8\xff",
    "image/gif": b"GIF8",
    "image/webp": b"RIFF",
}
"""What browsers may be handed, by how it begins. No SVG: that is a document."""
_LARGEST_SIDE = 10_000


def outline(content: bytes, marks: Marks, limits: Limits) -> Outline:
    """Return a mail at a glance."""
    tree = split(content, limits)
    head = tree.head
    faults = list(tree.faults)
    twice = (name.decode().title() for name in _TWICE if len(head.all(name)) > 1)
    faults += [phrase("It has more than one {name} field.", name=name) for name in twice]
    if len(head.fields) > limits.lines:
        faults.append(phrase("It has more than {most} header fields; the others are in its source.", most=limits.lines))
    html = next((node for node in tree.nodes if _is_html(node.part)), None)
    return Outline(
        subject=shown(header.text(head.first(b"subject") or b"")),
        date=shown(header.text(head.first(b"date") or b""))[:200],
        authors=_people(head, b"from"),
        recipients=_people(head, b"to"),
        copies=_people(head, b"cc"),
        reply_to=_people(head, b"reply-to"),
        list_id=shown(read_message(head).list_id)[:300],
        lines=tuple(_line(one.name, one.value, limits) for one in head.fields[: limits.lines]),
        parts=tuple(node.part for node in tree.nodes),
        pieces=tuple(_pieces(content, tree, marks, limits)),
        html=html.part.number if html else None,
        images=sum(node.part.kind in _IMAGES and bool(node.part.content_id) for node in tree.nodes),
        faults=tuple(map(Oddity.of, faults)),
    )


def document(content: bytes, number: int, images: bool, marks: Marks, limits: Limits) -> Document:
    """Return one HTML part, cleaned. Raises Unreadable."""
    # Only here: most questions need no HTML, and its library takes as long to load as a mail to be read.
    from gateway.reading.html import clean

    tree = split(content, limits)
    node = tree.node(number)
    if node is None or node.part.kind != "text/html":
        raise Unreadable(phrase("This part of the mail is no HTML."))
    text, cut = _text(content, node, limits.html_octets)
    album = _Album(content, tree, limits)
    return clean(text, album.embedded if images else None, marks, cut)


def file(content: bytes, number: int, limits: Limits) -> File:
    """Return one part, decoded. Raises Unreadable."""
    node = split(content, limits).node(number)
    if node is None:
        raise Unreadable(phrase("The mail has no such part."))
    return File(node.part.name or f"part-{number}.txt", undone(content[node.start : node.end], node.encoding))


def _line(name: bytes, value: bytes, limits: Limits) -> Line:
    text = shown(header.text(header.unfold(value)))
    most = limits.line_characters
    return Line(shown(name.decode("ascii", "replace").title())[:200], text[:most], len(text) > most)


def _people(head: Header, name: bytes) -> tuple[Person, ...]:
    found = [one for value in head.all(name) for one in addresses(value, most=_MOST_PEOPLE)]
    return tuple(Person(shown(one.name)[:500], shown(one.address)[:500]) for one in found[:_MOST_PEOPLE])


def _is_html(part: Part) -> bool:
    return part.kind == "text/html" and not part.is_file


def _pieces(content: bytes, tree: Tree, marks: Marks, limits: Limits) -> list[Piece]:
    pieces: list[Piece] = []
    left = limits.text_characters
    for node in tree.nodes:
        part = node.part
        if part.is_multipart or part.is_file or (part.kind == "text/html" and _said_plainly(tree, node)):
            continue
        if left <= 0:
            break
        from_html = part.kind == "text/html"
        text, cut = _text(content, node, limits.html_octets if from_html else limits.text_octets)
        if from_html:
            from gateway.reading.html import text_of_html

            text = text_of_html(text, marks)
        text = shown(text).strip("\n")
        pieces.append(Piece(part.number, text[:left], from_html, cut or len(text) > left))
        left -= len(text)
    return pieces


def _said_plainly(tree: Tree, html: Node) -> bool:
    """True where the same is said in plain text beside it (RFC 2046 §5.1.4)."""
    for number in html.above:
        if tree.nodes[number].part.kind == "multipart/alternative" and any(
            node.part.kind == "text/plain" and not node.part.is_file and node.end - node.start > 2
            for node in tree.inside(number)
        ):
            return True
    return False


def _text(content: bytes, node: Node, most: int) -> tuple[str, bool]:
    """Return the text of a part, and whether it was cut."""
    end = min(node.end, node.start + most)
    return text_of(undone(content[node.start : end], node.encoding), node.part.charset), end < node.end


class _Album:
    """The images that a mail brings along for its HTML."""

    def __init__(self, content: bytes, tree: Tree, limits: Limits) -> None:
        self._content = content
        self._nodes = {node.part.content_id: node for node in reversed(tree.nodes) if node.part.content_id}
        self._limits = limits
        self._left = limits.images_octets

    def embedded(self, url: str) -> str:
        """Return a `data:` URL for an image of the mail; "" where there is none that may be shown."""
        scheme, _, rest = url.partition(":")
        if scheme.lower() == "cid":
            node = self._nodes.get(unquote(rest))
            if node is None or node.end - node.start > self._limits.image_octets * 2:
                return ""
            octets = undone(self._content[node.start : node.end], node.encoding)
        else:
            told, _, data = rest.partition(",")
            if not told.lower().endswith(";base64") or len(data) > self._limits.image_octets * 2:
                return ""
            octets = undone(data.encode("ascii", "ignore"), "base64")
        kind = next((kind for kind, begins in _IMAGES.items() if octets.startswith(begins)), "")
        if not kind or len(octets) > min(self._limits.image_octets, self._left) or not _sane(octets):
            return ""
        self._left -= len(octets)
        return f"data:{kind};base64,{base64.b64encode(octets).decode()}"


def _sane(octets: bytes) -> bool:
    """True for an image that does not unfold to a size that fills the browser's memory."""
    from io import BytesIO

    from PIL import Image

    try:
        with Image.open(BytesIO(octets), formats=("PNG", "JPEG", "GIF", "WEBP")) as image:
            return max(image.size) <= _LARGEST_SIDE and getattr(image, "n_frames", 1) <= 500
    except Exception:  # Whatever a broken image does to its reader.
        return False
