"""Sessions and sign-in links as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol


class Stage(Enum):
    """How far a session is. Stored by value."""

    FULL = "full"
    SECOND = "second"  # The second factor is still to be shown.
    ENROL = "enrol"  # A second factor is asked for, and there is none yet.


@dataclass(frozen=True, slots=True)
class NewSession:
    """A session about to begin."""

    hash: bytes
    account: int
    stage: Stage
    way: str
    second_factor: bool
    created_at: float
    ends_at: float
    client: str
    browser: str
    wanted: str


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody's being signed in, in one browser."""

    id: int
    account: int
    stage: Stage
    way: str
    second_factor: bool
    created_at: float
    used_at: float
    ends_at: float
    client: str
    browser: str
    wanted: str
    scratch: str
    """What a step under way has to remember, as the question a passkey is to answer."""
    looks_as: str = ""
    """The user whose pages an admin looks at."""
    proven_at: float = 0.0
    """When its owner last showed to be who he is: at sign-in, or since."""


@dataclass(frozen=True, slots=True)
class Link:
    """What a link's token stands for."""

    address: str
    """Whoever reads its mail may come in; "" where an account is named."""
    account: int | None
    wanted: str
    ends_at: float


@dataclass(frozen=True, slots=True)
class LinkRequest:
    """A link that was asked for and is not sent yet."""

    id: int
    address: str
    wanted: str
    client: str
    asked_at: float
    attempts: int
    language: str = ""
    """Of the browser it was asked from."""


class SessionTable(Protocol):
    """Sessions, links and tries, within one transaction."""

    def begin(self, new: NewSession) -> int:
        """Keep a new session; return its id."""

    def find(self, hashed: bytes) -> Session | None:
        """Return the session of a secret's hash, whatever its age."""

    def of_account(self, account_id: int) -> Sequence[Session]:
        """Return an account's full sessions, the last used first."""

    def touch(self, session_id: int, now: float, client: str) -> None:
        """Note that it is used."""

    def renew(self, session_id: int, hashed: bytes) -> None:
        """Give it another secret."""

    def proven(self, session_id: int, hashed: bytes, now: float) -> None:
        """Note that its owner showed to be who he is, under another secret; a step under way is forgotten."""

    def look_as(self, session_id: int, address: str) -> None:
        """Save whose pages it looks at; "" for its own."""

    def remember(self, session_id: int, scratch: str) -> None:
        """Save what a step under way has to know."""

    def end(self, account_id: int, session_id: int) -> bool:
        """End one session of this account; False where it has none such."""

    def end_all(self, account_id: int, but: int = 0) -> int:
        """End every session of an account but one, half-way ones too, and its links; return how many sessions."""

    def add_link(self, hashed: bytes, link: Link) -> None:
        """Keep the hash of a link's token."""

    def link(self, hashed: bytes) -> Link | None:
        """Return what a token stands for, whatever its age."""

    def use_link(self, hashed: bytes) -> bool:
        """Use up a token; False where it was used before."""

    def forget_links(self, address: str) -> None:
        """Drop every link that was sent to an address."""

    def request_link(self, address: str, wanted: str, client: str, language: str, now: float) -> None:
        """Let a link be sent. language: of the browser."""

    def link_requests(self, now: float, most: int) -> Sequence[LinkRequest]:
        """Return requests for links that are due, the eldest first."""

    def put_off(self, request_id: int, due_at: float) -> None:
        """Try again then."""

    def drop_link_request(self, request_id: int) -> None:
        """Forget a request for a link: it is done."""

    def tries(self, kind: str, subject: bytes, since: float, most: int) -> tuple[int, Sequence[float]]:
        """Return how many tries there were since then, and the times of the newest ones."""

    def tried(self, kind: str, subject: bytes, now: float) -> None:
        """Note a try of one kind."""

    def forgive(self, kind: str, subject: bytes) -> None:
        """Forget the tries of a subject."""

    def sweep(self, now: float, idle_before: float, tries_before: float) -> int:
        """Drop sessions and links whose time is over, and old tries; return how many."""
