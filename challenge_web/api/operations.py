"""An operation of the API as one value: its address, the right it asks for, what it takes and what it answers.

The table of operations is what is served, what the OpenAPI document is written from, and what the tests walk along.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Generic, Protocol, TypeVar

from msgspec import Meta, Struct

from challenge_web.api.cursors import LONGEST, Cursors
from challenge_web.console.routes import Names
from gateway.domain.roles import Right, Viewer
from gateway.flow.tokens import Token

ROOT = "/api/v1"
LARGEST_ID = 10**18 - 1

QueryT_co = TypeVar("QueryT_co", covariant=True)
BodyT_co = TypeVar("BodyT_co", covariant=True)


class Nothing(Struct, frozen=True, forbid_unknown_fields=True):
    """No parameters."""


CursorText = Annotated[
    str,
    Meta(
        max_length=LONGEST,
        pattern="^[A-Za-z0-9_-]*$",
        description="`next` of the page before; the same other parameters go with it.",
    ),
]
"""Parameter of operations that answer in pages."""
PageSize = Annotated[int, Meta(ge=1, le=200, description="Items on a page, at most.")]


@dataclass(frozen=True, slots=True)
class Call(Generic[QueryT_co, BodyT_co]):
    """One request, read and let in."""

    viewer: Viewer
    token: Token
    path: Mapping[str, str]
    query: QueryT_co
    body: BodyT_co
    cursors: Cursors
    deeds: list[str] = field(default_factory=list)
    """What is done, for the journal, in a few words of the operation."""

    @property
    def id(self) -> int:
        """What {id} in the path says."""
        return int(self.path["id"])


@dataclass(frozen=True, slots=True)
class Created:
    """201, with where to find what was made."""

    value: Struct
    location: str
    """Below the API's root, as `/lists/7`."""


@dataclass(frozen=True, slots=True)
class Octets:
    """A body that is no JSON."""

    body: bytes
    media_type: str
    name: str = ""
    """Of the file it would be saved as."""


@dataclass(frozen=True, slots=True)
class Operation:
    """One method on one address."""

    id: str
    """Unique, in camel case; in the document, the log and the journal."""
    method: str
    path: str
    """Below ROOT. {id} and {part} are numbers, all else is text."""
    right: Right
    handler: Callable[[Call[Any, Any]], Awaitable[object]]
    summary: str
    answer: type[Struct] | str | None = None
    """Of the answer's body: a type, a media type, or None for none."""
    query: type[Struct] = Nothing
    body: type[Struct] | None = None
    also: tuple[Right, ...] = ()
    """Rights that it asks for besides."""
    names: Names = Names.NOTHING
    """What the id in the path names: beyond reach it is 404."""
    status: int = 200
    problems: tuple[int, ...] = ()
    """Statuses of problems besides those that each operation may answer with."""
    reads: bool = False
    """A POST that changes nothing, as a preview."""
    secret: bool = False
    """Its answer is told once and never kept."""

    @property
    def rights(self) -> tuple[Right, ...]:
        """All that it asks for."""
        return (self.right, *self.also)

    @property
    def changes(self) -> bool:
        """True where something is other afterwards."""
        return self.method != "GET" and not self.reads


class Resource(Protocol):
    """Some operations that belong together."""

    def operations(self) -> Sequence[Operation]:
        """Return the operations of the resource."""


def when(seconds: float) -> datetime:
    """Write a time for programs; one beyond the calendar, as of what never ends, as the calendar's last day."""
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return datetime(9999, 12, 31, tzinfo=UTC)


def when_or_none(seconds: float | None) -> datetime | None:
    """Write a time that may not have come."""
    return None if seconds is None else when(seconds)
