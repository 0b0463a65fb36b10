"""Requests of release as the services hand them about, and what they need of the store."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

from gateway.domain.lifecycle import Event
from gateway.flow.account_ports import Account
from gateway.flow.digest_ports import DigestTable, RowLook
from gateway.flow.ports import Tx
from gateway.flow.queue_ports import Row
from gateway.flow.transactions import StoreOf

LONGEST_WORDS = 500
"""Characters of what asker and admin say to each other."""


class RequestState(Enum):
    """Stored by value: add members, never rename them."""

    OPEN = "open"  # Nobody has decided.
    RELEASED = "released"  # Final: the mail was let go.
    REFUSED = "refused"  # Final: the people in charge said no.
    ENDED = "ended"  # Final: the mail ended before anybody decided.


class RequestLetterKind(Enum):
    """Stored by value: add members, never rename them."""

    ASK = "ask"  # To who is in charge.
    ANSWER = "answer"  # To who asked.


@dataclass(frozen=True, slots=True)
class NewRequest:
    """A request about to be kept."""

    row: int
    recipient_key: str
    domain: str
    asked_by: str
    """Account or mailbox; "" is whoever knew the mail's number."""
    answer_to: str
    """Mailbox in normal form; "": nobody can be told by mail."""
    words: str


@dataclass(frozen=True, slots=True)
class ReleaseRequest:
    """What somebody asks for, and what came of it."""

    id: int
    row: int
    """The mail."""
    recipient_key: str
    domain: str
    asked_by: str
    answer_to: str
    words: str
    asked_at: float
    state: RequestState
    changed_at: float
    decided_by: str
    """Account; `sender` or `service` where no person did. "" while it is open."""
    why: str
    inspected_by: str
    inspected_at: float | None


@dataclass(frozen=True, slots=True)
class Told:
    """A mail about a request, and how far it came."""

    kind: RequestLetterKind
    mailbox: str
    state: str
    """`queued`, `sent`, `refused`, or `void`: there was nothing left to tell."""
    last_reply: str


@dataclass(frozen=True, slots=True)
class Case:
    """A request with the mail that it is about."""

    request: ReleaseRequest
    mail: Row | None
    """Without subject and files, where the viewer may not see them. None: its facts are not there any more."""
    told: tuple[Told, ...] = ()

    @property
    def nobody_told(self) -> bool:
        """True where no mail of it can reach anybody in charge."""
        asked = [one for one in self.told if one.kind is RequestLetterKind.ASK]
        return all(one.state == "refused" for one in asked)


@dataclass(frozen=True, slots=True)
class Due:
    """A mail about a request that is to be sent now."""

    id: int
    request: int
    kind: RequestLetterKind
    mailbox: str
    created_at: float
    attempts: int


@dataclass(frozen=True, slots=True)
class AskLetter:
    """What the people in charge are told."""

    mailbox: str
    domain: str
    """Whose desk writes."""
    language: str
    time_zone: str
    phrase: str
    cases: tuple[Case, ...]
    more: int
    """Requests that are not in it."""
    console: str
    """Address of the console, with a slash at the end."""


@dataclass(frozen=True, slots=True)
class AnswerLetter:
    """What the asker is told."""

    mailbox: str
    domain: str
    language: str
    time_zone: str
    phrase: str
    case: Case
    content: bool
    """The subject may be told."""
    console: str


class ReleaseTable(Protocol):
    """Requests in the store, within one transaction."""

    def add(self, new: NewRequest, now: float) -> int:
        """Keep a new one; return its id."""

    def get(self, request_id: int) -> ReleaseRequest | None:
        """Return a request by its id; None where there is none."""

    def latest(self, row_id: int) -> ReleaseRequest | None:
        """Return the newest request for a mail; None where there is none."""

    def load(self, recipient_key: str, since: float) -> tuple[int, int]:
        """Return how many of a recipient are open, and how many were made since then."""

    def page(
        self, domains: Collection[str] | None, state: RequestState | None, before_id: int, most: int
    ) -> Sequence[ReleaseRequest]:
        """Return requests, the newest first. domains: None is all. before_id: 0 is the first page."""

    def open_by_domain(self) -> Mapping[str, int]:
        """Return how many are open, by the recipient's domain."""

    def decide(self, request_id: int, state: RequestState, by: str, why: str, now: float) -> None:
        """Save how it ended; letters that ask for it are void."""

    def inspected(self, request_id: int, by: str, now: float) -> None:
        """Note who had a copy sent to himself."""

    def settled(self, most: int) -> Sequence[tuple[ReleaseRequest, str, str]]:
        """Return open ones whose mail waits no longer, each with the mail's state and who moved it."""

    # --- mails about them ---

    def write(self, request_id: int, row_id: int, kind: RequestLetterKind, mailbox: str, now: float) -> None:
        """Let a mail be sent."""

    def told(self, request_id: int) -> Sequence[Told]:
        """Return the mails about a request, the eldest first."""

    def due(self, now: float, latest: float, most: int) -> Sequence[Due]:
        """Return mails that are to be sent, the eldest first; those due later than `latest` count as due."""

    def last_sent(self, mailbox: str, kind: RequestLetterKind) -> float | None:
        """Return when a mail of this kind was last sent there."""

    def finish(self, ids: Collection[int], state: str, reply: str, now: float) -> None:
        """Note how mails ended."""

    def put_off(self, ids: Collection[int], reply: str, due_at: float, now: float) -> None:
        """Note an attempt, and when the next one is."""

    def hold(self, ids: Collection[int], due_at: float) -> None:
        """Let mails wait until then; it counts as no attempt."""

    # --- by number alone ---

    def knock(self, number: str, now: float, most: int) -> None:
        """Keep what somebody typed, unless `most` wait to be looked at."""

    def waiting_knocks(self) -> bool:
        """True where there are some."""

    def knocks(self, most: int) -> Sequence[str]:
        """Take what was typed since."""


class AdminLook(Protocol):
    """What requests need of accounts."""

    def get(self, account_id: int) -> Account | None:
        """Return an account by its id; None where there is none."""

    def owner(self, address: str) -> Account | None:
        """Return the one whose own address or alias this normal form is."""

    def domain_admins(self, domain: str) -> Sequence[Account]:
        """Return those who are for this domain and not disabled, the eldest first."""

    def site_admins(self) -> Sequence[Account]:
        """Return those who may do everything and are not disabled, the eldest first."""


class NoteTable(Protocol):
    """The row's history."""

    def note(self, row_id: int, what: Event, actor: str, detail: str, now: float) -> bool:
        """Write into a row's history what leaves it in its state; False where there is no such row."""


class ReleaseTx(Tx, Protocol):
    """What requests need of a transaction."""

    @property
    def releases(self) -> ReleaseTable:
        """Requests."""

    @property
    def digests(self) -> DigestTable:
        """What people have chosen for our mails."""

    @property
    def accounts(self) -> AdminLook:
        """Accounts."""

    @property
    def queue(self) -> RowLook:
        """The pending list."""

    @property
    def reading(self) -> NoteTable:
        """The row's history."""


ReleaseStore = StoreOf[ReleaseTx]
