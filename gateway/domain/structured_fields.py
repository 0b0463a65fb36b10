"""Structured fields (RFC 5322 §2.2.2): address lists are read leniently, and comments taken away.

As in `header`, nothing here raises on hostile input, and every step is linear in the size of the value.
"""

from __future__ import annotations

import re
from functools import lru_cache

from gateway.domain.header import CONTROLS, text
from gateway.domain.value import value_class


@value_class(frozen=True, slots=True)
class NamedAddress:
    """One mailbox of an address field."""

    name: str
    """The display name, decoded; "" where there is none."""
    address: str
    """`local@domain` as written; it has an @ and no blanks or controls."""


_SPECIAL = re.compile(rb'["(),:;<>\\]')

# What nearly every mail has: one mailbox, with or without a plain name. It says the same as the long way, sooner.
_MAILBOX = rb"[A-Za-z0-9.!#$%&*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9.-]{1,253}"
_PLAIN = re.compile(rb'(?:([A-Za-z0-9 ._-]*|"[A-Za-z0-9 ._-]*" *)<(' + _MAILBOX + rb")>|(" + _MAILBOX + rb"))\Z")
_MAX_PLAIN = 400
"""Octets of a value that is worth being remembered."""


@lru_cache(maxsize=4096)  # The same few write to the same few.
def _plain_address(value: bytes) -> NamedAddress | None:
    plain = _PLAIN.match(value)
    if plain is None:
        return None
    name, inside, alone = plain.groups()
    return NamedAddress((name or b"").strip(b' "').decode("ascii"), (inside or alone).decode("ascii"))


def addresses(value: bytes, most: int = 1000) -> list[NamedAddress]:
    """Read an address list (RFC 5322 §3.4) leniently, in one pass; stops after `most` of them.

    Groups are flattened, comments skipped, what is no address left out.
    """
    if len(value) <= _MAX_PLAIN and (plain := _plain_address(value)) is not None:
        return [plain]
    found: list[NamedAddress] = []
    words: list[bytes] = []
    angle: list[bytes] | None = None
    taken: bytes | None = None
    at, size = 0, len(value)

    def finish() -> None:
        nonlocal angle, taken
        source = taken if taken is not None else b"".join(words)
        parsed = _address(source)
        if parsed is not None:
            name = text(b"".join(words).strip(b' \t"')) if taken is not None else ""
            found.append(NamedAddress(name, parsed))
        words.clear()
        angle = taken = None

    while at < size and len(found) < most:
        match = _SPECIAL.search(value, at)
        here = words if angle is None else angle
        stop = match.start() if match else size
        here.append(value[at:stop])
        if match is None:
            break
        char, at = match.group(), stop + 1
        if char == b'"':
            end = _closing_quote(value, at)
            here.append(value[stop:end])
            at = end
        elif char == b"(":
            at = _closing_comment(value, at)
        elif char == b"<":
            if taken is not None:
                finish()  # Two mailboxes without a comma: readers differ on which one counts, so both do.
            angle = []
        elif char == b">":
            if angle is not None:
                taken, angle = b"".join(angle), None
        elif char in (b",", b";"):
            finish()
        elif char == b":":
            if angle is None:
                words.clear()  # The name of a group.
            else:
                angle.clear()  # An obsolete source route.
    finish()
    return found


def _closing_quote(value: bytes, at: int) -> int:
    while True:
        end = value.find(b'"', at)
        if end == -1:
            return len(value)
        slashes = end - len(value[at:end].rstrip(b"\\")) - at
        if slashes % 2 == 0:
            return end + 1
        at = end + 1


_PARENTHESIS = re.compile(rb"\\.|[()]", re.DOTALL)


def _closing_comment(value: bytes, at: int) -> int:
    depth = 1
    for match in _PARENTHESIS.finditer(value, at):
        if match.group() == b"(":
            depth += 1
        elif match.group() == b")":
            depth -= 1
            if depth == 0:
                return match.end()
    return len(value)


def without_comments(value: bytes) -> bytes:
    """Return a structured value without its comments, nested ones too (RFC 5322 §3.2.2)."""
    pieces = []
    at = 0
    while (start := value.find(b"(", at)) != -1:
        pieces.append(value[at:start])
        at = _closing_comment(value, start + 1)
    return b"".join((*pieces, value[at:])).strip(b" \t")


def _address(source: bytes) -> str | None:
    try:
        plain = source.strip(b" \t").decode("utf-8")
    except UnicodeDecodeError:
        return None
    local, at, domain = plain.rpartition("@")
    if not at or not local or not domain or len(plain) > 512:
        return None
    quoted = local.startswith('"')
    if quoted and not (len(local) > 1 and local.endswith('"')):
        return None  # A quote that is never closed swallowed the rest.
    if not quoted and any(c.isspace() for c in local):
        return None
    if any(c.isspace() or c in '"<>' for c in domain) or CONTROLS.search(plain):
        return None
    return plain
