"""The tree of parts of a mail (RFC 2046 §5.1), split without recursion; nothing is decoded, and nothing raises."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import pairwise

from gateway.domain import header
from gateway.domain.file_name import safe_name
from gateway.domain.header import Header
from gateway.domain.outline import Part
from gateway.domain.phrase import Phrase, phrase
from gateway.reading.limits import Limits
from gateway.reading.octets import length_undone, parameters

_LONGEST_BOUNDARY = 200
_LONGEST_WORD = 100


@dataclass(frozen=True, slots=True)
class Node:
    """One part, with where its body stands in the content."""

    part: Part
    start: int
    end: int
    encoding: str
    above: tuple[int, ...] = ()
    """Numbers of the multiparts it is in, the outermost first."""


@dataclass(slots=True)
class Tree:
    """All parts of one mail, numbered in their order."""

    head: Header
    nodes: list[Node] = field(default_factory=list)
    faults: list[Phrase] = field(default_factory=list)

    def node(self, number: int) -> Node | None:
        """Return one that is no multipart."""
        if not 0 <= number < len(self.nodes) or self.nodes[number].part.is_multipart:
            return None
        return self.nodes[number]

    def inside(self, number: int) -> list[Node]:
        """Return what is in a multipart, at any depth."""
        return [node for node in self.nodes if number in node.above]


def split(content: bytes, limits: Limits) -> Tree:
    """Find every part within the limits."""
    head = header.split(content)
    tree = Tree(head)
    if head.malformed:
        tree.faults.append(phrase("Its header has lines that are no header fields."))
    waiting: list[tuple[int, int, tuple[int, ...], str]] = [(0, len(content), (), "text/plain")]
    while waiting:
        start, end, above, usual = waiting.pop()
        if len(tree.nodes) >= limits.parts:
            tree.faults.append(phrase("It has more than {most} parts; the others are not shown.", most=limits.parts))
            break
        inner = head if not above else header.split(content[start : min(end, start + limits.part_header_octets)])
        body = min(start + inner.body, end)
        node, boundary = _node(inner, len(tree.nodes), above, body, end, usual)
        tree.nodes.append(node)
        if not node.part.is_multipart:
            continue
        if len(above) >= limits.depth:
            _once(
                tree,
                phrase(
                    "Its parts lie more than {most} deep in one another; the innermost are not shown.",
                    most=limits.depth,
                ),
            )
            continue
        ranges = _ranges(content, body, end, boundary, limits.parts + 1)
        if not ranges:
            _once(tree, phrase("One of its parts says that it holds others, but they cannot be told apart."))
        kind = "message/rfc822" if node.part.kind == "multipart/digest" else "text/plain"
        chain = (*above, node.part.number)
        waiting.extend((first, last, chain, kind) for first, last in reversed(ranges))
    return tree


def _once(tree: Tree, sentence: Phrase) -> None:
    if sentence not in tree.faults:
        tree.faults.append(sentence)


def _node(head: Header, number: int, above: tuple[int, ...], start: int, end: int, usual: str) -> tuple[Node, bytes]:
    value = head.first(b"content-type") or b""
    kind = value.partition(b";")[0].strip().lower().decode("ascii", "replace")[:_LONGEST_WORD]
    if kind.count("/") != 1 or not kind.replace("/", "").replace("\ufffd", "").isprintable() or " " in kind:
        kind = usual
    told = parameters(value)
    placed = head.first(b"content-disposition") or b""
    disposition = placed.partition(b";")[0].strip().lower().decode("ascii", "replace")[:_LONGEST_WORD]
    encoding = header.text(head.first(b"content-transfer-encoding") or b"").lower()[:_LONGEST_WORD]
    named = safe_name(parameters(placed).get("filename", "") or told.get("name", ""))
    multipart = kind.startswith("multipart/")
    is_file = not multipart and (
        disposition == "attachment" or bool(named) or not kind.startswith(("text/plain", "text/html"))
    )
    part = Part(
        number=number,
        depth=len(above),
        kind=kind,
        octets=length_undone(end - start, encoding),
        name=named or (_name_for(kind, number) if is_file else ""),
        charset=told.get("charset", "")[:_LONGEST_WORD],
        disposition=disposition,
        content_id=header.text(head.first(b"content-id") or b"").strip("<>")[:300],
        is_file=is_file,
    )
    return Node(part, start, end, encoding, above), told.get("boundary", "").encode("utf-8", "replace")


def _name_for(kind: str, number: int) -> str:
    """Name a file that has no name."""
    if kind == "message/rfc822":
        return f"mail-{number}.eml"
    endings = {"image/png": "png", "image/jpeg": "jpg", "image/gif": "gif", "application/pdf": "pdf",
               "text/calendar": "ics", "message/delivery-status": "txt"}  # fmt: skip
    return f"part-{number}.{endings.get(kind, 'bin')}"


def _ranges(content: bytes, start: int, end: int, boundary: bytes, most: int) -> list[tuple[int, int]]:
    """Return where each part between the boundary's lines begins and ends."""
    if not boundary or len(boundary) > _LONGEST_BOUNDARY:
        return []
    mark = b"\r\n--" + boundary
    # The first line of a body may be the boundary: the CRLF before it is the header's end.
    at = max(start - 2, 0)
    edges: list[tuple[int, int]] = []
    closed = False
    while len(edges) <= most and not closed:
        found = content.find(mark, at, end)
        if found == -1:
            break
        at = found + len(mark)
        line_end = content.find(b"\r\n", at, end)
        behind = content[at : min(line_end if line_end != -1 else end, at + 100)]
        closed = behind.startswith(b"--")
        if closed or not behind.strip(b" \t"):
            edges.append((found, end if line_end == -1 else line_end + 2))
    if edges and not closed:
        edges.append((end, end))
    return [(after, max(before, after)) for (_, after), (before, _) in pairwise(edges)]
