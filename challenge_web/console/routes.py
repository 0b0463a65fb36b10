"""A page of the console as one value: its address, who may open it, and what its id names."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from aiohttp import web
from multidict import MultiDictProxy

from gateway.domain.roles import Right

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
Form = MultiDictProxy[str | bytes | bytearray | web.FileField]
"""What a browser sent: text, and files."""


class Proof(Enum):
    """Whether a session is enough, or its owner must have shown a short while ago that it is he."""

    SESSION = "session"
    TO_ACT = "to-act"  # A POST changes how people sign in.
    TO_SEE = "to-see"  # So does it, and the page before it tells a secret, or takes words that would be lost.


class Names(Enum):
    """What the id in a route's path names. Whatever lies beyond the viewer's reach is 404, as if it were not there."""

    NOTHING = "nothing"
    ROW = "row"  # {id}: a pending row.
    ENTRY = "entry"  # {id}: a list entry.
    ORDER = "order"  # {id}: an action that was ordered, with its undo.
    SCOPE = "scope"  # {scope}: `site`, a domain or an address.
    ACCOUNT = "account"  # {id}
    SESSION = "session"  # {id}
    REQUEST = "request"  # {id}: of release.
    OTHER = "other"  # Proven by a test of its own.


@dataclass(frozen=True, slots=True)
class Route:
    """One address of the console. GET and HEAD show, POST acts; there is no third way."""

    name: str
    """Unique; in log lines and links."""
    path: str
    right: Right | None
    """None: open to everybody, signed in or not."""
    show: Handler | None = None
    act: Handler | None = None
    names: Names = Names.NOTHING
    act_right: Right | None = None
    """What POST asks for, where that is more than `right`."""
    reads: bool = False
    """POST changes nothing, as a preview, and is not written into the journal."""
    proof: Proof = Proof.SESSION
    button_on: str = ""
    """Path of the page with the button, with the ids of `path`, for a POST that may lead to the proof's page and has no
    page of its own: one is led back to there."""
    octets: int = 0
    """How large a POST may be, for who has the right; 0: as all others."""

    @property
    def right_to_act(self) -> Right | None:
        """What POST asks for."""
        return self.act_right or self.right


class Room(Protocol):
    """Some pages that belong together."""

    def routes(self) -> Sequence[Route]:
        """Return the routes of the room."""
